"""Refusals of a VPC's deletion that AWS has and moto lacks: gateways, peerings, attachments, endpoints and
interfaces; and what holds a gateway.

EC2 API reference, DeleteVpc: "You must detach or delete all gateways and resources that are associated with
the VPC before you can delete it." Which those are: re:Post knowledge center,
"troubleshoot-dependency-error-delete-vpc". Flow logs hold nothing: they "are eventually automatically
removed" (DeleteVpc).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.models.vpn_gateway import VpnGatewayBackend

from rehearsal.fake_aws.moto_patches.patches import MotoPatches, PatchedCall

VPC_PATCHES = MotoPatches()

GONE = ("deleted", "deleting", "rejected", "failed", "expired")


@VPC_PATCHES.around(VPCBackend, "delete_vpc")
def vpc_that_something_holds(call: PatchedCall) -> Any:
    vpc_id = call["vpc_id"]
    if any(_holders(call.backend, vpc_id)):
        raise EC2ClientError(
            "DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
        )
    return call.proceed()


def _holders(ec2: Any, vpc_id: str) -> Iterator[Any]:
    yield from (each for each in ec2.egress_only_internet_gateways.values() if each.vpc_id == vpc_id)
    yield from (each for each in ec2.carrier_gateways.values() if each.vpc_id == vpc_id)
    for gateway in ec2.vpn_gateways.values():
        yield from (
            each
            for each in gateway.attachments.values()
            if each.vpc_id == vpc_id and each.state != "detached"
        )
    for peering in ec2.vpc_pcxs.values():
        if peering._status.code not in GONE and vpc_id in (peering.vpc.id, peering.peer_vpc.id):
            yield peering
    for attachment in ec2.transit_gateway_attachments.values():
        if getattr(attachment, "vpc_id", None) == vpc_id and attachment.state not in GONE:
            yield attachment
    yield from (
        each for each in ec2.vpc_end_points.values() if each.vpc_id == vpc_id and each.state not in GONE
    )
    yield from (each for each in ec2.get_all_network_interfaces() if each.subnet.vpc_id == vpc_id)


@VPC_PATCHES.around(VpnGatewayBackend, "delete_vpn_gateway")
def vpn_gateway_in_use(call: PatchedCall) -> Any:
    """EC2 API reference, DeleteVpnGateway: first detach it from the VPC; its connections must be deleted
    before, too.
    """
    gateway = call.backend.vpn_gateways.get(call["vpn_gateway_id"])
    attached = gateway and any(each.state != "detached" for each in gateway.attachments.values())
    connections = [
        each
        for each in call.backend.vpn_connections.values()
        if each.vpn_gateway_id == call["vpn_gateway_id"]
    ]
    if attached or any(each.state not in GONE for each in connections):
        raise EC2ClientError("IncorrectState", f"The vpnGateway '{call['vpn_gateway_id']}' is in use.")
    return call.proceed()


@VPC_PATCHES.around(NatGatewayBackend, "delete_nat_gateway")
def nat_gateway_frees_its_address(call: PatchedCall) -> Any:
    """EC2 API reference, DeleteNatGateway: it disassociates the Elastic IP, does not release it, and takes
    its interface along.
    """
    ec2, gateway_id = call.backend, call["nat_gateway_id"]
    gateway = ec2.nat_gateways.get(gateway_id)
    if gateway is None:
        raise EC2ClientError("NatGatewayNotFound", f"The Nat Gateway {gateway_id} was not found")
    deleted = call.proceed()
    for address in [each for each in ec2.addresses if each.eni is gateway._eni]:
        ec2.disassociate_address(association_id=address.association_id)
    ec2.enis.pop(gateway._eni.id, None)
    return deleted
