"""The VPC: public subnets only, since every machine fetches its parts itself and no NAT gateway should
cost more than the cluster.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .config import address_plan
from .config.naming import Names


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkArgs:
    """`availability_zones` empty means one subnet, in a zone that has every instance type."""

    names: Names
    vpc_cidr: str
    availability_zones: tuple[str, ...]
    # The zone of each subnet: the named ones, or the one that is chosen (infra/zones.py).
    zones: list[pulumi.Output[str]]


class Network(pulumi.ComponentResource):
    """A VPC, an internet gateway, one route table, and a public subnet per availability zone."""

    vpc_id: pulumi.Output[str]
    subnet_ids: list[pulumi.Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("microcosm:infra:Network", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(
            args.names.of("vpc"),
            cidr_block=args.vpc_cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=args.names.tags("vpc"),
            opts=self._child,
        )
        self.vpc_id = vpc.id
        self.subnet_ids = self._public_subnets(self._route_to_the_internet())
        self.register_outputs({"vpc_id": self.vpc_id, "subnet_ids": self.subnet_ids})

    def _route_to_the_internet(self) -> aws.ec2.RouteTable:
        names = self._args.names
        # With another VPC a gateway of its own: the provider would move this one, which AWS refuses while the
        # machines of the old VPC, who only go last, have public addresses.
        replaced = pulumi.ResourceOptions.merge(
            self._child, pulumi.ResourceOptions(replace_on_changes=["vpc_id"])
        )
        gateway = aws.ec2.InternetGateway(
            names.of("internet"), vpc_id=self.vpc_id, tags=names.tags("internet"), opts=replaced
        )
        table = aws.ec2.RouteTable(
            names.of("public"), vpc_id=self.vpc_id, tags=names.tags("public"), opts=self._child
        )
        aws.ec2.Route(
            names.of("public-default"),
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=self._child,
        )
        return table

    def _public_subnets(self, table: aws.ec2.RouteTable) -> list[pulumi.Output[str]]:
        args = self._args
        named = args.availability_zones or (None,)
        cidrs = address_plan.subnets(args.vpc_cidr, len(named))
        return [self._public_subnet(*each, table) for each in zip(named, args.zones, cidrs, strict=True)]

    def _public_subnet(
        self, named: str | None, zone: pulumi.Output[str], cidr: str, table: aws.ec2.RouteTable
    ) -> pulumi.Output[str]:
        names, parts = self._args.names, ("public", named) if named else ("public",)
        # A zone that was chosen stays: another choice, after AWS has added a zone, would replace the subnet
        # and the cluster.
        chosen = pulumi.ResourceOptions(ignore_changes=[] if named else ["availability_zone"])
        subnet = aws.ec2.Subnet(
            names.of(*parts),
            vpc_id=self.vpc_id,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=True,
            tags=names.tags(*parts),
            opts=pulumi.ResourceOptions.merge(self._child, chosen),
        )
        aws.ec2.RouteTableAssociation(
            names.of(*parts),
            route_table_id=table.id,
            subnet_id=subnet.id,
            opts=self._child,
        )
        return subnet.id
