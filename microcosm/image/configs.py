"""web.config and NAME.exe.config as the .NET Framework reads them: with `<location>`, `configSource=` and
`file=`, without comments.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from xml.etree.ElementTree import Element, ParseError, SubElement

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from .tree import Tree, join

_SETTINGS = ("appSettings", "connectionStrings")
# Elements whose values have rules of their own.
_JUDGED = ("sessionState", "machineKey")
_DECLARED = re.compile(r"""^(\s*<\?xml[^>]*?)\s+encoding\s*=\s*["']([\w.-]+)["']""")
_NAMESPACE = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Setting:
    """An entry of appSettings or connectionStrings. `value` is for the forecast alone and is never shown."""

    section: str
    name: str
    value: str
    file: str

    def __repr__(self) -> str:
        return f"Setting({self.section}, {self.name}, in {self.file})"


@dataclass(frozen=True)
class Config:
    """One configuration file with the parts that it names."""

    path: str
    tree: Tree
    root: Element

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def is_root(self) -> bool:
        """Whether it is the configuration of the whole service, not of a subfolder."""
        return "/" not in self.path

    @cached_property
    def _tops(self) -> list[Element]:
        """The places where sections stand: the file itself and its `<location>` elements."""
        return [self.root, *(child for child in self.root if tag(child) == "location")]

    def sections(self, path: str) -> Iterator[Element]:
        """Yield the elements at a path such as `system.web/compilation`, wherever in the file, and in the
        file that it names.
        """
        for top in self._tops:
            found = [top]
            for name in path.split("/"):
                found = [self._outer(child) for parent in found for child in parent if tag(child) == name]
            yield from found

    def has(self, path: str) -> bool:
        return any(True for _ in self.sections(path))

    def attributes(self, path: str, name: str) -> list[str]:
        """Return the values of an attribute at a path."""
        return [value for element in self.sections(path) if (value := element.get(name)) is not None]

    def all(self, name: str) -> Iterator[Element]:
        """Yield the elements of a name at any depth."""
        return (element for element in self.root.iter() if tag(element) == name)

    def _outer(self, element: Element) -> Element:
        """Follow `configSource=`. A file that is not there is left: the finding on it is another's."""
        path = element.get("configSource")
        outer = part(self.tree, join(self.folder, path.replace("\\", "/"))) if path else None
        return element if outer is None else outer

    def parts(self) -> list[tuple[str, str]]:
        """Return attribute and path of each file that this one names."""
        return [
            (name, join(self.folder, path.replace("\\", "/")))
            for element in self.root.iter()
            for name in ("configSource", "file")
            if (path := element.get(name)) and (name == "configSource" or tag(element) == "appSettings")
        ]

    def others(self) -> Iterator[tuple[str, str]]:
        """Yield element and value of all attributes and texts outside of appSettings and
        connectionStrings.
        """
        known = {
            id(entry)
            for top in self._tops
            for section in top
            if tag(section) in _SETTINGS
            for entry in section.iter()
        }
        for element in self.root.iter():
            if id(element) in known or tag(element) in _JUDGED:
                continue
            for value in (*element.attrib.values(), element.text or ""):
                if value.strip():
                    yield tag(element), value

    @cached_property
    def settings(self) -> list[Setting]:
        """The settings in force: a later entry of a name wins, as `file=` wins over the file itself."""
        found: dict[tuple[str, str], Setting] = {}
        for section, key, value in (
            ("appSettings", "key", "value"),
            ("connectionStrings", "name", "connectionString"),
        ):
            for element, file in self._with_files(section):
                for child in element:
                    name = child.get(key)
                    if tag(child) == "add" and name is not None:
                        found[section, name.lower()] = Setting(section, name, child.get(value) or "", file)
                    elif tag(child) in ("clear", "remove"):
                        gone = [
                            at
                            for at in found
                            if at[0] == section and (tag(child) == "clear" or at[1] == (name or "").lower())
                        ]
                        for at in gone:
                            del found[at]
        return list(found.values())

    def _with_files(self, section: str) -> Iterator[tuple[Element, str]]:
        for top in self._tops:
            for child in top:
                if tag(child) != section:
                    continue
                source, more = child.get("configSource"), child.get("file")
                yield (
                    self._outer(child),
                    join(self.folder, source.replace("\\", "/")) if source else self.path,
                )
                path = join(self.folder, more.replace("\\", "/")) if more else ""
                outer = part(self.tree, path) if path else None
                if outer is not None:
                    yield outer, path


def change(config: Config, section: str, attribute: str, value: str) -> None:
    """Set an attribute in the parsed file, as the start script does in the real one, so that rules judge
    what will be.
    """
    element = config.root
    for name in section.split("/"):
        found = next((child for child in element if tag(child) == name), None)
        element = SubElement(element, name) if found is None else found
    element.set(attribute, value)


def tag(element: Element) -> str:
    """Return an element's name. Files of Visual Studio 2005 name a namespace; the framework ignores it."""
    return _NAMESPACE.sub("", element.tag)


def part(tree: Tree, path: str) -> Element | None:
    """Parse a file that a configuration names; None if it is not there or no XML."""
    if path not in tree:
        return None
    try:
        return parse(tree.read(path))
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None


def parse(data: bytes) -> Element:
    """Parse XML; entities and external DTDs are refused, as the framework's reader refuses a DTD in a
    configuration.
    """
    try:
        return ElementTree.fromstring(data)
    except DefusedXmlException:
        raise
    except ValueError:
        # expat knows no encoding of several bytes such as Shift_JIS, which the framework reads.
        text = data.decode(encoding_of(data))
        return ElementTree.fromstring(_DECLARED.sub(r"\1", text, count=1))


def encoding_of(data: bytes) -> str:
    """Return the encoding of an XML file, by its byte order mark or its declaration."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return name
    match = _DECLARED.match(data[:200].decode("ascii", "replace"))
    return match[2] if match else "utf-8"


def read_all(tree: Tree, program: str = "") -> tuple[list[Config], list[tuple[str, str]]]:
    """Read every web.config and the program's own configuration; also return path and problem of what is not
    readable.

    Without a program all `*.exe.config` are read.
    """
    wanted = f"{program}.config".lower() if program else ".exe.config"
    found, broken = list[Config](), list[tuple[str, str]]()
    for path in tree:
        if not (path.lower().rpartition("/")[2] == "web.config" or path.lower().endswith(wanted)):
            continue
        try:
            found.append(Config(path, tree, parse(tree.read(path))))
        except DefusedXmlException:
            broken.append((path, "it declares a DTD or entities, which the framework does not read"))
        except (ParseError, ValueError, LookupError) as problem:
            broken.append((path, f"not well-formed XML ({problem})"))
    return found, broken
