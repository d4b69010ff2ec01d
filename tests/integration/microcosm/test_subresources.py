"""Subresources of objects that stay: the ones that a repair removes and the ones that it keeps."""

import pytest

from microcosm.aws import subresources

from .conftest import Cloud


@pytest.fixture
def table(cloud: Cloud) -> tuple[str, str]:
    """A route table of the stack with a default route, and its gateway."""
    ec2, vpc = cloud.client("ec2"), cloud.vpc()
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    made = ec2.create_route_table(VpcId=vpc, TagSpecifications=cloud.tags("route-table"))["RouteTable"][
        "RouteTableId"
    ]
    ec2.create_route(RouteTableId=made, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=made, SubnetId=cloud.subnet(vpc))
    return made, vpc


def state_of(table: str, **outputs: str) -> list[dict[str, object]]:
    resources: list[dict[str, object]] = [{"type": "aws:ec2/routeTable:RouteTable", "urn": "t", "id": table}]
    if outputs:
        resources.append(
            {
                "type": subresources.ROUTE_TYPE,
                "urn": "r",
                "id": "r-1",
                "outputs": {"routeTableId": table, **outputs},
            }
        )
    return resources


def destinations(cloud: Cloud, table: str) -> list[str]:
    (found,) = cloud.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return [route["DestinationCidrBlock"] for route in found["Routes"]]


def test_a_route_that_no_state_knows_is_taken_out_and_the_vpcs_own_stays(
    cloud: Cloud, table: tuple[str, str]
) -> None:
    found = [*subresources.orphaned(cloud.session, "dev", state_of(table[0]))]
    assert [(subresource.kind, subresource.owner) for subresource in found] == [
        ("route", table[0]),
        ("route table association", table[0]),
    ]
    for subresource in found:
        subresources.remove(cloud.session, subresource)
    assert destinations(cloud, table[0]) == ["10.0.0.0/16"]
    assert [*subresources.orphaned(cloud.session, "dev", state_of(table[0]))] == []


def test_a_route_of_the_state_stays(cloud: Cloud, table: tuple[str, str]) -> None:
    found = subresources.orphaned(cloud.session, "dev", state_of(table[0], destinationCidrBlock="0.0.0.0/0"))
    assert [subresource.kind for subresource in found] == ["route table association"]


def test_what_is_in_an_object_that_no_state_knows_goes_with_it(cloud: Cloud, table: tuple[str, str]) -> None:
    assert [*subresources.orphaned(cloud.session, "dev", [])] == []


def test_another_stacks_parts_are_not_looked_at(cloud: Cloud, table: tuple[str, str]) -> None:
    assert [*subresources.orphaned(cloud.session, "other", state_of(table[0]))] == []


@pytest.fixture
def group(cloud: Cloud) -> str:
    """A security group of the stack as AWS makes it."""
    tags = cloud.tags("security-group")
    made = cloud.client("ec2").create_security_group(
        GroupName="nodes", Description="nodes", VpcId=cloud.vpc(), TagSpecifications=tags
    )
    return made["GroupId"]


def rules_of(cloud: Cloud, group: str) -> set[tuple[bool, str]]:
    found = cloud.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )["SecurityGroupRules"]
    return {(rule["IsEgress"], rule["CidrIpv4"]) for rule in found}


def test_the_rule_that_aws_puts_into_a_new_group_is_taken_out_and_one_by_hand_stays(
    cloud: Cloud, group: str
) -> None:
    """A run that ended right after creating the group left the rule; the program's own one would be
    refused.
    """
    ec2 = cloud.client("ec2")
    by_hand = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.7/32"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[by_hand])
    state = [{"type": "aws:ec2/securityGroup:SecurityGroup", "urn": "g", "id": group}]
    (found,) = subresources.orphaned(cloud.session, "dev", state)
    assert (found.kind, found.owner) == ("egress rule", group)
    subresources.remove(cloud.session, found)
    assert rules_of(cloud, group) == {(False, "203.0.113.7/32")}
    assert [*subresources.orphaned(cloud.session, "dev", state)] == []


def test_that_rule_stays_when_a_state_knows_it(cloud: Cloud, group: str) -> None:
    ec2 = cloud.client("ec2")
    (rule,) = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])[
        "SecurityGroupRules"
    ]
    state = [
        {"type": "aws:ec2/securityGroup:SecurityGroup", "urn": "g", "id": group},
        {
            "type": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            "urn": "r",
            "id": rule["SecurityGroupRuleId"],
        },
    ]
    assert [*subresources.orphaned(cloud.session, "dev", state)] == []
