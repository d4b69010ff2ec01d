"""The zip that Web Deploy (msdeploy) writes: `archive.xml`, `parameters.xml`, and the site's files below
`Content/`.

The layout below Content is what Web Deploy 3.6 and msbuild write; it is not documented, so the site's folder
is found by what is in it: `…/PackageTmp`, or else the outermost folder with a web.config, a bin folder or a
page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from ..errors import UsageError
from . import configs
from .tree import Tree

_TOKEN = re.compile(r"\$\(ReplacableToken_[^)]*\)")
_PLACE = re.compile(r"^(/.+?)/(?:@([\w:.-]+)|text\(\))$")
# A start tag with its name and attributes, or what may hold something that looks like one.
_TAG = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<([A-Za-z_][\w.:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>""",
    re.DOTALL,
)
# Providers of a site; learn.microsoft.com/iis/publish/using-web-deploy, "Web Deploy Providers", has the
# others.
_SITE = frozenset({"iisApp", "contentPath", "createApp", "setAcl", "dirPath", "filePath", "auto"})
_DRIVE = re.compile(r"^Content/([A-Za-z])_\1(?=/|$)")


def is_package(tree: Tree) -> bool:
    return "archive.xml" in tree or (
        "systemInfo.xml" in tree and any(name.startswith("Content/") for name in tree)
    )


@dataclass(frozen=True)
class Unfilled:
    """A parameter of a package that changes no file, and the reason."""

    name: str
    reason: str


def content(tree: Tree, given: Mapping[str, str], name: str) -> tuple[Tree, tuple[Unfilled, ...]]:
    """Return the site's files with the parameters filled in, and the parameters that fill nothing."""
    folder = _site_folder(tree, name)
    site = tree.below(folder)
    parameters = (
        _parse(tree.read("parameters.xml"), f"{name}, parameters.xml") if "parameters.xml" in tree else None
    )
    if parameters is None:
        return site, ()
    known = [parameter.get("name", "") for parameter in parameters.iter("parameter")]
    strangers = sorted(set(given) - set(known))
    if strangers:
        raise UsageError(
            f"{name}: it has no parameter {', '.join(strangers)}; its parameters are "
            f"{', '.join(known) or 'none'}"
        )
    unfilled = list[Unfilled]()
    for parameter in parameters.iter("parameter"):
        own = parameter.get("name", "")
        value = given.get(own, parameter.get("defaultValue"))
        entries = [
            entry
            for entry in parameter.iter("parameterEntry")
            if entry.get("kind", "").lower() in ("xmlfile", "textfile")
        ]
        if entries and value is None:
            unfilled.append(Unfilled(own, "a parameter of the package has no value"))
        for entry in entries if value is not None else ():
            changed = _filled(site, folder, entry, value or "", name)
            if changed is None:
                unfilled.append(
                    Unfilled(own, f"its place {entry.get('match', '')} is in no file of the package")
                )
            site = changed or site
    return site, tuple(unfilled)


def providers(tree: Tree, name: str) -> tuple[str, ...]:
    """Return what the package brings beside one application, by the names of Web Deploy's providers."""
    if "archive.xml" not in tree:
        return ()
    found = [configs.tag(child) for child in _parse(tree.read("archive.xml"), f"{name}, archive.xml")]
    applications = found.count("iisApp") + found.count("contentPath")
    return (*sorted(set(found) - _SITE), *(("a second application",) if applications > 1 else ()))


def set_parameters(path: Path) -> dict[str, str]:
    """Read a SetParameters.xml."""
    try:
        root = _parse(path.read_bytes(), str(path))
    except OSError as problem:
        raise UsageError(
            f"{path}: cannot be read ({problem.strerror}); --parameters takes a SetParameters.xml"
        ) from problem
    return {one.get("name", ""): one.get("value", "") for one in root.iter("setParameter")}


def _site_folder(tree: Tree, name: str) -> str:
    folders = [folder for folder in tree.folders() if folder.startswith("Content/")]
    for folder in folders:
        if folder.endswith("/PackageTmp"):
            return folder
    for folder in sorted(folders, key=lambda each: each.count("/")):
        inside = tree.below(folder)
        if (
            "web.config" in inside
            or any(file.startswith("bin/") for file in inside)
            or any("." in file for file in inside.top())
        ):
            return folder
    raise UsageError(
        f"{name}: a msdeploy package without files below Content/; export the site or its package with its "
        f"content"
    )


def _filled(site: Tree, folder: str, entry: Element, value: str, name: str) -> Tree | None:
    """Return the site with a value at the place that an entry names; None if no file has that place."""
    original = _DRIVE.sub(r"\1:", folder)
    try:
        scope = re.compile(entry.get("scope", ""), re.IGNORECASE)
        match = re.compile(entry.get("match", "")) if entry.get("kind", "").lower() == "textfile" else None
    except re.error as problem:
        raise UsageError(
            f"{name}, parameters.xml: the pattern {problem.pattern!r} is not understood ({problem})"
        ) from problem
    changed: dict[str, bytes] = {}
    for path in site:
        # The scope is a pattern of the path on the machine that made the package.
        if not scope.search(f"{original}/{path}".replace("/", "\\")):
            continue
        data = site.read(path)
        encoding = configs.encoding_of(data)
        text = data.decode(encoding, "surrogateescape")
        new = _in_text(text, match, value) if match else _in_xml(text, data, entry.get("match", ""), value)
        if new is not None:
            changed[path] = new.encode(encoding, "surrogateescape")
    return site.replaced(changed) if changed else None


def _in_text(text: str, pattern: re.Pattern[str], value: str) -> str | None:
    new, count = pattern.subn(lambda _: value, text)
    return new if count else None


def _in_xml(text: str, data: bytes, place: str, value: str) -> str | None:
    """Replace the attribute or text that an XPath names.

    The rest stays as it is: comments, order, line ends.
    """
    step = _PLACE.match(place)
    try:
        root = configs.parse(data)
        found = (
            [one for one in _elements(root, step[1]) if not step[2] or step[2] in one.attrib] if step else []
        )
    except (ParseError, ValueError, LookupError, SyntaxError, KeyError):
        return None
    order = {id(element): number for number, element in enumerate(root.iter())}
    tags = [tag for tag in _TAG.finditer(text) if tag[1]]
    for number in sorted((order[id(element)] for element in found), reverse=True):
        tag = tags[number]
        new = _with_attribute(tag[0], step[2], value) if step and step[2] else tag[0]
        end = tag.end()
        if step and not step[2] and not tag[0].endswith("/>"):
            end = text.index("<", tag.end())
            new = f"{tag[0]}{escape(value)}"
        text = f"{text[: tag.start()]}{new}{text[end:]}"
    return text if found else None


def _elements(root: Element, path: str) -> list[Element]:
    if path.startswith("//"):
        return root.findall(f".{path}")
    top, _, rest = path[1:].partition("/")
    return [] if top != root.tag else root.findall(f"./{rest}") if rest else [root]


def _with_attribute(tag: str, name: str, value: str) -> str:
    written = quoteattr(value, {'"': "&quot;"})
    return re.sub(
        rf"""(\s{re.escape(name)}\s*=\s*)(?:"[^"]*"|'[^']*')""",
        lambda match: f"{match[1]}{written}",
        tag,
        count=1,
    )


def _parse(data: bytes, name: str) -> Element:
    try:
        return ElementTree.fromstring(data)
    except (ParseError, DefusedXmlException) as problem:
        raise UsageError(f"{name}: not well-formed XML ({problem}); write it again") from problem


def tokens(text: str) -> list[str]:
    """Return the names of left-over tokens in a text."""
    return sorted({found[0] for found in _TOKEN.finditer(text)})
