"""Test the patches of moto for networks: AWS deletes nothing that is in use."""

import pytest

from tests.support.small_network import refused

# --- what must be gone first ------------------------------------------------------------------------------


def test_what_a_live_machine_uses_cannot_be_deleted_and_what_a_dead_one_used_can(ec2, network):
    machine = network.launch()
    with refused("DependencyViolation", "has dependencies and cannot be deleted"):
        ec2.delete_subnet(SubnetId=network.subnet)
    with refused("DependencyViolation", "has a dependent object"):
        ec2.delete_security_group(GroupId=network.group)
    network.end(machine)
    ec2.delete_subnet(SubnetId=network.subnet)
    ec2.delete_security_group(GroupId=network.group)


def test_a_group_that_another_groups_rules_name_cannot_be_deleted(ec2, network):
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=network.vpc)["GroupId"]
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": network.group}]}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[permission])
    with refused("DependencyViolation", "has a dependent object"):
        ec2.delete_security_group(GroupId=network.group)


def test_a_vpc_goes_after_its_gateway_and_its_groups(ec2, network):
    ec2.delete_subnet(SubnetId=network.subnet)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=network.vpc)
    ec2.detach_internet_gateway(InternetGatewayId=network.gateway, VpcId=network.vpc)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=network.vpc)
    ec2.delete_security_group(GroupId=network.group)
    ec2.delete_vpc(VpcId=network.vpc)


def test_a_gateway_stays_while_public_addresses_are_mapped_through_it(ec2, network):
    machine, address = network.launch(), ec2.allocate_address(Domain="vpc")["AllocationId"]
    association = ec2.associate_address(AllocationId=address, InstanceId=machine["InstanceId"])[
        "AssociationId"
    ]
    with refused("DependencyViolation", "has some mapped public address"):
        ec2.detach_internet_gateway(InternetGatewayId=network.gateway, VpcId=network.vpc)
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=address)
    ec2.disassociate_address(AssociationId=association)
    ec2.release_address(AllocationId=address)
    ec2.detach_internet_gateway(InternetGatewayId=network.gateway, VpcId=network.vpc)


def test_a_public_address_and_a_default_route_need_the_gateway_first(ec2, network):
    machine, address = network.launch(), ec2.allocate_address(Domain="vpc")["AllocationId"]
    table = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    ec2.detach_internet_gateway(InternetGatewayId=network.gateway, VpcId=network.vpc)
    with refused("Gateway.NotAttached", "is not attached to any internet gateway"):
        ec2.associate_address(AllocationId=address, InstanceId=machine["InstanceId"])
    with refused("InvalidParameterValue", "belong to different networks"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=network.gateway)


# --- network and groups -----------------------------------------------------------------------------------


def test_a_vpc_has_one_gateway_and_a_subnet_has_one_table(ec2, network):
    second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue", "already has an internet gateway attached"):
        ec2.attach_internet_gateway(InternetGatewayId=second, VpcId=network.vpc)
    tables = [ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
    ec2.associate_route_table(RouteTableId=tables[0], SubnetId=network.subnet)
    with refused("Resource.AlreadyAssociated"):
        ec2.associate_route_table(RouteTableId=tables[1], SubnetId=network.subnet)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"CidrBlock": "10.0.16.0/29"}, "InvalidSubnet.Range"),
        ({"CidrBlock": "10.0.16.0/24", "AvailabilityZone": "us-east-1a"}, "InvalidParameterValue"),
    ],
)
def test_a_subnet_too_small_or_of_another_region_is_refused(ec2, network, arguments, code):
    with refused(code):
        ec2.create_subnet(VpcId=network.vpc, **arguments)


def test_a_subnet_without_a_zone_is_in_this_region(ec2, network):
    subnet = ec2.create_subnet(VpcId=network.vpc, CidrBlock="10.0.16.0/24")["Subnet"]

    assert subnet["AvailabilityZone"].startswith("eu-west-1")


@pytest.mark.parametrize(
    ("name", "description", "words"),
    [("sg-nodes", "nodes", "may not be in the format sg-"), ("nodes2", "für alle", "beyond ASCII")],
)
def test_a_group_with_a_name_or_description_that_aws_forbids_is_refused(
    ec2, network, name, description, words
):
    with refused("InvalidParameterValue", words):
        ec2.create_security_group(GroupName=name, Description=description, VpcId=network.vpc)


@pytest.mark.parametrize(
    ("protocol", "low", "high", "code"),
    [
        ("tcp", 90, 80, "InvalidParameterValue"),
        ("udp", 1, 65536, "InvalidParameterValue"),
        ("htcp", 1, 2, "InvalidPermission.Malformed"),
    ],
)
def test_a_rule_with_impossible_ports_is_refused(ec2, network, protocol, low, high, code):
    permission = {
        "IpProtocol": protocol,
        "FromPort": low,
        "ToPort": high,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
    }
    with refused(code):
        ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=[permission])
