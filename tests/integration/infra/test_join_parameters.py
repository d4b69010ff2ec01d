"""The parameters of a stack over its life, with the stand-in aws provider: what a refresh and an update do
to their values.
"""

from collections.abc import Iterator

import boto3
import pytest

from infra import join_parameters
from tests.support.fake_aws import served_aws
from tests.support.provider_driver import Driver, driver_of
from tests.support.provider_plugin import plugin

PARAMETER = "aws:ssm/parameter:Parameter"
DOCUMENT = {
    "name": "/microcosm/dev/join",
    "type": "SecureString",
    "valueWo": join_parameters.PLACEHOLDER,
    "valueWoVersion": 1,
}
EXPIRY = {"name": "/microcosm/dev/expires-at", "type": "String", "value": "E0"}


@pytest.fixture
def cloud(tmp_path):
    with served_aws(tmp_path / "machines") as cloud:
        yield cloud


@pytest.fixture
def session(cloud) -> Iterator[boto3.Session]:
    """boto3 of this process, pointed at the served cloud."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
        yield boto3.Session(region_name=cloud.region)


@pytest.fixture
def driver(cloud) -> Iterator[Driver]:
    with driver_of(plugin(), cloud, region=cloud.region) as driver:
        yield driver


def put(session, name: str, value: str, kind: str = "String") -> None:
    session.client("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def tops(paths: set[str]) -> set[str]:
    """The properties that the paths lead into."""
    return {path.split(".")[0] for path in paths}


def value(session, name: str) -> str:
    return session.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def test_a_document_goes_on_after_a_refresh_and_keeps_what_the_control_plane_wrote(driver, session):
    live = driver.create(PARAMETER, "join", **DOCUMENT)
    put(session, DOCUMENT["name"], "published", "SecureString")
    refreshed = driver.refresh(live)
    assert "valueWo" not in refreshed.inputs, "the bridge loses it"

    tagged, changes = driver.up(refreshed, (*join_parameters.IGNORED,), **DOCUMENT, tags={"owner": "me"})

    assert tops(changes) == {"tags", "tagsAll"}
    assert driver.up(tagged, (*join_parameters.IGNORED,), **DOCUMENT, tags={"owner": "me"})[1] == set()
    assert value(session, DOCUMENT["name"]) == "published"


def test_the_second_extension_stands_after_an_update_of_the_tags(driver, session):
    """Extend, push, extend, push: the update after a change of tags must not write back the value that the
    state saw last.
    """
    live = driver.create(PARAMETER, "expires-at", **EXPIRY)
    put(session, EXPIRY["name"], "E1")
    live, changes = driver.up(live, (*join_parameters.IGNORED,), **EXPIRY, tags={"end": "E1"})
    assert tops(changes) == {"tags", "tagsAll"}

    put(session, EXPIRY["name"], "E2")
    live, changes = driver.up(live, (*join_parameters.IGNORED,), **EXPIRY, tags={"end": "E1"})

    assert changes == set(), "nothing of the program has changed"
    assert value(session, EXPIRY["name"]) == "E2"


def test_a_refresh_after_a_machine_has_written_is_no_drift(driver, session):
    """`pulumi refresh` compares the new state with the old inputs (pulumi/pulumi 3.260.0,
    pkg/resource/deploy/step.go, RefreshStep).
    """
    live = driver.create(PARAMETER, "status", **EXPIRY)
    put(session, EXPIRY["name"], "ready ok")

    assert not driver.diff(driver.refresh(live), (*join_parameters.IGNORED,), **live.inputs).diffs
