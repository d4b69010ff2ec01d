"""Deletes what is left of a stack, in the order in which AWS lets go of it.

Only objects that carry the stack's own tag are touched, and its bucket if it was never tagged; whatever else an audit found is a
person's decision.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from .audit import Finding
from .aws import Session, pages
from .items import Item

# What AWS says while the thing that stood in the way is still leaving; all together may take so many seconds.
STILL_IN_USE = ("DependencyViolation", "VolumeInUse", "InvalidIPAddress.InUse", "DeleteConflict", "IncorrectState", "InvalidParameterValue")
PATIENCE_SECONDS = 180


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """What became of one object; an empty error means that it is gone."""

    item: Item
    error: str = ""


def deletable(findings: Sequence[Finding], stack: str) -> list[Item]:
    """What may be deleted, in the order in which it can be."""
    own = [finding.item for finding in findings if finding.item.has_tag_of(stack) or finding.item.was_born_as(stack)]
    items = [item for item in own if item.kind in STEPS]
    return sorted(items, key=lambda item: [*STEPS].index(item.kind))


def delete(session: Session, items: Sequence[Item], patience_seconds: float = PATIENCE_SECONDS) -> Iterator[Deletion]:
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
            yield Deletion(item=item, error="" if is_gone(refusal) else str(refusal))


def is_gone(refusal: Exception) -> bool:
    """Whether AWS refused because the object does not exist: InvalidVolume.NotFound, NoSuchEntity, NoSuchBucket, ParameterNotFound."""
    code = refusal.response["Error"]["Code"] if isinstance(refusal, ClientError) else ""
    return code.endswith(("NotFound", "NotFoundException")) or code.startswith("NoSuch")


def _patiently(seconds: float) -> Retrying:
    return Retrying(
        retry=retry_if_exception(lambda problem: isinstance(problem, ClientError) and problem.response["Error"]["Code"] in STILL_IN_USE),
        stop=stop_after_delay(seconds),
        wait=wait_exponential(multiplier=0.5, max=10),
        reraise=True,
    )


def _terminate(ec2: Any, item: Item) -> None:
    ec2.terminate_instances(InstanceIds=[item.id])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[item.id], WaiterConfig={"Delay": 5, "MaxAttempts": 120})


def _detach_and_delete_interface(ec2: Any, item: Item) -> None:
    for interface in ec2.describe_network_interfaces(Filters=[{"Name": "network-interface-id", "Values": [item.id]}])["NetworkInterfaces"]:
        if attachment := interface.get("Attachment"):
            ec2.detach_network_interface(AttachmentId=attachment["AttachmentId"], Force=True)
        ec2.delete_network_interface(NetworkInterfaceId=item.id)


def _delete_volume(ec2: Any, item: Item) -> None:
    # The root disk of an instance that was terminated a moment ago goes with it.
    if ec2.describe_volumes(Filters=[{"Name": "volume-id", "Values": [item.id]}])["Volumes"]:
        ec2.delete_volume(VolumeId=item.id)


def _delete_security_group(ec2: Any, item: Item) -> None:
    # Groups that name each other in their rules hold each other: the rules go first.
    (group,) = ec2.describe_security_groups(GroupIds=[item.id])["SecurityGroups"]
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=item.id, IpPermissions=group["IpPermissions"])
    for other in ec2.describe_security_groups(Filters=[{"Name": "ip-permission.group-id", "Values": [item.id]}])["SecurityGroups"]:
        rules = [rule for rule in other["IpPermissions"] if any(pair["GroupId"] == item.id for pair in rule["UserIdGroupPairs"])]
        ec2.revoke_security_group_ingress(GroupId=other["GroupId"], IpPermissions=rules)
    ec2.delete_security_group(GroupId=item.id)


def _delete_route_table(ec2: Any, item: Item) -> None:
    (table,) = ec2.describe_route_tables(RouteTableIds=[item.id])["RouteTables"]
    for association in table["Associations"]:
        ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    ec2.delete_route_table(RouteTableId=item.id)


def _delete_internet_gateway(ec2: Any, item: Item) -> None:
    (gateway,) = ec2.describe_internet_gateways(InternetGatewayIds=[item.id])["InternetGateways"]
    for attachment in gateway["Attachments"]:
        ec2.detach_internet_gateway(InternetGatewayId=item.id, VpcId=attachment["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=item.id)


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
        keys = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for part in ("Versions", "DeleteMarkers") for entry in page.get(part, ())]
        if keys:
            s3.delete_objects(Bucket=item.id, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=item.id)


Step = tuple[str, Callable[[Any, Item], object]]
# In dependency order: what holds comes before what is held.
STEPS: dict[str, Step] = {
    "instance": ("ec2", _terminate),
    "elastic IP": ("ec2", lambda ec2, item: ec2.release_address(AllocationId=item.id)),
    "NAT gateway": ("ec2", lambda ec2, item: ec2.delete_nat_gateway(NatGatewayId=item.id)),
    "VPC endpoint": ("ec2", lambda ec2, item: ec2.delete_vpc_endpoints(VpcEndpointIds=[item.id])),
    "network interface": ("ec2", _detach_and_delete_interface),
    "volume": ("ec2", _delete_volume),
    "snapshot": ("ec2", lambda ec2, item: ec2.delete_snapshot(SnapshotId=item.id)),
    "launch template": ("ec2", lambda ec2, item: ec2.delete_launch_template(LaunchTemplateId=item.id)),
    "security group": ("ec2", _delete_security_group),
    "route table": ("ec2", _delete_route_table),
    "subnet": ("ec2", lambda ec2, item: ec2.delete_subnet(SubnetId=item.id)),
    "internet gateway": ("ec2", _delete_internet_gateway),
    "network ACL": ("ec2", lambda ec2, item: ec2.delete_network_acl(NetworkAclId=item.id)),
    "VPC": ("ec2", lambda ec2, item: ec2.delete_vpc(VpcId=item.id)),
    "key pair": ("ec2", lambda ec2, item: ec2.delete_key_pair(KeyName=item.id)),
    "instance profile": ("iam", _delete_instance_profile),
    "IAM role": ("iam", _delete_role),
    "SSM parameter": ("ssm", lambda ssm, item: ssm.delete_parameter(Name=item.id)),
    "log group": ("logs", lambda logs, item: logs.delete_log_group(logGroupName=item.id)),
    "S3 bucket": ("s3", _delete_bucket),
}
