"""The life of one resource, for every type alike: check, diff, create, read, update, delete, and what is known of it in a preview."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from rehearsal.aws_provider import schema
from rehearsal.aws_provider.aws import AWS_ERRORS, Aws, ResourceError, sentence
from rehearsal.aws_provider.diff import USER_MAPS, Difference, differences, inputs_from, wanted_inputs
from rehearsal.aws_provider.kind import REGISTRY, Change, Kind
from rehearsal.aws_provider.wire import UNKNOWN, Properties, Secret, has_unknowns, visible

DEFAULTS_MARK = "__defaults"
NAME_SUFFIX = 7


class InitializationError(Exception):
    """The resource exists, but is not as it was asked for: it must go into the state all the same."""

    def __init__(self, id_: str, state: Properties, reason: str) -> None:
        super().__init__(reason)
        self.id, self.state, self.reason = id_, state, reason


@dataclass(frozen=True, slots=True)
class Autoname:
    """What the engine says about generated names."""

    proposed: str = ""
    seed: bytes = b""
    disabled: bool = False

    def name(self, resource: str) -> str:
        return self.proposed or f"{resource}-{hashlib.sha256(self.seed).hexdigest()[:NAME_SUFFIX]}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the program: its type, its name there, and the account that it lives in."""

    kind: Kind
    name: str
    aws: Aws

    @classmethod
    def of(cls, token: str, name: str, aws: Aws) -> Resource:
        if token not in REGISTRY:
            known = ", ".join(sorted(REGISTRY))
            raise ResourceError(f"the stand-in aws provider does not implement {token}; it implements {known}")
        return cls(REGISTRY[token], name, aws)

    # --- planning ---------------------------------------------------------------------------------------------

    def check(self, old: Properties, new: Properties, autoname: Autoname) -> tuple[Properties, list[tuple[str, str]]]:
        inputs = self._with_name({**self.kind.written_defaults, **new}, old, autoname)
        problems = schema.problems(self.kind.type_name, inputs) + list(self._unimplemented(inputs)) + self._wrong_region(inputs)
        return inputs, problems or self.kind.problems(inputs)

    def differences(self, state: Properties, inputs: Properties, ignored: Iterable[str]) -> list[Difference]:
        return differences(self.kind, self.aws, state, inputs, ignored)

    def must_delete_first(self, old: Properties, new: Properties) -> bool:
        """A name of the user's own choice cannot be had twice; a generated one changes with the replacement."""
        name = self.kind.auto_name
        return name is not None and name not in new.get(DEFAULTS_MARK, ()) and old.get(name) == new.get(name)

    def preview_created(self, inputs: Properties) -> Properties:
        unknown = dict.fromkeys(self.kind.tables.computed, UNKNOWN)
        return self._outputs(wanted_inputs(self.kind, inputs), {**unknown, **visible(inputs), **self._tags(inputs)})

    def preview_updated(self, state: Properties, inputs: Properties, ignored: Iterable[str]) -> Properties:
        changed = {each.path.split(".")[0] for each in self.differences(state, inputs, ignored)}
        unknown = {name: UNKNOWN for name, causes in self.kind.tables.volatile.items() if causes & changed}
        merged = {name: _merged(state.get(name), value) for name, value in visible(inputs).items()}
        return self._outputs({}, {**state, **merged, **self._tags(inputs), **unknown})

    # --- doing ------------------------------------------------------------------------------------------------

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        wanted = wanted_inputs(self.kind, inputs)
        with self._explained("creating"):
            id_ = self.kind.create(self.aws, wanted)
        try:
            self.kind.complete(self.aws, id_, wanted)
            return id_, self._state(id_, wanted)
        except AWS_ERRORS as error:
            raise InitializationError(id_, self._outputs({}, wanted), self._explain("creating", error)) from error

    def read(self, id_: str, known: Properties) -> Properties | None:
        if not known and not self.kind.importable:
            raise ResourceError(f"the stand-in aws provider cannot import {self.kind.type_name}")
        with self._explained("reading"):
            live = self.kind.read(self.aws, id_, known)
        return live and self._outputs(known, live)

    def inputs_of(self, state: Properties, inputs: Properties) -> Properties:
        if inputs:
            return inputs_from(self.kind, state, inputs)
        return {name: value for name, value in state.items() if name in self.kind.tables.inputs}

    def update(self, id_: str, state: Properties, inputs: Properties, ignored: Iterable[str]) -> Properties:
        found = self.differences(state, inputs, ignored)
        wanted = wanted_inputs(self.kind, inputs)
        with self._explained("updating"):
            if found:
                self.kind.update(self.aws, id_, Change(state, wanted, frozenset(each.path for each in found)))
            # What no API shows (a password wanted, a forced deletion) is remembered as the program says it.
            return self._state(id_, wanted)

    def delete(self, id_: str, state: Properties) -> None:
        with self._explained("deleting"):
            self.kind.delete(self.aws, id_, state)

    # --- parts ------------------------------------------------------------------------------------------------

    def _state(self, id_: str, known: Properties) -> Properties:
        live = self.kind.read(self.aws, id_, known)
        if live is None:
            raise ResourceError(f"{id_} is gone")
        return self._outputs(known, live)

    def _outputs(self, carried: Properties, live: Properties) -> Properties:
        """What AWS shows, over what only the program knows; secrets marked."""
        region = {"region": self.aws.region} if self.kind.regional else {}
        unseen = {name: value for name, value in carried.items() if name not in live}
        outputs = {**region, **unseen, **live}
        secret, unseen = self.kind.tables.secret, self.kind.tables.write_only
        return {name: Secret(value) if name in secret else value for name, value in outputs.items() if value is not None and name not in unseen}

    def _tags(self, inputs: Properties) -> Properties:
        return {"tagsAll": self.aws.all_tags(inputs.get("tags"))} if self.kind.tagged else {}

    def _with_name(self, inputs: Properties, old: Properties, autoname: Autoname) -> Properties:
        name = self.kind.auto_name
        if name is None or name in inputs or autoname.disabled:
            return inputs
        generated = old[name] if name in old.get(DEFAULTS_MARK, ()) else autoname.name(self.name)
        return {**inputs, name: generated, DEFAULTS_MARK: [name]}

    def _wrong_region(self, inputs: Properties) -> list[tuple[str, str]]:
        region = inputs.get("region")
        if region in (None, self.aws.region) or has_unknowns(region):
            return []
        return [("region", f"The stand-in aws provider works in {self.aws.region}, its configured region, and not in {region}.")]

    def _unimplemented(self, inputs: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
        known = self.kind.tables.inputs | ({"region"} if self.kind.regional else set())
        for name, value in visible(inputs).items():
            path = prefix + name
            if path not in known:
                yield path, f"The stand-in aws provider does not implement {path} of {self.kind.type_name}."
            elif name not in USER_MAPS:
                for item in cast("list[Any]", value) if isinstance(value, list) else [value]:
                    if isinstance(item, Mapping):
                        yield from self._unimplemented(cast("Mapping[str, Any]", item), f"{path}.")

    def _explain(self, doing: str, error: Exception) -> str:
        return f"{doing} {self.kind.noun} {self.name}: {sentence(error)}"

    @contextmanager
    def _explained(self, doing: str) -> Generator[None]:
        """Turns what AWS answers inside the block into one sentence that names the resource."""
        try:
            yield
        except AWS_ERRORS as error:
            raise ResourceError(self._explain(doing, error)) from error


def _merged(actual: Any, wanted: Any) -> Any:
    """An object keeps what the program does not speak about."""
    if isinstance(actual, Mapping) and isinstance(wanted, Mapping):
        return {**cast("Mapping[str, Any]", actual), **cast("Mapping[str, Any]", wanted)}
    return wanted
