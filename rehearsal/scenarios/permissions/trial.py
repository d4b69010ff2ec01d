"""Which command needs which permission, and the proof that it fails without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from rehearsal.errors import RehearsalError
from rehearsal.scenarios.permissions.permission import Permission, all_permissions, needed
from rehearsal.scenarios.permissions.pipeline import COMMANDS, Outcome, Pipeline


class Runs(Protocol):
    """The part of a pipeline that a trial needs."""

    def run(self, command: str, missing: Permission | None = None) -> Outcome: ...


class There(StrEnum):
    """How much of the preview is in the cloud."""

    NOTHING = "nothing"
    PART = "part"
    ALL = "all"


def first_needs(pipeline: Pipeline) -> dict[Permission, str]:
    """A whole life with the whole policy: the first command that asks for each permission."""
    found: dict[Permission, str] = {}
    for command in COMMANDS:
        outcome = pipeline.run(command)
        if outcome.code:
            raise RehearsalError(
                f"with its whole policy the pipeline's `{command}` exits with {outcome.code}:\n{outcome.text}"
            )
        found = dict.fromkeys(needed(outcome.asked), command) | found
    if superfluous := [str(permission) for permission in all_permissions() if permission not in found]:
        raise RehearsalError(
            f"no command needs {', '.join(superfluous)}: take them out of "
            f"microcosm/preview/pipeline_grants.py"
        )
    return found


# The state in which a command makes all its calls, and the states in which to try it.
STARTS = {"up": There.NOTHING, "down": There.ALL}
TRIES: Mapping[str, tuple[There, ...]] = {"up": (There.NOTHING, There.PART), "down": (There.ALL, There.PART)}
LEAVES = {"up": There.ALL, "up again": There.ALL, "down": There.NOTHING}


@dataclass(slots=True)
class Trial:
    """Goes from one permission to the next with whatever the last left, and starts anew only where that
    shows nothing.
    """

    pipeline: Runs
    there: There = There.NOTHING
    runs: int = field(default=0)

    def fails_without(self, permission: Permission, command: str) -> bool:
        """Whether the command fails for want of the permission."""
        if self.there in TRIES.get(command, ()) and self._run(command, permission).fails_for_want_of(
            permission
        ):
            return True
        self._bring(STARTS.get(command, There.ALL))
        if command == "up again":
            self._run("extend", None)
        return self._run(command, permission).fails_for_want_of(permission)

    def _bring(self, wanted: There) -> None:
        if self.there is not wanted:
            command = "down" if wanted is There.NOTHING else "up"
            outcome = self._run(command, None)
            if outcome.code:
                raise RehearsalError(
                    f"with its whole policy the pipeline's `{command}` does not recover: exit code "
                    f"{outcome.code}\n{outcome.text}"
                )

    def _run(self, command: str, missing: Permission | None) -> Outcome:
        self.runs += 1
        outcome = self.pipeline.run(command, missing)
        if command in LEAVES:
            self.there = There.PART if outcome.code else LEAVES[command]
        return outcome


Told = Callable[[Permission, str, bool], None]


def shares(needs: Mapping[Permission, str], number: int) -> list[dict[Permission, str]]:
    """The permissions dealt out to so many trials, each share in the order of the commands: what one
    leaves the next can use.
    """
    ordered = [permission for command in COMMANDS for permission, first in needs.items() if first == command]
    return [
        {permission: needs[permission] for permission in ordered[index::number]} for index in range(number)
    ]


def prove(trial: Trial, needs: Mapping[Permission, str], tell: Told) -> list[Permission]:
    """Runs without each permission; those whose want made nothing fail."""
    unproven: list[Permission] = []
    for permission, first in needs.items():
        # The first command that needs it may succeed without it, as `up` does if it cannot release its lock.
        # Then a later command must fail.
        later = [*COMMANDS][[*COMMANDS].index(first) :]
        failing = next((command for command in later if trial.fails_without(permission, command)), None)
        tell(permission, failing or first, failing is not None)
        if not failing:
            unproven.append(permission)
    return unproven
