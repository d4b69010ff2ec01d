"""What a resource type is to this provider: a small class that creates, reads, updates and deletes, and tables for everything else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from rehearsal.aws_provider.aws import Aws, from_pairs
from rehearsal.aws_provider.wire import Properties


@dataclass(frozen=True, slots=True)
class Change:
    """An update: the state before, the inputs wanted, and the paths that differ (`tags`, `rootBlockDevice.volumeSize`)."""

    old: Properties
    new: Properties
    paths: frozenset[str]

    def touches(self, *names: str) -> bool:
        return any(path.split(".")[0] in names for path in self.paths)


@dataclass(frozen=True, slots=True)
class Tables:
    """What the engine must know of a type beyond its inputs."""

    # The inputs that this stand-in implements (paths, for objects); the others of the official type are refused.
    inputs: frozenset[str] = frozenset()
    # Properties (or paths into them) that cannot change in place.
    replace: frozenset[str] = frozenset()
    # What an optional input means when it is absent. An input that is neither here nor given is AWS's to choose.
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    # Outputs that are not known before the resource exists, and inputs that AWS chooses when they are absent.
    computed: tuple[str, ...] = ()
    # Outputs that an update of these inputs changes.
    volatile: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    # Outputs that these inputs make unknown even when they are ignored (the provider's CustomizeDiff).
    customized: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    secret: frozenset[str] = frozenset()
    # Inputs that no state keeps and no comparison sees.
    write_only: frozenset[str] = frozenset()
    # Lists whose order means nothing to AWS.
    sets: frozenset[str] = frozenset()
    # Texts that mean the same when their JSON does.
    json: frozenset[str] = frozenset()


class Kind(ABC):
    """One resource type. Instances are stateless."""

    type_name: ClassVar[str]
    noun: ClassVar[str]
    tables: ClassVar[Tables] = Tables()
    # The input that names the resource in AWS; generated from the resource's name when absent.
    auto_name: ClassVar[str | None] = None
    # Defaults that Check writes into the inputs, where the user sees them.
    written_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    tagged: ClassVar[bool] = True
    # Whether the id alone finds it again.
    importable: ClassVar[bool] = True
    # IAM is of the account; everything else is of a region and says which.
    regional: ClassVar[bool] = True

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        """What is wrong with the inputs beyond their types, as (property, reason)."""
        return []

    @abstractmethod
    def create(self, aws: Aws, inputs: Properties) -> str:
        """Make it and return its id, in one call to AWS: what fails later must not leave something without an owner."""

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: B027, most types need nothing more
        """What AWS only accepts after the creation."""

    @abstractmethod
    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        """The resource as AWS shows it, or None where it is gone. `known` is the last state (the inputs, after a creation)."""

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        """Make AWS match. A type whose every input replaces never gets here."""
        raise NotImplementedError(f"{self.type_name} cannot be updated ({', '.join(sorted(change.paths))})")

    @abstractmethod
    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        """Unmake it, and return when it is gone. What is gone already is no error."""

    def replaces_besides(self, new: Properties, state: Properties) -> frozenset[str]:
        """Further properties that replace, given these inputs and this state."""
        return frozenset()


def names(text: str) -> frozenset[str]:
    """A table of names, written as words."""
    return frozenset(text.split())


def tag_state(aws: Aws, tag_pairs: Any, known: Properties) -> Properties:
    """`tags` and `tagsAll` as the official provider splits them: defaults show in `tags` only where the program repeats them."""
    everything = from_pairs(tag_pairs)
    own = known.get("tags") or {}
    shown = {key: value for key, value in everything.items() if key in own or aws.default_tags.get(key) != value}
    return {"tags": shown or None, "tagsAll": everything}


REGISTRY: dict[str, Kind] = {}


def register(kind: type[Kind]) -> type[Kind]:
    REGISTRY[kind.type_name] = kind()
    return kind
