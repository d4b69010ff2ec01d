"""Programs: their kind, and what keeps them from running in a container. Rows P4, P8, S1."""

import pytest

from microcosm.image import image_facts
from microcosm.image.findings import Level
from microcosm.image.kinds import Kind
from tests.support.services import assembly, config, findings, names, subject

REFERENCES = {"mscorlib": "4.0.0.0"}


def program(**facts):
    return assembly("svc.exe", **facts)


SERVICE = {"types": frozenset({"System.ServiceProcess.ServiceBase"}), "names": frozenset({"OnStart"})}
KINDS = {
    Kind.CONSOLE: program(),
    Kind.SERVICE: program(**SERVICE),
    Kind.SELF_HOST: program(types=frozenset({"System.ServiceModel.ServiceHost"})),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_is_recognised(kind, monkeypatch):
    assert _kind(KINDS[kind], monkeypatch) is kind


def test_a_service_that_also_runs_as_a_program_is_run_so(monkeypatch):
    topshelf = program(**{**SERVICE, "references": {**REFERENCES, "Topshelf": "4.0.0.0"}})
    interactive = program(**{**SERVICE, "members": frozenset({"System.Environment.get_UserInteractive"})})
    assert {_kind(topshelf, monkeypatch), _kind(interactive, monkeypatch)} == {Kind.CONSOLE}


def _kind(main, monkeypatch):
    from microcosm.image import assemblies

    monkeypatch.setattr(assemblies, "read_all", lambda tree: ([main], []))
    return subject({"svc.exe": b""}, main).kind


def test_a_program_that_waits_for_a_key_ends_at_once():
    reading = program(members=frozenset({"System.Console.ReadLine"}))
    assert "console-input" in names(findings({}, reading))


def test_a_listener_on_localhost_answers_nobody_else(monkeypatch):
    from microcosm.image import assemblies

    host = program(types=frozenset({"System.Net.HttpListener"}), strings=("http://localhost:8080/",))
    monkeypatch.setattr(assemblies, "read_all", lambda tree: ([host], []))
    assert names(findings({}, host), Level.REFUSED) == ["localhost-listener"]
    service = program(**{**SERVICE, "types": SERVICE["types"] | {"System.Net.HttpListener"}})
    library = assembly("web.dll", strings=("http://localhost:8080/",))
    monkeypatch.setattr(assemblies, "read_all", lambda tree: ([service, library], []))
    assert names(findings({}, service, library), Level.REFUSED) == ["localhost-listener"], (
        "a service, and the address in a library"
    )
    good = program(types=frozenset({"System.Net.HttpListener"}), strings=("http://+:8080/",))
    monkeypatch.setattr(assemblies, "read_all", lambda tree: ([good], []))
    assert names(findings({}, good)) == []


def test_ports_of_a_program_are_those_of_its_addresses():
    addresses = config(
        "<system.serviceModel><services><service name='s'><host><baseAddresses>"
        "<add baseAddress='http://localhost:8733/a'/><add baseAddress='net.tcp://localhost:8734/a'/>"
        "</baseAddresses></host></service></services></system.serviceModel>"
    )
    hosting = subject({"svc.exe.config": addresses}, program())
    assert hosting.kind is Kind.SELF_HOST
    assert image_facts.ports(hosting, []) == [8733, 8734]
