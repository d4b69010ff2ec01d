"""Objects of two stacks in the fake cloud: a preview's, and those of a stack that the pipeline has no
business with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.config.naming import STACK_TAG
from rehearsal.fake_aws.moto_patches.images import UBUNTU_PARAMETER

OWN, FOREIGN = "pr-7", "dev"
# Tags of a preview and of another stack; `{}` is the tag specification of a call that gives none.
OWN_TAGS, FOREIGN_TAGS = ([{"Key": STACK_TAG, "Value": stack}] for stack in (OWN, FOREIGN))
TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
    '"Principal": {"Service": "ec2.amazonaws.com"}}]}'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A whole network of one stack, with one machine that has an address."""

    vpc: str
    gateway: str
    subnet: str
    table: str
    table_association: str
    group: str
    rule: str
    address: str
    address_association: str
    instance: str
    volume: str
    image: str


def tagged(kind: str, tags: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tags}]


def network(clients: Mapping[str, Any], stack: str, cidr: str) -> Network:
    """Make the network of a stack; `cidr` is a /24."""
    ec2, tags = clients["ec2"], [{"Key": STACK_TAG, "Value": stack}]
    vpc = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=tagged("vpc", tags))["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", tags))[
        "InternetGateway"
    ]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    half = f"{cidr.rpartition('/')[0]}/25"
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=half, TagSpecifications=tagged("subnet", tags))["Subnet"][
        "SubnetId"
    ]
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table", tags))["RouteTable"][
        "RouteTableId"
    ]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    group = ec2.create_security_group(
        GroupName=stack, Description=stack, VpcId=vpc, TagSpecifications=tagged("security-group", tags)
    )["GroupId"]
    rule = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=PERMISSIONS, TagSpecifications=tagged("security-group-rule", tags)
    )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    parameter = UBUNTU_PARAMETER.format(release="24.04", arch="amd64")
    image = clients["ssm"].get_parameter(Name=parameter)["Parameter"]["Value"]
    machine = ec2.run_instances(
        ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1, SubnetId=subnet,
        SecurityGroupIds=[group],
        TagSpecifications=[*tagged("instance", tags), *tagged("volume", tags)],
    )["Instances"][0]  # fmt: skip
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", tags))["AllocationId"]
    associated = ec2.associate_address(AllocationId=address, InstanceId=machine["InstanceId"])[
        "AssociationId"
    ]
    described = ec2.describe_instances(InstanceIds=[machine["InstanceId"]])["Reservations"][0]["Instances"][0]
    return Network(
        vpc=vpc, gateway=gateway, subnet=subnet, table=table, table_association=association, group=group,
        rule=rule, address=address,
        address_association=associated, instance=machine["InstanceId"],
        volume=described["BlockDeviceMappings"][0]["Ebs"]["VolumeId"], image=image,
    )  # fmt: skip


PERMISSIONS = [
    {"IpProtocol": "tcp", "FromPort": 6443, "ToPort": 6443, "IpRanges": [{"CidrIp": "203.0.113.7/32"}]}
]
