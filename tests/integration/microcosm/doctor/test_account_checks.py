"""The checks of the account: credentials, region, zones, images, key pair."""

from typing import Any

import pytest

from microcosm.doctor import account as doctor_account
from microcosm.doctor import checks as doctor
from microcosm.doctor.checks import Level

from ..conftest import SESSION, Cloud
from ..overlay import Overlay, raising, refusal
from .patient import ACCOUNT, CHECKS, declared, found, patient


def test_a_fake_cloud_is_told_as_one(cloud: Cloud) -> None:
    """Or its PASSes would be taken for AWS's."""
    assert found("credentials", patient())[1].startswith(f"account {ACCOUNT} as ")
    assert (
        "http://127.0.0.1:5000, so this is not AWS itself"
        in found("credentials", patient(environ={"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}))[1]
    )


@pytest.mark.parametrize(
    ("regions", "level", "words"),
    [
        ([{"OptInStatus": "opt-in-not-required"}], "PASS", "eu-west-1"),
        ([{"OptInStatus": "not-opted-in"}], "FAIL", "eu-west-1 is not enabled in this account"),
        ([], "FAIL", "eu-west-1 is not a region of AWS: set aws:region in Pulumi.dev.yaml"),
    ],
)
def test_a_region_exists_and_is_enabled(regions: list[dict[str, str]], level: str, words: str) -> None:
    """Newer regions have to be enabled first."""
    result = found("region", patient({"ec2.describe_regions": lambda **_: {"Regions": regions}}))
    assert result[0] == level
    assert result[1].startswith(words)


REFUSED = {
    "sts.get_caller_identity": raising(
        refusal("GetCallerIdentity", "InvalidClientTokenId", "The security token is invalid")
    ),
    "ec2.describe_regions": raising(
        refusal("DescribeRegions", "AuthFailure", "AWS was not able to validate the credentials")
    ),
}


def test_a_region_that_is_not_enabled_refuses_the_keys_and_is_named(cloud: Cloud) -> None:
    """There STS does not know the account's keys; a region that is always on does."""
    regions = {"ec2.describe_regions": lambda **_: {"Regions": [{"OptInStatus": "not-opted-in"}]}}
    who = patient(REFUSED, home_session=lambda: Overlay(SESSION, regions))
    diagnosis = doctor.diagnose(who, doctor_account.CREDENTIALS, [CHECKS["region"]])
    told = [(verdict.level, verdict.detail) for _, verdict in diagnosis.findings]
    assert (told[0][0], told[0][1].split(" as ")[0]) == (Level.PASS, f"account {ACCOUNT}")
    assert (told[1][0], told[1][1].split(":")[0]) == (Level.FAIL, "eu-west-1 is not enabled in this account")


def test_keys_that_no_region_knows_are_no_account(cloud: Cloud) -> None:
    who = patient(REFUSED, home_session=lambda: Overlay(SESSION, REFUSED))
    first, region = doctor.diagnose(who, doctor_account.CREDENTIALS, [CHECKS["region"]]).findings
    assert (first[1].level, "does not accept the credentials" in first[1].detail) == (Level.FAIL, True)
    assert region[1].detail == "not looked at: there is no account to look into"


def test_a_refusal_for_another_reason_is_asked_nowhere_else(cloud: Cloud) -> None:
    expired = {"sts.get_caller_identity": raising(refusal("GetCallerIdentity", "ExpiredToken"))}
    found = doctor.diagnose(
        patient(expired, home_session=lambda: 1 // 0), doctor_account.CREDENTIALS, []
    ).findings
    assert (found[0][1].level, "have expired" in found[0][1].detail) == (Level.FAIL, True)


def offering(**zones: str) -> dict[str, Any]:
    """Zones a, b, ... with the types that each offers."""
    offers = [
        {"Location": f"eu-west-1{zone}", "InstanceType": kind}
        for zone, kinds in zones.items()
        for kind in kinds.split()
    ]
    return {
        "ec2.describe_instance_type_offerings": lambda **_: {"InstanceTypeOfferings": offers},
        "ec2.describe_availability_zones": lambda: {
            "AvailabilityZones": [
                {"ZoneName": f"eu-west-1{zone}", "State": "available" if kinds else "impaired"}
                for zone, kinds in zones.items()
            ]
        },
    }


BOTH = "t3.medium t3.large"


@pytest.mark.parametrize(
    ("zones", "named", "level", "words"),
    [
        ({"a": BOTH, "b": BOTH}, [], "PASS", "eu-west-1a, the first that has t3.large, t3.medium"),
        ({"a": "t3.medium", "b": BOTH}, [], "PASS", "eu-west-1b, the first that has t3.large, t3.medium"),
        ({"a": "t3.medium", "b": "t3.large"}, [], "FAIL", "no zone of the region has all of"),
        ({"a": "t3.medium", "b": BOTH}, ["eu-west-1b"], "PASS", "eu-west-1b: each has"),
        (
            {"a": "t3.medium", "b": BOTH},
            ["eu-west-1a"],
            "FAIL",
            "eu-west-1a has no t3.large: choose another zone or type",
        ),
        (
            {"a": BOTH, "b": ""},
            ["eu-west-1b"],
            "FAIL",
            "eu-west-1b cannot be used here: set availabilityZones to some of eu-west-1a",
        ),
    ],
)
def test_zones_offer_what_is_asked(zones: dict[str, str], named: list[str], level: str, words: str) -> None:
    """Without a named zone AWS chooses, and not by the types."""
    result = found("zones", patient(offering(**zones), declared(availabilityZones=named)))
    assert result[0] == level
    assert words in result[1]


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, "PASS", "ami-"),
        ({"State": "disabled"}, "FAIL", "is disabled: choose another os or region"),
        ({"Architecture": "arm64"}, "FAIL", "is arm64, not x86_64"),
        ({"DeprecationTime": "2020-01-01T00:00:00.000Z"}, "WARN", "deprecated by its publisher"),
        ({"DeprecationTime": "2099-01-01T00:00:00.000Z"}, "PASS", "ami-"),
        (
            {"BlockDeviceMappings": [{"Ebs": {"VolumeSize": 200}}]},
            "FAIL",
            "needs 200 GB: raise diskSizeGb from 30",
        ),
    ],
)
def test_images_live_and_fit(published: Cloud, changes: dict[str, Any], level: str, words: str) -> None:
    """Windows images are withdrawn after some months."""
    real = published.client("ec2").describe_images
    answers = {
        "ec2.describe_images": lambda **asked: {
            "Images": [image | changes for image in real(**asked)["Images"]]
        }
    }
    result = found("images", patient(answers))
    assert result[0] == level
    assert words in result[1]


def test_a_parameter_that_is_not_published_is_named(cloud: Cloud) -> None:
    """As in a region that an operating system has not come to."""
    level, detail = found("images", patient())
    assert level == "FAIL"
    assert "AWS publishes no /aws/service/" in detail
    assert "Windows_Server-2019-English-Core-Base" in detail


@pytest.mark.parametrize(
    ("name", "level", "words"),
    [
        ("ops", "PASS", "'ops', rsa"),
        ("curve", "FAIL", "'curve' is ed25519: EC2 starts Windows with RSA pairs only"),
        ("absent", "FAIL", "there is no key pair 'absent' in eu-west-1"),
        ("", "WARN", "no keyName: EC2 will have no Windows password for `microcosm rdp`"),
    ],
)
def test_the_key_pair_is_one_for_windows(keys: Cloud, name: str, level: str, words: str) -> None:
    """Without any, the password cannot be had, which one may live with."""
    result = found("key pair", patient(stack=declared(keyName=name)))
    assert result[0] == level
    assert words in result[1]


def made_key(cloud: Cloud, **how: str) -> str:
    return str(cloud.client("kms").create_key(**how)["KeyMetadata"]["KeyId"])


@pytest.mark.parametrize(
    ("how", "disabled", "level", "words"),
    [
        ({}, False, "PASS", "{key}"),
        ({}, True, "FAIL", "{key} is Disabled: enable it"),
        ({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}, False, "FAIL", "{key} is RSA_2048: name"),
        (
            {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
            False,
            "FAIL",
            "{key} is HMAC_256: name",
        ),
    ],
)
def test_the_key_of_the_documents_encrypts(
    cloud: Cloud, how: dict[str, str], disabled: bool, level: str, words: str
) -> None:
    key = made_key(cloud, **how)
    if disabled:
        cloud.client("kms").disable_key(KeyId=key)
    result = found("KMS key", patient(stack=declared(kmsKeyId=key)))
    assert (result[0], result[1].startswith(words.format(key=key))) == (level, True)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "AWS's own"),
        (ABSENT := "6c0f3d4e-1b2a-4c5d-8e9f-0a1b2c3d4e5f", f"there is no key {ABSENT} in eu-west-1"),
        (
            f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{ABSENT}",
            f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{ABSENT} is of",
        ),
    ],
)
def test_a_key_of_elsewhere_or_nowhere_is_told(cloud: Cloud, key: str, words: str) -> None:
    assert found("KMS key", patient(stack=declared(kmsKeyId=key)))[1].startswith(words)
