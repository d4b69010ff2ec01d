"""Test the instance metadata service: access and content."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rehearsal.hosts.imds import Facts, Request, Response, Tokens, answer
from rehearsal.hosts.model import Credentials, Launch, Metadata

from .hosts_values import an_instance

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOKENS = Tokens(b"secret")
CREDENTIALS = Credentials(
    role="worker", access_key="AK", secret_key="SK", token="ST", issued=NOW, expires=NOW + timedelta(hours=1)
)
INSTANCE = an_instance(
    metadata=Metadata(tokens_required=True),
    profile_arn="arn:aws:iam::1:instance-profile/worker",
    profile_id="AIPA",
)
FACTS = Facts(instance=INSTANCE, launch=Launch(user_data=b"\x1f\x8b\x00raw"), credentials=CREDENTIALS)


def put(headers: dict[str, str], facts: Facts = FACTS) -> Response:
    return answer(Request("PUT", "/latest/api/token", headers), facts, TOKENS, NOW)


def get(path: str, facts: Facts = FACTS) -> Response:
    token = TOKENS.issue(facts.instance.id, 60, NOW)
    return answer(Request("GET", path, {"x-aws-ec2-metadata-token": token}), facts, TOKENS, NOW)


def test_a_token_is_valid_for_as_long_as_was_asked_and_for_its_instance_only() -> None:
    token = put({"x-aws-ec2-metadata-token-ttl-seconds": "60"}).body.decode()
    assert TOKENS.valid(token, "i-0", NOW + timedelta(seconds=59))
    assert not TOKENS.valid(token, "i-0", NOW + timedelta(seconds=60))
    assert not TOKENS.valid(token, "i-1", NOW)
    assert not Tokens(b"other").valid(token, "i-0", NOW)


@pytest.mark.parametrize(
    "token", ["", ".", "x", "99999999999", "99999999999.", "99999999999.forged", "x.y.z", "ü.ü"]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert (
        answer(
            Request("GET", "/latest/meta-data/", {"x-aws-ec2-metadata-token": token}), FACTS, TOKENS, NOW
        ).status
        == 401
    )


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "1.5", "x"])
def test_a_token_lives_between_a_second_and_six_hours(ttl: str) -> None:
    assert put({"x-aws-ec2-metadata-token-ttl-seconds": ttl}).status == 400


def test_a_forwarded_request_gets_no_token() -> None:
    assert put({"x-aws-ec2-metadata-token-ttl-seconds": "60", "x-forwarded-for": "10.0.0.1"}).status == 403


def test_only_the_answer_with_the_token_is_hop_limited() -> None:
    assert put({"x-aws-ec2-metadata-token-ttl-seconds": "60"}).hop_limited
    assert not get("/latest/meta-data/instance-id").hop_limited


@pytest.mark.parametrize(("required", "status"), [(True, 401), (False, 200)])
def test_requests_without_a_token_are_answered_only_where_tokens_are_optional(
    required: bool, status: int
) -> None:
    facts = replace(FACTS, instance=replace(INSTANCE, metadata=Metadata(tokens_required=required)))
    assert answer(Request("GET", "/latest/meta-data/instance-id"), facts, TOKENS, NOW).status == status


def test_a_disabled_service_and_a_stranger_get_nothing() -> None:
    disabled = replace(FACTS, instance=replace(INSTANCE, metadata=Metadata(enabled=False)))
    assert put({"x-aws-ec2-metadata-token-ttl-seconds": "60"}, disabled).status == 403
    assert answer(Request("GET", "/latest/meta-data/"), None, TOKENS, NOW).status == 404
