"""Words to make objects for the Windows rules: the good Deployment, what changes it, and what the rules
say of it.
"""

from collections.abc import Callable
from typing import Any

from infra.lint import NODE_BUILDS, Finding, check

WS2019, WS2022, WS2025 = NODE_BUILDS
Change = Callable[[dict[str, Any]], object]


def deployment() -> dict[str, Any]:
    """A Windows Deployment to which no rule has an objection."""
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}}
    container = {
        "name": "web",
        "image": "mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2019",
        "resources": resources,
    }
    spec = {
        "os": {"name": "windows"},
        "enableServiceLinks": False,
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "tolerations": [{"key": "os", "operator": "Equal", "value": "windows", "effect": "NoSchedule"}],
        "containers": [container],
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "template": template},
    }


def service(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, **spec},
    }


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def changed(change: Change) -> dict[str, Any]:
    """The good Deployment with one change to its pod spec."""
    workload = deployment()
    change(pod(workload))
    return workload


def spec(**fields: Any) -> dict[str, Any]:
    """With these fields in its pod spec; None removes one."""
    return changed(
        lambda it: [
            it.pop(name, None) if value is None else it.update({name: value})
            for name, value in fields.items()
        ]
    )


def container(**fields: Any) -> dict[str, Any]:
    return changed(lambda it: it["containers"][0].update(fields))


def security(**fields: Any) -> dict[str, Any]:
    return container(securityContext=fields)


def unnamed(change: Change) -> dict[str, Any]:
    """A change to a pod without spec.os.name."""
    return changed(lambda it: [it.pop("os"), change(it)])


def linux(**fields: Any) -> dict[str, Any]:
    workload = deployment()
    workload["spec"]["template"]["spec"] = {"containers": [{"name": "agent", "image": "agent:1"}], **fields}
    return workload


def replicas(count: int, **fields: Any) -> list[dict[str, Any]]:
    workload = deployment()
    workload["spec"]["replicas"] = count
    return [workload, service(**fields)]


def autoscaled(most: int) -> list[dict[str, Any]]:
    target = {"kind": "Deployment", "name": "web"}
    scaler = {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": target, "maxReplicas": most},
    }
    return [deployment(), service(), scaler]


def host_process(**fields: Any) -> dict[str, Any]:
    return spec(securityContext={"windowsOptions": {"hostProcess": True}}, **fields)


def enforcing(level: str) -> dict[str, Any]:
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"kind": "Namespace", "metadata": {"name": "default", "labels": labels}}


def in_namespace(level: str, **fields: Any) -> list[dict[str, Any]]:
    return [spec(**fields), enforcing(level)]


def of_class(handler: str, system: str = "windows") -> list[dict[str, Any]]:
    scheduling = {"nodeSelector": {"kubernetes.io/os": system}}
    known = {
        "kind": "RuntimeClass",
        "metadata": {"name": "special"},
        "handler": handler,
        "scheduling": scheduling,
    }
    return [spec(runtimeClassName="special"), known]


def labelled(**labels: str) -> dict[str, Any]:
    """The good Deployment with more labels on its pods; two underscores stand for a slash, one for a dot."""
    workload = deployment()
    names = {name.replace("__", "/").replace("_", "."): value for name, value in labels.items()}
    workload["spec"]["template"]["metadata"]["labels"] |= names
    return workload


def claimed(provisioner: str) -> list[dict[str, Any]]:
    """A claim of a class of this driver, mounted by the good Deployment."""
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "files"},
        "spec": {"storageClassName": "shared"},
    }
    class_ = {"kind": "StorageClass", "metadata": {"name": "shared"}, "provisioner": provisioner}
    return [volume(persistentVolumeClaim={"claimName": "files"}), claim, class_]


def host_path(path: str, kind: str = "") -> dict[str, Any]:
    return volume(hostPath={"path": path, "type": kind})


def rolling(count: int, **strategy: Any) -> dict[str, Any]:
    workload = container(ports=[{"containerPort": 80, "hostPort": 80}])
    workload["spec"] |= {"replicas": count, "strategy": {"type": "RollingUpdate", "rollingUpdate": strategy}}
    return workload


def with_config(data: str) -> list[dict[str, Any]]:
    volume = {"name": "settings", "configMap": {"name": "settings"}}
    return [
        spec(volumes=[volume]),
        {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"web.config": data}},
    ]


def sticky(seconds: int) -> list[dict[str, Any]]:
    """The Deployment behind a Service with client affinity for so long, on a build that has it."""
    lasting = {"clientIP": {"timeoutSeconds": seconds}}
    selector = {"kubernetes.io/os": "windows", "node.kubernetes.io/windows-build": WS2022}
    made = spec(nodeSelector=selector)
    pod(made)["containers"][0]["image"] = "web:1-ltsc2022"
    return [made, service(sessionAffinity="ClientIP", sessionAffinityConfig=lasting)]


def volume(**source: Any) -> dict[str, Any]:
    return spec(volumes=[{"name": "data", **source}])


def mounted(**fields: Any) -> dict[str, Any]:
    return container(volumeMounts=[{"name": "data", "mountPath": "C:/data", **fields}])


def readiness(command: list[str], **fields: Any) -> dict[str, Any]:
    return container(readinessProbe={"exec": {"command": command}, "timeoutSeconds": 10, **fields})


def iis(user: str = "", **fields: Any) -> dict[str, Any]:
    """The good Deployment with these fields in its container, and as this user."""
    security = {"securityContext": {"windowsOptions": {"runAsUserName": user}}} if user else {}
    return container(**security, **fields)


EVERYTHING = [{"operator": "Exists"}]


def found(objects: Any, build: str | None = WS2019) -> list[Finding]:
    return check(objects if isinstance(objects, list) else [objects], windows_build=build)


def rules(objects: Any, build: str | None = WS2019) -> set[str]:
    return {finding.rule for finding in found(objects, build)}
