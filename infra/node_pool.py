"""A pool of equal workers. One component for both systems: the operating system is data."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import security
from .config.model import StackConfig
from .config.pools import NodePool as PoolConfig
from .instance import InstanceArgs, instance
from .node import script_inputs
from .script_bucket import StagedScript

ROLES = {"linux": security.LINUX_WORKER, "windows": security.WINDOWS_WORKER}


@dataclass(frozen=True, kw_only=True, slots=True)
class NodePoolArgs:
    """`control_plane_id` stands in the user-data: a new control plane means new workers, never half a
    cluster.

    `after` is what must be there before a machine is, and may only go after it; of `status` each machine has
    its own.
    """

    config: StackConfig
    pool: PoolConfig
    region: pulumi.Input[str]
    # None if the pool has no machine.
    ami: pulumi.Input[str] | None
    control_plane_id: pulumi.Input[str]
    subnet_ids: list[pulumi.Output[str]]
    security_group_ids: list[pulumi.Output[str]]
    instance_profile: pulumi.Input[str]
    after: list[pulumi.Resource]
    status: dict[str, aws.ssm.Parameter]
    script: pulumi.Output[StagedScript] | None


class NodePool(pulumi.ComponentResource):
    """The pool's instances by node name."""

    instances: dict[str, aws.ec2.Instance]

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("microcosm:infra:NodePool", name, None, opts)
        self._args = args
        self.instances = {
            node: self._instance(index, node) for index, node in enumerate(args.pool.node_names)
        }
        self.register_outputs({"instances": {node: machine.id for node, machine in self.instances.items()}})

    def _instance(self, index: int, node: str) -> aws.ec2.Instance:
        args, pool = self._args, self._args.pool
        assert args.ami is not None
        known = pulumi.Output.all(
            region=args.region, control_plane_id=args.control_plane_id, script=args.script
        )
        user_data = known.apply(lambda values: script_inputs.worker(args.config, pool, node, **values))
        return instance(
            InstanceArgs(
                names=args.config.names,
                node=node,
                role=ROLES[pool.os.family],
                os=pool.os.name,
                machine=pool.machine,
                ami=args.ami,
                subnet_id=args.subnet_ids[index % len(args.subnet_ids)],
                security_group_ids=args.security_group_ids,
                instance_profile=args.instance_profile,
                key_name=args.config.key_name,
                source_dest_check=args.config.flannel_backend != "host-gw",
                user_data=user_data if pool.os.family == "windows" else None,
                user_data_base64=user_data if pool.os.family == "linux" else None,
            ),
            # Two machines of one name cannot be in the cluster together: the new one would wait for the old
            # one's end, and the gate for both.
            pulumi.ResourceOptions(
                parent=self, depends_on=[*args.after, args.status[node]], delete_before_replace=True
            ),
        )
