"""The zip that Web Deploy (msdeploy) writes: `archive.xml`, `parameters.xml`, and the site's files below `Content/`.

The layout below Content is what Web Deploy 3.6 and msbuild write; it is not documented, so the site's folder is found by
what is in it: `…/PackageTmp`, or else the outermost folder with a web.config, a bin folder or a page.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import quoteattr

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from ..errors import UsageError
from .tree import Tree

_TOKEN = re.compile(r"\$\(ReplacableToken_[^)]*\)")
_STEP = re.compile(r"^(.*?)/?@([\w:.-]+)$")


def is_package(tree: Tree) -> bool:
    return "archive.xml" in tree or ("systemInfo.xml" in tree and any(name.startswith("Content/") for name in tree))


def content(tree: Tree, given: Mapping[str, str], name: str) -> tuple[Tree, tuple[str, ...]]:
    """Return the site's files with the parameters filled in, and the parameters that neither a default nor the user fills."""
    site = tree.below(_site_folder(tree, name))
    parameters = _parse(tree.read("parameters.xml"), f"{name}, parameters.xml") if "parameters.xml" in tree else None
    if parameters is None:
        return site, ()
    known = [parameter.get("name", "") for parameter in parameters.iter("parameter")]
    strangers = sorted(set(given) - set(known))
    if strangers:
        raise UsageError(f"{name}: it has no parameter {', '.join(strangers)}; its parameters are {', '.join(known) or 'none'}")
    unfilled = list[str]()
    for parameter in parameters.iter("parameter"):
        value = given.get(parameter.get("name", ""), parameter.get("defaultValue"))
        entries = [entry for entry in parameter.iter("parameterEntry") if entry.get("kind", "").lower() in ("xmlfile", "textfile")]
        if entries and value is None:
            unfilled.append(parameter.get("name", ""))
        for entry in entries if value is not None else ():
            site = _filled(site, entry, value or "")
    return site, tuple(unfilled)


def set_parameters(path: Path) -> dict[str, str]:
    """Read a SetParameters.xml."""
    try:
        root = _parse(path.read_bytes(), str(path))
    except OSError as problem:
        raise UsageError(f"{path}: cannot be read ({problem.strerror}); --parameters takes a SetParameters.xml") from problem
    return {one.get("name", ""): one.get("value", "") for one in root.iter("setParameter")}


def _site_folder(tree: Tree, name: str) -> str:
    folders = [folder for folder in tree.folders() if folder.startswith("Content/")]
    for folder in folders:
        if folder.endswith("/PackageTmp"):
            return folder
    for folder in sorted(folders, key=lambda each: each.count("/")):
        inside = tree.below(folder)
        if "web.config" in inside or any(file.startswith("bin/") for file in inside) or any("." in file for file in inside.top()):
            return folder
    raise UsageError(f"{name}: a msdeploy package without files below Content/; export the site or its package with its content")


def _filled(site: Tree, entry: Element, value: str) -> Tree:
    pattern = re.compile(entry.get("scope", "").replace("\\\\", "[\\\\/]"), re.IGNORECASE)
    changed: dict[str, bytes] = {}
    for path in site:
        if not pattern.search("/" + path):
            continue
        data = site.read(path)
        found = entry.get("match", "")
        changed[path] = _text_file(data, found, value) if entry.get("kind", "").lower() == "textfile" else _xml_file(data, found, value)
    return site.replaced(changed) if changed else site


def _text_file(data: bytes, pattern: str, value: str) -> bytes:
    text = data.decode("utf-8-sig", "surrogateescape")
    return re.sub(pattern, lambda _: value, text).encode("utf-8", "surrogateescape") if pattern else data


def _xml_file(data: bytes, match: str, value: str) -> bytes:
    """Replace the value of the attribute that an XPath names. The text stays otherwise as it is: comments, order, line ends."""
    step = _STEP.match(match)
    try:
        root = ElementTree.fromstring(data)
        elements = root.findall("./" + step[1].split("/", 2)[2]) if step and step[1].count("/") > 1 else []
    except (ParseError, DefusedXmlException, SyntaxError, KeyError):
        return data
    for element in elements:
        old = element.get(step[2] if step else "")
        if old is not None and old != value:
            filled = data.replace(_quoted(old), _quoted(value))
            if filled == data:
                raise UsageError(f"the value at {match} is written in a way that cannot be replaced; write it with plain double quotes")
            data = filled
    return data


def _quoted(value: str) -> bytes:
    return quoteattr(value, {'"': "&quot;"}).encode()


def _parse(data: bytes, name: str) -> Element:
    try:
        return ElementTree.fromstring(data)
    except (ParseError, DefusedXmlException) as problem:
        raise UsageError(f"{name}: not well-formed XML ({problem}); write it again") from problem


def tokens(text: str) -> list[str]:
    """Return the names of left-over tokens in a text."""
    return sorted({found[0] for found in _TOKEN.finditer(text)})
