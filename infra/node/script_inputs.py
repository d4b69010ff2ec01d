"""Assemble the inputs of each machine's user-data from the configuration. Pure."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import flannel, workloads
from ..config import bom, expiry, naming, versions
from ..config.model import StackConfig
from ..config.pools import NodePool
from ..errors import ConfigError
from ..script_bucket import StagedScript
from . import userdata

# Downloads that the Linux scripts install; the bill of materials may hold more.
LINUX_DOWNLOADS = ("containerd", "runc", "cni-plugins", "kubeadm", "kubelet")


# Values that only AWS knows, at their greatest length.
REGION, INSTANCE_ID, PUBLIC_IP = "ap-southeast-99", "i-0123456789abcdef0", "255.255.255.255"
SCRIPT = StagedScript(bucket="b" * 63, key="windows-node-0123456789ab.ps1", sha256="0" * 64)


def check(config: StackConfig) -> None:
    """ConfigError when the user-data of a machine would not fit.

    In a preview nobody else looks: the ids are unknown there.
    """
    makers: list[Callable[[], str]] = [partial(control_plane, config, region=REGION, public_ip=PUBLIC_IP)]
    for pool in config.node_pools:
        script = SCRIPT if pool.os.family == "windows" else None
        makers.append(
            partial(
                worker,
                config,
                pool,
                f"{pool.name}-{pool.count}",
                region=REGION,
                control_plane_id=INSTANCE_ID,
                script=script,
            )
        )
    problems: list[str] = []
    for make in makers:
        try:
            make()
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)


def control_plane(config: StackConfig, *, region: str, public_ip: str) -> str:
    """Base64 user-data of the control plane."""
    document = userdata.kubeadm_init(
        node_name=naming.CONTROL_PLANE,
        version=config.kubernetes_version,
        pod_cidr=config.pod_cidr,
        service_cidr=config.service_cidr,
        public_ip=public_ip,
        ignore_preflight_errors=config.ignore_preflight_errors,
    )
    # kubectl is for the person who opens a shell there.
    inputs = _linux(config, region, naming.CONTROL_PLANE, (*LINUX_DOWNLOADS, "kubectl"), document)
    own = {"PUBLIC_IP": public_ip} | ({"KMS_KEY": config.kms_key} if config.kms_key else {})
    return userdata.linux("control-plane", {**inputs, **own}, expires=bool(config.names.expires_at))


def worker(
    config: StackConfig,
    pool: NodePool,
    node: str,
    *,
    region: str,
    control_plane_id: str,
    script: StagedScript | None = None,
) -> str:
    """User-data of a worker: base64 for Linux, text for Windows, as EC2's two arguments take them.

    `script` is for Windows.
    """
    document = userdata.kubeadm_join(
        node_name=node,
        family=pool.os.family,
        labels=pool.labels,
        taints=pool.taints,
        ignore_preflight_errors=config.ignore_preflight_errors,
    )
    if script:
        return userdata.windows(_windows(config, pool, node, region, control_plane_id, document, script))
    inputs = _linux(config, region, node, LINUX_DOWNLOADS, document)
    return userdata.linux(
        "worker", {**inputs, "CONTROL_PLANE_ID": control_plane_id}, expires=bool(config.names.expires_at)
    )


def _windows(
    config: StackConfig,
    pool: NodePool,
    node: str,
    region: str,
    control_plane_id: str,
    join: str,
    script: StagedScript,
) -> dict[str, str | list[str] | dict[str, Any]]:
    """The inputs that userdata/windows/bootstrap.ps1 and worker.ps1 document."""
    materials = config.bom.windows
    return {
        "StackName": config.names.stack,
        "Region": region,
        "NodeName": node,
        "ControlPlaneInstanceId": control_plane_id,
        "ScriptBucket": script.bucket,
        "ScriptKey": script.key,
        "ScriptSha256": script.sha256,
        "KubernetesVersion": config.kubernetes_version,
        "ContainerdVersion": materials["containerd"].version,
        "Artifacts": {
            name: {"Urls": materials[name].urls(config.artifact_mirror), "Sum": materials[name].sum}
            for name in bom.NEEDED["windows"]
        },
        "PauseImage": versions.pause_image(config.kubernetes_version),
        "PrepullImages": [pool.os.wcf_image] if config.workloads else [],
        "RegistryMirror": config.registry_mirror,
        "FlannelBackend": config.flannel_backend,
        "FlannelNetConf": flannel.net_conf(config.pod_cidr, config.flannel_backend),
        "PodCidr": config.pod_cidr,
        "ServiceCidr": config.service_cidr,
        "NodeCidr": config.vpc_cidr,
        "JoinConfiguration": join,
        # Its name, never the date: another date must not mean another machine.
        "ExpiryParameter": config.names.parameter(expiry.PARAMETER) if config.names.expires_at else "",
    }


def _linux(
    config: StackConfig, region: str, node: str, downloads: Sequence[str], kubeadm_config: str
) -> dict[str, str]:
    return {
        "STACK": config.names.stack,
        "REGION": region,
        "NODE_NAME": node,
        "KUBERNETES_VERSION": config.kubernetes_version,
        "ARTIFACTS": _artifact_lines(config, downloads),
        "PAUSE_IMAGE": versions.pause_image(config.kubernetes_version),
        "PREPULL_IMAGES": " ".join(_linux_images(config, node)),
        "REGISTRY_MIRROR": config.registry_mirror,
        "KUBEADM_CONFIG": kubeadm_config,
    }


def _artifact_lines(config: StackConfig, names: Sequence[str]) -> str:
    """Downloads as the Linux scripts read them: one line of name, URL and sha256 each."""
    materials = config.bom.linux
    return "\n".join(
        f"{name} {materials[name].urls(config.artifact_mirror)[0]} {materials[name].sha256}" for name in names
    )


def _linux_images(config: StackConfig, node: str) -> list[str]:
    """List the images that a machine pulls while it waits for others. kubeadm itself pulls what the control
    plane runs.
    """
    images = [f"registry.k8s.io/kube-proxy:v{config.kubernetes_version}", flannel.CNI_IMAGE, flannel.IMAGE]
    # Without workloads too: to turn them on later must not make another machine.
    return [*images, workloads.NGINX_IMAGE] if node != naming.CONTROL_PLANE else images
