"""The pod network: Flannel on the Linux nodes, and what its Windows part and kube-proxy.exe may do. Typed
objects, no opaque chart.

After flannel-io/flannel v0.28.9 Documentation/kube-flannel.yml, with the VNI and port that Windows insists on
(Documentation/backends.md, "VXLAN": VNI >= 4096, port 4789), and with one change of order: flanneld's lease
comes before the CNI configuration. A node counts as Ready once containerd finds a CNI configuration. The
published manifest writes it in an init container, before flanneld runs; the first pods then fail for want of
/run/flannel/subnet.env, and kubelet tries again only after some 13 seconds.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from .declared import NOT_WAITED_FOR

VERSION = "0.28.9"
IMAGE = f"ghcr.io/flannel-io/flannel:v{VERSION}"
CNI_IMAGE = "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3"
NAMESPACE = "kube-flannel"
# Where containerd of a Linux node looks for CNI configurations (userdata/linux/machine.sh). It lies in /run,
# as the lease does: after a reboot neither is there, and the node waits for both again.
CNI_FOLDER = "/run/cni/net.d"
SUBNET_FILE = "/run/flannel/subnet.env"
CNI_CONF = "/etc/kube-flannel/cni-conf.json"
# The group in the client certificate that the control plane makes for flanneld.exe and kube-proxy.exe.
WINDOWS_NETWORK_GROUP = "microcosm:windows-network"
# Windows insists on VNI >= 4096 and port 4789 (flannel v0.28.9, pkg/backend/vxlan/vxlan_windows.go).
BACKENDS: dict[str, dict[str, Any]] = {
    "vxlan": {"Type": "vxlan", "VNI": 4096, "Port": 4789},
    "host-gw": {"Type": "host-gw"},
}
LABELS = {"app": "flannel", "tier": "node"}


def net_conf(pod_cidr: str, backend: str) -> str:
    """Return flanneld's network configuration: a ConfigMap for Linux, an input of the scripts of Windows."""
    return json.dumps({"Network": pod_cidr, "EnableNFTables": False, "Backend": BACKENDS[backend]})


def cni_conf() -> str:
    """The CNI configuration of the Linux nodes."""
    flannel = {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}}
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"name": "cbr0", "cniVersion": "0.3.1", "plugins": [flannel, portmap]})


@dataclass(frozen=True, kw_only=True, slots=True)
class FlannelArgs:
    pod_cidr: str
    backend: str
    # The private address of the API server.
    api_host: pulumi.Input[str]


class Flannel(pulumi.ComponentResource):
    """Namespace, account, roles, configuration and DaemonSet."""

    daemon_set: k8s.apps.v1.DaemonSet

    def __init__(
        self, name: str, args: FlannelArgs, opts: pulumi.ResourceOptions, objects: pulumi.ResourceOptions
    ) -> None:
        """`objects` holds what every Kubernetes object of the stack shares: provider and deleted_with."""
        super().__init__("microcosm:infra:Flannel", name, None, opts)
        self._objects = pulumi.ResourceOptions.merge(objects, pulumi.ResourceOptions(parent=self))
        namespace = k8s.core.v1.Namespace(
            NAMESPACE,
            metadata={"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
            opts=self._objects,
        )
        self._inside = pulumi.ResourceOptions.merge(
            self._objects, pulumi.ResourceOptions(depends_on=[namespace])
        )
        self._access()
        self.daemon_set = self._daemon_set(args, self._configuration(args))
        self.register_outputs({"daemon_set": self.daemon_set.metadata["name"]})

    def _access(self) -> None:
        k8s.core.v1.ServiceAccount(
            "flannel", metadata={"name": "flannel", "namespace": NAMESPACE}, opts=self._inside
        )
        k8s.rbac.v1.ClusterRole(
            "flannel",
            metadata={"name": "flannel"},
            rules=[
                {"api_groups": [""], "resources": ["pods"], "verbs": ["get"]},
                {"api_groups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
                {"api_groups": [""], "resources": ["nodes/status"], "verbs": ["patch"]},
            ],
            opts=self._objects,
        )
        account: k8s.rbac.v1.SubjectArgsDict = {
            "kind": "ServiceAccount",
            "name": "flannel",
            "namespace": NAMESPACE,
        }
        self._bind("flannel", "flannel", [account, _windows_network()])
        # kube-proxy.exe reads what the DaemonSet kube-proxy reads with its ServiceAccount.
        self._bind("microcosm-windows-kube-proxy", "system:node-proxier", [_windows_network()])

    def _bind(self, name: str, role: str, subjects: list[k8s.rbac.v1.SubjectArgsDict]) -> None:
        k8s.rbac.v1.ClusterRoleBinding(
            name,
            metadata={"name": name},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            subjects=[*subjects],
            opts=self._objects,
        )

    def _configuration(self, args: FlannelArgs) -> k8s.core.v1.ConfigMap:
        return k8s.core.v1.ConfigMap(
            "kube-flannel-cfg",
            metadata={"name": "kube-flannel-cfg", "namespace": NAMESPACE, "labels": LABELS},
            data={"cni-conf.json": cni_conf(), "net-conf.json": net_conf(args.pod_cidr, args.backend)},
            opts=self._inside,
        )

    def _daemon_set(self, args: FlannelArgs, configuration: k8s.core.v1.ConfigMap) -> k8s.apps.v1.DaemonSet:
        return k8s.apps.v1.DaemonSet(
            "kube-flannel-ds",
            metadata={
                "name": "kube-flannel-ds",
                "namespace": NAMESPACE,
                "labels": LABELS,
                # The nodes may still be booting; infra/readiness.py waits for them and can say where they are
                # stuck.
                "annotations": NOT_WAITED_FOR,
            },
            spec={
                "selector": {"match_labels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": _pod_spec(args.api_host)},
            },
            opts=pulumi.ResourceOptions.merge(
                self._inside, pulumi.ResourceOptions(depends_on=[configuration])
            ),
        )


def _windows_network() -> k8s.rbac.v1.SubjectArgsDict:
    return {"kind": "Group", "name": WINDOWS_NETWORK_GROUP, "api_group": "rbac.authorization.k8s.io"}


def _pod_spec(api_host: pulumi.Input[str]) -> k8s.core.v1.PodSpecArgsDict:
    return {
        "host_network": True,
        "priority_class_name": "system-node-critical",
        "service_account_name": "flannel",
        "node_selector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
        "init_containers": [
            {
                "name": "install-cni-plugin",
                "image": CNI_IMAGE,
                "command": ["cp"],
                "args": ["-f", "/flannel", "/opt/cni/bin/flannel"],
                "volume_mounts": [{"name": "cni-plugin", "mount_path": "/opt/cni/bin"}],
            }
        ],
        "containers": [_flanneld(api_host)],
        "volumes": [
            {"name": "run", "host_path": {"path": "/run/flannel"}},
            {"name": "cni-plugin", "host_path": {"path": "/opt/cni/bin"}},
            {"name": "cni", "host_path": {"path": CNI_FOLDER}},
            {"name": "flannel-cfg", "config_map": {"name": "kube-flannel-cfg"}},
            {"name": "xtables-lock", "host_path": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
        ],
    }


def install_after_lease() -> str:
    """Render the shell command that installs the CNI configuration once flanneld has its lease.

    The published image has busybox' sh and install-conf (flannel-io/flannel v0.28.9, images/Dockerfile),
    which renames a complete file into place within the folder: containerd 2.2.7 reloads for a rename and
    ignores a creation (internal/cri/server/cni_conf_syncer.go, syncLoop).
    """
    target = f"{CNI_FOLDER}/10-flannel.conflist"
    return f"until [ -s {SUBNET_FILE} ]; do sleep 0.2; done; exec /opt/bin/install-conf {CNI_CONF} {target}"


def _flanneld(api_host: pulumi.Input[str]) -> k8s.core.v1.ContainerArgsDict:
    return {
        "name": "kube-flannel",
        "image": IMAGE,
        "command": ["/opt/bin/flanneld"],
        "args": ["--ip-masq", "--kube-subnet-mgr"],
        # When flanneld ends without a lease, the hook ends with it, and kubelet restarts the container.
        "lifecycle": {"post_start": {"exec_": {"command": ["/bin/sh", "-c", install_after_lease()]}}},
        "resources": {"requests": {"cpu": "100m", "memory": "50Mi"}},
        "security_context": {"privileged": False, "capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
        "env": [
            {"name": "POD_NAME", "value_from": {"field_ref": {"field_path": "metadata.name"}}},
            {"name": "POD_NAMESPACE", "value_from": {"field_ref": {"field_path": "metadata.namespace"}}},
            {"name": "EVENT_QUEUE_DEPTH", "value": "5000"},
            # Not the API's Service address. Where flanneld is there before kube-proxy's rules, its first
            # packets to that address leave the node, the VPC drops them, and the connection's retries keep
            # that way for 30 s.
            {"name": "KUBERNETES_SERVICE_HOST", "value": api_host},
            {"name": "KUBERNETES_SERVICE_PORT", "value": "6443"},
        ],
        "volume_mounts": [
            {"name": "run", "mount_path": "/run/flannel"},
            {"name": "cni", "mount_path": CNI_FOLDER},
            {"name": "flannel-cfg", "mount_path": "/etc/kube-flannel/"},
            {"name": "xtables-lock", "mount_path": "/run/xtables.lock"},
        ],
    }
