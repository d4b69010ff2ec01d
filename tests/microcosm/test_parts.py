"""Parts of objects that stay: what a repair takes out of them, and what it leaves in."""

import pytest

from microcosm import parts

from .conftest import Cloud


@pytest.fixture
def table(cloud: Cloud) -> tuple[str, str]:
    """A route table of the stack with a default route, and its gateway."""
    ec2, vpc = cloud.client("ec2"), cloud.vpc()
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    made = ec2.create_route_table(VpcId=vpc, TagSpecifications=cloud.tags("route-table"))["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=made, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=made, SubnetId=cloud.subnet(vpc))
    return made, vpc


def state_of(table: str, **outputs: str) -> list[dict[str, object]]:
    resources: list[dict[str, object]] = [{"type": "aws:ec2/routeTable:RouteTable", "urn": "t", "id": table}]
    if outputs:
        resources.append({"type": parts.ROUTE_TYPE, "urn": "r", "id": "r-1", "outputs": {"routeTableId": table, **outputs}})
    return resources


def destinations(cloud: Cloud, table: str) -> list[str]:
    (found,) = cloud.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return [route["DestinationCidrBlock"] for route in found["Routes"]]


def test_a_route_that_no_state_knows_is_taken_out_and_the_vpcs_own_stays(cloud: Cloud, table: tuple[str, str]) -> None:
    found = [*parts.unknown(cloud.session, "dev", state_of(table[0]))]
    assert [(part.kind, part.owner) for part in found] == [("route", table[0]), ("route table association", table[0])]
    for part in found:
        parts.take_out(cloud.session, part)
    assert destinations(cloud, table[0]) == ["10.0.0.0/16"]
    assert [*parts.unknown(cloud.session, "dev", state_of(table[0]))] == []


def test_a_route_of_the_state_stays(cloud: Cloud, table: tuple[str, str]) -> None:
    found = parts.unknown(cloud.session, "dev", state_of(table[0], destinationCidrBlock="0.0.0.0/0"))
    assert [part.kind for part in found] == ["route table association"]


def test_what_is_in_an_object_that_no_state_knows_goes_with_it(cloud: Cloud, table: tuple[str, str]) -> None:
    assert [*parts.unknown(cloud.session, "dev", [])] == []


def test_another_stacks_parts_are_not_looked_at(cloud: Cloud, table: tuple[str, str]) -> None:
    assert [*parts.unknown(cloud.session, "other", state_of(table[0]))] == []
