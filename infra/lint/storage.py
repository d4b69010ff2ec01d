"""The volume behind a pod's volume: inline, by a claim, by a claim's class or volume, and whether Windows
nodes can mount it.
"""

import re
from collections.abc import Iterator

from .subjects import Pod
from .values import Object, dig, mapping, mappings, text

# Kinds of volume that the kubelet mounts on Linux only: kubernetes.io/docs/concepts/storage/windows-storage/.
LINUX_SOURCES = ("nfs", "iscsi", "fc", "rbd", "cephfs", "glusterfs", "portworxVolume", "storageos", "quobyte")
# Drivers that publish no node plugin for Windows, by their own deploy/ folders and charts: each name, or a
# part of it.
_LINUX_DRIVERS = re.compile(
    r"nfs|iscsi|efs\.csi\.aws\.com|fsx\.(openzfs\.)?csi\.aws\.com|s3\.csi\.aws\.com|cephfs|(^|\.)rbd\."
    r"|kubernetes\.io/rbd|glusterfs|blob\.csi\.azure\.com"
    r"|gcsfuse|filestore\.csi|longhorn|openebs|rancher\.io/local-path|hostpath|juicefs|beegfs|lustre"
    r"|portworx|pxd\.|topolvm|seaweedfs|mountpoint",
)
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def of_pod(pod: Pod) -> Iterator[str]:
    """Yield a sentence for each volume that Windows nodes cannot mount."""
    for volume in pod.volumes:
        where = f"volume {text(volume.get('name')) or '(no name)'}"
        yield from (f"{where}: {what}" for what in _source(volume))
        if claim := mapping(dig(volume, "ephemeral", "volumeClaimTemplate")):
            yield from (f"{where}: {what}" for what in _claim(pod, claim))
        if name := text(dig(volume, "persistentVolumeClaim", "claimName")):
            held = pod.declared.object("PersistentVolumeClaim", pod.document.namespace, name)
            yield from (f"{where}: claim {name}: {what}" for what in _claim(pod, held))
    for claim in mappings(dig(pod.document.object, "spec", "volumeClaimTemplates")):
        yield from (f"claim {text(dig(claim, 'metadata', 'name'))}: {what}" for what in _claim(pod, claim))


def _source(volume: Object) -> Iterator[str]:
    """Return the source of an inline volume or a PersistentVolume."""
    yield from (kind for kind in LINUX_SOURCES if mapping(volume.get(kind)))
    driver = text(dig(volume, "csi", "driver"))
    if _LINUX_DRIVERS.search(driver):
        yield f"the driver {driver}"


def _claim(pod: Pod, claim: Object) -> Iterator[str]:
    spec = mapping(claim.get("spec"))
    if spec.get("volumeMode") == "Block":
        yield "volumeMode: Block (a raw block device)"
    named = text(spec.get("storageClassName"))
    if volume := _bound(pod, claim, spec, named):
        yield from _source(mapping(volume.get("spec")))
        return
    found = (
        pod.declared.unnamespaced("StorageClass", named)
        if named
        else _default_class(pod)
        if "storageClassName" not in spec
        else {}
    )
    provisioner = text(found.get("provisioner"))
    if _LINUX_DRIVERS.search(provisioner):
        yield f"class {named or '(the default one)'} of the driver {provisioner}"


def _bound(pod: Pod, claim: Object, spec: Object, named: str) -> Object:
    """The PersistentVolume of the set that the claim names, that names the claim, or that alone is of its
    class.
    """
    if volume := text(spec.get("volumeName")):
        return pod.declared.unnamespaced("PersistentVolume", volume)
    volumes = [document.object for document in pod.declared.all_of("PersistentVolume")]
    wanted = (text(dig(claim, "metadata", "name")), pod.document.namespace)
    for volume in volumes:
        reference = mapping(dig(volume, "spec", "claimRef"))
        if reference and (text(reference.get("name")), text(reference.get("namespace"))) == wanted:
            return volume
    if "storageClassName" not in spec or pod.declared.unnamespaced("StorageClass", named):
        return {}
    alike = [
        volume
        for volume in volumes
        if text(dig(volume, "spec", "storageClassName")) == named and not dig(volume, "spec", "claimRef")
    ]
    return alike[0] if len(alike) == 1 else {}


def _default_class(pod: Pod) -> Object:
    classes = [document.object for document in pod.declared.all_of("StorageClass")]
    return next(
        (each for each in classes if dig(each, "metadata", "annotations", DEFAULT_CLASS) == "true"), {}
    )
