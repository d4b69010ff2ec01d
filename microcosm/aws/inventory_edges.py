"""Listers for what stands at the edge of a VPC and holds it: gateways, connections to other networks, and its
flow logs.

Load balancers, databases, functions, Client VPN and Instance Connect endpoints hold a VPC by their network
interfaces, which inventory_ec2 lists with the descriptions that AWS gives them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .prices import FREE
from .resources import Item, Kind
from .session import Session, pages, tags_of

# States in which AWS still lists something that holds nothing any more (EC2 API reference, the State of each
# type).
GONE = frozenset({"deleted", "deleting", "rejected", "failed", "expired"})

Entry = Mapping[str, Any]


def _kind(
    name: str, operation: str, key: str, id_field: str, owners: Callable[[Entry], list[Any]], sku: str = FREE
) -> Kind:
    """A kind by its describe call. `owners` picks the ids of the networks that an entry holds."""

    def listing(session: Session, stack: str) -> Iterator[Item]:
        for entry in pages(session.client("ec2"), operation, key):
            state = _state(entry)
            if state not in GONE:
                belongs_to = frozenset(str(owner) for owner in owners(entry) if owner)
                tags = tags_of(entry)
                yield Item(
                    kind=name, id=entry[id_field], name=tags.get("Name", ""), tags=tags, state=state,
                    belongs_to=belongs_to, sku=sku,
                )  # fmt: skip

    action = "".join(word.capitalize() for word in operation.split("_"))
    return Kind(name=name, where=f"ec2:{action}", list=listing)


def _state(entry: Entry) -> str:
    status = entry.get("Status")
    code = status.get("Code") if isinstance(status, Mapping) else None
    return str(code or entry.get("State") or entry.get("FlowLogStatus") or "").lower()


def _attached(field: str) -> Callable[[Entry], list[Any]]:
    """The VPCs of the attachments that are there."""
    return lambda entry: [
        each.get("VpcId") for each in entry.get(field) or () if each.get("State") != "detached"
    ]


def _fields(*names: str) -> Callable[[Entry], list[Any]]:
    return lambda entry: [entry.get(name) for name in names]


def _peers(entry: Entry) -> list[Any]:
    return [(entry.get(side) or {}).get("VpcId") for side in ("RequesterVpcInfo", "AccepterVpcInfo")]


KINDS = (
    _kind(
        "egress-only gateway", "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId", _attached("Attachments"),
    ),
    _kind(
        "carrier gateway", "describe_carrier_gateways", "CarrierGateways", "CarrierGatewayId",
        _fields("VpcId"),
    ),
    _kind(
        "VPN gateway", "describe_vpn_gateways", "VpnGateways", "VpnGatewayId", _attached("VpcAttachments"),
    ),
    _kind(
        "VPN connection", "describe_vpn_connections", "VpnConnections", "VpnConnectionId",
        _fields("VpnGatewayId"),
        sku="other",
    ),
    _kind(
        "VPC peering", "describe_vpc_peering_connections", "VpcPeeringConnections", "VpcPeeringConnectionId",
        _peers,
    ),
    _kind(
        "transit attachment", "describe_transit_gateway_vpc_attachments", "TransitGatewayVpcAttachments",
        "TransitGatewayAttachmentId", _fields("VpcId"), sku="other",
    ),
    _kind("flow log", "describe_flow_logs", "FlowLogs", "FlowLogId", _fields("ResourceId"), sku="other"),
)  # fmt: skip
