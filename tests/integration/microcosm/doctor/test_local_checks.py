"""The checks of the configuration, the state and this computer."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ProfileNotFound

from microcosm.doctor import command as doctor_command
from microcosm.doctor.checks import Level
from microcosm.errors import OperatorError

from ..conftest import SESSION, Cloud
from ..overlay import raising, refusal
from .patient import ADDRESS, CHECKS, declared, found, look, patient


def test_a_bad_configuration_fails_with_every_problem_and_nothing_relies_on_it() -> None:
    """The sentences are those of `pulumi up`."""
    broken = declared(kubernetesVersion="1.2.3", nonsense=1)
    level, detail = found("configuration", patient(stack=broken))
    assert level == "FAIL"
    assert "kubernetesVersion is '1.2.3'" in detail
    assert "nonsense is not a known key" in detail
    assert {
        look(name, patient(stack=broken)).detail for name, check in CHECKS.items() if check.needs_config
    } == {"not looked at: the configuration is not valid"}


def test_windows_server_2019_is_best_effort() -> None:
    """As the matrix has it."""
    level, detail = found("versions", patient())
    assert (level, "best effort" in detail) == ("WARN", True)


@pytest.mark.parametrize(
    ("ranges", "address", "level", "words"),
    [
        ([f"{ADDRESS}/32"], ADDRESS, "PASS", f"{ADDRESS}/32 with your address {ADDRESS}"),
        (["20.30.41.0/24"], ADDRESS, "FAIL", f"your address {ADDRESS} is not in 20.30.41.0/24"),
        (["203.0.113.7/32"], ADDRESS, "FAIL", "203.0.113.7/32 is a range of examples"),
        (["8.0.0.0/8"], "8.8.8.8", "WARN", "8.0.0.0/8 lets 16777216 addresses at the API"),
        (["10.1.0.0/16", "8.8.8.8/32"], "8.8.8.8", "WARN", "10.1.0.0/16 is a private range"),
        (["8.8.8.8/32"], "", "WARN", "whether your own address is in 8.8.8.8/32 is not known: no network"),
        (["8.8.8.8/32"], "<html>", "WARN", "is not known: Expected 4 octets"),
    ],
)
def test_admin_ranges_are_sane_and_hold_this_computer(
    ranges: list[str], address: str, level: str, words: str
) -> None:
    """An address that is not known is never taken for one that is in."""

    def ask() -> str:
        if not address:
            raise OperatorError("no network")
        return address

    result = found("adminCidrs", patient(stack=declared(adminCidrs=ranges), address=ask))
    assert result[0] == level
    assert words in result[1]


def test_a_fake_cloud_is_not_asked_for_the_address() -> None:
    """It would not see the Internet's view of this computer, and a rehearsal sends nothing out."""
    with pytest.raises(OperatorError, match="AWS_ENDPOINT_URL is set"):
        doctor_command.caller_address({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("url", "level", "words"),
    [
        ("s3://state?region=eu-west-1", "PASS", "bucket state"),
        ("s3://absent", "FAIL", "there is no bucket 'absent'"),
        ("s3://state?endpoint=minio.local", "WARN", "is at an endpoint of its own"),
        ("file:///nowhere/at/all", "FAIL", "/nowhere/at/all is not a folder"),
        ("file:///tmp", "PASS", "/tmp, known to this computer alone"),
        ("https://api.pulumi.com", "PASS", "https://api.pulumi.com, as v3.999.0"),
    ],
)
def test_the_state_has_a_place(bucket: Cloud, url: str, level: str, words: str) -> None:
    """A bucket is asked itself; of other backends the Pulumi CLI knows."""
    result = found("state", patient(environ={"PULUMI_BACKEND_URL": url}))
    assert result[0] == level
    assert words in result[1]


@pytest.mark.parametrize(
    ("url", "settings"), [("s3://state", {}), ("s3://state?profile=states", {"profile": "states"})]
)
def test_the_state_is_asked_for_with_the_backends_own_credentials(
    bucket: Cloud, url: str, settings: dict[str, str]
) -> None:
    """Pulumi opens its state with the profile of the URL or the environment, whatever account the stack is
    in.
    """
    asked: list[Mapping[str, Any]] = []
    result = found(
        "state",
        patient(
            environ={"PULUMI_BACKEND_URL": url}, state_session=lambda wanted: asked.append(wanted) or SESSION
        ),
    )
    assert (result[0], asked) == ("PASS", [settings])


def test_a_backend_whose_profile_is_not_there_never_passes(bucket: Cloud) -> None:
    """Pulumi would stop there, although the environment's own keys could read the bucket."""

    def absent(settings: Mapping[str, Any]) -> Any:
        raise ProfileNotFound(profile=settings["profile"])

    url = {"PULUMI_BACKEND_URL": "s3://state?region=eu-west-1&awssdk=v2&profile=nosuch"}
    level, detail = found("state", patient(environ=url, state_session=absent))
    assert (level, "nosuch" in detail, "check AWS_PROFILE" in detail) == ("WARN", True, True)


def test_a_bucket_that_refuses_fails_and_an_unknown_answer_warns(bucket: Cloud) -> None:
    """HeadBucket has bare numbers for codes."""
    assert (
        found("state", patient({"s3.head_bucket": raising(refusal("HeadBucket", "403", "Forbidden"))}))[0]
        == "FAIL"
    )
    assert (
        found("state", patient({"s3.head_bucket": raising(refusal("HeadBucket", "500", "Oops"))}))[0]
        == "WARN"
    )


def test_the_backend_may_stand_in_the_project(bucket: Cloud, tmp_path: Path) -> None:
    """`backend:` of Pulumi.yaml; without one it is where somebody has logged in to."""
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\nbackend: {url: 's3://state'}\n")
    stack = replace(declared(), path=tmp_path / "Pulumi.dev.yaml")
    assert found("state", patient(stack=stack, environ={})) == ("PASS", "bucket state")
    out = patient(environ={}, run=lambda arguments: (255, "\nerror: PULUMI_ACCESS_TOKEN must be set\nmore"))
    assert found("state", out) == (
        "FAIL",
        "the backend that `pulumi login` chose: error: PULUMI_ACCESS_TOKEN must be set; run `pulumi login`",
    )
    assert found("state", patient(environ={}, which=lambda name: None))[0] == "WARN"


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        ((0, "v3.999.0\n"), "PASS", "v3.999.0"),
        ((0, "v3.1.0\n"), "WARN", "v3.1.0 is older than the program's SDK 3."),
        ((1, "boom\n"), "FAIL", "`pulumi version` ended with 1: boom"),
    ],
)
def test_pulumi_is_as_new_as_the_program(answer: tuple[int, str], level: str, words: str) -> None:
    """An older CLI may not know what the SDK asks of it."""
    result = found("pulumi", patient(run=lambda arguments: answer))
    assert result[0] == level
    assert result[1].startswith(words)


def test_missing_programs_fail_or_warn_by_what_they_are_for() -> None:
    """Without Pulumi nothing works; without the plugin only shell and rdp do not."""
    nothing = patient(which=lambda name: None)
    assert look("pulumi", nothing).level is Level.FAIL
    assert look("sessions", nothing).level is Level.WARN


def test_a_program_that_is_not_there_or_hangs_has_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it becomes a traceback."""
    assert doctor_command.run(["/nowhere/pulumi"]) == (127, "/nowhere/pulumi is not on PATH")
    monkeypatch.setattr(doctor_command, "PROGRAM_SECONDS", 0.05)
    assert doctor_command.run(["sleep", "5"])[0] == 124
    assert doctor_command.run(["echo", "x"]) == (0, "x\n")
