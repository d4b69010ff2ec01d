"""The table of allowed traffic, and the component that turns its rows into security groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .config.naming import Names

CONTROL_PLANE, LINUX_WORKER, WINDOWS_WORKER = "control-plane", "linux-worker", "windows-worker"
# Every machine is in NODES and in the group of its role.
NODES, ADMIN, PODS = "nodes", "admin", "pods"
GROUPS = (NODES, CONTROL_PLANE, LINUX_WORKER, WINDOWS_WORKER)

NODE_PORTS = (30000, 32767)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Traffic that is allowed in.

    `source` is a group, or ADMIN or PODS for their CIDRs; protocol `-1` means all.
    """

    target: str
    source: str
    protocol: str
    ports: tuple[int, int]
    why: str

    @property
    def name(self) -> str:
        span = "all" if self.protocol == "-1" else "-".join(map(str, dict.fromkeys(self.ports)))
        return f"{self.target}-from-{self.source}-{self.protocol.removeprefix('-1') or 'any'}-{span}"


# fmt: off
RULES: tuple[Rule, ...] = (
    Rule(target=CONTROL_PLANE,  source=NODES,         protocol="tcp", ports=(6443, 6443),   why="kubelet, "
                                                                                                "kube-proxy "
                                                                                                "and "
                                                                                                "flanneld "
                                                                                                "to the API "
                                                                                                "server"),
    Rule(target=CONTROL_PLANE,  source=ADMIN,         protocol="tcp", ports=(6443, 6443),   why="kubectl "
                                                                                                "and Pulumi "
                                                                                                "to the API "
                                                                                                "server"),
    Rule(target=CONTROL_PLANE,  source=CONTROL_PLANE, protocol="tcp", ports=(2379, 2380),   why="etcd, for "
                                                                                                "its own "
                                                                                                "machine "
                                                                                                "only"),
    Rule(target=NODES,          source=NODES,         protocol="tcp", ports=(10250, 10250), why="API server "
                                                                                                "and "
                                                                                                "metrics to "
                                                                                                "kubelet"),
    Rule(target=NODES,          source=ADMIN,         protocol="tcp", ports=NODE_PORTS,     why="NodePort "
                                                                                                "Services, "
                                                                                                "the page "
                                                                                                "among them"),
    Rule(target=WINDOWS_WORKER, source=ADMIN,         protocol="tcp", ports=(3389, 3389),   why="RDP"),
)
BACKEND_RULES: dict[str, tuple[Rule, ...]] = {
    "vxlan":   (Rule(target=NODES, source=NODES, protocol="udp", ports=(4789, 4789), why="Flannel VXLAN; "
                                                                                         "Windows knows no "
                                                                                         "other port"),),
    # With host-gw a packet carries the pod's address, which no security group has: only its range can be
    # allowed. The CNI plugin of host-gw opens hostPorts on Windows; that of vxlan, win-overlay, knows none
    # (containernetworking/plugins v1.9.1).
    "host-gw": (Rule(target=WINDOWS_WORKER, source=ADMIN, protocol="tcp", ports=(80, 80), why="CCAuth by "
                                                                                              "its hostPort"),
                Rule(target=NODES, source=PODS,  protocol="-1",  ports=(0, 0),       why="Flannel host-gw: "
                                                                                         "pod addresses on "
                                                                                         "the wire"),
                Rule(target=NODES, source=NODES, protocol="-1",  ports=(0, 0),       why="Flannel host-gw: "
                                                                                         "nodes to pods of "
                                                                                         "other nodes")),
}
# fmt: on


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityArgs:
    names: Names
    vpc_id: pulumi.Input[str]
    admin_cidrs: tuple[str, ...]
    pod_cidr: str
    flannel_backend: str


class Security(pulumi.ComponentResource):
    """The security groups by name, with every rule of the table."""

    group_ids: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: SecurityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("microcosm:infra:Security", name, None, opts)
        self._names = args.names
        self._child = pulumi.ResourceOptions(parent=self)
        self.group_ids = {group: self._group(group, args.vpc_id) for group in GROUPS}
        cidrs = {ADMIN: args.admin_cidrs, PODS: (args.pod_cidr,)}
        for rule in (*RULES, *BACKEND_RULES[args.flannel_backend]):
            self._allow(rule, cidrs)
        self._allow_everything_out()
        self.register_outputs({"group_ids": self.group_ids})

    def of(self, role: str) -> list[pulumi.Output[str]]:
        """The groups of a machine with that role."""
        return [self.group_ids[NODES], self.group_ids[role]]

    def _group(self, group: str, vpc_id: pulumi.Input[str]) -> pulumi.Output[str]:
        return aws.ec2.SecurityGroup(
            self._names.of(group),
            description=f"microcosm {self._names.stack}: {group}",
            vpc_id=vpc_id,
            # Rules are resources of their own; a group that lists some inline would remove the others.
            tags=self._names.tags(group),
            opts=self._child,
        ).id

    def _allow(self, rule: Rule, cidrs: Mapping[str, Sequence[str]]) -> None:
        # No prefix at all in the name's end for a group; the range itself for a CIDR, so that adding one
        # touches no other.
        for cidr in cidrs.get(rule.source, (None,)):
            suffix = [cidr.replace("/", "-")] if cidr else []
            everything = rule.protocol == "-1"
            aws.vpc.SecurityGroupIngressRule(
                self._names.of(rule.name, *suffix),
                security_group_id=self.group_ids[rule.target],
                ip_protocol=rule.protocol,
                from_port=None if everything else rule.ports[0],
                to_port=None if everything else rule.ports[1],
                cidr_ipv4=cidr,
                referenced_security_group_id=None if cidr else self.group_ids[rule.source],
                description=rule.why,
                tags=self._names.tags(rule.name, *suffix),
                opts=self._child,
            )

    def _allow_everything_out(self) -> None:
        aws.vpc.SecurityGroupEgressRule(
            self._names.of("nodes-to-anywhere"),
            security_group_id=self.group_ids[NODES],
            ip_protocol="-1",
            cidr_ipv4="0.0.0.0/0",
            description="downloads, images, the AWS API and the other nodes",
            tags=self._names.tags("nodes-to-anywhere"),
            opts=self._child,
        )
