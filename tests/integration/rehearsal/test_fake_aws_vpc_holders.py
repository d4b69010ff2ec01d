"""Holders of a VPC: the fake cloud refuses as AWS does, the audit lists it, and the clean-up finds an
order that AWS accepts.
"""

from collections.abc import Callable
from typing import Any

import pytest

from microcosm.audit import cleanup
from microcosm.audit import search as audit
from microcosm.pulumi_cli.target import Target
from tests.support.small_network import refused

STACK = "edges"
SCOPE = audit.Scope(target=Target(stack=STACK, region="eu-west-1"))
NOW = 2_000_000_000.0
SERVICE = "com.amazonaws.eu-west-1.s3"


def tags(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "microcosm:stack", "Value": STACK}]}]


def egress_only(ec2: Any, vpc: str, **own: Any) -> str:
    made = ec2.create_egress_only_internet_gateway(VpcId=vpc, **own)
    return made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]


def carrier(ec2: Any, vpc: str, **own: Any) -> str:
    return ec2.create_carrier_gateway(VpcId=vpc, **own)["CarrierGateway"]["CarrierGatewayId"]


def vpn_gateway(ec2: Any, vpc: str, **own: Any) -> str:
    gateway = ec2.create_vpn_gateway(Type="ipsec.1", **own)["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpnGatewayId=gateway, VpcId=vpc)
    return gateway


def peering(ec2: Any, vpc: str, **own: Any) -> str:
    other = ec2.create_vpc(CidrBlock="10.200.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other, **own)["VpcPeeringConnection"]
    return made["VpcPeeringConnectionId"]


def transit(ec2: Any, vpc: str, **own: Any) -> str:
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    subnets = [
        each["SubnetId"]
        for each in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    ]
    made = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, VpcId=vpc, SubnetIds=subnets)
    attachment = made["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    # moto takes the tags of another type for it.
    for each in own.get("TagSpecifications", ()):
        ec2.create_tags(Resources=[attachment], Tags=each["Tags"])
    return attachment


def endpoint(ec2: Any, vpc: str, **own: Any) -> str:
    made = ec2.create_vpc_endpoint(VpcId=vpc, VpcEndpointType="Gateway", ServiceName=SERVICE, **own)[
        "VpcEndpoint"
    ]
    return made["VpcEndpointId"]


Make = Callable[..., str]
# Kind, how one is made, the type of its tags.
HOLDERS: dict[str, tuple[Make, str]] = {
    "egress-only gateway": (egress_only, "egress-only-internet-gateway"),
    "carrier gateway": (carrier, "carrier-gateway"),
    "VPN gateway": (vpn_gateway, "vpn-gateway"),
    "VPC peering": (peering, "vpc-peering-connection"),
    "transit attachment": (transit, "transit-gateway-attachment"),
    "VPC endpoint": (endpoint, "vpc-endpoint"),
}


@pytest.fixture
def vpc(ec2) -> str:
    made = ec2.create_vpc(CidrBlock="10.7.0.0/16", TagSpecifications=tags("vpc"))["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=made, CidrBlock="10.7.0.0/20", TagSpecifications=tags("subnet"))
    return made


def plan(session: Any) -> list[Any]:
    found = audit.audit(session, SCOPE, NOW)
    assert found.complete, [check for check in found.checks if check.refused]
    return cleanup.deletable(found.findings, STACK)


def clear(session: Any) -> list[str]:
    return [each.error for each in cleanup.delete(session, plan(session), 0) if each.error]


@pytest.mark.parametrize("kind", HOLDERS)
def test_a_vpc_is_held_listed_and_let_go(session, ec2, vpc, kind):
    """With the stack's tag the clean-up deletes it before the VPC."""
    make, type_ = HOLDERS[kind]
    made = make(ec2, vpc, TagSpecifications=tags(type_))
    items = plan(session)
    assert {item.id: item.kind for item in items}[made] == kind
    assert [item.kind for item in items].index(kind) < [item.kind for item in items].index("VPC")
    subnet = next(item for item in items if item.kind == "subnet")
    ec2.delete_subnet(SubnetId=subnet.id)
    with refused("DependencyViolation", "has dependencies and cannot be deleted"):
        ec2.delete_vpc(VpcId=vpc)
    assert clear(session) == []
    assert not audit.audit(session, SCOPE, NOW).findings


@pytest.mark.parametrize("kind", HOLDERS)
def test_what_another_made_in_the_vpc_is_shown_and_left(session, ec2, vpc, kind):
    made = HOLDERS[kind][0](ec2, vpc)
    finding = {each.item.id: each for each in audit.audit(session, SCOPE, NOW).findings}[made]
    assert finding.evidence == f"belongs to {vpc}"
    (error,) = clear(session)
    assert "DependencyViolation" in error
    assert made in {each.item.id for each in audit.audit(session, SCOPE, NOW).findings}
    cleanup.STEPS[kind][1](ec2, finding.item)
    assert clear(session) == []


def test_flow_logs_are_listed_and_hold_nothing(session, ec2, vpc):
    session.client("s3").create_bucket(
        Bucket="flows", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    made = ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::flows",
    )["FlowLogIds"]
    seen = {each.item.id: each.evidence for each in audit.audit(session, SCOPE, NOW).findings}
    assert seen[made[0]] == f"belongs to {vpc}"
    assert clear(session) == []
    ec2.delete_flow_logs(FlowLogIds=made)


def test_a_nat_gateway_gives_its_address_back_before_it_is_released(session, ec2, vpc):
    gateway = ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway"))["InternetGateway"][
        "InternetGatewayId"
    ]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip"))["AllocationId"]
    (subnet,) = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    ec2.create_nat_gateway(
        SubnetId=subnet["SubnetId"], AllocationId=address, TagSpecifications=tags("natgateway")
    )
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=address)
    assert clear(session) == []
    assert not audit.audit(session, SCOPE, NOW).findings


def test_a_vpn_gateway_goes_after_its_connections_and_its_vpc(session, ec2, vpc):
    gateway = vpn_gateway(ec2, vpc, TagSpecifications=tags("vpn-gateway"))
    customer = ec2.create_customer_gateway(Type="ipsec.1", PublicIp="198.51.100.1", BgpAsn=65000)[
        "CustomerGateway"
    ]
    ec2.create_vpn_connection(
        Type="ipsec.1",
        CustomerGatewayId=customer["CustomerGatewayId"],
        VpnGatewayId=gateway,
        TagSpecifications=tags("vpn-connection"),
    )
    with refused("IncorrectState", "is in use"):
        ec2.delete_vpn_gateway(VpnGatewayId=gateway)
    assert clear(session) == []


def group(ec2: Any, vpc: str, name: str, **own: Any) -> str:
    return ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc, **own)["GroupId"]


@pytest.mark.parametrize("way", ["ingress", "egress"])
def test_rules_that_name_a_group_are_taken_away_both_ways_and_no_others(session, ec2, vpc, way):
    """gruntwork-io/cloud-nuke#316, hashicorp/terraform#2996: another's group names ours beside ranges of
    its own.
    """
    elsewhere = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    ours = group(ec2, vpc, "ours", TagSpecifications=tags("security-group"))
    theirs, third = group(ec2, elsewhere, f"theirs-{way}"), group(ec2, elsewhere, f"third-{way}")
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "192.0.2.0/24"}],
        "UserIdGroupPairs": [{"GroupId": ours}, {"GroupId": third}],
    }
    getattr(ec2, f"authorize_security_group_{way}")(GroupId=theirs, IpPermissions=[rule])
    getattr(ec2, f"authorize_security_group_{way}")(
        GroupId=ours, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": theirs}]}]
    )
    with refused("DependencyViolation", "has a dependent object"):
        ec2.delete_security_group(GroupId=ours)
    assert clear(session) == []
    (left,) = ec2.describe_security_groups(GroupIds=[theirs])["SecurityGroups"]
    kept = left["IpPermissions" if way == "ingress" else "IpPermissionsEgress"]
    of_port = [each for each in kept if each.get("FromPort") == 443]
    assert [cidr["CidrIp"] for each in of_port for cidr in each["IpRanges"]] == ["192.0.2.0/24"]
    assert [pair["GroupId"] for each in of_port for pair in each["UserIdGroupPairs"]] == [third]


def test_a_refusal_names_the_interface_that_holds(session, ec2, vpc):
    (subnet,) = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    held = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Description="ELB app/shop/1234")[
        "NetworkInterface"
    ]
    errors = clear(session)
    assert len(errors) == 2
    assert all(
        error.endswith(f"; it is held by {held['NetworkInterfaceId']} (ELB app/shop/1234)")
        for error in errors
    ), errors
    ec2.delete_network_interface(NetworkInterfaceId=held["NetworkInterfaceId"])
    assert clear(session) == []
