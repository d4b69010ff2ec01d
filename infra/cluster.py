"""The whole stack in boot order.

Reads as the diagram: network, identities, machines, then Kubernetes on top.
"""

from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from . import ami, availability, iam, readiness, security, zones
from .config import account, naming
from .config.model import StackConfig
from .config.operating_systems import OperatingSystem
from .config.pools import NodePool as PoolConfig
from .control_plane import CONTROL_PLANE_OS, ControlPlane, ControlPlaneArgs
from .flannel import Flannel, FlannelArgs
from .join_parameters import Rendezvous, RendezvousArgs
from .network import Network, NetworkArgs
from .node import script_inputs
from .node_pool import ROLES, NodePool, NodePoolArgs
from .script_bucket import Staging
from .security import Security, SecurityArgs
from .workloads import CCAUTH_NODE_PORT, PAGE_NODE_PORT, Workloads, WorkloadsArgs


class Cluster(pulumi.ComponentResource):
    """A mixed Linux and Windows Kubernetes cluster with its workloads."""

    kubeconfig: pulumi.Output[str]
    api_address: pulumi.Output[str]
    page_url: pulumi.Output[str]
    service_urls: pulumi.Output[dict[str, str]]
    nodes: pulumi.Output[dict[str, dict[str, str]]]
    access: pulumi.Output[dict[str, str]]

    def __init__(self, config: StackConfig) -> None:
        script_inputs.check(config)
        super().__init__("microcosm:infra:Cluster", config.names.stack, None)
        self._config = config
        for note in config.notes:
            pulumi.log.warn(note, self)
        self._child = pulumi.ResourceOptions(parent=self)
        self._region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=self)).region
        self._build_foundation()
        self._build_machines()
        self._build_kubernetes()
        self._describe()
        self.register_outputs({"api_address": self.api_address, "page_url": self.page_url})

    def _build_foundation(self) -> None:
        config, names = self._config, self._config.names
        network_args = NetworkArgs(
            names=names,
            vpc_cidr=config.vpc_cidr,
            availability_zones=config.availability_zones,
            zones=zones.of_subnets(config, self._region, self),
        )
        self._network = Network(names.of("network"), network_args, self._child)
        self._security = Security(
            names.of("security"),
            SecurityArgs(
                names=names,
                vpc_id=self._network.vpc_id,
                admin_cidrs=config.admin_cidrs,
                pod_cidr=config.pod_cidr,
                flannel_backend=config.flannel_backend,
            ),
            self._child,
        )
        windows = any(pool.os.family == "windows" for pool in config.node_pools)
        self._staging = Staging(names.of("staging"), names, self._child) if windows else None
        roles = dict.fromkeys(
            [security.CONTROL_PLANE, *(ROLES[pool.os.family] for pool in config.node_pools)]
        )
        roles_args = iam.RolesArgs(
            names=names,
            roles=tuple(roles),
            script_bucket=self._staging.bucket if self._staging else None,
            permissions_boundary=config.permissions_boundary,
            kms_key=config.kms_key,
        )
        self._roles = iam.Roles(names.of("roles"), roles_args, self._child)
        rendezvous_args = RendezvousArgs(
            names=names, node_names=tuple(config.node_names), kms_key=config.kms_key
        )
        self._rendezvous = Rendezvous(names.of("rendezvous"), rendezvous_args, self._child)

        # Nothing in the data flow says so: a machine needs its way out, its rules and its permissions from
        # its first second. It also writes its parameters: they must exist before it does, or Pulumi finds
        # their names taken; and it must be gone before they are, or it writes one again that nobody deletes.
        self._foundation: list[pulumi.Resource] = [
            self._network,
            self._security,
            self._roles,
            *self._rendezvous.expiry,
        ]

    def _build_machines(self) -> None:
        config = self._config
        self._amis = ami.current(_systems(config), self._region, self)
        self._control_plane = ControlPlane(
            config.names.of(naming.CONTROL_PLANE),
            ControlPlaneArgs(
                config=config,
                region=self._region,
                ami=self._amis[CONTROL_PLANE_OS],
                subnet_id=self._network.subnet_ids[0],
                security_group_ids=self._security.of(security.CONTROL_PLANE),
                instance_profile=self._roles.instance_profiles[security.CONTROL_PLANE],
                after=[
                    *self._foundation,
                    *self._rendezvous.documents,
                    self._rendezvous.status[naming.CONTROL_PLANE],
                ],
            ),
            self._child,
        )
        self._pools = [self._node_pool(pool) for pool in config.node_pools]
        self._instances: dict[str, aws.ec2.Instance] = {naming.CONTROL_PLANE: self._control_plane.instance}
        for pool in self._pools:
            self._instances |= pool.instances

    def _node_pool(self, pool: PoolConfig) -> NodePool:
        role = ROLES[pool.os.family]
        return NodePool(
            self._config.names.of(pool.name),
            NodePoolArgs(
                config=self._config,
                pool=pool,
                region=self._region,
                ami=self._amis.get(pool.os.name),
                control_plane_id=self._control_plane.instance.id,
                subnet_ids=self._network.subnet_ids,
                security_group_ids=self._security.of(role),
                instance_profile=self._roles.instance_profiles[role],
                after=self._foundation,
                status=self._rendezvous.status,
                script=self._staging.script if self._staging and pool.os.family == "windows" else None,
            ),
            self._child,
        )

    def _build_kubernetes(self) -> None:
        config, control_plane = self._config, self._control_plane
        gate = self._region.apply(
            lambda region: readiness.Gate(
                names=config.names,
                cloud=readiness.AmazonCloud(region, account.of_program()),
                timeout_minutes=config.ready_timeout_minutes,
                wait=not pulumi.runtime.is_dry_run(),
            )
        )
        self.kubeconfig = readiness.kubeconfig(gate, control_plane.instance_id)
        provider = k8s.Provider(
            config.names.of("kubernetes"),
            kubeconfig=self.kubeconfig,
            # A new instance is a new cluster; a new certificate or address is not.
            cluster_identifier=control_plane.instance.id,
            enable_server_side_apply=True,
            opts=self._child,
        )
        # The objects end with the machine that holds them: destroy needs no live API.
        objects = pulumi.ResourceOptions(provider=provider, deleted_with=control_plane.instance)
        api_host = control_plane.instance.private_ip
        flannel_args = FlannelArgs(
            pod_cidr=config.pod_cidr, backend=config.flannel_backend, api_host=api_host
        )
        flannel = Flannel(config.names.of("flannel"), flannel_args, self._child, objects)
        ids = {node: machine.id for node, machine in self._instances.items()}
        self._ready = readiness.nodes(gate, ids, after=flannel.daemon_set.id)
        # Beside the workloads, and also where there are none.
        availability.available(gate, self.kubeconfig, self._linux_nodes(), after=self._ready)
        if config.workloads:
            # Not before the nodes are Ready: a pod that cannot be placed says less about a stuck machine than
            # its own report.
            on_ready_nodes = pulumi.ResourceOptions(
                depends_on=self._ready.apply(lambda _: [flannel.daemon_set])
            )
            Workloads(
                config.names.of("workloads"),
                WorkloadsArgs(
                    service_cidr=config.service_cidr,
                    windows=self._first_windows_os(),
                    flannel_backend=config.flannel_backend,
                ),
                self._child,
                pulumi.ResourceOptions.merge(objects, on_ready_nodes),
            )

    def _linux_nodes(self) -> list[str]:
        pools = [pool for pool in self._config.node_pools if pool.os.family == "linux"]
        return [naming.CONTROL_PLANE, *(node for pool in pools for node in pool.node_names)]

    def _first_windows_os(self) -> OperatingSystem:
        """CCAuth's image must match a Windows build: that of the first Windows pool."""
        return next(pool.os for pool in self._config.node_pools if pool.os.family == "windows" and pool.count)

    def _describe(self) -> None:
        address = self._control_plane.public_ip
        self.api_address = pulumi.Output.concat("https://", address, ":6443")
        self.page_url = pulumi.Output.concat("http://", address, f":{PAGE_NODE_PORT}")
        # EC2 takes the control plane's first public address back when the Elastic IP comes; the instance's
        # state keeps it.
        addresses = {node: machine.public_ip for node, machine in self._instances.items()} | {
            naming.CONTROL_PLANE: address
        }
        self.nodes = pulumi.Output.all(
            **{node: _node(machine, addresses[node]) for node, machine in self._instances.items()}
        )
        self.service_urls = pulumi.Output.all(
            ccauth=pulumi.Output.concat("http://", address, f":{CCAUTH_NODE_PORT}/ccauth.svc")
        )
        self.access = pulumi.Output.all(self._region, self.nodes).apply(lambda known: access_commands(*known))


def _systems(config: StackConfig) -> ami.Uses:
    """Collect the operating systems that some machine runs, each with its users."""
    uses = {CONTROL_PLANE_OS: ["the control plane"]}
    for pool in config.node_pools:
        if pool.count:
            uses.setdefault(pool.os.name, []).append(f"pool {pool.name}")
    return uses


def _node(machine: aws.ec2.Instance, public_ip: pulumi.Output[str]) -> pulumi.Output[dict[str, Any]]:
    return pulumi.Output.all(instanceId=machine.id, privateIp=machine.private_ip, publicIp=public_ip)


def access_commands(region: str, nodes: dict[str, dict[str, str]]) -> dict[str, str]:
    """How to get in without opening a port:

    Session Manager, by node name; `rdp` forwards a Windows node's port 3389.
    """
    shells = {
        f"shell {node}": f"aws ssm start-session --region {region} --target {facts['instanceId']}"
        for node, facts in nodes.items()
    }
    forward = (
        f"aws ssm start-session --region {region} --target INSTANCE_ID --document-name "
        f"AWS-StartPortForwardingSession "
        "--parameters portNumber=3389,localPortNumber=13389"
    )
    return {**shells, "rdp": forward}
