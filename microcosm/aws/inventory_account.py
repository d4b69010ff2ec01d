"""Listers for what is not EC2:

IAM, parameters, buckets, log groups, and anything else that the tag index knows.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from infra.config.naming import STACK_TAG, Names

from ..errors import OperatorError
from .resources import Item, Kind
from .session import Session, pages, tags_of

# IAM and S3 lists come without tags: each object is asked for its own, some at a time.
PARALLEL_TAG_READS = 8


def _tagged(items: list[Item], read_tags: Callable[[Item], Mapping[str, str] | None]) -> list[Item]:
    """Return the items with the tags that each has to be asked for, without those that are gone (None).

    IAM and S3 go on listing what was deleted for a while (IAM user guide, "Changes that I make are not always
    immediately visible"; S3 user guide, "Amazon S3 data consistency model"). The object itself knows better.
    """
    with ThreadPoolExecutor(PARALLEL_TAG_READS) as pool:
        answers = list(pool.map(read_tags, items))
    return [replace(item, tags=tags) for item, tags in zip(items, answers, strict=True) if tags is not None]


def _roles(session: Session, stack: str) -> Iterator[Item]:
    iam = session.client("iam")
    # AWS's own service-linked roles cannot be a stack's.
    names = [
        role["RoleName"]
        for role in pages(iam, "list_roles", "Roles")
        if not role["Path"].startswith("/aws-service-role/")
    ]
    roles = [Item(kind="IAM role", id=name, name=name) for name in names]
    yield from _tagged(roles, lambda role: _iam_tags(iam, lambda: iam.list_role_tags(RoleName=role.id)))


def _instance_profiles(session: Session, stack: str) -> Iterator[Item]:
    iam = session.client("iam")
    names = [
        profile["InstanceProfileName"] for profile in pages(iam, "list_instance_profiles", "InstanceProfiles")
    ]
    profiles = [Item(kind="instance profile", id=name, name=name) for name in names]
    yield from _tagged(profiles, lambda profile: _iam_tags(iam, lambda: _instance_profile(iam, profile.id)))


def _instance_profile(iam: Any, name: str) -> Mapping[str, Any]:
    return iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]


def _iam_tags(iam: Any, read: Callable[[], Mapping[str, Any]]) -> Mapping[str, str] | None:
    """Read the tags of an object; None if it is gone."""
    try:
        return tags_of(read())
    except iam.exceptions.NoSuchEntityException:
        return None


def _parameters(session: Session, stack: str) -> Iterator[Item]:
    """Under the stack's own path whatever their tags, and anywhere by tag; the values are not read."""
    ssm = session.client("ssm")
    of_path = {"Key": "Name", "Option": "BeginsWith", "Values": [Names(stack=stack).parameter() + "/"]}
    of_tag = {"Key": f"tag:{STACK_TAG}", "Values": [stack]}
    tagged = {
        entry["Name"] for entry in pages(ssm, "describe_parameters", "Parameters", ParameterFilters=[of_tag])
    }
    under_path = {
        entry["Name"] for entry in pages(ssm, "describe_parameters", "Parameters", ParameterFilters=[of_path])
    }
    for name in sorted(tagged | under_path):
        yield Item(
            kind="SSM parameter", id=name, name=name, tags={STACK_TAG: stack} if name in tagged else {}
        )


def _buckets(session: Session, stack: str) -> Iterator[Item]:
    s3 = session.client("s3")
    buckets = [
        Item(kind="S3 bucket", id=entry["Name"], name=entry["Name"], sku="s3")
        for entry in s3.list_buckets()["Buckets"]
    ]
    refused: list[str] = []
    yield from _tagged(buckets, lambda bucket: _bucket_tags(s3, bucket.id, refused))
    if buckets and len(refused) == len(buckets):
        raise OperatorError("s3:GetBucketTagging is refused for every bucket")


def _bucket_tags(s3: Any, name: str, refused: list[str]) -> Mapping[str, str] | None:
    """Read a bucket's tags; None if it is gone.

    Without tags it answers with an error; one whose policy refuses this caller is not this stack's.
    """
    try:
        return tags_of({"Tags": s3.get_bucket_tagging(Bucket=name)["TagSet"]})
    except s3.exceptions.ClientError as answer:
        code = answer.response["Error"]["Code"]
        if code == "NoSuchBucket":
            return None
        if code == "AccessDenied":
            refused.append(name)
        elif code != "NoSuchTagSet":
            raise
        return {}


def _log_groups(session: Session, stack: str) -> Iterator[Item]:
    """Under the stack's own path whatever their tags, and anywhere by tag."""
    prefix = Names(stack=stack).parameter()
    listed = pages(session.client("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
    under_path = {
        entry["logGroupName"] for entry in listed if f"{entry['logGroupName']}/".startswith(f"{prefix}/")
    }
    tagged = {
        arn.split(":log-group:")[1].removesuffix(":*")
        for arn in _tagged_arns(session, stack)
        if ":log-group:" in arn
    }
    for name in sorted(tagged | under_path):
        yield Item(
            kind="log group",
            id=name,
            name=name,
            tags={STACK_TAG: stack} if name in tagged else {},
            sku="logs",
        )


def _tagged_arns(session: Session, stack: str) -> list[str]:
    """List what the account's tag index holds for this stack."""
    index, filters = session.client("resourcegroupstaggingapi"), [{"Key": STACK_TAG, "Values": [stack]}]
    return [
        str(entry["ResourceARN"])
        for entry in pages(index, "get_resources", "ResourceTagMappingList", TagFilters=filters)
    ]


# Services that have listers of their own: the tag index remembers what they deleted for hours, and knows no
# IAM.
LISTED_SERVICES = ("ec2", "iam", "logs", "s3", "ssm")


def _by_tag_index(session: Session, stack: str) -> Iterator[Item]:
    for arn in _tagged_arns(session, stack):
        if arn.split(":")[2] not in LISTED_SERVICES:
            yield Item(kind="other", id=arn, name=arn.split(":", 5)[5], tags={STACK_TAG: stack}, sku="other")


KINDS = (
    Kind(name="instance profile", where="iam:ListInstanceProfiles", list=_instance_profiles),
    Kind(name="IAM role", where="iam:ListRoles", list=_roles),
    Kind(name="SSM parameter", where="ssm:DescribeParameters", list=_parameters),
    Kind(name="S3 bucket", where="s3:ListAllMyBuckets", list=_buckets),
    Kind(name="log group", where="logs:DescribeLogGroups", list=_log_groups),
    Kind(name="other", where="tag:GetResources", list=_by_tag_index),
)
