"""Rules on state, keys, mail and certificates: what two replicas, or a container at all, do not share."""

from collections.abc import Iterator

from . import rules_settings
from .findings import Finding, told, warned
from .subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    yield from _keys(subject)
    yield from _session(subject)
    yield from _roles(subject)
    yield from _mail(subject)
    yield from _certificates(subject)
    yield from _culture(subject)


def fixed_key(subject: Subject) -> bool:
    return any(
        (attributes.get("validationKey") or "AutoGenerate").lower().partition(",")[0] != "autogenerate"
        for _, attributes in subject.sections("system.web/machineKey")
    )


def session_in_process(subject: Subject) -> bool:
    """Whether the site keeps sessions in its process: it uses sessions, and no mode says otherwise."""
    modes = [
        attributes.get("mode", "InProc").lower()
        for config, attributes in subject.sections("system.web/sessionState")
        if config.is_root
    ]
    if modes:
        return modes[-1] == "inproc"
    return bool(
        [
            one
            for one in subject.own
            if one.uses("System.Web.SessionState.HttpSessionState", "System.Web.HttpSessionStateBase")
        ]
    )


def _keys(subject: Subject) -> Iterator[Finding]:
    if not subject.kind.is_site:
        return
    if fixed_key(subject):
        yield warned(
            "machine-key",
            "machineKey",
            "its keys are written in the file and would be in the image",
            "take them out: `image manifest` makes a pair in a Secret",
        )
    else:
        yield told(
            "machine-key",
            "machineKey",
            "no fixed keys: each replica would make its own; `image manifest` makes a pair in a Secret",
        )


def _session(subject: Subject) -> Iterator[Finding]:
    if subject.kind.is_site and session_in_process(subject):
        yield told(
            "session-state",
            "sessionState",
            "sessions are kept in the process: they are lost at each roll-out, and `image manifest` writes "
            "replicas: 1",
        )
    for config, attributes in subject.sections("system.web/sessionState"):
        mode = attributes.get("mode", "").lower()
        local = any(
            host in attributes.get("stateConnectionString", "").lower() for host in ("127.0.0.1", "localhost")
        )
        database = mode == "sqlserver" and rules_settings.is_local_server(
            attributes.get("sqlConnectionString", "")
        )
        if database:
            what = "its session database is on this machine, which in a container is the container itself"
            yield warned(
                "state-server", config.path, what, "name a database server, and mount the file from a Secret"
            )
        if mode == "stateserver" and (local or not attributes.get("stateConnectionString")):
            yield warned(
                "state-server",
                config.path,
                "the state server is this machine, and the container runs none",
                "name a state server of its own",
            )


def _roles(subject: Subject) -> Iterator[Finding]:
    """The providers of machine.config keep roles in the connection LocalSqlServer: a file for SQL Express."""
    if any(setting.name.lower() == "localsqlserver" for setting in subject.settings):
        return
    for config in subject.configs:
        enabled = any(
            (value or "").lower() == "true"
            for value in config.attributes("system.web/roleManager", "enabled")
        )
        if enabled and not config.has("system.web/roleManager/providers/add"):
            what = (
                "roleManager without a provider asks the SQL Express of this machine, which no container has"
            )
            yield warned(
                "local-database", config.path, what, "name a provider, or a connection string LocalSqlServer"
            )


def _mail(subject: Subject) -> Iterator[Finding]:
    for config, attributes in subject.sections("system.net/mailSettings/smtp/network"):
        if attributes.get("host", "").lower() in ("localhost", "127.0.0.1", "."):
            yield warned(
                "smtp-localhost",
                config.path,
                "mail goes to this machine, and the container runs no mail service",
                "name a mail server",
            )
    for config, attributes in subject.sections("system.net/mailSettings/smtp"):
        if attributes.get("deliveryMethod", "").lower() == "pickupdirectoryfromiis":
            yield warned(
                "smtp-localhost",
                config.path,
                "mail goes to the pickup folder of IIS, which the container does not have",
                "name a mail server",
            )


def _certificates(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        for element in config.all("serviceCertificate"):
            if element.get("findValue") or element.get("storeName"):
                yield warned(
                    "certificate",
                    config.path,
                    "it looks for a certificate in the machine's store, which is empty",
                    "mount a .pfx below C:\\microcosm\\certificates",
                )
                break


def _culture(subject: Subject) -> Iterator[Finding]:
    if subject.kind.is_site and not any(
        attributes.get("culture") for _, attributes in subject.sections("system.web/globalization")
    ):
        yield told(
            "culture",
            "globalization",
            "no culture is set, and the container's is en-US; give --culture, or set it in web.config",
        )
