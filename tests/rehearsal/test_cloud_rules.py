"""The fake cloud refuses what AWS refuses, and does what AWS does, where moto would not."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rehearsal.cloud import images
from rehearsal.cloud.corrections import CONSOLE_LIMIT, WINDOWS_ADMINISTRATOR
from rehearsal.cloud.machine_refusals import USER_DATA_LIMIT
from tests.support.fake_aws import fake_aws

TRUST = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}
UBUNTU, _, WINDOWS, *_ = images.IMAGES


@pytest.fixture(scope="module")
def machines(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("machines")


@pytest.fixture(scope="module")
def session(machines) -> Iterator[boto3.Session]:
    with fake_aws(machines) as session:
        yield session


@pytest.fixture(scope="module")
def ec2(session) -> Any:
    return session.client("ec2")


class Network:
    """One VPC with a gateway, a subnet and a group, enough for a machine."""

    def __init__(self, ec2: Any) -> None:
        self.ec2 = ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/20")["Subnet"]["SubnetId"]
        self.group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=self.vpc)["GroupId"]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)

    def launch(self, image: images.Image = UBUNTU, **arguments: Any) -> dict[str, Any]:
        given = {"InstanceType": "t3.large", "SubnetId": self.subnet, "SecurityGroupIds": [self.group], **arguments}
        return self.ec2.run_instances(ImageId=image.id, MinCount=1, MaxCount=1, **given)["Instances"][0]

    def show(self, instance: dict[str, Any]) -> dict[str, Any]:
        return self.ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"][0]["Instances"][0]

    def end(self, instance: dict[str, Any]) -> None:
        self.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])


@pytest.fixture
def network(ec2) -> Network:
    return Network(ec2)


def refused(code: str, words: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\).*{words}")


# --- launches ---------------------------------------------------------------------------------------------------


def test_user_data_may_have_16384_bytes_before_it_is_encoded_and_no_more(network):
    assert network.launch(UserData=b"\x1f" * USER_DATA_LIMIT)
    with refused("InvalidParameterValue", "User data is limited to 16384 bytes"):
        network.launch(UserData=b"\x1f" * (USER_DATA_LIMIT + 1))


def test_a_root_volume_smaller_than_its_image_is_refused(network):
    with refused("InvalidBlockDeviceMapping", "Volume of size 29GB is smaller than snapshot .*, expect size >= 30GB"):
        network.launch(WINDOWS, BlockDeviceMappings=[{"DeviceName": images.ROOT_DEVICE, "Ebs": {"VolumeSize": 29}}])


def test_an_instance_type_of_another_architecture_is_refused(network):
    with refused("InvalidParameterValue", "architecture 'arm64' .* does not match the architecture 'x86_64'"):
        network.launch(InstanceType="t4g.large")


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("10.0.0.10", "InvalidIPAddress.InUse", "Address 10.0.0.10 is in use"),
        ("10.1.0.10", "InvalidParameterValue", "does not fall within the subnet's address range"),
        ("10.0.0.3", "InvalidParameterValue", "reserved address range"),
        ("10.0.15.255", "InvalidParameterValue", "reserved address range"),
    ],
)
def test_a_private_address_that_cannot_be_had_is_refused(network, address, code, words):
    network.launch(PrivateIpAddress="10.0.0.10")
    with refused(code, words):
        network.launch(PrivateIpAddress=address)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ImageId": "ami-00000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t9.huge"}, "InvalidInstanceType"),
        ({"KeyName": "none"}, "InvalidKeyPair.NotFound"),
    ],
)
def test_motos_own_checks_are_on(ec2, network, arguments, code):
    given = {"ImageId": UBUNTU.id, "InstanceType": "t3.large", "SubnetId": network.subnet, "MinCount": 1, "MaxCount": 1, **arguments}
    with refused(code):
        ec2.run_instances(**given)


@pytest.mark.parametrize("attribute", [{"InstanceType": {"Value": "t3.medium"}}, {"UserData": {"Value": b"#!"}}], ids=lambda value: next(iter(value)))
def test_type_and_user_data_of_a_running_instance_cannot_be_changed(ec2, network, attribute):
    instance = network.launch()["InstanceId"]
    with refused("IncorrectInstanceState", "is not in the 'stopped' state"):
        ec2.modify_instance_attribute(InstanceId=instance, **attribute)
    ec2.stop_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, **attribute)


def test_new_user_data_is_kept_as_it_was_given(ec2, network):
    instance = network.launch()["InstanceId"]
    ec2.stop_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, UserData={"Value": b"\x1f\x8b"})
    shown = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")["UserData"]["Value"]

    assert base64.b64decode(shown) == b"\x1f\x8b"


# --- what must be gone first ------------------------------------------------------------------------------------


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
    association = ec2.associate_address(AllocationId=address, InstanceId=machine["InstanceId"])["AssociationId"]
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


# --- network and groups -----------------------------------------------------------------------------------------


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
    ("name", "description", "words"), [("sg-nodes", "nodes", "may not be in the format sg-"), ("nodes2", "für alle", "beyond ASCII")]
)
def test_a_group_with_a_name_or_description_that_aws_forbids_is_refused(ec2, network, name, description, words):
    with refused("InvalidParameterValue", words):
        ec2.create_security_group(GroupName=name, Description=description, VpcId=network.vpc)


@pytest.mark.parametrize(
    ("protocol", "low", "high", "code"),
    [("tcp", 90, 80, "InvalidParameterValue"), ("udp", 1, 65536, "InvalidParameterValue"), ("htcp", 1, 2, "InvalidPermission.Malformed")],
)
def test_a_rule_with_impossible_ports_is_refused(ec2, network, protocol, low, high, code):
    permission = {"IpProtocol": protocol, "FromPort": low, "ToPort": high, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    with refused(code):
        ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=[permission])


def test_groups_of_an_instance_and_of_its_interface_are_the_same(ec2, network):
    machine = network.launch()
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=network.vpc)["GroupId"]
    interface = network.show(machine)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    for change in (
        lambda: ec2.modify_instance_attribute(InstanceId=machine["InstanceId"], Groups=[other]),
        lambda: ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[network.group]),
    ):
        change()
        shown = network.show(machine)
        assert shown["SecurityGroups"] == shown["NetworkInterfaces"][0]["Groups"]
    assert [group["GroupId"] for group in shown["SecurityGroups"]] == [network.group]


# --- parameters and roles ---------------------------------------------------------------------------------------


def test_a_standard_parameter_holds_4096_bytes(session):
    ssm = session.client("ssm")
    ssm.put_parameter(Name="/full", Value="x" * 4096, Type="SecureString")
    with refused("ValidationException", "a maximum parameter value of 4096 characters.*advanced-parameter tier"):
        ssm.put_parameter(Name="/over", Value="x" * 4097, Type="SecureString")
    ssm.put_parameter(Name="/over", Value="x" * 4097, Type="SecureString", Tier="Advanced")


@pytest.mark.parametrize("document", ["{", "{}", json.dumps({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]})])
def test_a_trust_policy_that_trusts_nobody_is_refused(session, document):
    with refused("MalformedPolicyDocument"):
        session.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=document)


def test_a_replaced_profile_shows_on_the_instance(session, ec2, network):
    iam = session.client("iam")
    for name in ("first", "second"):
        iam.create_instance_profile(InstanceProfileName=name)
    machine = network.launch(IamInstanceProfile={"Name": "first"})
    association = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"][0]["AssociationId"]
    ec2.replace_iam_instance_profile_association(AssociationId=association, IamInstanceProfile={"Name": "second"})

    assert network.show(machine)["IamInstanceProfile"]["Arn"].endswith("/second")


# --- machines ---------------------------------------------------------------------------------------------------


def test_the_publishers_parameters_lead_to_their_images(session, ec2):
    parameters = session.client("ssm").get_parameters(Names=[image.parameter for image in images.IMAGES][:9])["Parameters"]
    found = {image["ImageId"]: image for image in ec2.describe_images(ImageIds=[each["Value"] for each in parameters])["Images"]}
    windows = found[WINDOWS.id]

    assert len(found) == len(images.IMAGES)
    assert (windows["Platform"], windows["OwnerId"], windows["RootDeviceName"]) == ("windows", images.MICROSOFT, "/dev/sda1")
    assert "Platform" not in found[UBUNTU.id]
    assert found[UBUNTU.id]["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 8


def test_a_root_volume_is_what_the_image_says_where_the_launch_does_not(ec2, network):
    machine = network.launch(WINDOWS, BlockDeviceMappings=[{"DeviceName": images.ROOT_DEVICE, "Ebs": {"Encrypted": True}}])
    shown = network.show(machine)
    volume = ec2.describe_volumes(VolumeIds=[shown["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]])["Volumes"][0]
    network.end(machine)

    assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (30, "gp3", True)
    left = ec2.describe_volumes(Filters=[{"Name": "volume-id", "Values": [volume["VolumeId"]]}])["Volumes"]
    assert not left, "the root volume outlived its instance"


def test_a_terminated_machine_gives_its_addresses_and_its_interface_back(ec2, network):
    machine = network.launch(PrivateIpAddress="10.0.0.10")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=machine["InstanceId"])
    network.end(machine)

    assert not ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [network.subnet]}])["NetworkInterfaces"]
    assert "AssociationId" not in ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]
    assert network.launch(PrivateIpAddress="10.0.0.10")


@pytest.mark.parametrize("latest", [{}, {"Latest": True}], ids=["plain", "latest"])
def test_the_console_shows_the_end_of_the_machines_own_log(ec2, network, machines, latest):
    machine = network.launch()["InstanceId"]
    assert ec2.get_console_output(InstanceId=machine, **latest)["Output"] == ""
    (machines / machine).mkdir()
    (machines / machine / "console.log").write_bytes(b"early\n" + b"x" * CONSOLE_LIMIT + b"cloud-init done \xff\n")
    output = ec2.get_console_output(InstanceId=machine, **latest)["Output"]

    assert output.endswith("cloud-init done \ufffd\n")
    assert "early" not in output


def test_the_windows_password_opens_with_the_key_of_the_launch(ec2, network):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec2.import_key_pair(KeyName="admin", PublicKeyMaterial=key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    windows, linux = network.launch(WINDOWS, KeyName="admin"), network.launch(KeyName="admin")
    encrypted = base64.b64decode(ec2.get_password_data(InstanceId=windows["InstanceId"])["PasswordData"])

    assert key.decrypt(encrypted, padding.PKCS1v15()).decode() == WINDOWS_ADMINISTRATOR
    assert ec2.get_password_data(InstanceId=linux["InstanceId"])["PasswordData"] == ""
