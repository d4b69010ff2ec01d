"""The table of what the role of a CI pipeline may do: the actions of `preview up`, `list`, `extend`, `down`
and `reap`, and no more.

Everything is held to previews where IAM can do so: names and parameters begin with `pr-`, what is made has to
carry a preview's tag, and what is changed or ended has to have it. PROVEN is what these commands and the
program need on a fake cloud that enforces it, no more and no less (rehearsal/scenarios/permissions). What no
run proves is in pipeline_unproven.py. Which objects and tags IAM judges a call by: Service Authorization
Reference, "Actions, resources, and condition keys for Amazon EC2".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from infra.config.naming import STACK_TAG

from .model import PREFIX


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """Actions that share their resources and conditions."""

    sid: str
    why: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    condition: Mapping[str, Mapping[str, Any]] | None = None
    effect: Literal["Allow", "Deny"] = "Allow"


def _objects(*types: str) -> tuple[str, ...]:
    return tuple(f"arn:aws:ec2:*:@ACCOUNT@:{each}/*" for each in types)


OWN = {"StringLike": {f"aws:ResourceTag/{STACK_TAG}": f"{PREFIX}*"}}
# The calls that make something with its tags: without this list whoever has the role could tag, and then end,
# what is not a preview's.
TAGGING_CALLS = (
    "AllocateAddress", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress",
    "CreateInternetGateway", "CreateRouteTable",
    "CreateSecurityGroup", "CreateSubnet", "CreateVpc", "RunInstances",
)  # fmt: skip
# A new object must get the tag in the call that makes it. Grants with this condition name no object that
# exists already: AWS's reference does not say whether IAM also sees a request's tags when it judges such an
# object, and then the grant would reach the objects of other stacks.
NEW = {"StringLike": {f"aws:RequestTag/{STACK_TAG}": f"{PREFIX}*"}}
AT_BIRTH = {
    "StringEquals": {"ec2:CreateAction": [*TAGGING_CALLS]},
    "StringLike": {f"aws:RequestTag/{STACK_TAG}": f"{PREFIX}*"},
}
NAMES = ("arn:aws:iam::@ACCOUNT@:role/pr-*", "arn:aws:iam::@ACCOUNT@:instance-profile/pr-*")
PARAMETERS = ("arn:aws:ssm:*:@ACCOUNT@:parameter/microcosm/pr-*",)
SCRIPTS = ("arn:aws:s3:::pr-*",)
CALLED: tuple[Grant, ...] = (
    Grant(
        sid="Look",
        why="what there is, for the program, the timeline, the cost and the audit; IAM knows no narrower "
            "resource",
        actions=(
            "ec2:DescribeAddresses", "ec2:DescribeCarrierGateways", "ec2:DescribeEgressOnlyInternetGateways",
            "ec2:DescribeFlowLogs",
            "ec2:DescribeImages", "ec2:DescribeInstanceAttribute", "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeKeyPairs",
            "ec2:DescribeLaunchTemplates", "ec2:DescribeNatGateways",
            "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups", "ec2:DescribeSnapshots", "ec2:DescribeSubnets",
            "ec2:DescribeTransitGatewayVpcAttachments",
            "ec2:DescribeVolumes", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcPeeringConnections",
            "ec2:DescribeVpcs", "ec2:DescribeVpnConnections", "ec2:DescribeVpnGateways",
            "iam:GetInstanceProfile",
            "iam:ListInstanceProfiles", "iam:ListRoleTags", "iam:ListRoles", "logs:DescribeLogGroups",
            "s3:GetBucketTagging",
            "s3:ListAllMyBuckets", "ssm:DescribeParameters", "tag:GetResources",
        ),
    ),
    Grant(
        sid="Make",
        why="network parts, which carry the stack's tag from their first second; the grants below ask for it",
        actions=(
            "ec2:AllocateAddress", "ec2:CreateInternetGateway", "ec2:CreateRouteTable",
            "ec2:CreateSecurityGroup", "ec2:CreateSubnet",
        ),
        resources=_objects("elastic-ip", "internet-gateway", "route-table", "security-group", "subnet"),
        condition=NEW,
    ),
    Grant(
        sid="MakeVpc", why="the network", actions=("ec2:CreateVpc",), resources=_objects("vpc"), condition=NEW
    ),
    Grant(
        sid="MakeRules",
        why="the rules of a security group",
        actions=("ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"),
        resources=_objects("security-group-rule"),
        condition=NEW,
    ),
    Grant(
        sid="Launch",
        why="machines and their disks",
        actions=("ec2:RunInstances",),
        resources=_objects("instance", "volume"),
        condition=NEW,
    ),
    Grant(
        sid="LaunchWith",
        why="what a machine is made of and what no tag of the stack is on: the publishers' image, the key "
            "pair, its own network card",
        actions=("ec2:RunInstances",),
        resources=("arn:aws:ec2:*::image/*", *_objects("key-pair", "network-interface")),
    ),
    Grant(
        sid="ChangeOwn",
        why="put together and taken apart, only what carries the tag of a preview",
        actions=(
            "ec2:AssociateAddress", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateRoute", "ec2:CreateRouteTable",
            "ec2:CreateSecurityGroup", "ec2:CreateSubnet",
            "ec2:DeleteRoute", "ec2:DetachInternetGateway", "ec2:DisassociateRouteTable",
            "ec2:ModifySubnetAttribute",
            "ec2:ModifyVpcAttribute", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
            "ec2:RunInstances",
        ),
        resources=_objects(
            "elastic-ip", "instance", "internet-gateway", "route-table", "security-group", "subnet", "vpc"
        ),
        condition=OWN,
    ),
    Grant(
        sid="AddressCards",
        why="a machine's network card, which has no tag, gets the address; the address is judged by its own",
        actions=("ec2:AssociateAddress",),
        resources=_objects("network-interface"),
    ),
    Grant(
        sid="Disassociate",
        why="an association that is gone already has no address whose tag could allow it, and must be "
            "answered by NotFound",
        actions=("ec2:DisassociateAddress",),
    ),
    Grant(
        sid="KeepAddresses",
        why="no address of others is cut off",
        actions=("ec2:DisassociateAddress",),
        resources=_objects("elastic-ip"),
        condition={"StringNotLike": OWN["StringLike"]},
        effect="Deny",
    ),
    Grant(
        sid="TagNew",
        why="what is made is a preview's from its first second",
        actions=("ec2:CreateTags",),
        condition=AT_BIRTH,
    ),
    Grant(sid="TagOwn", why="tags that change, such as the end", actions=("ec2:CreateTags",), condition=OWN),
    Grant(
        sid="EndOwn",
        why="only what carries the tag of a preview",
        actions=(
            "ec2:DeleteInternetGateway", "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup",
            "ec2:DeleteSubnet", "ec2:DeleteVpc",
            "ec2:ReleaseAddress", "ec2:TerminateInstances",
        ),
        condition=OWN,
    ),
    Grant(
        sid="NodeRoles",
        why="an instance role for each node role",
        actions=(
            "iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:CreateRole",
            "iam:DeleteInstanceProfile", "iam:DeleteRole",
            "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy",
            "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:TagRole",
        ),
        resources=NAMES,
    ),
    Grant(
        sid="Parameters",
        why="rendezvous, status and the end of a preview",
        actions=(
            "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameter", "ssm:GetParametersByPath",
            "ssm:ListTagsForResource",
            "ssm:PutParameter",
        ),
        resources=PARAMETERS,
    ),
    Grant(
        sid="Script",
        why="the bucket that holds the Windows machines' script",
        actions=(
            "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging",
            "s3:ListBucket",
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
IMAGES = Grant(
    sid="Images",
    why="the current images",
    actions=("ssm:GetParameter",),
    resources=("arn:aws:ssm:*::parameter/aws/service/*",),
)
# An action without a call: asked for when a role is added to an instance profile, and when a machine is run
# with one.
PASS_ROLE = Grant(
    sid="HandRoles", why="a role into an instance profile, a profile to a machine", actions=("iam:PassRole",),
    resources=NAMES[:1],
    condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
)  # fmt: skip
# With these alone a role could be made that may do anything.
GIVING = ("iam:CreateRole", "iam:PutRolePolicy")
# Without any one of these some command fails: `make permissions` tries each.
PROVEN = (*CALLED, IMAGES, PASS_ROLE)


def documents_key(arn: str) -> Grant:
    """Allow Systems Manager alone to use the stack's own key (KMS developer guide, kms:ViaService)."""
    via = {"StringLike": {"kms:ViaService": "ssm.*.amazonaws.com"}}
    why = "the documents are encrypted with this key"
    return Grant(
        sid="DocumentsKey", why=why, actions=("kms:Decrypt", "kms:Encrypt"), resources=(arn,), condition=via
    )


def bounded(grant: Grant, boundary: str) -> list[Grant]:
    """Split off the actions that give a role its permissions, which need the boundary (Service Authorization
    Reference, IAM: condition key iam:PermissionsBoundary).
    """
    giving = tuple(action for action in grant.actions if action in GIVING)
    if not giving:
        return [grant]
    rest = tuple(action for action in grant.actions if action not in GIVING)
    condition = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    why = "no role without the boundary"
    return [
        replace(grant, actions=rest),
        Grant(sid="BoundedRoles", why=why, actions=giving, resources=grant.resources, condition=condition),
    ]
