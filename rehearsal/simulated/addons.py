"""Create the two addons of every new kubeadm cluster, reduced to what a rollout needs.

Source: kubernetes v1.35.8, cmd/kubeadm/app/phases/addons: dns/manifests.go (two replicas; tolerates the
control plane) and proxy/manifests.go (every Linux node).
"""

from rehearsal.windows_node.api import Api, Json

NAMESPACE = "kube-system"
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def install(api: Api) -> None:
    """Create cluster DNS and kube-proxy."""
    dns = {"nodeSelector": {"kubernetes.io/os": "linux"}, "tolerations": [CONTROL_PLANE]}
    proxy = {
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "hostNetwork": True,
    }
    for kind, name, label, pod, more in (
        ("Deployment", "coredns", "kube-dns", dns, {"replicas": 2}),
        ("DaemonSet", "kube-proxy", "kube-proxy", proxy, {}),
    ):
        api.create(
            f"/apis/apps/v1/namespaces/{NAMESPACE}/{kind.lower()}s", _workload(kind, name, label, pod, more)
        )


def _workload(kind: str, name: str, label: str, pod: Json, more: Json) -> Json:
    labels = {"k8s-app": label}
    containers = [{"name": name, "image": f"stand-in/{name}"}]
    template = {"metadata": {"labels": labels}, "spec": {**pod, "containers": containers}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **more},
    }
