"""Pull the container images of their publishers into an OCI image layout.

`skopeo` (Debian) does the pulling: it speaks with each registry, takes the image for linux/amd64 and checks
every blob by its digest. An image with a pinned digest (pins.json) is asked for by it, another by its tag.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from rehearsal.build.container_images import kubeadm_images
from rehearsal.build.oci import NAME_ANNOTATION
from rehearsal.build.publishers import PINS
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of

_REF_NAME = "org.opencontainers.image.ref.name"
_COPY = (
    "skopeo",
    "--insecure-policy",
    "--override-os=linux",
    "--override-arch=amd64",
    "copy",
    "--format=oci",
    "--retry-times=3",
)


def pinned_digests() -> Mapping[str, str]:
    """Digests by reference."""
    return {reference: pin["digest"] for reference, pin in json.loads(PINS.read_text())["images"].items()}


def pulled_images_step(
    store: Store,
    kubernetes: Step,
    version: str,
    others: Collection[str],
    mirror: str = "",
) -> Step:
    """All images in one OCI layout: those that this kubeadm asks for, and the others."""
    digests = pinned_digests()
    key = key_of(
        Path(__file__),
        kubernetes.entry.name,
        *sorted(others),
        *(f"{name}@{digest}" for name, digest in digests.items()),
    )

    def build(folder: Path, run: Run) -> None:
        wanted = {*kubeadm_images(kubernetes.entry / "kubeadm", version).values(), *others}
        pull(folder, sorted(wanted), digests, run, mirror)

    return Step(
        name="pull container images",
        entry=store.entry("images-published", key),
        build=build,
        needs=(kubernetes.name,),
    )


def pull(
    folder: Path,
    references: Collection[str],
    digests: Mapping[str, str],
    run: Run,
    mirror: str = "",
) -> None:
    """Pull images into an OCI layout under their references. `mirror` is a registry that has all, by http."""
    for reference in references:
        source = mirrored(pinned(reference, digests), mirror)
        options = ("--src-tls-verify=false",) if mirror else ()
        by = "its pinned digest" if reference in digests else "its tag, as its registry has it"
        run.say(f"{reference} by {by}")
        run([*_COPY, *options, f"docker://{source}", f"oci:{folder}:{reference}"])
    index = folder / "index.json"
    document = json.loads(index.read_text())
    for manifest in document["manifests"]:
        manifest["annotations"] = {NAME_ANNOTATION: manifest["annotations"][_REF_NAME]}
    index.write_text(json.dumps(document, indent=1))


def pinned(reference: str, digests: Mapping[str, str]) -> str:
    """registry.k8s.io/pause:3.10.2 -> registry.k8s.io/pause@sha256:..., where there is a digest."""
    return f"{reference.rpartition(':')[0]}@{digests[reference]}" if reference in digests else reference


def mirrored(reference: str, mirror: str) -> str:
    """registry.k8s.io/pause:3.10.2 -> <mirror>/pause:3.10.2, as `registryMirror` does it."""
    if not mirror:
        return reference
    return f"{mirror.rstrip('/').removeprefix('http://')}/{reference.partition('/')[2]}"
