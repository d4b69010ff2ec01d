"""Objects that break each Windows rule, and the near misses that do not; and the words to make such objects."""

from collections.abc import Callable
from typing import Any

from infra.policy import NODE_BUILDS, Finding, check

WS2019, WS2022, WS2025 = NODE_BUILDS
Change = Callable[[dict[str, Any]], object]


def deployment() -> dict[str, Any]:
    """A Windows Deployment to which no rule has an objection."""
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}}
    container = {"name": "web", "image": "mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2019", "resources": resources}
    spec = {
        "os": {"name": "windows"},
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "tolerations": [{"key": "os", "operator": "Equal", "value": "windows", "effect": "NoSchedule"}],
        "containers": [container],
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 1, "template": template}}


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, **spec}}


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def changed(change: Change) -> dict[str, Any]:
    """The good Deployment with one change to its pod spec."""
    workload = deployment()
    change(pod(workload))
    return workload


def spec(**fields: Any) -> dict[str, Any]:
    """With these fields in its pod spec; None removes one."""
    return changed(lambda it: [it.pop(name, None) if value is None else it.update({name: value}) for name, value in fields.items()])


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
    scaler = {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {"scaleTargetRef": target, "maxReplicas": most}}
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
    known = {"kind": "RuntimeClass", "metadata": {"name": "special"}, "handler": handler, "scheduling": scheduling}
    return [spec(runtimeClassName="special"), known]


def labelled(**labels: str) -> dict[str, Any]:
    """The good Deployment with more labels on its pods; two underscores stand for a slash, one for a dot."""
    workload = deployment()
    names = {name.replace("__", "/").replace("_", "."): value for name, value in labels.items()}
    workload["spec"]["template"]["metadata"]["labels"] |= names
    return workload


def claimed(provisioner: str) -> list[dict[str, Any]]:
    """A claim of a class of this driver, mounted by the good Deployment."""
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "files"}, "spec": {"storageClassName": "shared"}}
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
    return [spec(volumes=[volume]), {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"web.config": data}}]


def volume(**source: Any) -> dict[str, Any]:
    return spec(volumes=[{"name": "data", **source}])


def mounted(**fields: Any) -> dict[str, Any]:
    return container(volumeMounts=[{"name": "data", "mountPath": "C:/data", **fields}])


def readiness(command: list[str], **fields: Any) -> dict[str, Any]:
    return container(readinessProbe={"exec": {"command": command}, "timeoutSeconds": 10, **fields})


EVERYTHING = [{"operator": "Exists"}]
# Rule, what breaks it, what is close to that and does not.
CASES: list[tuple[str, Any, Any]] = [
    ("os-mismatch", spec(nodeSelector={"kubernetes.io/os": "linux"}), spec(nodeSelector={"kubernetes.io/os": "windows"})),
    ("node-selector", spec(nodeSelector=None), spec(nodeSelector={"node.kubernetes.io/windows-build": WS2019})),
    ("toleration", spec(tolerations=[{"key": "os", "value": "linux"}]), spec(tolerations=EVERYTHING)),
    ("os-name", spec(os=None), spec(os={"name": "windows"})),
    (
        "beta-label",
        spec(nodeSelector={"beta.kubernetes.io/os": "windows"}),
        spec(nodeSelector={"kubernetes.io/os": "windows", "pool": "beta"}),
    ),
    ("image-build", container(image="mcr.microsoft.com/windows/servercore:ltsc2022"), container(image="web:2.1-nanoserver-1809")),
    ("image-tag", container(image="nginx:1.29-alpine"), container(image="registry.local:5000/web@sha256:0123")),
    (
        "base-image-tag",
        container(image="mcr.microsoft.com/windows/nanoserver"),
        container(image="mcr.microsoft.com/windows/nanoserver@sha256:0123"),
    ),
    (
        "latest-image",
        container(image="mcr.microsoft.com/windows/servercore/iis:latest"),
        container(image="mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2019"),
    ),
    (
        "os-signs",
        linux(nodeSelector={"kubernetes.io/os": "linux"}, securityContext={"windowsOptions": {"runAsUserName": "ContainerUser"}}),
        linux(nodeSelector={"kubernetes.io/os": "linux"}, tolerations=[{"key": "os", "value": "windows"}]),
    ),
    (
        "windows-options",
        linux(os={"name": "linux"}, securityContext={"windowsOptions": {}}),
        linux(os={"name": "linux"}, securityContext={"windowsOptions": None}),
    ),
    ("os-value", spec(os={"name": "Windows"}), spec(os={"name": "windows"})),
    (
        "windows-options-value",
        security(windowsOptions={"runAsUserName": "A\\B\\C"}),
        security(windowsOptions={"runAsUserName": "NT AUTHORITY\\SYSTEM"}),
    ),
    (
        "kubelet-admission",
        unnamed(lambda it: it.update(resources={"limits": {"cpu": "1"}})),
        unnamed(lambda it: it.update(securityContext={"supplementalGroupsPolicy": "Merge", "sysctls": []})),
    ),
    ("linux-everywhere", linux(tolerations=EVERYTHING), linux(tolerations=EVERYTHING, nodeSelector={"kubernetes.io/os": "linux"})),
    ("host-network", spec(hostNetwork=True), host_process(hostNetwork=True)),
    ("host-process", host_process(), host_process(hostNetwork=True)),
    (
        "pod-security",
        in_namespace("restricted", os=None, securityContext={"runAsNonRoot": True}),
        in_namespace("restricted", securityContext={"runAsNonRoot": True}),
    ),
    ("privileged", security(privileged=True), security(privileged=False)),
    ("linux-identity", security(runAsUser=0), security(windowsOptions={"runAsUserName": "ContainerUser"})),
    (
        "run-as-non-root",
        security(runAsNonRoot=True, windowsOptions={"runAsUserName": "CONTAINERADMINISTRATOR"}),
        security(runAsNonRoot=True, windowsOptions={"runAsUserName": "ContainerUser"}),
    ),
    ("refused-field", security(readOnlyRootFilesystem=False), spec(hostPID=False)),
    (
        "ignored-field",
        unnamed(lambda it: it["containers"][0].update(securityContext={"allowPrivilegeEscalation": False})),
        unnamed(lambda it: it["containers"][0].update(securityContext={"readOnlyRootFilesystem": False})),
    ),
    ("ipv6", replicas(1, ipFamilies=["IPv4", "IPv6"]), replicas(1, ipFamilyPolicy="PreferDualStack", ipFamilies=["IPv4"])),
    ("session-affinity", replicas(1, sessionAffinity="ClientIP"), replicas(1, sessionAffinity="None")),
    ("service-backends", autoscaled(1025), autoscaled(1024)),
    ("service-backends-2019", replicas(65), replicas(64)),
    ("host-port", container(ports=[{"containerPort": 80, "hostPort": 80}]), container(ports=[{"containerPort": 80}])),
    ("host-port-rollout", rolling(1), rolling(1, maxSurge=0, maxUnavailable=1)),
    ("dns-policy", spec(dnsPolicy="ClusterFirstWithHostNet"), spec(dnsPolicy="ClusterFirst")),
    (
        "dotted-name",
        container(args=["http://ccauth.shop.svc:80/"]),
        container(args=["http://ccauth.shop.svc.cluster.local/", "http://ccauth/ccauth.svc/health"]),
    ),
    ("secret-on-disk", volume(secret={"secretName": "key"}), volume(configMap={"name": "page"})),
    ("password-in-config", with_config("Server=db;Password=hunter2;"), with_config("Server=db;Password={{password}};")),
    ("sub-path", mounted(subPath="web.config"), mounted()),
    ("memory-volume", volume(emptyDir={"medium": "Memory"}), volume(emptyDir={})),
    ("volume-type", volume(nfs={"server": "nas", "path": "/"}), volume(persistentVolumeClaim={"claimName": "data"})),
    (
        "host-path-refused",
        host_path("/var/run/docker.sock", "Socket"),
        host_path("/var/log/pods", "Directory"),
    ),
    ("host-path", host_path("/dev"), host_path(r"C:\\ProgramData", "Directory")),
    ("file-mode", volume(configMap={"name": "page", "defaultMode": 0o400}), volume(configMap={"name": "page", "defaultMode": 0o644})),
    ("termination-message", container(terminationMessagePath="C:/log"), container(terminationMessagePath="/dev/termination-log")),
    ("mount-propagation", mounted(mountPropagation="HostToContainer"), mounted(mountPropagation="None")),
    ("linux-command", readiness(["/bin/sh", "-c", "true"]), readiness(["cmd", "/c", "exit 0"])),
    ("grace-period", spec(terminationGracePeriodSeconds=120), spec(terminationGracePeriodSeconds=30)),
    ("runtime-class", of_class("runhcs-wcow-hypervisor"), of_class("runhcs-wcow-process")),
    ("runtime-class-selector", of_class("runhcs-wcow-process", "linux"), of_class("runhcs-wcow-process")),
    (
        "names-by-case",
        container(env=[{"name": "Path", "value": "1"}, {"name": "PATH", "value": "2"}]),
        container(env=[{"name": "PATH", "value": "1"}, {"name": "PATH", "value": "2"}]),
    ),
    ("injected-container", labelled(sidecar_istio_io__inject="true"), labelled(sidecar_istio_io__inject="false")),
    ("exec-form", readiness(["Get-Date"]), readiness(["powershell", "-Command", "Get-Date"])),
    ("exec-timeout", readiness(["probe.exe"], timeoutSeconds=1), readiness(["probe.exe"], timeoutSeconds=5)),
    ("resource-limits", container(resources={"requests": {"cpu": "1"}}), container(resources={"limits": {"cpu": 1, "memory": "1G"}})),
    (
        "memory-request",
        container(resources={"requests": {"memory": "1000Mi"}, "limits": {"cpu": 1, "memory": "1Gi"}}),
        container(resources={"requests": {"memory": "1024Mi"}, "limits": {"cpu": 1, "memory": "1Gi"}}),
    ),
]


def found(objects: Any, build: str | None = WS2019) -> list[Finding]:
    return check(objects if isinstance(objects, list) else [objects], windows_build=build)


def rules(objects: Any, build: str | None = WS2019) -> set[str]:
    return {finding.rule for finding in found(objects, build)}
