"""The contents of an MSI as a first installation on a Windows Server would place them, without running
anything of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import OperatorError
from . import cab, msi_actions, msi_folders, msi_properties
from .msi_folders import windows
from .msi_properties import UnknownCondition
from .msi_tables import Database, Row
from .tree import File, Tree, join, parents

_BITS_64 = 0x100


@dataclass(frozen=True)
class Package:
    """An MSI with the properties that the user gave, and the folder where its outer cabinets and files
    are.
    """

    database: Database
    given: Mapping[str, str]
    beside: Path

    @cached_property
    def _searched(self) -> tuple[dict[str, str], list[str]]:
        return msi_properties.initial(self.database, self.given)

    @property
    def unanswered(self) -> list[str]:
        return self._searched[1]

    @cached_property
    def is_64(self) -> bool:
        return self.database.template.lower() not in ("intel", "")

    @cached_property
    def is_per_user(self) -> bool:
        """Whether it installs for one user: no ALLUSERS in its Property table, and none given."""
        written = {str(row["Property"]): str(row["Value"] or "") for row in self.database.rows("Property")}
        return {**written, **self.given}.get("ALLUSERS", "") not in ("1", "2")

    @cached_property
    def unknown_conditions(self) -> list[str]:
        """Names of features and components whose condition is not understood; they are taken as installed."""
        return sorted({*self._features[1], *self._components[1]})

    @cached_property
    def properties(self) -> dict[str, str]:
        """Properties after the actions that only set a value, in the order of the installation."""
        properties = dict(self._searched[0])
        actions = {
            row["Action"]: row for row in self.database.rows("CustomAction") if msi_actions.sets_property(row)
        }
        for table in ("InstallUISequence", "InstallExecuteSequence"):
            for step in sorted(self.database.rows(table), key=lambda row: int(row["Sequence"] or 0)):
                action = actions.get(step["Action"])
                if action and self._is_met(step) and str(action["Source"]) not in self.given:
                    value = msi_properties.formatted(
                        str(action["Target"] or ""), {**msi_folders.STANDARD, **properties}
                    )
                    properties[str(action["Source"])] = value
        return properties

    def _is_met(self, step: Row) -> bool:
        try:
            return int(step["Sequence"] or 0) > 0 and msi_properties.holds(
                _text(step["Condition"]), self._searched[0]
            )
        except UnknownCondition:
            return False

    def may_run(self, condition: str) -> bool:
        """Whether a step of a first installation may run; one whose condition is not understood may."""
        states = {**dict.fromkeys(self._features[0], 3), **dict.fromkeys(self.components, 3)}
        try:
            return msi_properties.holds(condition, self.properties, states)
        except UnknownCondition:
            return True

    def installs(self, row: Row) -> bool:
        """Whether a row belongs to a component that is installed, or to none."""
        return row.get("Component_") is None or row["Component_"] in self.components

    @cached_property
    def folders(self) -> dict[str, str]:
        """Path below C: of each row of the Directory table."""
        rows = {str(row["Directory"]): row for row in self.database.rows("Directory")}
        return {name: self._folder(name, rows, 0) for name in rows}

    def _folder(self, name: str, rows: Mapping[str, Row], depth: int) -> str:
        row, value = rows.get(name), self.properties.get(name)
        if depth > 64 or row is None:
            raise OperatorError(
                f"{self.database.name}: the folder {name!r} of its Directory table leads nowhere; make the "
                f"MSI again"
            )
        if value and (name != "SourceDir"):
            return self._below_c(name, value)
        if name in msi_folders.STANDARD:
            return self._below_c(name, msi_folders.STANDARD[name])
        parent = _text(row["Directory_Parent"])
        if not parent or parent == name:
            return ""
        target = str(row["DefaultDir"] or ".").partition(":")[0].rpartition("|")[2]
        return join(self._folder(parent, rows, depth + 1), "" if target == "." else target)

    def _below_c(self, name: str, path: str) -> str:
        plain = path.replace("/", "\\")
        if (plain[1:2] == ":" and plain[:1].upper() != "C") or plain.startswith("\\\\"):
            raise OperatorError(
                f"{self.database.name}: the folder {name} is on {plain[:2]}, and a container has C: alone; "
                f"give --property {name}=C:\\FOLDER"
            )
        return (
            plain[2:].replace("\\", "/").strip("/")
            if plain[1:2] == ":"
            else plain.replace("\\", "/").strip("/")
        )

    @cached_property
    def _features(self) -> tuple[set[str], list[str]]:
        conditions: dict[str, list[Row]] = {}
        for row in self.database.rows("Condition"):
            conditions.setdefault(str(row["Feature_"]), []).append(row)
        chosen, unknown = set[str](), list[str]()
        most = int(self.properties.get("INSTALLLEVEL", "1") or 1)
        for row in self.database.rows("Feature"):
            level = int(row["Level"] or 0)
            for condition in conditions.get(str(row["Feature"]), ()):
                try:
                    if msi_properties.holds(_text(condition["Condition"]), self.properties):
                        level = int(condition["Level"] or 0)
                except UnknownCondition:
                    unknown.append(str(row["Feature"]))
            if 0 < level <= most:
                chosen.add(str(row["Feature"]))
        return chosen, unknown

    @cached_property
    def _components(self) -> tuple[dict[str, Row], list[str]]:
        wanted = {
            row["Component_"]
            for row in self.database.rows("FeatureComponents")
            if row["Feature_"] in self._features[0]
        }
        chosen, unknown = dict[str, Row](), list[str]()
        for row in self.database.rows("Component"):
            try:
                met = msi_properties.holds(_text(row["Condition"]), self.properties)
            except UnknownCondition:
                unknown.append(str(row["Component"]))
                met = True
            if met and row["Component"] in wanted:
                chosen[str(row["Component"])] = row
        return chosen, unknown

    @cached_property
    def components(self) -> dict[str, Row]:
        return self._components[0]

    def is_64_component(self, name: object) -> bool:
        return bool(int(self.components[str(name)]["Attributes"] or 0) & _BITS_64)

    @cached_property
    def paths(self) -> dict[str, str]:
        """Path below C: of each File row whose component is installed."""
        return {
            str(row["File"]): self._path(row)
            for row in self.database.rows("File")
            if row["Component_"] in self.components
        }

    def _path(self, row: Row) -> str:
        folder = self.folders[str(self.components[str(row["Component_"])]["Directory_"])]
        return join(folder, str(row["FileName"]).rpartition("|")[2])

    def tree(self) -> Tree:
        """Return the files by their paths below C:."""
        data: dict[str, bytes] = {}
        for media in self.database.rows("Media"):
            if media["Cabinet"]:
                data.update(
                    cab.files(
                        self._cabinet(str(media["Cabinet"])),
                        f"{self.database.name}, cabinet {media['Cabinet']}",
                    )
                )
        found: dict[str, File] = {}
        for row in self.database.rows("File"):
            if key_path := self.paths.get(str(row["File"])):
                key = str(row["File"])
                found[key_path] = File.of(data[key]) if key in data else self._loose(key, key_path)
        return Tree(found)

    def empty_folders(self) -> tuple[str, ...]:
        """Return the folders that the MSI makes and puts no file into."""
        made = {
            self.folders[str(row["Directory_"])]
            for row in self.database.rows("CreateFolder")
            if self.installs(row)
        }
        full = {parent for path in self.paths.values() for parent in parents(path)}
        return tuple(sorted(made - full - {""}))

    def _cabinet(self, name: str) -> bytes:
        if name.startswith("#"):
            if not self.database.has_stream(name[1:]):
                raise OperatorError(
                    f"{self.database.name}: its cabinet {name[1:]} is missing; copy the MSI again"
                )
            return self.database.stream(name[1:])
        return self._outer(name).read_bytes()

    def _loose(self, key: str, path: str) -> File:
        # An administrative installation lays the files out as the target is, without the drive.
        for candidate in (self.beside / path, self.beside / Path(path).name):
            if candidate.is_file():
                return File(candidate.stat().st_size, candidate.read_bytes)
        what = f"the file {key} ({path}) is in no cabinet and not beside the MSI"
        raise OperatorError(f"{self.database.name}: {what}; hand over the whole folder")

    def _outer(self, name: str) -> Path:
        found = next((path for path in self.beside.iterdir() if path.name.lower() == name.lower()), None)
        if found is None:
            what = f"its cabinet {name} is not beside it"
            raise OperatorError(f"{self.database.name}: {what}; put both into one folder")
        return found

    def resolve(self, name: str) -> str | None:
        """Answer `#file`, `!file` and `$component` of a formatted text with a path."""
        if name[0] == "$":
            row = self.components.get(name[1:])
            return windows(self.folders[str(row["Directory_"])]) + "\\" if row else None
        path = self.paths.get(name[1:])
        return windows(path) if path else None

    def text(self, value: object) -> str:
        """Return a formatted text with all that it names."""
        folders = {name: windows(path) + "\\" for name, path in self.folders.items()}
        return msi_properties.formatted(str(value or ""), {**self.properties, **folders}, self.resolve)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
