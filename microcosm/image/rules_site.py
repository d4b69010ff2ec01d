"""Rules on a whole site: what stops it, locked sections of IIS, nested applications, TLS that ends
elsewhere.
"""

from collections.abc import Iterator

from .bases import known_sections
from .configs import Config, tag
from .findings import Finding, refused, told, warned
from .subject import Subject, truth

_SERVER = "system.webServer"
_SECURITY = f"{_SERVER}/security"
# Sections that a web.config may not set while the server locks them: overrideModeDefault="Deny" in the
# applicationHost.config that IIS 10 installs. Those of modules that the bases lack are features in rules_iis.
_LOGINS = (
    "anonymous",
    "basic",
    "clientCertificateMapping",
    "digest",
    "iisClientCertificateMapping",
    "windows",
)
_LOCKED = (
    f"{_SECURITY}/access",
    *(f"{_SECURITY}/authentication/{name}Authentication" for name in _LOGINS),
    f"{_SECURITY}/ipSecurity",
    f"{_SECURITY}/dynamicIpSecurity",
    *(f"{_SERVER}/{name}" for name in ("asp", "cgi", "httpLogging", "httpTracing", "isapiFilters")),
    *(f"{_SERVER}/{name}" for name in ("odbcLogging", "serverRuntime", "serverSideInclude")),
)
# allowDefinition="AppHostOnly" there.
_HOST_ONLY = (f"{_SERVER}/globalModules", f"{_SECURITY}/isapiCgiRestriction", "system.applicationHost")
# Sections of ASP.NET with allowDefinition="MachineToApplication": below an application each request fails.
_OF_APPLICATION = (
    *("authentication", "sessionState", "machineKey", "membership"),
    *("roleManager", "profile", "anonymousIdentification"),
)
_COOKIES = (("system.web/authentication/forms", "requireSSL"), ("system.web/roleManager", "cookieRequireSSL"))
# HKLM\SOFTWARE\Microsoft\InetStp\Configuration, MaxWebConfigFileSizeInKB.
_MOST_BYTES = 250 * 1024


def check(subject: Subject) -> Iterator[Finding]:
    yield from _newer(subject)
    if not subject.kind.is_site:
        return
    offline = subject.tree.find("app_offline.htm")
    if offline:
        yield refused("app-offline", offline, "ASP.NET answers every request with this page", "remove it")
    yield from _sizes(subject)
    yield from _locks(subject)
    yield from _nested(subject)
    yield from _tls(subject)


def locked_sections(subject: Subject) -> list[str]:
    """Return the locked sections that some web.config sets: the start script unlocks them."""
    return [path for path in _LOCKED if any(config.has(path) for config in subject.configs)]


def _sizes(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        size = subject.tree.files[config.path].size
        if size > _MOST_BYTES:
            what = f"it has {size // 1024} KB, and IIS reads 250 KB (500.19)"
            fix = "put long sections into files of their own with configSource"
            yield refused("config-size", config.path, what, fix)


def _locks(subject: Subject) -> Iterator[Finding]:
    for path in locked_sections(subject):
        where = next(config.path for config in subject.configs if config.has(path))
        yield told("locked-section", where, f"IIS locks {path}: the start script unlocks it")
    yield from _undeclared(subject)
    for config in subject.configs:
        for path in _HOST_ONLY:
            if config.has(path):
                what = f"{path} belongs into applicationHost.config alone (500.19)"
                fix = "remove it, or set it in an own base's Dockerfile"
                yield refused("server-section", config.path, what, fix)


def _undeclared(subject: Subject) -> Iterator[Finding]:
    """Sections that a further product of IIS declares.

    A handler of the same name has a finding of its own.
    """
    for config in subject.configs:
        handlers = [element.get("modules") or "" for element in config.sections(f"{_SERVER}/handlers/add")]
        found = {tag(section) for top in config.sections(_SERVER) for section in top}
        for name in sorted(found - known_sections()):
            if not any(handler.lower().startswith(name.lower()) for handler in handlers):
                make = warned if subject.base.has is None else refused
                what = (
                    f"it has the section {_SERVER}/{name}, which IIS does not know in the base image (500.19)"
                )
                yield make(
                    "iis-section", config.path, what, "make an own base that has it, and give --base REF"
                )


def _nested(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        if config.is_root:
            continue
        inside = subject.tree.below(config.folder)
        own = [f"system.web/{name}" for name in _OF_APPLICATION if _is_set(config, name)]
        libraries = [path for path in inside.named(".dll") if path.lower().startswith("bin/")]
        if own or libraries or "global.asax" in inside:
            sign = own[0] if own else "a bin folder" if libraries else "global.asax"
            yield warned(
                "nested-application",
                config.path,
                f"{config.folder} is an application of its own ({sign}), and as a plain folder it fails",
                f"hand it over as well with --app /{config.folder}=FOLDER",
            )


def _is_set(config: Config, name: str) -> bool:
    """Whether system.web has the section outside of `<location>`, which may name another application."""
    tops = [child for child in config.root if tag(child) == "system.web"]
    return any(tag(child) == name for top in tops for child in top)


def _tls(subject: Subject) -> Iterator[Finding]:
    if subject.choices.tls:
        return
    for config in subject.configs:
        flags = ",".join(config.attributes(f"{_SECURITY}/access", "sslFlags")).lower().split(",")
        if {flag.strip() for flag in flags} & {"ssl", "ssl128", "sslrequirecert"}:
            what = "it takes https alone, and TLS ends before the container: it answers 403.4"
            fix = "set sslFlags to None, or give --tls and import a certificate"
            yield refused("https-only", config.path, what, fix)
        demands = [
            f"{path}@{name}"
            for path, name in _COOKIES
            if any(truth(value) for value in config.attributes(path, name))
        ]
        if demands:
            what = "its cookie goes over https alone, and TLS ends before the container: logins fail"
            yield warned("require-ssl", config.path, what, f"give --set {demands[0]}=false")
    filters = [one.path for one in subject.own if one.uses("System.Web.Mvc.RequireHttpsAttribute")]
    if filters:
        what = "[RequireHttps] sends each request to https, and TLS ends before the container: it never ends"
        yield warned("require-ssl", filters[0], what, "judge X-Forwarded-Proto instead")


def _newer(subject: Subject) -> Iterator[Finding]:
    files = subject.tree.named(".runtimeconfig.json")
    if files:
        what = "it is for .NET (Core), not for .NET Framework"
        yield refused("dotnet-core", files[0], what, "use Microsoft's images of .NET, on Linux nodes as well")
