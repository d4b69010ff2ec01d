"""Rules on secrets that would be in the image for everybody who pulls it. No value is ever shown."""

import json
import re
from collections.abc import Iterator
from typing import Any

from . import package
from .configs import Config, Setting, tag
from .findings import Finding, refused, warned
from .rules_settings import place_of
from .subject import Subject, variable

_PASSWORD = re.compile(
    # SQL's and Azure's separate with `;`, Redis with `,`; the last one is the signature of a shared address
    # of Azure.
    r"(?:^|[;,\s\"'])(?:password|pwd|accountkey|sharedaccesskey|secretkey)\s*=\s*[\"']?([^;,\s\"']+)"
    r"|[?&]sig=([^&\s\"']{8,})",
    re.IGNORECASE,
)
_SECRET_KEY = re.compile(
    r"(?:password|passwd|pwd|secret|api[._-]?key|access[._-]?key|private[._-]?key|token|(?:^|[._-])pass"
    r"|(?-i:[a-z]Pass))$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"|\{.*\}|\$\(.*\)|__.*__|#\{.*\}|\*+|%.*%")
_NO_SECRET = re.compile(rf"true|false|\d+|{_PLACEHOLDER.pattern}", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"\b[a-z][a-z0-9.+]*://[^/\s:@]+:([^/\s@]+)@", re.IGNORECASE)

# Attributes that hold a password. An own list: publicKeyToken and the like end as a key of appSettings may.
_SECRET_ATTRIBUTE = re.compile(r"(?:password|passwd|pwd|secret|api[._-]?key|access[._-]?key)$", re.IGNORECASE)
_JSON = re.compile(r"(?:^|/)appsettings[^/]*\.json$", re.IGNORECASE)
_KEYS = (".pfx", ".p12")
_PLACES = (
    ("system.web/identity", "password", "the identity that is impersonated"),
    ("system.net/mailSettings/smtp/network", "password", "the mail account"),
    ("system.web/authentication/forms/credentials/user", "password", "a user of forms authentication"),
    ("system.web/sessionState", "sqlConnectionString", "the session database"),
    ("system.web/sessionState", "stateConnectionString", "the state server"),
)
_PATHS = tuple(path for path, *_ in _PLACES)
_FIX = "take it out, and mount the file from a Secret"


def check(subject: Subject) -> Iterator[Finding]:
    for setting in subject.every_setting:
        if not package.tokens(setting.value):
            yield from _of_setting(setting)
    yield from _known(subject)
    for config in (*subject.configs, *subject.library_configs):
        yield from _elsewhere(config)
        yield from _named(config)
    for path in subject.tree:
        if _JSON.search(path):
            yield from _json(path, subject.tree.read(path))
    for path in subject.tree.named(*_KEYS):
        yield warned("secret-in-image", path, "a private key would be in the image", "mount it from a Secret")


def _of_setting(setting: Setting) -> Iterator[Finding]:
    place = place_of(setting)
    fix = f"take it out of the file and give {variable(setting)} from a Secret"
    if has_password(setting.value):
        yield refused(
            "password-in-image",
            place,
            "a password is written in it and would be in the image for everybody who pulls it",
            fix,
        )
    elif setting.section == "appSettings" and _SECRET_KEY.search(setting.name) and is_written(setting.value):
        yield warned(
            "secret-in-image", place, "by its name it is a secret, and it would be in the image", fix
        )


def has_password(value: str) -> bool:
    """Whether a text holds a password that is written out, not a place for one."""
    found = [
        match[match.lastindex or 0]
        for pattern in (_PASSWORD, _URL_PASSWORD)
        for match in pattern.finditer(value)
    ]
    return any(not _PLACEHOLDER.fullmatch(one) for one in found)


def _known(subject: Subject) -> Iterator[Finding]:
    for path, name, what in _PLACES:
        for config, attributes in subject.sections(path):
            value = attributes.get(name, "")
            if has_password(value) if "ConnectionString" in name else not _PLACEHOLDER.fullmatch(value):
                yield refused(
                    "password-in-image",
                    f"{config.path}, {path}",
                    f"the password of {what} is written in it",
                    _FIX,
                )


def _elsewhere(config: Config) -> Iterator[Finding]:
    """Passwords in sections of other libraries: log4net, NHibernate, applicationSettings."""
    for where, value in config.others():
        if has_password(value):
            what = "a password is written in it and would be in the image"
            yield refused(
                "password-in-image", f"{config.path}, {where}", what, "mount the file from a Secret"
            )


def _named(config: Config) -> Iterator[Finding]:
    """Values whose attribute, or whose `name`, says that they are secret, such as those of
    applicationSettings.
    """
    known = {id(element) for path in _PATHS for element in config.sections(path)}
    known |= {
        id(child) for name in ("appSettings", "connectionStrings") for child in config.sections(f"{name}/add")
    }
    for element in config.root.iter():
        if id(element) in known or tag(element) == "machineKey":
            continue
        names = [
            name
            for name in element.attrib
            if _SECRET_ATTRIBUTE.search(name) and is_written(element.attrib[name])
        ]
        called = element.get("name") or element.get("key") or ""
        inner = [
            element.get("value") or "",
            *(child.text or "" for child in element if tag(child) == "value"),
        ]
        if _SECRET_KEY.search(called) and any(is_written(value) for value in inner):
            names.append(called)
        for name in names:
            what = "by its name it is a secret, and it would be in the image"
            yield warned("secret-in-image", f"{config.path}, {tag(element)} {name}", what, _FIX)


def is_written(value: str) -> bool:
    """Whether a value may be a secret: it is neither empty, nor a place for one, nor a switch."""
    return not _NO_SECRET.fullmatch(value.strip())


def _json(path: str, data: bytes) -> Iterator[Finding]:
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except ValueError:
        return
    for name, value in _leaves(document, ""):
        where = f"{path}, {name}"
        if has_password(value):
            what = "a password is written in it and would be in the image"
            yield refused("password-in-image", where, what, _FIX)
        elif _SECRET_KEY.search(name.rpartition(":")[2]) and is_written(value):
            yield warned(
                "secret-in-image", where, "by its name it is a secret, and it would be in the image", _FIX
            )


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of each string, the names joined as .NET joins them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}:{key}".strip(":"))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{name}:{number}")
    elif isinstance(value, str):
        yield name, value
