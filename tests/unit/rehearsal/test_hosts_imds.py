"""Test the instance metadata service: access and content."""

import json
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


def text(path: str, facts: Facts = FACTS) -> str:
    response = get(f"/latest/{path}", facts)
    assert response.status == 200, path
    return response.body.decode()


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


def test_user_data_is_returned_byte_for_byte_and_missing_user_data_is_not_found() -> None:
    assert get("/latest/user-data").body == b"\x1f\x8b\x00raw"
    assert get("/latest/user-data", replace(FACTS, launch=Launch())).status == 404


def test_folders_list_their_entries_and_mark_folders() -> None:
    listing = text("meta-data/").splitlines()
    assert {"instance-id", "local-ipv4", "placement/", "network/", "iam/"} <= set(listing)
    assert text("meta-data/placement") == "availability-zone\nregion"
    assert text("meta-data/iam/security-credentials/") == "worker"


@pytest.mark.parametrize("path", ["meta-data/nothing", "meta-data/instance-id/deeper", "meta-dat", "spot"])
def test_what_does_not_exist_is_not_found(path: str) -> None:
    assert get(f"/latest/{path}").status == 404


def test_every_version_that_cloud_init_tries_is_there_and_others_are_not() -> None:
    for version in ("2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"):
        assert get(f"/{version}/meta-data/instance-id").body == b"i-0"
    assert get("/2099-01-01/meta-data/instance-id").status == 404
    assert get("/meta-data/instance-id").status == 404


def test_the_instance_is_described_as_on_ec2() -> None:
    assert text("meta-data/local-hostname") == "ip-10-0-16-4.eu-west-1.compute.internal"
    assert text("meta-data/placement/region") == "eu-west-1"
    mac = text("meta-data/mac")
    assert text(f"meta-data/network/interfaces/macs/{mac}/subnet-ipv4-cidr-block") == "10.0.16.0/20"
    assert text(f"meta-data/network/interfaces/macs/{mac}/vpc-ipv4-cidr-blocks") == "10.0.0.0/16"
    assert json.loads(text("dynamic/instance-identity/document"))["instanceId"] == "i-0"


def test_credentials_are_in_the_form_that_the_sdks_read() -> None:
    document = json.loads(text("meta-data/iam/security-credentials/worker"))
    assert document["Code"] == "Success"
    assert (document["AccessKeyId"], document["SecretAccessKey"], document["Token"]) == ("AK", "SK", "ST")
    assert document["Expiration"] == "2026-01-02T04:04:05Z"
    assert get("/latest/meta-data/iam/security-credentials/", replace(FACTS, credentials=None)).status == 404


def test_tags_keys_and_public_addresses_show_only_where_the_instance_has_them() -> None:
    bare = set(text("meta-data/").splitlines())
    assert not {"tags/", "public-keys/", "public-ipv4"} & bare
    instance = replace(
        INSTANCE,
        metadata=Metadata(tags=True),
        tags=(("Name", "dev"),),
        public_ip="127.1.2.3",
        key_name="mine",
    )
    rich = Facts(instance=instance, launch=Launch(public_key="ssh-ed25519 AAAA"))
    assert text("meta-data/tags/instance/Name", rich) == "dev"
    assert text("meta-data/public-ipv4", rich) == "127.1.2.3"
    assert text("meta-data/public-keys/", rich) == "0=mine"
    assert text("meta-data/public-keys/0/openssh-key", rich) == "ssh-ed25519 AAAA"
