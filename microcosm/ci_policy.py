"""What the role of a CI pipeline may do, and no more: the actions of `preview up`, `list`, `extend`, `down` and `reap`.

Everything is held to previews where IAM can do so: names and parameters begin with `pr-`, what ends an object asks for its
tag. PROVEN is what these commands and the program need on a fake cloud that enforces it, no more and no less
(rehearsal/permissions). The official AWS provider calls more than the rehearsal's stand-in; those actions are PROVIDER_ONLY:
looked up in its source (docs/adr/0022-permissions-of-the-official-provider.md), not proven by a run.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from infra import patterns
from infra.naming import STACK_TAG

from .errors import UsageError
from .preview import PREFIX

GITHUB = "token.actions.githubusercontent.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """Actions that share their resources and conditions."""

    sid: str
    why: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    condition: Mapping[str, Any] | None = None


OWN = {"StringLike": {f"aws:ResourceTag/{STACK_TAG}": f"{PREFIX}*"}}
# The calls that make something with its tags: without this list whoever has the role could tag, and then end, what is not a preview's.
TAGGING_CALLS = (
    "AllocateAddress", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateInternetGateway", "CreateRouteTable",
    "CreateSecurityGroup", "CreateSubnet", "CreateVpc", "RunInstances",
)  # fmt: skip
AT_BIRTH = {"StringEquals": {"ec2:CreateAction": [*TAGGING_CALLS]}, "StringLike": {f"aws:RequestTag/{STACK_TAG}": f"{PREFIX}*"}}
NAMES = ("arn:aws:iam::@ACCOUNT@:role/pr-*", "arn:aws:iam::@ACCOUNT@:instance-profile/pr-*")
PARAMETERS = ("arn:aws:ssm:*:@ACCOUNT@:parameter/microcosm/pr-*",)
SCRIPTS = ("arn:aws:s3:::pr-*",)
CALLED: tuple[Grant, ...] = (
    Grant(
        sid="Look",
        why="what there is, for the program, the timeline, the cost and the audit; IAM knows no narrower resource",
        actions=(
            "ec2:DescribeAddresses", "ec2:DescribeImages", "ec2:DescribeInstanceAttribute", "ec2:DescribeInstances",
            "ec2:DescribeInternetGateways", "ec2:DescribeKeyPairs", "ec2:DescribeLaunchTemplates", "ec2:DescribeNatGateways",
            "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups", "ec2:DescribeSnapshots", "ec2:DescribeSubnets", "ec2:DescribeVolumes",
            "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "iam:GetInstanceProfile",
            "iam:ListInstanceProfiles", "iam:ListRoleTags", "iam:ListRoles", "logs:DescribeLogGroups", "s3:GetBucketTagging",
            "s3:ListAllMyBuckets", "ssm:DescribeParameters", "tag:GetResources",
        ),
    ),
    Grant(
        sid="Build",
        why="network and machines; what is made carries the stack's tag, which the next grant asks for",
        actions=(
            "ec2:AllocateAddress", "ec2:AssociateAddress", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway",
            "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateInternetGateway", "ec2:CreateRoute",
            "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:DeleteRoute",
            "ec2:DetachInternetGateway", "ec2:DisassociateAddress", "ec2:DisassociateRouteTable", "ec2:ModifySubnetAttribute",
            "ec2:ModifyVpcAttribute", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", "ec2:RunInstances",
        ),
    ),
    Grant(sid="TagNew", why="what is made is a preview's from its first second", actions=("ec2:CreateTags",), condition=AT_BIRTH),
    Grant(sid="TagOwn", why="tags that change, such as the end", actions=("ec2:CreateTags",), condition=OWN),
    Grant(
        sid="EndOwn",
        why="only what carries the tag of a preview",
        actions=(
            "ec2:DeleteInternetGateway", "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteVpc",
            "ec2:ReleaseAddress", "ec2:TerminateInstances",
        ),
        condition=OWN,
    ),
    Grant(
        sid="NodeRoles",
        why="an instance role for each node role",
        actions=(
            "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:CreateRole", "iam:DeleteInstanceProfile", "iam:DeleteRole",
            "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy",
            "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:TagRole",
        ),
        resources=NAMES,
    ),
    Grant(
        sid="Parameters",
        why="rendezvous, status and the end of a preview",
        actions=(
            "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParametersByPath", "ssm:ListTagsForResource",
            "ssm:PutParameter",
        ),
        resources=PARAMETERS,
    ),
    Grant(
        sid="Script",
        why="the bucket that holds the Windows machines' script",
        actions=(
            "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket",
            "s3:PutBucketTagging", "s3:PutObject", "s3:PutObjectTagging",
        ),
        resources=(*SCRIPTS, *(f"{bucket}/*" for bucket in SCRIPTS)),
    ),
    Grant(
        sid="State",
        why="Pulumi's state, locks and stack tags",
        actions=("s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"),
        resources=("arn:aws:s3:::@STATE@", "arn:aws:s3:::@STATE@/*"),
    ),
)  # fmt: skip
# Public parameters of AWS itself: the current images. A name of no account, so a grant of its own.
IMAGES = Grant(sid="Images", why="the current images", actions=("ssm:GetParameter",), resources=("arn:aws:ssm:*::parameter/aws/service/*",))
# An action without a call: asked for when a role is added to an instance profile, and when a machine is run with one.
PASS_ROLE = Grant(
    sid="HandRoles", why="a role into an instance profile, a profile to a machine", actions=("iam:PassRole",), resources=NAMES[:1],
    condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
)  # fmt: skip
# With these alone a role could be made that may do anything.
GIVING = ("iam:CreateRole", "iam:PutRolePolicy")
# Without any one of these some command fails: `make permissions` tries each.
PROVEN = (*CALLED, IMAGES, PASS_ROLE)
# Needed only after a run that was cut off, to delete what it made and could not write down (microcosm/cleanup.py).
RECOVERY: tuple[Grant, ...] = (
    Grant(sid="RepairDisks", why="a disk whose machine is gone", actions=("ec2:DeleteVolume",), condition=OWN),
    Grant(
        sid="RepairBuckets",
        why="a bucket is emptied before it is deleted",
        actions=("s3:DeleteObjectVersion", "s3:ListBucketVersions"),
        resources=(*SCRIPTS, *(f"{bucket}/*" for bucket in SCRIPTS)),
    ),
)
# Without this nothing fails, but what has failed is told without its cause.
CONSOLE = Grant(sid="Explain", why="the console of a machine that failed, in the error message", actions=("ec2:GetConsoleOutput",))
# What hashicorp/terraform-provider-aws, which pulumi-aws bridges, calls for this program's resources besides the above: read in its
# source, file by file (docs/adr/0022-permissions-of-the-official-provider.md), and not proven by a run.
PROVIDER_ONLY: tuple[Grant, ...] = (
    Grant(
        sid="ProviderLooks",
        why="read back by the official provider, and waited for",
        actions=(
            "ec2:DescribeAddressesAttribute", "ec2:DescribeInstanceCreditSpecifications", "ec2:DescribeInstanceTypes", "ec2:DescribeTags",
            "ec2:DescribeVolumesModifications",
        ),
    ),
    Grant(
        sid="ProviderEdits",
        why="what a machine does when it shuts down; then tags taken away, and another type, disk or rule in place",
        actions=(
            "ec2:DeleteTags", "ec2:ModifyInstanceAttribute", "ec2:ModifySecurityGroupRules", "ec2:ModifyVolume", "ec2:StartInstances",
            "ec2:StopInstances",
        ),
        condition=OWN,
    ),
    Grant(
        sid="ProviderRoles",
        why="a role is read with its policies, and taken out of its profiles before it is deleted",
        actions=(
            "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:UntagInstanceProfile", "iam:UntagRole",
        ),
        resources=NAMES,
    ),
    Grant(sid="ProviderParameters", why="tags are taken away", actions=("ssm:RemoveTagsFromResource",), resources=PARAMETERS),
    Grant(
        sid="ProviderBucket",
        why="a bucket is tagged when it is made, and read back with all its settings",
        actions=(
            "s3:GetAccelerateConfiguration", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration", "s3:GetBucketPolicy", "s3:GetBucketRequestPayment", "s3:GetBucketVersioning",
            "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration",
            "s3:ListTagsForResource", "s3:TagResource", "s3:UntagResource",
        ),
        resources=SCRIPTS,
    ),
)  # fmt: skip

UNPROVEN = (*RECOVERY, CONSOLE, *PROVIDER_ONLY)


# Anything else would be read as a part of an ARN or of a pattern.
ACCEPTED = {
    "--account": (re.compile(r"[0-9]{12}", re.ASCII), "12 digits"),
    "--state-bucket": (re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"), "the name of an S3 bucket"),
    "--permissions-boundary": (patterns.POLICY_ARN, "the ARN of an IAM policy"),
    "--repo": (re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", re.ASCII), "owner/name"),
    "--owner-id": (re.compile(r"[1-9][0-9]*", re.ASCII), "a number"),
    "--repo-id": (re.compile(r"[1-9][0-9]*", re.ASCII), "a number"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A repository on GitHub and the ids that its tokens carry; without ids its tokens still name it alone."""

    name: str
    owner_id: str | None = None
    id: str | None = None
    by_name: bool = False

    @property
    def subject(self) -> str:
        """Render the beginning of the `sub` claim, which is `repo:OWNER@OWNER_ID/NAME@ID`, or `repo:OWNER/NAME` on older repositories.

        GitHub adds the ids on each repository that was created, renamed or transferred since 2026-07-15, or whose owner asked for it:
        https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
        """
        owner, name = self.name.split("/")
        return f"repo:{self.name}" if self.by_name else f"repo:{owner}@{self.owner_id}/{name}@{self.id}"


def refuse_misuse(account: str, state_bucket: str, repository: Repository, boundary: str | None = None) -> None:
    """Refuse values that would mean something else in a policy, and a repository with neither ids nor the older form of the claim."""
    values = (account, state_bucket, boundary, repository.name, repository.owner_id, repository.id)
    for (option, (pattern, accepted)), value in zip(ACCEPTED.items(), values, strict=True):
        if value is not None and not pattern.fullmatch(value):
            raise UsageError(f"{option} is {value!r}: accepted is {accepted}")
    given = [value is not None for value in (repository.owner_id, repository.id)]
    # Both forms in one policy would let in the next owner of the name.
    if any(given) if repository.by_name else not all(given):
        raise UsageError(
            f"give --owner-id and --repo-id, which `gh api repos/{repository.name} --jq '.owner.id, .id'` prints; or --subject-by-name alone, "
            "if the repository's tokens carry no ids (created before 2026-07-15, neither renamed nor transferred since, not opted in)"
        )


def permissions(account: str, state_bucket: str, boundary: str | None = None) -> dict[str, Any]:
    """Render the policy document of the role; with a boundary it makes and fills only roles that carry that one."""
    grants = (*PROVEN, *UNPROVEN)
    return document(tuple(each for grant in grants for each in _bounded(grant, boundary)) if boundary else grants, account, state_bucket)


def _bounded(grant: Grant, boundary: str) -> list[Grant]:
    """Split off what gives a role its permissions (Service Authorization Reference, IAM: condition key iam:PermissionsBoundary)."""
    giving = tuple(action for action in grant.actions if action in GIVING)
    if not giving:
        return [grant]
    rest = tuple(action for action in grant.actions if action not in GIVING)
    condition = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    why = "no role without the boundary"
    return [replace(grant, actions=rest), Grant(sid="BoundedRoles", why=why, actions=giving, resources=grant.resources, condition=condition)]


def document(grants: Sequence[Grant], account: str, state_bucket: str) -> dict[str, Any]:
    """A policy document of these grants."""
    places = {"@ACCOUNT@": account, "@STATE@": state_bucket}
    return {"Version": "2012-10-17", "Statement": [_statement(grant, places) for grant in grants]}


def _statement(grant: Grant, places: Mapping[str, str]) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Action": [*grant.actions],
        "Resource": [_filled(resource, places) for resource in grant.resources],
    }
    return statement | ({"Condition": grant.condition} if grant.condition else {})


def _filled(text: str, places: Mapping[str, str]) -> str:
    for place, value in places.items():
        text = text.replace(place, value)
    return text


def trust(account: str, repository: Repository, environment: str = "preview") -> dict[str, Any]:
    """Render the trust policy: jobs of one environment of one repository take the role, by GitHub's own tokens."""
    conditions = {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": f"{repository.subject}:environment:{environment}"}
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"},
        # No pattern: a wildcard would also match an environment whose name imitates the rest of the claim.
        "Condition": {"StringEquals": conditions},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
