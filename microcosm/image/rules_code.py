"""Rules on programs and libraries: width, framework, what must be installed, and what a container does not
have.
"""

import re
from collections.abc import Iterator

from . import framework
from .findings import Finding, refused, told, warned
from .kinds import Kind
from .rules_iis import old
from .rules_types import third_party
from .subject import Subject

_RUNTIME = re.compile(
    r"(vcruntime140|msvcp1[0-4]0|msvcr1[0-2]0|mfc1[0-4]0u?|vcomp140|vccorlib140)(_1|_2)?(\.dll)?",
    re.IGNORECASE,
)
_LOCAL_LISTENER = re.compile(r"https?://(?:localhost|127\.0\.0\.1)[:/]", re.IGNORECASE)
_DRIVE = re.compile(r"^([A-Za-z]):[\\/]")
_SHARE = re.compile(r"^\\\\[A-Za-z0-9][A-Za-z0-9_.-]*\\[A-Za-z0-9]")


def check(subject: Subject) -> Iterator[Finding]:
    for path in subject.broken_assemblies:
        yield warned(
            "not-a-program",
            path,
            "it ends like a program or library and is none",
            "publish it again if it belongs to the service",
        )
    yield from _width(subject)
    yield from _framework(subject)
    yield from _libraries(subject)
    yield from _process(subject)
    yield from _literals(subject)


def is_32(subject: Subject) -> bool:
    """Whether the service must run in a 32-bit process."""
    return subject.choices.x86 or any(one.bits == 32 for one in subject.loaded)


def _width(subject: Subject) -> Iterator[Finding]:
    narrow = [one for one in subject.loaded if one.bits == 32]
    wide = [one for one in subject.loaded if one.bits == 64]
    if narrow and wide and subject.kind.is_site:
        yield refused(
            "bitness-mix",
            narrow[0].path,
            f"it is for 32 bits, and {wide[0].path} for 64: no process loads both",
            "publish both for the same platform",
        )
    elif narrow and subject.kind.is_site:
        yield told(
            "bitness",
            narrow[0].path,
            "it is for 32 bits: the start script sets enable32BitAppOnWin64 on the pool",
        )
    elif subject.choices.x86 and wide:
        yield refused(
            "bitness-mix",
            wide[0].path,
            "it is for 64 bits, and --x86 asks for a process of 32",
            "leave --x86 out",
        )
    elif subject.main and subject.main.bits:
        yield told("bitness", subject.main.path, f"it runs as a {subject.main.bits}-bit process")
    if any(one.machine not in (0x14C, 0x8664) for one in subject.loaded):
        other = next(one for one in subject.loaded if one.machine not in (0x14C, 0x8664))
        yield refused(
            "machine", other.path, "it is for another processor than amd64", "publish it for AnyCPU or x64"
        )


def _framework(subject: Subject) -> Iterator[Finding]:
    yield from _old_runtime(subject)
    wanted = {(one.target, one.path) for one in subject.own if one.target and one is subject.main}
    if subject.kind.is_site:
        for path in ("system.web/httpRuntime", "system.web/compilation"):
            wanted |= {
                (attributes.get("targetFramework", ""), config.path)
                for config, attributes in subject.sections(path)
            }
        wanted |= {(one.target, one.path) for one in subject.own if one.target}
    later = sorted(
        (version, where)
        for version, where in wanted
        if version and _parts(version) > _parts(subject.base.framework)
    )
    if later:
        version, where = later[-1]
        fits = (
            "--windows 2022 or 2025 (they have 4.8.1)"
            if _parts(version) <= (4, 8, 1)
            else "no base image has it: build it for 4.8"
        )
        yield refused(
            "target-framework",
            where,
            f"it is built for .NET Framework {version}, and the base has {subject.base.framework}",
            fits,
        )
    core = [
        one
        for one in subject.own
        if "System.Runtime" in one.references and int(one.references["System.Runtime"].partition(".")[0]) >= 5
    ]
    if core and "mscorlib" not in core[0].references:
        yield refused(
            "dotnet-core",
            core[0].path,
            "it is built for .NET 5 or newer, not for .NET Framework",
            "use Microsoft's images of .NET, on Linux nodes as well",
        )


def _old_runtime(subject: Subject) -> Iterator[Finding]:
    """A program for CLR 2, or a site of which nothing is for CLR 4: old libraries alone run on CLR 4."""
    own = [one for one in subject.loaded if one.managed and not third_party(one.name)]
    judged = [subject.main] if subject.main else own
    targets = [
        attributes.get("targetFramework", "") for _, attributes in subject.sections("system.web/compilation")
    ]
    if (
        judged
        and not _starts_on_4(subject)
        and all(one.clr.startswith(("v1.", "v2.")) for one in judged)
        and not any(target.startswith("4") for target in targets)
    ):
        yield from old(subject, judged[0].path, f"it is built for CLR {judged[0].clr}")


def _starts_on_4(subject: Subject) -> bool:
    """Whether the program's configuration lets it start on CLR 4."""
    versions = [
        attributes.get("version", "") for _, attributes in subject.sections("startup/supportedRuntime")
    ]
    return not subject.kind.is_site and any(version.lower().startswith("v4") for version in versions)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _libraries(subject: Subject) -> Iterator[Finding]:
    names = {path.rpartition("/")[2].lower() for path in subject.tree}
    for one in subject.own:
        for name in sorted(one.modules | one.imports):
            plain = name.replace("\\", "/").rpartition("/")[2].lower()
            if (
                not plain
                or framework.has_library(plain)
                or plain in names
                or f"{plain}.dll" in names
                or plain in {"libc", "__internal"}
            ):
                continue
            if _RUNTIME.fullmatch(plain):
                yield warned(
                    "native-library",
                    one.path,
                    f"it needs {name} of the Visual C++ runtime, which Server Core does not have",
                    "put that file beside it",
                )
            else:
                yield warned(
                    "native-library",
                    one.path,
                    f"it calls {name}, which is neither in its folder nor in Server Core",
                    "put that file beside it",
                )
    interop = [
        one
        for one in subject.own
        if "ImportedFromTypeLibAttribute" in one.names or one.name.lower().startswith("interop.")
    ]
    if interop:
        yield warned(
            "com",
            interop[0].path,
            "it calls COM classes, which must be registered on the machine",
            "use registration-free COM, or an own base that registers them",
        )


def _process(subject: Subject) -> Iterator[Finding]:
    if subject.kind.is_site or subject.main is None:
        return
    waits = sorted(name for name in subject.main.members if name.startswith("System.Console.Read"))
    if waits and subject.kind is not Kind.SERVICE:
        yield warned(
            "console-input",
            subject.program,
            f"it waits for a key ({waits[0]}), and a container has no keyboard: it ends at once",
            "wait for an event instead",
        )


def _literals(subject: Subject) -> Iterator[Finding]:
    if not subject.kind.is_site:
        own = [one for one in subject.own if not third_party(one.name)]
        found = [one.path for one in own for text in one.strings if _LOCAL_LISTENER.search(text)]
        http = any(one.uses("System.Net.HttpListener") for one in own) or subject.refers(
            "Microsoft.Owin.", "Nancy.Hosting.Self"
        )
        configured = [setting for setting in subject.settings if _LOCAL_LISTENER.search(setting.value)]
        if http and (found or configured):
            where = configured[0].file if configured else found[0]
            yield refused(
                "localhost-listener",
                where,
                "it listens on localhost, and requests under another name are answered with 400",
                "listen on http://+:PORT/",
            )
    for one in subject.own:
        drives = sorted({match[1].upper() for text in one.strings if (match := _DRIVE.match(text))} - {"C"})
        shares = any(_SHARE.match(text) for text in one.strings)
        if shares and not third_party(one.name):
            yield warned(
                "unc-path",
                one.path,
                "its code names a share of another machine, which the pool's identity cannot open",
                "make it a setting, and use the SMB CSI driver",
            )
        if drives and not third_party(one.name):
            yield warned(
                "drive-path",
                one.path,
                f"its code names drive {drives[0]}:, and a container has C: alone",
                "make the folder a setting",
            )
