"""The typed views that rules look at: a pod template with what the other objects say of it, and a Service
with its pods.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import images, placement, programs, signs
from .declared import Declared
from .objects import Document
from .values import Object, dig, labels, mapping, mappings, text, texts

CONTAINER_LISTS = {
    "containers": "container",
    "initContainers": "init container",
    "ephemeralContainers": "ephemeral container",
}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
HOOKS = ("postStart", "preStop")


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod. `where` names it in a finding."""

    where: str
    raw: Object
    host_process: bool

    @property
    def security(self) -> Object:
        return mapping(self.raw.get("securityContext"))

    @property
    def image(self) -> images.Image:
        return images.parse(text(self.raw.get("image")))

    @property
    def mounts(self) -> list[Object]:
        return mappings(self.raw.get("volumeMounts"))

    @property
    def probes(self) -> dict[str, Object]:
        return {name: mapping(self.raw[name]) for name in PROBES if name in self.raw}

    def commands(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """List what runs in the container and which part of it runs that: its own command, probes and
        lifecycle hooks.

        The args follow the command. Without one they are the program where the image has no entrypoint, and
        where they are `sh -c …`.
        """
        command = texts(self.raw.get("command"))
        run_by: dict[str, Any] = {"command": [*command, *texts(self.raw.get("args"))] if command else None}
        if not command and (self.image.is_base or programs.starts_a_linux_shell(texts(self.raw.get("args")))):
            run_by["args"] = self.raw.get("args")
        run_by |= {name: dig(probe, "exec", "command") for name, probe in self.probes.items()}
        run_by |= {name: dig(self.raw, "lifecycle", name, "exec", "command") for name in HOOKS}
        for part, command in run_by.items():
            if texts(command):
                yield part, texts(command)

    def strings(self) -> Iterator[str]:
        """Everything in which a host name may be written."""
        yield from texts(self.raw.get("args"))
        yield from (text(variable.get("value")) for variable in mappings(self.raw.get("env")))
        yield from (word for _, command in self.commands() for word in command)


@dataclass(frozen=True)
class Pod:
    """A pod template in its surroundings. Windows builds are those its selector names, else the cluster's."""

    document: Document
    declared: Declared
    cluster_build: str | None
    overlay: bool

    @cached_property
    def spec(self) -> Object:
        return mapping(mapping(self.document.template).get("spec"))

    @cached_property
    def labels(self) -> dict[str, str]:
        return labels(self.metadata.get("labels"))

    @cached_property
    def runtime_class(self) -> Object | None:
        return self.declared.runtime_class(text(self.spec.get("runtimeClassName")))

    @property
    def handler(self) -> str:
        """The runtime that its runtime class asks for; empty if there is none, or the class is not in the
        set.
        """
        return text(dig(self.runtime_class, "handler"))

    @property
    def placed_elsewhere(self) -> bool:
        """Where it goes is said by something that is not in the set, or by naming the node."""
        of_unknown_class = bool(self.spec.get("runtimeClassName")) and self.runtime_class is None
        return placement.names_a_node(self.spec) or of_unknown_class

    @cached_property
    def selector(self) -> dict[str, str]:
        return placement.merged(
            self.spec.get("nodeSelector"), dig(self.runtime_class, "scheduling", "nodeSelector")
        )

    @cached_property
    def tolerations(self) -> list[Object]:
        return [
            *mappings(self.spec.get("tolerations")),
            *mappings(dig(self.runtime_class, "scheduling", "tolerations")),
        ]

    @cached_property
    def systems(self) -> frozenset[str]:
        return placement.systems(self.selector, self.spec)

    @property
    def os_name(self) -> str:
        return text(dig(self.spec, "os", "name"))

    @cached_property
    def signs(self) -> list[signs.Sign]:
        return signs.of(self)

    @cached_property
    def is_windows(self) -> bool:
        return signs.is_windows(self.signs)

    @cached_property
    def metadata(self) -> Object:
        return mapping(mapping(self.document.template).get("metadata"))

    @cached_property
    def builds(self) -> tuple[str, ...]:
        """The builds of the nodes that it may land on, as far as they are known."""
        return placement.builds(self.selector, self.spec) or (
            (self.cluster_build,) if self.cluster_build else ()
        )

    @cached_property
    def may_run_on(self) -> tuple[str, ...]:
        """`builds`, or where they are not known what the images leave: an ltsc2019 image starts nowhere
        but on 2019.
        """
        named = [container.image.build for container in self.containers if container.image.build]
        left = tuple(
            node for node, build in images.NODE_BUILDS.items() if named and build.runs.issuperset(named)
        )
        return self.builds or left

    @cached_property
    def containers(self) -> list[Container]:
        of_pod = bool(dig(self.spec, "securityContext", "windowsOptions", "hostProcess"))
        return [
            Container(f"{word} {text(raw.get('name')) or '(no name)'}", raw, _host_process(raw, of_pod))
            for key, word in CONTAINER_LISTS.items()
            for raw in mappings(self.spec.get(key))
        ]

    @property
    def host_process(self) -> bool:
        return any(container.host_process for container in self.containers)

    @property
    def security(self) -> Object:
        return mapping(self.spec.get("securityContext"))

    @property
    def volumes(self) -> list[Object]:
        return mappings(self.spec.get("volumes"))


@dataclass(frozen=True, slots=True)
class Service:
    """A Service with the Windows pods behind it."""

    document: Document
    pods: tuple[Pod, ...]
    backends: int

    @property
    def spec(self) -> Object:
        return mapping(self.document.object.get("spec"))


def _host_process(raw: Object, of_pod: bool) -> bool:
    own = dig(raw, "securityContext", "windowsOptions", "hostProcess")
    return of_pod if own is None else bool(own)
