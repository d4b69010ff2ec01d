"""What is only a part of an object and ends with it: rules, routes, associations. An audit does not list them; a repair must.

AWS refuses to make one a second time, so one that no state knows stops every later `pulumi up`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.naming import STACK_TAG

from .aws import JsonObject, Session, pages, stack_filter, tags_of

ROUTE_TYPE = "aws:ec2/route:Route"
# Neither the VPC's own route nor one that a gateway has propagated.
OF_A_PROGRAM = "CreateRoute"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of an object of a stack, and how it is taken out."""

    kind: str
    id: str
    owner: str
    take_out: Callable[[Any], object] = field(repr=False, compare=False)


def unknown(session: Session, stack: str, resources: Collection[Mapping[str, Any]]) -> Iterator[Part]:
    """The parts of objects that the state knows, without those that it knows too. What it does not know goes with all its parts."""
    known = {str(resource.get("id", "")) for resource in resources} | set(_routes_of(resources))
    ec2 = session.client("ec2")
    for part in (*_rules(ec2, stack), *_parts_of_tables(ec2, stack)):
        if part.id not in known and part.owner in known:
            yield part


def take_out(session: Session, part: Part) -> None:
    part.take_out(session.client("ec2"))


def _route(table: str, destination: str) -> str:
    """A route has no id of its own in AWS."""
    return f"{destination} of {table}"


def _routes_of(resources: Collection[Mapping[str, Any]]) -> Iterator[str]:
    for resource in resources:
        outputs = resource.get("outputs", {})
        if resource["type"] == ROUTE_TYPE:
            yield _route(str(outputs.get("routeTableId")), str(outputs.get("destinationCidrBlock")))


def _rules(ec2: Any, stack: str) -> Iterator[Part]:
    groups = [str(group["GroupId"]) for group in pages(ec2, "describe_security_groups", "SecurityGroups", Filters=stack_filter(STACK_TAG, stack))]
    if not groups:
        return
    for rule in pages(ec2, "describe_security_group_rules", "SecurityGroupRules", Filters=[{"Name": "group-id", "Values": groups}]):
        if tags_of(rule).get(STACK_TAG) != stack and not _is_of_a_new_group(rule):
            continue
        direction = "egress" if rule["IsEgress"] else "ingress"
        group, identifier = str(rule["GroupId"]), str(rule["SecurityGroupRuleId"])
        yield Part(kind=f"{direction} rule", id=identifier, owner=group, take_out=_revocation(direction, group, identifier))


def _is_of_a_new_group(rule: JsonObject) -> bool:
    """What AWS puts into every group that it makes, and the provider takes out right after: a run that was cut off between leaves it."""
    return rule["IsEgress"] and rule["IpProtocol"] == "-1" and rule.get("CidrIpv4") == "0.0.0.0/0" and not rule.get("Tags")


def _parts_of_tables(ec2: Any, stack: str) -> Iterator[Part]:
    for table in pages(ec2, "describe_route_tables", "RouteTables", Filters=stack_filter(STACK_TAG, stack)):
        owner = str(table["RouteTableId"])
        for route in table.get("Routes", ()):
            destination = str(route.get("DestinationCidrBlock", ""))
            if destination and route.get("Origin") == OF_A_PROGRAM:
                yield Part(kind="route", id=_route(owner, destination), owner=owner, take_out=_route_deletion(owner, destination))
        for association in table.get("Associations", ()):
            if not association.get("Main"):
                identifier = str(association["RouteTableAssociationId"])
                yield Part(kind="route table association", id=identifier, owner=owner, take_out=_disassociation(identifier))


def _revocation(direction: str, group: str, rule: str) -> Callable[[Any], object]:
    return lambda ec2: getattr(ec2, f"revoke_security_group_{direction}")(GroupId=group, SecurityGroupRuleIds=[rule])


def _route_deletion(table: str, destination: str) -> Callable[[Any], object]:
    return lambda ec2: ec2.delete_route(RouteTableId=table, DestinationCidrBlock=destination)


def _disassociation(association: str) -> Callable[[Any], object]:
    return lambda ec2: ec2.disassociate_route_table(AssociationId=association)
