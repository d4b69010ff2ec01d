"""One instance role per node role, each able to do what that role does and nothing else.

AmazonSSMManagedInstanceCore is not attached although Session Manager needs part of it: it allows
ssm:GetParameter on every parameter of the account, so each worker could read the administrator's kubeconfig.
The actions that Session Manager and Run Command themselves need are granted instead (Systems Manager user
guide, "ec2messages, ssmmessages, and other API operations").
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from . import join_parameters as rendezvous
from .config import expiry
from .config.naming import Names
from .security import CONTROL_PLANE, LINUX_WORKER, WINDOWS_WORKER

SESSION_MANAGER = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Parameters of the stack that a role may read and write, by their path, and those that it may ask for
    several at a time.
    """

    read: tuple[str, ...]
    write: tuple[str, ...]
    look: tuple[str, ...] = ()


ACCESS = {
    # It looks which machines are still declared.
    CONTROL_PLANE: Access(
        read=(),
        write=(*rendezvous.DOCUMENTS, f"{rendezvous.STATUS}/control-plane"),
        look=(f"{rendezvous.STATUS}/*",),
    ),
    LINUX_WORKER: Access(read=(rendezvous.JOIN,), write=(f"{rendezvous.STATUS}/*",)),
    WINDOWS_WORKER: Access(
        read=(rendezvous.JOIN, rendezvous.WINDOWS_NETWORK), write=(f"{rendezvous.STATUS}/*",)
    ),
}


def assume_role_policy() -> str:
    """EC2 itself, and nobody else, hands the role to an instance."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role_policy(
    role: str,
    names: Names,
    *,
    account: str,
    region: str,
    partition: str,
    script_bucket: str | None = None,
    kms_key: str = "",
) -> str:
    """Render the whole permission of a node role as an IAM policy document; Windows workers also read the
    bucket of their script.

    `kms_key` is the user's own key for the documents, its id or ARN: a role may decrypt if it reads a
    document, and encrypt if it writes one.
    """
    access = ACCESS[role]
    # Every machine of a stack that ends reads when that is.
    read = (*access.read, expiry.PARAMETER) if names.expires_at else access.read
    statements: list[dict[str, Any]] = [
        {
            "Sid": sid,
            "Effect": "Allow",
            "Action": action,
            "Resource": rendezvous.arns(names, account, region, partition, paths),
        }
        for sid, action, paths in (
            ("Read", "ssm:GetParameter", read),
            ("Write", "ssm:PutParameter", access.write),
            ("Look", "ssm:GetParameters", access.look),
        )
        if paths
    ]
    if role == WINDOWS_WORKER and script_bucket:
        objects = f"arn:{partition}:s3:::{script_bucket}/*"
        statements.append({"Sid": "Script", "Effect": "Allow", "Action": "s3:GetObject", "Resource": objects})
    if kms_key:
        statements.append(
            _key_statement(access, kms_key, account=account, region=region, partition=partition)
        )
    statements.append(
        {"Sid": "SessionManager", "Effect": "Allow", "Action": [*SESSION_MANAGER], "Resource": "*"}
    )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _key_statement(access: Access, key: str, *, account: str, region: str, partition: str) -> dict[str, Any]:
    """Allow Systems Manager in this region to use the key for the role, and no other way to use it (KMS
    developer guide, kms:ViaService).
    """
    actions = [("kms:Decrypt", access.read), ("kms:Encrypt", access.write)]
    return {
        "Sid": "DocumentsKey",
        "Effect": "Allow",
        "Action": [action for action, paths in actions if {*paths} & {*rendezvous.DOCUMENTS}],
        "Resource": key if key.startswith("arn:") else f"arn:{partition}:kms:{region}:{account}:key/{key}",
        "Condition": {"StringEquals": {"kms:ViaService": f"ssm.{region}.amazonaws.com"}},
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class RolesArgs:
    names: Names
    roles: tuple[str, ...]
    script_bucket: pulumi.Input[str] | None
    # The ARN of a policy, or empty.
    permissions_boundary: str
    # The id or ARN of a KMS key, or empty.
    kms_key: str


class Roles(pulumi.ComponentResource):
    """An instance profile for each node role, by its name."""

    instance_profiles: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("microcosm:infra:Roles", name, None, opts)
        self._names, self._boundary, self._key = args.names, args.permissions_boundary, args.kms_key
        self._child = pulumi.ResourceOptions(parent=self)
        invoke = pulumi.InvokeOutputOptions(parent=self)
        self._place = pulumi.Output.all(
            account=aws.get_caller_identity_output(opts=invoke).account_id,
            region=aws.get_region_output(opts=invoke).region,
            partition=aws.get_partition_output(opts=invoke).partition,
            script_bucket=args.script_bucket,
        )
        self.instance_profiles = {role: self._instance_profile(role) for role in args.roles}
        self.register_outputs({"instance_profiles": self.instance_profiles})

    def _instance_profile(self, role: str) -> pulumi.Output[str]:
        names, tags = self._names, self._names.tags(role, role=role)
        iam_role = aws.iam.Role(
            names.of(role),
            assume_role_policy=assume_role_policy(),
            permissions_boundary=self._boundary or None,
            tags=tags,
            opts=self._child,
        )
        aws.iam.RolePolicy(
            names.of(role),
            # Not a made-up one: where AWS's answer to the first attempt was lost, the next one writes the
            # same policy and no second.
            name="permissions",
            role=iam_role.name,
            policy=self._place.apply(lambda place: role_policy(role, names, **place, kms_key=self._key)),
            opts=self._child,
        )
        return aws.iam.InstanceProfile(names.of(role), role=iam_role.name, tags=tags, opts=self._child).name
