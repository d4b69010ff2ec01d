"""The control plane: one Ubuntu machine, reached by an Elastic IP that is known before the machine boots."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import security
from .config import naming
from .config.model import StackConfig
from .instance import InstanceArgs, instance
from .node import script_inputs

CONTROL_PLANE_OS = "ubuntu-24.04"


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlPlaneArgs:
    """`after` is what must be there before the machine is, and may only go after it."""

    config: StackConfig
    region: pulumi.Input[str]
    ami: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    security_group_ids: list[pulumi.Output[str]]
    instance_profile: pulumi.Input[str]
    after: list[pulumi.Resource]


class ControlPlane(pulumi.ComponentResource):
    """The instance, its Elastic IP, and what others need to know of them."""

    instance: aws.ec2.Instance
    instance_id: pulumi.Output[str]
    public_ip: pulumi.Output[str]

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("microcosm:infra:ControlPlane", name, None, opts)
        self._args = args
        names = args.config.names
        address = aws.ec2.Eip(
            names.of(naming.CONTROL_PLANE),
            domain="vpc",
            tags=names.tags(naming.CONTROL_PLANE),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.public_ip = address.public_ip
        self.instance = self._instance()
        association = aws.ec2.EipAssociation(
            names.of(naming.CONTROL_PLANE),
            allocation_id=address.allocation_id,
            instance_id=self.instance.id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Whoever waits for the API waits for the address to lead there.
        self.instance_id = pulumi.Output.all(self.instance.id, association.id).apply(lambda ids: ids[0])
        self.register_outputs({"instance_id": self.instance_id, "public_ip": self.public_ip})

    def _instance(self) -> aws.ec2.Instance:
        args, config = self._args, self._args.config
        return instance(
            InstanceArgs(
                names=config.names,
                node=naming.CONTROL_PLANE,
                role=security.CONTROL_PLANE,
                os=CONTROL_PLANE_OS,
                machine=config.control_plane,
                ami=args.ami,
                subnet_id=args.subnet_id,
                security_group_ids=args.security_group_ids,
                instance_profile=args.instance_profile,
                key_name=config.key_name,
                source_dest_check=config.flannel_backend != "host-gw",
                user_data_base64=pulumi.Output.all(args.region, self.public_ip).apply(
                    lambda known: script_inputs.control_plane(config, region=known[0], public_ip=known[1])
                ),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=args.after),
        )
