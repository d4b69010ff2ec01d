"""One EC2 instance the way all of them are:

IMDSv2 only, an encrypted gp3 disk, replaced when its user-data changes.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .config.naming import Names
from .config.pools import Machine


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceArgs:
    """The inputs in which instances differ. Exactly one of `user_data` (text) and `user_data_base64` is
    given.
    """

    names: Names
    node: str
    role: str
    os: str
    machine: Machine
    ami: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    security_group_ids: list[pulumi.Output[str]]
    instance_profile: pulumi.Input[str]
    key_name: str
    source_dest_check: bool
    user_data: pulumi.Input[str] | None = None
    user_data_base64: pulumi.Input[str] | None = None


def instance(args: InstanceArgs, opts: pulumi.ResourceOptions) -> aws.ec2.Instance:
    """Declares the instance; `opts` carries parent and dependencies."""
    tags = args.names.tags(args.node, role=args.role, node=args.node, os=args.os)
    return aws.ec2.Instance(
        args.names.of(args.node),
        ami=args.ami,
        instance_type=args.machine.instance_type,
        # network
        subnet_id=args.subnet_id,
        vpc_security_group_ids=args.security_group_ids,
        source_dest_check=args.source_dest_check,
        # identity. A hop limit of 1 keeps the role's credentials from pods on Linux, whose packets make one
        # hop more; on Windows an ACL of the pod network does (userdata/windows/worker.ps1).
        iam_instance_profile=args.instance_profile,
        key_name=args.key_name or None,
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        # disk
        root_block_device={
            "volume_type": "gp3",
            "volume_size": args.machine.disk_size_gb,
            "encrypted": True,
            "delete_on_termination": True,
        },
        # Given by RunInstances itself. Tags of the block device would come by a call of their own, after the
        # machine runs (hashicorp/terraform-provider-aws, internal/service/ec2/ec2_instance.go): a run killed
        # before it leaves a nameless disk.
        volume_tags=tags,
        # boot. Without replacement changed user-data would stop and start the machine and never run.
        user_data=args.user_data,
        user_data_base64=args.user_data_base64,
        user_data_replace_on_change=True,
        # A machine of a stack that ends must not stay behind as a stopped one, which costs its disk. Any
        # other machine is only stopped by "Shut down" in an RDP session or by `poweroff`: no configuration
        # says that it should end.
        instance_initiated_shutdown_behavior="terminate" if args.names.expires_at else "stop",
        tags=tags,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["ami"])),
    )
