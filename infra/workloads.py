"""The two workloads: the widgets page on Linux, and CCAuth, the .NET service behind it, on Windows.

Their files are in workloads/.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from .config.operating_systems import OperatingSystem
from .declared import NOT_WAITED_FOR, Declared
from .workload_files import ccauth_files, nginx_files, page_files

NAMESPACE = "microcosm"
PAGE_NODE_PORT = 30080
CCAUTH_NODE_PORT = 30081
PAGE_PORT = 8080
NGINX_IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.30.5-alpine-slim"
NGINX_USER = 101
WIDGETS = {"app": "widgets"}
# The label of the talk; the Service finds the pod by it.
CCAUTH = {"purpose": "ccauth-svc"}
# A cold pull of the WCF image takes a quarter of an hour on a small machine (facts: EKS and SWDT report 10 to
# 20 minutes).
CCAUTH_START_MINUTES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkloadsArgs:
    service_cidr: str
    windows: OperatingSystem
    flannel_backend: str


class Workloads(pulumi.ComponentResource):
    """Namespace, configuration, Deployments and Services of both workloads."""

    def __init__(
        self, name: str, args: WorkloadsArgs, opts: pulumi.ResourceOptions, objects: pulumi.ResourceOptions
    ) -> None:
        """`objects` holds what every Kubernetes object of the stack shares: provider, deleted_with and
        what they wait for.
        """
        declared = Declared()
        watched = pulumi.ResourceOptions(transformations=[declared.collect])
        super().__init__("microcosm:infra:Workloads", name, None, pulumi.ResourceOptions.merge(opts, watched))
        self._objects = pulumi.ResourceOptions.merge(objects, pulumi.ResourceOptions(parent=self))
        self._namespace = k8s.core.v1.Namespace(NAMESPACE, metadata={"name": NAMESPACE}, opts=self._objects)
        overlay = args.flannel_backend == "vxlan"
        self._ccauth(args.windows, overlay=overlay)
        self._widgets(args.service_cidr)
        declared.refuse_errors(args.windows.build, overlay=overlay)
        self.register_outputs({})

    def _inside(self, *more: pulumi.Resource, minutes: int = 10) -> pulumi.ResourceOptions:
        timeouts = pulumi.CustomTimeouts(create=f"{minutes}m", update=f"{minutes}m")
        return pulumi.ResourceOptions.merge(
            self._objects,
            pulumi.ResourceOptions(depends_on=[self._namespace, *more], custom_timeouts=timeouts),
        )

    def _config_map(self, name: str, files: Mapping[str, str]) -> k8s.core.v1.ConfigMap:
        return k8s.core.v1.ConfigMap(
            name, metadata={"name": name, "namespace": NAMESPACE}, data={**files}, opts=self._inside()
        )

    def _widgets(self, service_cidr: str) -> None:
        page, nginx = page_files(), nginx_files(service_cidr)
        maps = [self._config_map("widgets-page", page), self._config_map("widgets-nginx", nginx)]
        k8s.apps.v1.Deployment(
            "widgets",
            metadata={"name": "widgets", "namespace": NAMESPACE, "labels": WIDGETS},
            spec={
                "replicas": 2,
                "selector": {"match_labels": WIDGETS},
                "template": {"metadata": _rolled_by({**page, **nginx}, WIDGETS), "spec": _widgets_pod()},
            },
            opts=self._inside(*maps),
        )
        self._service("widgets", WIDGETS, port=PAGE_PORT, node_port=PAGE_NODE_PORT)
        k8s.policy.v1.PodDisruptionBudget(
            "widgets",
            metadata={"name": "widgets", "namespace": NAMESPACE},
            spec={"selector": {"match_labels": WIDGETS}, "max_unavailable": 1},
            opts=self._inside(),
        )

    def _ccauth(self, windows: OperatingSystem, *, overlay: bool) -> None:
        source = ccauth_files()
        config_map = self._config_map("ccauth-source", source)
        k8s.apps.v1.Deployment(
            "ccauth",
            metadata={"name": "ccauth", "namespace": NAMESPACE, "labels": CCAUTH},
            spec={
                "selector": {"match_labels": CCAUTH},
                # A port of the node is taken until the old pod is gone, and a small node has no memory for
                # two.
                "strategy": {
                    "type": "RollingUpdate",
                    "rolling_update": {"max_surge": 0, "max_unavailable": 1},
                },
                "progress_deadline_seconds": CCAUTH_START_MINUTES * 60,
                "template": {
                    "metadata": _rolled_by(source, CCAUTH),
                    "spec": _ccauth_pod(windows, overlay=overlay),
                },
            },
            opts=self._inside(config_map, minutes=CCAUTH_START_MINUTES),
        )
        self._service("ccauth", CCAUTH, port=80, node_port=CCAUTH_NODE_PORT)

    def _service(self, name: str, selector: Mapping[str, str], *, port: int, node_port: int) -> None:
        """Its Deployment is waited for. A Service would wait ten seconds more after the last of its pods, and
        call those of a cold image failed after ten minutes (docstring of pulumi_kubernetes.core.v1.Service).
        """
        k8s.core.v1.Service(
            name,
            metadata={"name": name, "namespace": NAMESPACE, "annotations": NOT_WAITED_FOR},
            spec={
                "type": "NodePort",
                "selector": selector,
                "ports": [{"name": "http", "port": 80, "target_port": port, "node_port": node_port}],
            },
            opts=self._inside(),
        )


def _rolled_by(files: Mapping[str, str], labels: dict[str, str]) -> k8s.meta.v1.ObjectMetaArgsDict:
    """Pod metadata that changes with the files: a changed ConfigMap alone restarts nothing."""
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    return {"labels": labels, "annotations": {"microcosm.dev/files-sha256": digest}}


def _widgets_pod() -> k8s.core.v1.PodSpecArgsDict:
    healthy: k8s.core.v1.HTTPGetActionArgsDict = {"path": "/healthz", "port": PAGE_PORT}
    return {
        "node_selector": {"kubernetes.io/os": "linux"},
        "automount_service_account_token": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": NGINX_USER,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "nginx",
                "image": NGINX_IMAGE,
                "command": ["nginx", "-e", "stderr", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"],
                "ports": [{"name": "http", "container_port": PAGE_PORT}],
                # Endpoints are taken out while nginx still answers.
                "lifecycle": {"pre_stop": {"exec_": {"command": ["sleep", "5"]}}},
                # The first probe comes before nginx listens, and `up` waits for the second. A node that
                # stalls for some seconds keeps its pods as endpoints: fifteen failures in a row count, not
                # three.
                "readiness_probe": {"http_get": healthy, "period_seconds": 1, "failure_threshold": 15},
                "liveness_probe": {"http_get": healthy, "period_seconds": 10},
                "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volume_mounts": [
                    {"name": "page", "mount_path": "/usr/share/nginx/html", "read_only": True},
                    {"name": "nginx", "mount_path": "/etc/nginx", "read_only": True},
                    {"name": "tmp", "mount_path": "/tmp"},  # noqa: S108 - a volume of the pod's own
                ],
            }
        ],
        "volumes": [
            {"name": "page", "config_map": {"name": "widgets-page"}},
            {"name": "nginx", "config_map": {"name": "widgets-nginx"}},
            {"name": "tmp", "empty_dir": {"size_limit": "16Mi"}},
        ],
    }


def _ccauth_pod(windows: OperatingSystem, *, overlay: bool) -> k8s.core.v1.PodSpecArgsDict:
    # The talk's hostPort. On Windows an overlay opens none (ADR 0010): the NodePort is the way in there.
    host_port: k8s.core.v1.ContainerPortArgsDict = (
        {"container_port": 80} if overlay else {"container_port": 80, "host_port": 80}
    )
    healthy: k8s.core.v1.HTTPGetActionArgsDict = {"path": "/ccauth.svc/health", "port": 80}
    return {
        "os": {"name": "windows"},
        "node_selector": {"kubernetes.io/os": "windows", "node.kubernetes.io/windows-build": windows.build},
        # The image's ServiceMonitor hands every variable to IIS, one slow appcmd each; a Service makes seven
        # of them.
        "enable_service_links": False,
        "tolerations": [{"key": "os", "operator": "Equal", "value": "windows", "effect": "NoSchedule"}],
        "automount_service_account_token": False,
        "containers": [
            {
                "name": "ccauth",
                "image": windows.wcf_image,
                "command": [
                    "powershell.exe",
                    "-NoProfile",
                    "-ExecutionPolicy",
                    "Bypass",
                    "-File",
                    "C:\\src\\start.ps1",
                ],
                # The page shows which node authorized.
                "env": [{"name": "NODE_NAME", "value_from": {"field_ref": {"field_path": "spec.nodeName"}}}],
                "ports": [{"name": "http", **host_port}],
                # The first request compiles the service, which takes many seconds on a small machine.
                "startup_probe": {
                    "http_get": healthy,
                    "period_seconds": 2,
                    "timeout_seconds": 30,
                    "failure_threshold": 150,
                },
                "readiness_probe": {"http_get": healthy, "period_seconds": 5, "timeout_seconds": 5},
                "liveness_probe": {
                    "http_get": healthy,
                    "period_seconds": 20,
                    "timeout_seconds": 10,
                    "failure_threshold": 6,
                },
                # Windows ends a container above its limit, and reclaims no memory from it: request and limit
                # are equal (Kubernetes docs, windows/intro). The first request compiles the service beside
                # IIS and the start script.
                "resources": {
                    "requests": {"cpu": "250m", "memory": "2Gi"},
                    "limits": {"cpu": "1", "memory": "2Gi"},
                },
                "volume_mounts": [{"name": "source", "mount_path": "C:\\src", "read_only": True}],
            }
        ],
        "volumes": [{"name": "source", "config_map": {"name": "ccauth-source"}}],
    }
