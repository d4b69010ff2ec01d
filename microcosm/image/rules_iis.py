"""Rules on what a site asks of IIS and ASP.NET, against what the base image has."""

from collections.abc import Callable, Iterator

from .bases import features, known_modules
from .configs import Config
from .findings import Finding, refused, warned
from .subject import Subject, truth

Asks = Callable[[Config], bool]


def _on(path: str) -> Asks:
    """The section is there and not switched off."""
    return lambda config: any(
        (element.get("enabled") or "true").lower() != "false" for element in config.sections(path)
    )


def _enabled(path: str) -> Asks:
    """The section says enabled."""
    return lambda config: any(truth(value) for value in config.attributes(path, "enabled"))


def _compresses(config: Config) -> bool:
    dynamic = config.attributes("system.webServer/urlCompression", "doDynamicCompression")
    return any(truth(value) for value in dynamic) or config.has(
        "system.webServer/httpCompression/dynamicTypes"
    )


def _redirects(config: Config) -> bool:
    return any(
        element.get("destination")
        for element in config.sections("system.webServer/httpRedirect")
        if truth(element.get("enabled"))
    )


def _handles(*modules: str) -> Asks:
    return lambda config: any(
        (element.get("modules") or "").lower() in modules
        or (element.get("scriptProcessor") or "").lower().split("\\")[-1] in modules
        for element in config.sections("system.webServer/handlers/add")
    )


_AUTHENTICATION = "system.webServer/security/authentication"
ASKS: tuple[tuple[str, Asks], ...] = (
    ("iis-rewrite", _on("system.webServer/rewrite")),
    ("iis-http-redirect", _redirects),
    ("iis-dynamic-compression", _compresses),
    ("iis-app-init", _on("system.webServer/applicationInitialization")),
    ("iis-windows-auth", _enabled(f"{_AUTHENTICATION}/windowsAuthentication")),
    ("iis-basic-auth", _enabled(f"{_AUTHENTICATION}/basicAuthentication")),
    ("iis-digest-auth", _enabled(f"{_AUTHENTICATION}/digestAuthentication")),
    ("iis-client-certs", _enabled(f"{_AUTHENTICATION}/clientCertificateMappingAuthentication")),
    ("iis-client-certs", _enabled(f"{_AUTHENTICATION}/iisClientCertificateMappingAuthentication")),
    ("iis-url-auth", _on("system.webServer/security/authorization")),
    ("iis-ip-security", _on("system.webServer/security/ipSecurity")),
    ("iis-ip-security", _on("system.webServer/security/dynamicIpSecurity")),
    ("iis-tracing", _on("system.webServer/tracing")),
    ("iis-arr", _on("system.webServer/proxy")),
    ("iis-arr", _on("system.webServer/webFarms")),
    ("iis-aspnetcore", _on("system.webServer/aspNetCore")),
    ("iis-cgi", _on("system.webServer/fastCgi")),
    ("iis-cgi", _handles("cgimodule", "fastcgimodule")),
    ("iis-asp", _handles("asp.dll")),
    ("iis-webdav", _enabled("system.webServer/webdav/authoring")),
    ("iis-websockets", _on("system.webServer/webSocket")),
)


def check(subject: Subject) -> Iterator[Finding]:
    if not subject.kind.is_site:
        return
    yield from _features(subject)
    yield from _modules(subject)
    yield from _old_framework(subject)
    yield from _pipeline(subject)
    yield from _people(subject)


def _features(subject: Subject) -> Iterator[Finding]:
    asked: dict[str, str] = {}
    for config in subject.configs:
        for name, asks in ASKS:
            if asks(config):
                asked.setdefault(name, config.path)
    pages = subject.tree.named(".asp")
    if pages:
        asked.setdefault("iis-asp", pages[0])
    included = subject.tree.named(".shtml", ".shtm", ".stm")
    if included:
        asked.setdefault("iis-ssi", included[0])
    for name, where in asked.items():
        yield from missing(subject, name, where)


def _modules(subject: Subject) -> Iterator[Finding]:
    """Native modules that neither IIS nor a known feature has, such as iisnode.

    A module with a type is the site's own.
    """
    for config in subject.configs:
        handlers = [
            element.get("modules") or "" for element in config.sections("system.webServer/handlers/add")
        ]
        modules = [
            element.get("name") or ""
            for element in config.sections("system.webServer/modules/add")
            if not element.get("type")
        ]
        wanted = {name.strip() for names in (*handlers, *modules) for name in names.split(",")}
        for name in sorted(name for name in wanted if name and name.lower() not in known_modules()):
            make = warned if subject.base.has is None else refused
            what = f"it names the module {name}, which IIS does not have in the base image (500.19 or 500.21)"
            yield make(
                "iis-module", config.path, what, "make an own base that installs it, and give --base REF"
            )


def missing(subject: Subject, name: str, where: str) -> Iterator[Finding]:
    """Refuse a feature that the base lacks; warn if nothing is known of the base."""
    title = features()[name]["title"]
    if subject.base.lacks(name):
        lines = " / ".join(subject.base.dockerfile(name).splitlines())
        fix = f"make a base that has it ({lines}) and give --base REF --base-has {name}"
        yield refused(name, where, f"it asks for {title}, which the base image does not have", fix)
    elif subject.base.has is None:
        yield warned(
            name,
            where,
            f"it asks for {title}, and nothing says whether the base image has it",
            f"say it with --base-has {name}",
        )


def _old_framework(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        groups = [element.get("name") or "" for element in config.sections("configSections/sectionGroup")]
        targets = config.attributes("system.web/compilation", "targetFramework")
        if "system.web.extensions" in groups and not any(target.startswith("4") for target in targets):
            yield from old(
                subject, config.path, "it is written for .NET 3.5: IIS reports a duplicate section"
            )


def old(subject: Subject, where: str, what: str) -> Iterator[Finding]:
    """Refuse what was built for .NET 2.0 to 3.5."""
    if subject.base.has is not None and "dotnet-35" in subject.base.has:
        return
    lines = " / ".join(subject.base.dockerfile("dotnet-35").splitlines())
    yield refused(
        "dotnet-35",
        where,
        f"{what}; the base images for 3.5 were withdrawn in October 2025",
        f"build it for .NET 4.8, or make a base ({lines})",
    )


def _pipeline(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        validated = any(
            (value or "").lower() == "false"
            for value in config.attributes(
                "system.webServer/validation", "validateIntegratedModeConfiguration"
            )
        )
        classic = [name for name in ("httpModules", "httpHandlers") if config.has(f"system.web/{name}/add")]
        impersonates = any(truth(value) for value in config.attributes("system.web/identity", "impersonate"))
        classic += ["identity impersonate"] if impersonates else []
        if classic and not validated and not subject.choices.classic:
            yield refused(
                "classic-pipeline",
                config.path,
                f"system.web has {' and '.join(classic)}, which the integrated pipeline answers with 500.22 "
                f"to 500.24",
                "give --classic, or set validateIntegratedModeConfiguration to false",
            )


def _people(subject: Subject) -> Iterator[Finding]:
    for config, attributes in subject.sections("system.web/authentication"):
        if attributes.get("mode", "").lower() == "windows" and not _enabled(
            f"{_AUTHENTICATION}/windowsAuthentication"
        )(config):
            yield warned(
                "windows-authentication",
                config.path,
                "it knows its users by Windows, and in the container everybody is anonymous",
                "use forms or tokens; or an own base, gMSA and a domain",
            )
    for config in subject.configs:
        denied = any(
            element.get("users") == "?" for element in config.sections("system.web/authorization/deny")
        )
        if denied and config.is_root and config in _whole_site(subject, config):
            yield warned(
                "probe-auth",
                config.path,
                "anonymous requests are denied, those of the probes as well",
                "name an anonymous page with --health",
            )


def _whole_site(subject: Subject, config: Config) -> list[Config]:
    """The configuration whose denial holds for the whole site, not only for a `<location>`."""
    tops = [child for child in config.root if child.tag.rpartition("}")[2] == "system.web"]
    return (
        [config]
        if any(child.tag.rpartition("}")[2] == "authorization" for top in tops for child in top)
        else []
    )
