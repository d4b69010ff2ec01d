"""Find subresources that no state knows: rules, routes and associations.

They end with their owner, so an audit does not list them. A repair must: AWS refuses to create one twice, so
an orphaned one stops every later `pulumi up`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.config.naming import STACK_TAG

from .session import JsonObject, Session, pages, stack_filter, tags_of

ROUTE_TYPE = "aws:ec2/route:Route"
# The origin excludes the VPC's own route and propagated ones.
CREATED_BY_CALL = "CreateRoute"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subresource:
    """A subresource of an object of a stack, and the call that removes it."""

    kind: str
    id: str
    owner: str
    remove: Callable[[Any], object] = field(repr=False, compare=False)


def orphaned(session: Session, stack: str, resources: Collection[Mapping[str, Any]]) -> Iterator[Subresource]:
    """Yield the subresources that are not in the state although their owner is.

    The subresources of other owners are deleted with them.
    """
    known = {str(resource.get("id", "")) for resource in resources} | set(_routes_of(resources))
    ec2 = session.client("ec2")
    for subresource in (*_of_security_groups(ec2, stack), *_of_route_tables(ec2, stack)):
        if subresource.id not in known and subresource.owner in known:
            yield subresource


def remove(session: Session, subresource: Subresource) -> None:
    subresource.remove(session.client("ec2"))


def _route(table: str, destination: str) -> str:
    """Return an id for a route, which has none in AWS."""
    return f"{destination} of {table}"


def _routes_of(resources: Collection[Mapping[str, Any]]) -> Iterator[str]:
    for resource in resources:
        outputs = resource.get("outputs", {})
        if resource["type"] == ROUTE_TYPE:
            yield _route(str(outputs.get("routeTableId")), str(outputs.get("destinationCidrBlock")))


def _of_security_groups(ec2: Any, stack: str) -> Iterator[Subresource]:
    found = pages(ec2, "describe_security_groups", "SecurityGroups", Filters=stack_filter(STACK_TAG, stack))
    groups = [str(group["GroupId"]) for group in found]
    if not groups:
        return
    filters = [{"Name": "group-id", "Values": groups}]
    for rule in pages(ec2, "describe_security_group_rules", "SecurityGroupRules", Filters=filters):
        if tags_of(rule).get(STACK_TAG) != stack and not _is_default_egress(rule):
            continue
        direction = "egress" if rule["IsEgress"] else "ingress"
        group, identifier = str(rule["GroupId"]), str(rule["SecurityGroupRuleId"])
        revocation = _revocation(direction, group, identifier)
        yield Subresource(kind=f"{direction} rule", id=identifier, owner=group, remove=revocation)


def _is_default_egress(rule: JsonObject) -> bool:
    """Return whether this is the rule that AWS adds to every new group.

    The provider removes it right after; a run that is interrupted in between leaves it.
    """
    to_everywhere = rule["IpProtocol"] == "-1" and rule.get("CidrIpv4") == "0.0.0.0/0"
    return rule["IsEgress"] and to_everywhere and not rule.get("Tags")


def _of_route_tables(ec2: Any, stack: str) -> Iterator[Subresource]:
    for table in pages(ec2, "describe_route_tables", "RouteTables", Filters=stack_filter(STACK_TAG, stack)):
        owner = str(table["RouteTableId"])
        for route in table.get("Routes", ()):
            destination = str(route.get("DestinationCidrBlock", ""))
            if destination and route.get("Origin") == CREATED_BY_CALL:
                deletion = _route_deletion(owner, destination)
                yield Subresource(kind="route", id=_route(owner, destination), owner=owner, remove=deletion)
        for association in table.get("Associations", ()):
            if not association.get("Main"):
                identifier = str(association["RouteTableAssociationId"])
                disassociation = _disassociation(identifier)
                yield Subresource(
                    kind="route table association", id=identifier, owner=owner, remove=disassociation
                )


def _revocation(direction: str, group: str, rule: str) -> Callable[[Any], object]:
    return lambda ec2: getattr(ec2, f"revoke_security_group_{direction}")(
        GroupId=group, SecurityGroupRuleIds=[rule]
    )


def _route_deletion(table: str, destination: str) -> Callable[[Any], object]:
    return lambda ec2: ec2.delete_route(RouteTableId=table, DestinationCidrBlock=destination)


def _disassociation(association: str) -> Callable[[Any], object]:
    return lambda ec2: ec2.disassociate_route_table(AssociationId=association)
