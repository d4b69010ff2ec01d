"""The VPC as it is declared: one way out, and a public subnet in each zone."""

import ipaddress

from tests.support.engine import plain
from tests.support.stacks import deployed

SUBNET, ASSOCIATION = "aws:ec2/subnet:Subnet", "aws:ec2/routeTableAssociation:RouteTableAssociation"


def test_without_zones_there_is_one_subnet_in_the_first_zone_that_has_every_type():
    """AWS itself would choose without regard to instance types.

    What was chosen stays, whatever AWS offers next year.
    """
    (subnet,) = deployed("committed", "up").of(SUBNET)
    assert (subnet.inputs["availabilityZone"], subnet.inputs["cidrBlock"]) == ("eu-west-1a", "10.0.0.0/20")
    assert subnet.ignore_changes == ["availabilityZone"]
    assert not any(each.ignore_changes for each in deployed("many-pools", "up").of(SUBNET)), (
        "a zone that is named is meant"
    )


def test_each_zone_has_a_subnet_of_its_own_named_after_it():
    """By zone and not by number: one more zone must leave the other subnets alone."""
    found = {
        r.name: (r.inputs["availabilityZone"], r.inputs["cidrBlock"])
        for r in deployed("many-pools", "up").of(SUBNET)
    }
    assert found == {
        "dev-public-eu-west-1a": ("eu-west-1a", "10.0.0.0/20"),
        "dev-public-eu-west-1b": ("eu-west-1b", "10.0.16.0/20"),
    }


def test_every_subnet_is_in_the_vpc_and_leads_to_the_internet():
    """Machines fetch their parts themselves; there is no NAT gateway to pay for."""
    found = deployed("many-pools", "up")
    (vpc,), (route,), (table,) = (
        found.of(f"aws:ec2/{kind}") for kind in ("vpc:Vpc", "route:Route", "routeTable:RouteTable")
    )
    assert (route.inputs["destinationCidrBlock"], route.inputs["gatewayId"]) == (
        "0.0.0.0/0",
        "dev-internet-id",
    )
    assert (
        {r.inputs["routeTableId"] for r in found.of(ASSOCIATION)}
        == {f"{table.name}-id"}
        == {route.inputs["routeTableId"]}
    )
    assert {r.inputs["subnetId"] for r in found.of(ASSOCIATION)} == {f"{r.name}-id" for r in found.of(SUBNET)}
    for subnet in found.of(SUBNET):
        assert ipaddress.ip_network(subnet.inputs["cidrBlock"]).subnet_of(
            ipaddress.ip_network(vpc.inputs["cidrBlock"])
        )
        assert plain(subnet.inputs["mapPublicIpOnLaunch"]) is True


def test_the_routes_stand_apart_from_their_table():
    """A table that lists routes inline removes those that are resources of their own, and the other way
    round.
    """
    assert all(
        "routes" not in r.inputs for r in deployed("committed", "up").of("aws:ec2/routeTable:RouteTable")
    )


def test_names_resolve_in_the_vpc():
    """Without DNS a machine finds neither its downloads nor the AWS API."""
    (vpc,) = deployed("committed", "up").of("aws:ec2/vpc:Vpc")
    assert vpc.inputs["enableDnsSupport"] is True
    assert vpc.inputs["enableDnsHostnames"] is True


def test_the_vpc_is_where_the_configuration_says():
    found = deployed("host-gw", "up")
    assert found.of("aws:ec2/vpc:Vpc")[0].inputs["cidrBlock"] == "172.20.0.0/18"
    assert found.of(SUBNET)[0].inputs["cidrBlock"] == "172.20.0.0/20"


def test_another_vpc_gets_a_gateway_of_its_own():
    """A gateway cannot leave a VPC in which machines have public addresses, and the old machines go last."""
    (gateway,) = deployed("committed", "up").of("aws:ec2/internetGateway:InternetGateway")
    assert list(gateway.raw.replaceOnChanges) == ["vpcId"]
