"""The parameters of a stack over its life, with the stand-in aws provider: what a refresh and an update do to their values."""

import pytest

from infra import rendezvous
from tests.support.fake_aws import fake_aws
from tests.support.provider_driver import Driver

PARAMETER = "aws:ssm/parameter:Parameter"
DOCUMENT = {"name": "/microcosm/dev/join", "type": "SecureString", "valueWo": rendezvous.PLACEHOLDER, "valueWoVersion": 1}
EXPIRY = {"name": "/microcosm/dev/expires-at", "type": "String", "value": "E0"}


@pytest.fixture
def session():
    with fake_aws("eu-west-1") as session:
        yield session


@pytest.fixture
def driver(session) -> Driver:
    return Driver(session, region="eu-west-1")


def put(session, name: str, value: str, kind: str = "String") -> None:
    session.client("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def value(session, name: str) -> str:
    return session.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def test_a_document_goes_on_after_a_refresh_and_keeps_what_the_control_plane_wrote(driver, session):
    live = driver.create(PARAMETER, "join", **DOCUMENT)
    put(session, DOCUMENT["name"], "published", "SecureString")
    refreshed = driver.refresh(live)
    assert "valueWo" not in refreshed.inputs, "the bridge loses it"

    tagged, changes = driver.up(refreshed, (*rendezvous.IGNORED,), **DOCUMENT, tags={"owner": "me"})

    assert changes == {"tags"}
    assert driver.up(tagged, (*rendezvous.IGNORED,), **DOCUMENT, tags={"owner": "me"})[1] == set()
    assert value(session, DOCUMENT["name"]) == "published"


def test_the_second_extension_stands_after_an_update_of_the_tags(driver, session):
    """Extend, push, extend, push: the update after a change of tags must not write back the value that the state saw last."""
    live = driver.create(PARAMETER, "expires-at", **EXPIRY)
    put(session, EXPIRY["name"], "E1")
    live, changes = driver.up(live, (*rendezvous.IGNORED,), **EXPIRY, tags={"end": "E1"})
    assert changes == {"tags"}

    put(session, EXPIRY["name"], "E2")
    live, changes = driver.up(live, (*rendezvous.IGNORED,), **EXPIRY, tags={"end": "E1"})

    assert changes == set(), "nothing of the program has changed"
    assert value(session, EXPIRY["name"]) == "E2"


def test_a_refresh_after_a_machine_has_written_is_no_drift(driver, session):
    """`pulumi refresh` compares the new state with the old inputs (pulumi/pulumi 3.260.0, pkg/resource/deploy/step.go, RefreshStep)."""
    live = driver.create(PARAMETER, "status", **EXPIRY)
    put(session, EXPIRY["name"], "ready ok")

    assert not driver.diff(driver.refresh(live), (*rendezvous.IGNORED,), **live.inputs).diffs
