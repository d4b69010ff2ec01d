"""Deletes what is left of a stack, in the order in which AWS lets go of it.

Only objects that carry the stack's own tag are touched, and its bucket if it was never tagged; whatever else
an audit found is a person's decision. So is a disk that has the tag and was made by no launch of the stack
(inventory_ec2).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from ..aws.resources import Item
from ..aws.session import Session, pages
from . import cleanup_network as network
from .search import Finding

# Error codes worth retrying while a dependent object is being deleted.
STILL_IN_USE = (
    "DependencyViolation",
    "VolumeInUse",
    "InvalidIPAddress.InUse",
    "DeleteConflict",
    "IncorrectState",
    "InvalidParameterValue",
)
# The total of all retries.
PATIENCE_SECONDS = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """The outcome for one object; an empty error means that it is gone."""

    item: Item
    error: str = ""


def deletable(findings: Sequence[Finding], stack: str) -> list[Item]:
    """Sort out the objects that may be deleted, in a possible order."""
    found = [finding.item for finding in findings if not finding.suspect]
    own = [item for item in found if item.has_tag_of(stack) or item.was_born_as(stack)]
    items = [item for item in own if item.kind in STEPS]
    return sorted(items, key=lambda item: [*STEPS].index(item.kind))


def delete(
    session: Session, items: Sequence[Item], patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[Deletion]:
    """Delete one after the other; a refusal is reported and the rest goes on."""
    deadline = time.monotonic() + patience_seconds
    for item in items:
        service, action = STEPS[item.kind]
        try:
            for attempt in _patiently(deadline - time.monotonic()):
                with attempt:
                    action(session.client(service), item)
            yield Deletion(item=item)
        except (ClientError, WaiterError) as refusal:
            yield Deletion(
                item=item, error="" if is_gone(refusal) else f"{refusal}{_holders(session, item, refusal)}"
            )


def _holders(session: Session, item: Item, refusal: Exception) -> str:
    """Say what holds an object that AWS calls a dependency's."""
    code = refusal.response["Error"]["Code"] if isinstance(refusal, ClientError) else ""
    return network.holders(session.client("ec2"), item) if code == "DependencyViolation" else ""


def is_gone(refusal: Exception) -> bool:
    """Whether AWS refused because the object does not exist:

    InvalidVolume.NotFound, NoSuchEntity, NoSuchBucket, ParameterNotFound.
    """
    code = refusal.response["Error"]["Code"] if isinstance(refusal, ClientError) else ""
    return code.endswith(("NotFound", "NotFoundException")) or code.startswith("NoSuch")


def _patiently(seconds: float) -> Retrying:
    return Retrying(
        retry=retry_if_exception(
            lambda problem: (
                isinstance(problem, ClientError) and problem.response["Error"]["Code"] in STILL_IN_USE
            )
        ),
        stop=stop_after_delay(seconds),
        wait=wait_exponential(multiplier=0.5, max=10),
        reraise=True,
    )


def _terminate(ec2: Any, item: Item) -> None:
    ec2.terminate_instances(InstanceIds=[item.id])
    ec2.get_waiter("instance_terminated").wait(
        InstanceIds=[item.id], WaiterConfig={"Delay": 5, "MaxAttempts": 120}
    )


def _delete_volume(ec2: Any, item: Item) -> None:
    # The root disk of an instance that was terminated a moment ago goes with it.
    if ec2.describe_volumes(Filters=[{"Name": "volume-id", "Values": [item.id]}])["Volumes"]:
        ec2.delete_volume(VolumeId=item.id)


def _delete_instance_profile(iam: Any, item: Item) -> None:
    for role in iam.get_instance_profile(InstanceProfileName=item.id)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=item.id, RoleName=role["RoleName"])
    iam.delete_instance_profile(InstanceProfileName=item.id)


def _delete_role(iam: Any, item: Item) -> None:
    for name in [*pages(iam, "list_role_policies", "PolicyNames", RoleName=item.id)]:
        iam.delete_role_policy(RoleName=item.id, PolicyName=name)
    for policy in [*pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=item.id)]:
        iam.detach_role_policy(RoleName=item.id, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=item.id)


def _delete_bucket(s3: Any, item: Item) -> None:
    listing = s3.get_paginator("list_object_versions").paginate(Bucket=item.id)
    for page in listing:
        keys = [
            {"Key": entry["Key"], "VersionId": entry["VersionId"]}
            for part in ("Versions", "DeleteMarkers")
            for entry in page.get(part, ())
        ]
        if keys:
            s3.delete_objects(Bucket=item.id, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=item.id)


Step = tuple[str, Callable[[Any, Item], object]]
# In dependency order: what holds comes before what is held.
STEPS: dict[str, Step] = {
    "instance": ("ec2", _terminate),
    # It keeps its address until it is gone.
    "NAT gateway": ("ec2", network.delete_nat_gateway),
    "elastic IP": ("ec2", lambda ec2, item: ec2.release_address(AllocationId=item.id)),
    "VPC endpoint": ("ec2", lambda ec2, item: ec2.delete_vpc_endpoints(VpcEndpointIds=[item.id])),
    "transit attachment": (
        "ec2",
        lambda ec2, item: ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=item.id),
    ),
    "VPC peering": (
        "ec2",
        lambda ec2, item: ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=item.id),
    ),
    "VPN connection": ("ec2", lambda ec2, item: ec2.delete_vpn_connection(VpnConnectionId=item.id)),
    "VPN gateway": ("ec2", network.delete_vpn_gateway),
    "flow log": ("ec2", lambda ec2, item: ec2.delete_flow_logs(FlowLogIds=[item.id])),
    "network interface": ("ec2", network.delete_interface),
    "volume": ("ec2", _delete_volume),
    "snapshot": ("ec2", lambda ec2, item: ec2.delete_snapshot(SnapshotId=item.id)),
    "launch template": ("ec2", lambda ec2, item: ec2.delete_launch_template(LaunchTemplateId=item.id)),
    "security group": ("ec2", network.delete_security_group),
    "route table": ("ec2", network.delete_route_table),
    "subnet": ("ec2", lambda ec2, item: ec2.delete_subnet(SubnetId=item.id)),
    "internet gateway": ("ec2", network.delete_internet_gateway),
    "egress-only gateway": (
        "ec2",
        lambda ec2, item: ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=item.id),
    ),
    "carrier gateway": ("ec2", lambda ec2, item: ec2.delete_carrier_gateway(CarrierGatewayId=item.id)),
    "network ACL": ("ec2", lambda ec2, item: ec2.delete_network_acl(NetworkAclId=item.id)),
    "VPC": ("ec2", lambda ec2, item: ec2.delete_vpc(VpcId=item.id)),
    "key pair": ("ec2", lambda ec2, item: ec2.delete_key_pair(KeyName=item.id)),
    "instance profile": ("iam", _delete_instance_profile),
    "IAM role": ("iam", _delete_role),
    "SSM parameter": ("ssm", lambda ssm, item: ssm.delete_parameter(Name=item.id)),
    "log group": ("logs", lambda logs, item: logs.delete_log_group(logGroupName=item.id)),
    "S3 bucket": ("s3", _delete_bucket),
}
