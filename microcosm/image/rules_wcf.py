"""Rules on WCF: bindings that the base cannot serve, security that nobody outside a domain passes,
addresses behind a proxy.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from .configs import Config, tag
from .findings import Finding, refused, told, warned
from .kinds import Kind
from .rules_iis import missing
from .subject import Subject, truth

_TCP = ("netTcpBinding", "mexTcpBinding", "netTcpContextBinding")
_PIPE = ("netNamedPipeBinding", "mexNamedPipeBinding")
_MSMQ = ("netMsmqBinding", "msmqIntegrationBinding")
_HTTPS = ("basicHttpsBinding", "netHttpsBinding")
# A binding that is put together from elements: its transport says what it is.
_BY_TRANSPORT = {
    "tcpTransport": "netTcpBinding",
    "namedPipeTransport": "netNamedPipeBinding",
    "msmqTransport": "netMsmqBinding",
    "msmqIntegration": "msmqIntegrationBinding",
    "httpsTransport": "basicHttpsBinding",
}
_TRANSPORT = ("transport", "transportwithmessagecredential")
# They ask for Windows identities unless their security says otherwise.
_WINDOWS = (
    "netTcpBinding",
    "netTcpContextBinding",
    "wsHttpBinding",
    "ws2007HttpBinding",
    "wsHttpContextBinding",
    "wsDualHttpBinding",
)


def endpoints(config: Config) -> Iterator[tuple[str, Element]]:
    """Yield service and endpoint of all services that are hosted here; endpoints of clients are not."""
    for service in config.sections("system.serviceModel/services/service"):
        for endpoint in service:
            if tag(endpoint) == "endpoint":
                yield service.get("name") or "", endpoint


def uses_tcp(subject: Subject) -> bool:
    return any(
        kind_of(config, endpoint) in _TCP for config in subject.configs for _, endpoint in endpoints(config)
    )


def kind_of(config: Config, endpoint: Element) -> str:
    """Return the binding of an endpoint; for a custom one, the ready-made one of the same transport."""
    name = endpoint.get("binding") or ""
    if name != "customBinding":
        return name
    elements = [tag(element) for binding in _binding_of(config, name, endpoint) for element in binding]
    return next((_BY_TRANSPORT[element] for element in elements if element in _BY_TRANSPORT), name)


def start_page(subject: Subject, service: str) -> str | None:
    """Return the page of a .svc file that answers GET with 200; None if only operations do.

    An endpoint of webHttpBinding at the file's own address takes the place of WCF's page; its help page is at
    /help.
    """
    taken = any(
        endpoint.get("binding") == "webHttpBinding" and not endpoint.get("address")
        for config in subject.configs
        for _, endpoint in endpoints(config)
    )
    path = "system.serviceModel/behaviors/endpointBehaviors/behavior/webHttp"
    helps = any(
        truth(value) for config in subject.configs for value in config.attributes(path, "helpEnabled")
    )
    return service if not taken else f"{service}/help" if helps else None


def check(subject: Subject) -> Iterator[Finding]:
    for config in subject.configs:
        yield from _bindings(subject, config)
        yield from _metadata(subject, config)
    yield from _memory(subject)
    services = subject.tree.named(".svc")
    if subject.kind is Kind.WCF and services and start_page(subject, services[0]) is None:
        what = (
            "only its operations answer: GET on the file itself, which the probes use, is answered with 404"
        )
        yield told(
            "probe-page", services[0], what, "name an operation with --health, or set helpEnabled on webHttp"
        )


def _bindings(subject: Subject, config: Config) -> Iterator[Finding]:
    seen = set[str]()
    for service, endpoint in endpoints(config):
        written = endpoint.get("binding") or ""
        name = kind_of(config, endpoint)
        where = f"{config.path}, service {service}"
        if name in _MSMQ:
            yield refused(
                "net-msmq",
                where,
                "it takes messages from MSMQ, which containers do not have",
                "use http, net.tcp or a queue of another kind",
            )
        elif name in _PIPE and subject.kind.is_site:
            yield refused(
                "net-pipe",
                where,
                "it listens on net.pipe, which no other pod can reach, and the base has no activation of it",
                "use http or net.tcp",
            )
        elif name in _TCP and subject.kind is Kind.WCF and name not in seen:
            yield from missing(subject, "wcf-tcp", where)
        if name in _HTTPS and not subject.choices.tls:
            yield https_alone(written, where)
        elif written == name and name not in seen:
            yield from _security(subject, config, name, endpoint, where)
        if name.startswith("mex") and name not in seen:
            yield told("metadata-exchange", where, f"{name} answers everybody who asks for the contract")
        seen.add(name)


def https_alone(name: str, where: str) -> Finding:
    fix = "use the binding without TLS and end TLS at the ingress, or give --tls and import a certificate"
    return refused(
        "https-binding", where, f"{name} takes https alone, and TLS ends before the container", fix
    )


def _security(
    subject: Subject, config: Config, name: str, endpoint: Element, where: str
) -> Iterator[Finding]:
    found = list(_binding_of(config, name, endpoint))
    modes = [
        (security.get("mode") or "").lower()
        for binding in found
        for security in binding
        if tag(security) == "security"
    ]
    asks_for = [element.get("clientCredentialType") for binding in found for element in binding.iter()]
    if name in _WINDOWS and "none" not in modes and not any(asks_for):
        tcp = name.startswith("netTcp")
        yield warned(
            "net-tcp-security" if tcp else "ws-http-security",
            where,
            f"{name} asks for Windows identities unless its security says otherwise, and outside a domain "
            f"nobody has one",
            'set <security mode="None"/> inside the cluster, or use certificates',
        )
    if any(mode in _TRANSPORT for mode in modes) and name != "netTcpBinding" and not subject.choices.tls:
        yield https_alone(name, where)
    windows = [
        element
        for binding in found
        for element in binding.iter()
        if (element.get("clientCredentialType") or "").lower() == "windows"
    ]
    if windows and not any(mode == "none" for mode in modes):
        yield warned(
            "windows-credentials",
            where,
            "it asks callers for Windows identities, and outside a domain nobody has one",
            "use certificates or tokens",
        )
    if (
        any(tag(element) == "reliableSession" for binding in found for element in binding)
        or name == "wsDualHttpBinding"
    ):
        yield warned(
            "wcf-sessions",
            where,
            "a session stays with one pod: with several replicas calls reach the wrong one",
            "keep replicas: 1",
        )


def _binding_of(config: Config, name: str, endpoint: Element) -> Iterator[Element]:
    wanted = endpoint.get("bindingConfiguration") or ""
    for binding in config.sections(f"system.serviceModel/bindings/{name}/binding"):
        if (binding.get("name") or "") == wanted:
            yield binding


def _metadata(subject: Subject, config: Config) -> Iterator[Finding]:
    for behavior in config.sections("system.serviceModel/behaviors/serviceBehaviors/behavior"):
        children = {tag(child): child for child in behavior}
        shown = children.get("serviceMetadata")
        published = shown is not None and "true" in (
            (shown.get("httpGetEnabled") or "").lower(),
            (shown.get("httpsGetEnabled") or "").lower(),
        )
        if (
            published
            and "useRequestHeadersForMetadataAddress" not in children
            and not subject.choices.metadata_from_host
        ):
            yield warned(
                "metadata-address",
                config.path,
                "the WSDL names the pod instead of the address that the client called",
                "give --metadata-from-host, or add useRequestHeadersForMetadataAddress",
            )


def _memory(subject: Subject) -> Iterator[Finding]:
    if subject.kind is not Kind.WCF:
        return
    for config in subject.configs:
        if config.is_root and not config.attributes(
            "system.serviceModel/serviceHostingEnvironment", "minFreeMemoryPercentageToActivateService"
        ):
            yield warned(
                "memory-gate",
                config.path,
                "WCF refuses to start while less than 5 % of the node's memory is free, however small the "
                "pod",
                "give --set "
                "system.serviceModel/serviceHostingEnvironment@minFreeMemoryPercentageToActivateService=0",
            )
