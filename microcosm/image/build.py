"""Building: the checked service becomes a layer, the layer and a base become an image for each Windows
Server.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from . import image_facts, inspect, layer, oci, registry, rules_files, start, store
from .findings import Finding
from .oci import Made
from .registry import Progress
from .subject import Subject
from .tree import Tree


@dataclass(frozen=True, kw_only=True)
class Order:
    """The options of a build beside the service itself."""

    to: str
    push: bool = False
    output: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    time_zone: str | None = None
    culture: str | None = None
    ports: Collection[int] = ()
    health: str | None = None
    starting: start.Options = field(default_factory=start.Options)

    def check(self) -> None:
        """Refuse what cannot be done before anything is read."""
        registry.parse(self.to)
        start.fonts(self.starting)
        for name, value in self.variables.items():
            if image_facts.is_secret(name):
                raise UsageError(
                    f"--env {name}: by its name it is a secret, and would be in the image; give it to the "
                    f"container from a Secret"
                )
            if name.upper() in ("TEMP", "TMP"):
                raise UsageError(
                    f"--env {name}: ASP.NET compiles there and does not find the folder; leave it as the "
                    f"base has it"
                )
            # ServiceMonitor ends with -1072894421 (microsoft/iis-docker issue 188).
            if not value.isprintable():
                raise UsageError(
                    f"--env {name}: its value holds a control character; give it as a file of a mounted "
                    f"Secret"
                )
        for path in self.starting.applications or {}:
            if not path.startswith("/") or path == "/":
                raise UsageError(f"--app {path}: write it as /PATH=FOLDER, with a path below the site")


def image(subject: Subject, found: Sequence[Finding], order: Order) -> Made:
    """Make the image of one Windows Server; the base is asked for its documents alone."""
    base = oci.base_for(oci.find(subject.base.reference), subject.base.release)
    files = start.files(subject, order.starting)
    _refuse_names(subject, files)
    ports = image_facts.ports(subject, list(order.ports))
    facts = image_facts.label(subject, found, ports, image_facts.health(subject, order.health))
    made = layer.write(files, start.writable_folders(subject), _known(base, files), layer.stamp(files))
    zone, culture = {"TZ_WINDOWS": order.time_zone}, {"APP_CULTURE": order.culture}
    variables = {**order.variables, **{name: value for name, value in {**zone, **culture}.items() if value}}
    return oci.make(base, made, entrypoint=start.ENTRYPOINT, variables=variables, ports=ports, label=facts)


def _known(base: oci.Image, files: Tree) -> dict[str, bytes]:
    """Descriptors of folders of the base, if its layers are on this disk."""
    if base.stored.layout is None:
        return {}
    paths = [base.stored.path(one["digest"]) for one in base.manifest["layers"]]
    return layer.known_descriptors([path for path in paths if path.exists()], files.folders())


def _refuse_names(subject: Subject, files: Tree) -> None:
    """An MSI and --app bring files outside the service's folder, whose names no rule has looked at yet."""
    whole = replace(subject, tree=files, place="")
    bad = [
        one
        for one in rules_files.names(whole)
        if inspect.is_refused([one]) and one.name not in subject.choices.ignored
    ]
    if bad:
        raise UsageError(f"{bad[0]}; {bad[0].fix}")


def deliver(made: list[Made], order: Order, progress: Progress) -> tuple[str, str]:
    """Push the images or write them to disk; return where they are and their digest."""
    to = registry.parse(order.to)
    if order.push:
        return str(to), store.push(made, to, progress)
    folder = order.output or Path(f"{to.repository.rpartition('/')[2]}.oci")
    return f"oci:{folder}", store.write_layout(made, folder, str(to))


def document(place: str, digest: str, made: list[Made]) -> dict[str, Any]:
    images = [
        {
            "windows": one.base.build,
            "digest": one.digest,
            "layer": one.layer.digest,
            "size": one.layer.size,
            "base": one.base.stored.name,
        }
        for one in made
    ]
    return {"image": place, "digest": digest, "images": images}
