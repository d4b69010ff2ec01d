"""Route tables, their routes, and which subnet uses which."""

from __future__ import annotations

import zlib
from typing import Any

from rehearsal.aws_provider.aws import Aws, ResourceError, if_exists, once_released
from rehearsal.aws_provider.kind import Change, Kind, Tables, names, register, tag_state
from rehearsal.aws_provider.network import change_tags, first
from rehearsal.aws_provider.wire import Properties

# Route targets: our property, and the argument and field of the API.
TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId", "networkInterfaceId": "NetworkInterfaceId"}
LOCAL = "local"


def describe_table(aws: Aws, id_: str) -> Any:
    return first(if_exists(lambda: aws.ec2.describe_route_tables(RouteTableIds=[id_])), "RouteTables")


def target_of(route: Properties, what: str) -> dict[str, str]:
    target = {argument: route[name] for name, argument in TARGETS.items() if route.get(name)}
    if len(target) != 1:
        raise ResourceError(f"{what} needs exactly one of {', '.join(TARGETS)}, got {len(target)}")
    return target


def shown_target(route: dict[str, Any]) -> Properties:
    return {name: route[field] for name, field in TARGETS.items() if route.get(field)}


@register
class RouteTable(Kind):
    type_name = "aws:ec2/routeTable:RouteTable"
    noun = "route table"
    tables = Tables(
        inputs=names("routes routes.cidrBlock routes.gatewayId routes.natGatewayId routes.networkInterfaceId tags vpcId"),
        replace=names("vpcId"),
        computed=("arn", "ownerId", "routes"),
        sets=names("routes"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        tags = aws.tag_specifications(route_table=aws.all_tags(inputs.get("tags")))
        return aws.ec2.create_route_table(VpcId=inputs["vpcId"], TagSpecifications=tags)["RouteTable"]["RouteTableId"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        for route in inputs.get("routes") or ():
            self._add(aws, id_, route)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        table = describe_table(aws, id_)
        return table and {
            "arn": aws.arn("ec2", f"route-table/{id_}"),
            "ownerId": table.get("OwnerId"),
            "routes": [
                {"cidrBlock": route["DestinationCidrBlock"], **shown_target(route)}
                for route in table["Routes"]
                if route.get("GatewayId") != LOCAL and "DestinationCidrBlock" in route
            ],
            "vpcId": table["VpcId"],
            **tag_state(aws, table.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        if change.touches("routes"):
            old, new = change.old["routes"], change.new["routes"]
            for route in (each for each in old if each not in new):
                aws.ec2.delete_route(RouteTableId=id_, DestinationCidrBlock=route["cidrBlock"])
            for route in (each for each in new if each not in old):
                self._add(aws, id_, route)
        change_tags(aws, id_, change)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        once_released(lambda: aws.ec2.delete_route_table(RouteTableId=id_))

    def _add(self, aws: Aws, id_: str, route: Properties) -> None:
        target = target_of(route, f"the route to {route['cidrBlock']}")
        aws.ec2.create_route(RouteTableId=id_, DestinationCidrBlock=route["cidrBlock"], **target)


@register
class Route(Kind):
    type_name = "aws:ec2/route:Route"
    noun = "route"
    tagged = False
    importable = False
    tables = Tables(
        inputs=names("destinationCidrBlock gatewayId natGatewayId networkInterfaceId routeTableId"),
        replace=names("destinationCidrBlock routeTableId"),
        defaults=dict.fromkeys(TARGETS),
        computed=("origin", "state"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        table, destination = inputs["routeTableId"], inputs["destinationCidrBlock"]
        aws.ec2.create_route(RouteTableId=table, DestinationCidrBlock=destination, **target_of(inputs, "a route"))
        return f"r-{table}{zlib.crc32(destination.encode())}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        table = describe_table(aws, known["routeTableId"])
        routes = table["Routes"] if table else ()
        destination = known["destinationCidrBlock"]
        route = next((each for each in routes if each.get("DestinationCidrBlock") == destination), None)
        return route and {
            "destinationCidrBlock": destination,
            "origin": route.get("Origin"),
            "routeTableId": known["routeTableId"],
            "state": route.get("State"),
            **shown_target(route),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        where = {"RouteTableId": change.new["routeTableId"], "DestinationCidrBlock": change.new["destinationCidrBlock"]}
        aws.ec2.replace_route(**where, **target_of(change.new, "a route"))

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        where = {"RouteTableId": state["routeTableId"], "DestinationCidrBlock": state["destinationCidrBlock"]}
        if self.read(aws, id_, state):
            if_exists(lambda: aws.ec2.delete_route(**where))


@register
class RouteTableAssociation(Kind):
    type_name = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    noun = "route table association"
    tagged = False
    importable = False
    tables = Tables(inputs=names("routeTableId subnetId"), replace=names("subnetId"))

    def create(self, aws: Aws, inputs: Properties) -> str:
        return aws.ec2.associate_route_table(RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"])["AssociationId"]

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = self._find(aws, known)
        return found and {"routeTableId": found["RouteTableId"], "subnetId": found["SubnetId"]}

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        found = self._find(aws, change.old)
        aws.ec2.replace_route_table_association(AssociationId=found["RouteTableAssociationId"], RouteTableId=change.new["routeTableId"])

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        found = self._find(aws, state)
        if found:
            if_exists(lambda: aws.ec2.disassociate_route_table(AssociationId=found["RouteTableAssociationId"]))

    def _find(self, aws: Aws, known: Properties) -> Any:
        """By the subnet, which has one at most: moving a subnet to another table gives the association a new id."""
        subnet = known["subnetId"]
        filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
        tables = aws.ec2.describe_route_tables(Filters=filters)["RouteTables"]
        associations = [each for table in tables for each in table["Associations"]]
        return next((each for each in associations if each.get("SubnetId") == subnet), None)
