"""Bringing a preview up and making it live longer."""

import json
from datetime import timedelta

import pytest

from microcosm.errors import OperatorError, UsageError
from microcosm.preview import up as preview_up
from microcosm.preview.model import rfc3339
from microcosm.preview.stack import Pending, StackLocked
from microcosm.preview.up import GRACE, UpRequest

from .conftest import Cloud
from .fake_stacks import NOW, FakeStacks, Stack, context, lock_owner

HOUR = timedelta(hours=1)
PARAMETER = "/microcosm/pr-7/expiry"


def tags(expires: str = "2026-11-25T18:00:00Z", **more: str) -> dict[str, str]:
    known = {
        "expires-at": expires,
        "region": "eu-west-1",
        "created-at": "2026-11-25T10:00:00Z",
        "owner": "bob",
    } | more
    return {f"microcosm:{key}": value for key, value in known.items()}


def declared(cloud: Cloud) -> str:
    return json.loads(cloud.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"])["expiresAt"]


def declare(cloud: Cloud) -> None:
    cloud.client("ssm").put_parameter(
        Name=PARAMETER, Value=json.dumps({"expiresAt": "2026-11-25T18:00:00Z"}), Type="String"
    )


def test_a_new_preview_has_its_end_before_anything_costs(cloud: Cloud) -> None:
    """Tags, then configuration, then the program."""
    stacks = FakeStacks()
    result = preview_up.up(context(stacks, cloud.session), UpRequest(pr=7))
    assert stacks.calls == [("create", "pr-7"), ("tag", "pr-7"), ("configure", "pr-7"), ("up", "pr-7")]
    assert stacks.stacks["pr-7"].tags == tags(
        "2026-11-25T20:00:00Z", **{"created-at": "2026-11-25T12:00:00Z", "owner": "ada"}
    )
    assert stacks.stacks["pr-7"].config == {
        "aws:region": "eu-west-1",
        "microcosm:adminCidrs": ["203.0.113.7/32"],
        "microcosm:owner": "ada",
        "microcosm:expiresAt": "2026-11-25T20:00:00Z",
    }
    assert result.outputs["pageUrl"] == "http://198.51.100.7:30080"


def test_who_may_come_in_is_the_caller_and_whom_he_admits_unless_it_is_said(cloud: Cloud) -> None:
    stacks = FakeStacks()
    preview_up.up(context(stacks, cloud.session), UpRequest(pr=7, admit=("192.0.2.0/24", "203.0.113.7/32")))
    assert stacks.stacks["pr-7"].config["microcosm:adminCidrs"] == ["203.0.113.7/32", "192.0.2.0/24"]
    preview_up.up(context(stacks, cloud.session), UpRequest(pr=7, settings={"adminCidrs": ["10.0.0.0/8"]}))
    assert stacks.stacks["pr-7"].config["microcosm:adminCidrs"] == ["10.0.0.0/8"]


def test_an_update_keeps_the_end_the_owner_and_the_settings(cloud: Cloud) -> None:
    """A push to the pull request must not prolong a life, nor lose what was set."""
    stacks = FakeStacks(stacks={"pr-7": Stack(tags=tags(), config={"microcosm:workloads": False})})
    preview_up.up(context(stacks, cloud.session), UpRequest(pr=7))
    assert stacks.stacks["pr-7"].tags == tags()
    assert stacks.stacks["pr-7"].config["microcosm:workloads"] is False


@pytest.mark.parametrize(
    ("expires", "ttl", "end"),
    [("2026-11-25T18:00:00Z", 2 * HOUR, "14:00"), ("2026-11-25T11:59:00Z", None, "20:00")],
)
def test_a_ttl_or_an_end_that_has_passed_sets_a_new_one(
    cloud: Cloud, expires: str, ttl: timedelta | None, end: str
) -> None:
    declare(cloud)
    stacks = FakeStacks(stacks={"pr-7": Stack(tags=tags(expires))})
    preview_up.up(context(stacks, cloud.session), UpRequest(pr=7, ttl=ttl))
    assert stacks.stacks["pr-7"].tags == tags(f"2026-11-25T{end}:00Z")
    assert declared(cloud) == f"2026-11-25T{end}:00Z", "the machines must learn it too"


def test_machines_that_have_ended_are_looked_for_first(cloud: Cloud) -> None:
    """The state still believes in them."""
    stacks = FakeStacks(stacks={"pr-7": Stack(tags=tags(rfc3339(NOW - GRACE - HOUR)))})
    preview_up.up(context(stacks, cloud.session), UpRequest(pr=7))
    assert stacks.calls[0] == ("refresh without cluster", "pr-7")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (UpRequest(pr=7, settings={"nope": 1}), "nope is not a known key"),
        (UpRequest(pr=7, settings={"adminCidrs": ["0.0.0.0/0"]}), "the whole Internet"),
        (UpRequest(pr=7, region="us-east-1"), "cannot move to us-east-1"),
    ],
)
def test_what_cannot_work_changes_nothing(cloud: Cloud, request_: UpRequest, words: str) -> None:
    stacks = FakeStacks(stacks={"pr-7": Stack(tags=tags())})
    with pytest.raises(UsageError, match=words):
        preview_up.up(context(stacks, cloud.session), request_)
    assert stacks.calls == []


def test_an_end_that_nothing_can_enforce_is_refused(cloud: Cloud) -> None:
    stacks = FakeStacks(backend="file:///home/ada")
    with pytest.raises(UsageError, match="the expiry of this preview cannot be enforced"):
        preview_up.up(context(stacks, cloud.session), UpRequest(pr=7))
    assert stacks.calls == []
    preview_up.up(context(stacks, cloud.session), UpRequest(pr=7, reap_myself=True))
    assert ("up", "pr-7") in stacks.calls


def test_a_stack_that_another_run_works_on_is_left_alone(cloud: Cloud) -> None:
    """Even its half-done operations: they are the other's."""
    stack = Stack(
        tags=tags(), lock_owners=[lock_owner()], pending=[Pending(urn="a::b", operation="creating")]
    )
    stacks = FakeStacks(stacks={"pr-7": stack})
    with pytest.raises(StackLocked, match=r"locked by ci@runner-7 \(process 4711\) since .* --break-lock"):
        preview_up.up(context(stacks, cloud.session), UpRequest(pr=7))
    assert stacks.calls == []
    preview_up.up(context(stacks, cloud.session), UpRequest(pr=7, break_lock=True))
    assert [call[0] for call in stacks.calls] == ["cancel", "forget", "tag", "configure", "up"]


def test_an_extension_reaches_the_machines_and_the_reaper(cloud: Cloud) -> None:
    declare(cloud)
    stacks = FakeStacks(stacks={"pr-7": Stack(tags=tags())})
    longer = preview_up.extend(context(stacks, cloud.session), 7, 4 * HOUR)
    assert (longer.expires, declared(cloud)) == (NOW + 10 * HOUR, "2026-11-25T22:00:00Z")
    assert stacks.stacks["pr-7"].tags == tags("2026-11-25T22:00:00Z")


def test_an_extension_never_makes_the_parameter(cloud: Cloud) -> None:
    """Pulumi would find its name taken."""
    stacks = FakeStacks(stacks={"pr-7": Stack(tags=tags())})
    preview_up.extend(context(stacks, cloud.session), 7, 4 * HOUR)
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []


@pytest.mark.parametrize(
    ("expires", "by", "kind", "words"),
    [
        ("2026-11-25T18:00:00Z", 67 * HOUR, UsageError, "more than 72h from now; accepted is up to 66h 00m"),
        ("2026-11-25T10:30:00Z", HOUR, OperatorError, "and its machines ended at 2026-11-25T10:30:00Z"),
        ("", HOUR, OperatorError, "has no expiry"),
    ],
)
def test_an_extension_that_cannot_be(
    cloud: Cloud, expires: str, by: timedelta, kind: type[OperatorError], words: str
) -> None:
    stacks = FakeStacks(stacks={"pr-7": Stack(tags=tags(expires))})
    with pytest.raises(kind, match=words):
        preview_up.extend(context(stacks, cloud.session), 7, by)
    assert stacks.calls == []


def test_a_preview_that_is_none_is_named_with_those_that_are(cloud: Cloud) -> None:
    stacks = FakeStacks(stacks={"pr-7": Stack(), "dev": Stack()})
    with pytest.raises(
        UsageError, match="there is no preview pr-8 in s3://state: there are pr-7; nothing was changed"
    ):
        preview_up.extend(context(stacks, cloud.session), 8, HOUR)
