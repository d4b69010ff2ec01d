"""Endpoints of WCF by their transport and security, also those of custom bindings. Rows W1, W2, W4, W5."""

import pytest

from microcosm.image import start
from tests.support.services import findings, model, names, subject

MEMORY = "<serviceHostingEnvironment minFreeMemoryPercentageToActivateService='0'/>"


def endpoint(binding, inside=""):
    """A service with one endpoint, and what is inside of its binding."""
    named = "" if inside == "" else "bindingConfiguration='b'"
    return model(
        f"<services><service name='s'><endpoint binding='{binding}' {named}/></service></services>",
        f"<bindings><{binding}><binding name='b'>{inside}</binding></{binding}></bindings>",
        MEMORY,
    )


# A binding, what is inside of it, and the finding.
BINDINGS = {
    "custom over https": ("customBinding", "<textMessageEncoding/><httpsTransport/>", ["https-binding"]),
    "custom over MSMQ": ("customBinding", "<msmqTransport/>", ["net-msmq"]),
    "custom over a pipe": ("customBinding", "<namedPipeTransport/>", ["net-pipe"]),
    "custom over tcp": ("customBinding", "<tcpTransport/>", []),
    "custom over http": ("customBinding", "<httpTransport/>", []),
    "https by its name": ("basicHttpsBinding", "", ["https-binding"]),
    "the later WS": ("ws2007HttpBinding", "", ["ws-http-security"]),
    "message security": ("wsHttpBinding", "<security mode='Message'/>", ["ws-http-security"]),
    "message security by name": (
        "wsHttpBinding",
        "<security mode='Message'><message clientCredentialType='UserName'/></security>",
        [],
    ),
    "transport security of tcp": ("netTcpBinding", "<security mode='Transport'/>", ["net-tcp-security"]),
    "certificates over tcp": (
        "netTcpBinding",
        "<security><transport clientCredentialType='Certificate'/></security>",
        [],
    ),
}


@pytest.mark.parametrize("case", BINDINGS)
def test_a_binding_is_judged_by_its_transport_and_its_security(case):
    binding, inside, expected = BINDINGS[case]
    assert names(findings({"web.config": endpoint(binding, inside)})) == expected


def test_a_custom_binding_over_tcp_gets_its_activation():
    custom = {"web.config": endpoint("customBinding", "<tcpTransport/>")}
    assert start.app(subject(custom), start.Options())["netTcp"] is True
