"""Keep what a trial has proven, so that one that was broken off goes on from there."""

import json
from collections.abc import Mapping
from pathlib import Path

from rehearsal.scenarios.permissions.permission import Permission


class Proven:
    """The permissions that one commit's trial has proven, and the runs that it took; a line of JSON each.

    Without a file nothing is kept: what is tried is then no commit of main.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path and path.exists() else []
        found = [json.loads(line) for line in lines]
        self._names = {str(each["permission"]) for each in found}
        self.runs = sum(int(each["runs"]) for each in found)

    def left_of(self, needs: Mapping[Permission, str]) -> dict[Permission, str]:
        """Return the permissions that have yet to be tried, each with its command."""
        return {
            permission: first for permission, first in needs.items() if str(permission) not in self._names
        }

    def add(self, permission: Permission, runs: int) -> None:
        """Keep one more, with the runs since the one before."""
        self.runs += runs
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps({"permission": str(permission), "runs": runs}) + "\n")
