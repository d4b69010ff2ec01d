"""Patch methods of moto's backends, and restore them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class PatchedCall:
    """A call of a patched method: its object, its arguments, and the original method."""

    backend: Any
    arguments: dict[str, Any]
    _proceed: Callable[..., Any] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def proceed(self) -> Any:
        return self._proceed(self.backend, **self._keywords())

    def _keywords(self) -> dict[str, Any]:
        named = {name: value for name, value in self.arguments.items() if name != "kwargs"}
        return named | self.arguments.get("kwargs", {})


Rule = Callable[[PatchedCall], Any]


@dataclass(frozen=True, slots=True)
class _Placement:
    owner: type[Any]
    method: str
    rule: Rule


class MotoPatches:
    """The patches of one module, in the order of their definition."""

    def __init__(self) -> None:
        self._placements: list[_Placement] = []

    def around(self, owner: type[Any], *methods: str) -> Callable[[Rule], Rule]:
        def place(rule: Rule) -> Rule:
            self._placements += [_Placement(owner, method, rule) for method in methods]
            return rule

        return place

    @contextmanager
    def applied(self) -> Generator[None]:
        """Apply every patch during the block."""
        originals = [(p.owner, p.method, vars(p.owner)[p.method]) for p in self._placements]
        try:
            for placement in self._placements:
                _apply(placement)
            yield
        finally:
            for owner, method, original in reversed(originals):
                setattr(owner, method, original)


def _apply(placement: _Placement) -> None:
    original = vars(placement.owner)[placement.method]
    # A patched method keeps the signature of moto's method in __wrapped__.
    signature = inspect.signature(original)

    @functools.wraps(original)
    def ruled(backend: Any, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(backend, *args, **kwargs)
        bound.apply_defaults()
        arguments = dict(list(bound.arguments.items())[1:])
        return placement.rule(PatchedCall(backend, arguments, original))

    setattr(placement.owner, placement.method, ruled)
