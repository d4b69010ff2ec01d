"""Rules on how a site was published: debug, compilers, transformations and sources that were left."""

import re
from collections.abc import Iterator

from .findings import Finding, told, warned
from .subject import Subject, truth


def check(subject: Subject) -> Iterator[Finding]:
    if not subject.kind.is_site:
        return
    for config in subject.configs:
        if any(truth(value) for value in config.attributes("system.web/compilation", "debug")):
            yield warned(
                "debug",
                config.path,
                'compilation debug="true": slow, and without time limits',
                "publish with the Release configuration, or give --set system.web/compilation@debug=false",
            )
        roslyn = any(
            "Roslyn" in (element.get("type") or "") or "CodeDom.Providers" in (element.get("type") or "")
            for element in config.sections("system.codedom/compilers/compiler")
        )
        if roslyn and config.is_root and "bin/roslyn/csc.exe" not in subject.tree:
            yield warned(
                "roslyn-missing",
                config.path,
                "it names the Roslyn compilers, and the publish left out bin\\roslyn",
                "publish bin\\roslyn, or precompile",
            )
    for path in subject.tree.top():
        if re.fullmatch(r"web\.[\w-]+\.config", path, re.IGNORECASE):
            yield warned(
                "transform-left",
                path,
                "a transformation that was not applied, or was left behind",
                "publish instead of copying the project's folder",
            )
    yield from _sources(subject)


def _sources(subject: Subject) -> Iterator[Finding]:
    sources = [
        path
        for path in subject.tree.named(".cs", ".vb")
        if not path.lower().startswith("app_code/") and "/app_code/" not in path.lower()
    ]
    behind = {path[: path.rfind(".")].lower() for path in sources}
    pages = {
        path.lower()
        for path in subject.tree.named(".aspx", ".asmx", ".ashx", ".ascx", ".svc", ".master", ".asax")
    }
    left = (
        [path for path in sources if path[: path.rfind(".")].lower() not in pages]
        if "bin" in {name.lower() for name in subject.tree.folders()}
        else []
    )
    if left and behind:
        yield warned(
            "source-files",
            left[0],
            f"{len(left)} source files are in the folder and would be in the image",
            "publish instead of copying the project's folder",
        )
    pages_compiled = subject.tree.named(".aspx", ".cshtml", ".vbhtml", ".svc", ".asmx")
    if pages_compiled and "precompiledApp.config" not in subject.tree:
        yield told(
            "first-compile",
            pages_compiled[0],
            "pages are compiled at the first request, which takes many seconds; the startup probe waits for "
            "it",
        )
