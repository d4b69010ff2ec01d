"""The floor: what the program declares of a stack's end, and what a Linux machine does about it."""

import base64
import gzip
import json
import subprocess
import time
from pathlib import Path

import pytest

from infra import iam
from infra.config import expiry
from infra.config.naming import Names
from infra.node import userdata
from tests.support.engine import plain
from tests.support.stacks import STACKS, deployed, run

GZIP = b"\x1f\x8b"
DATES = ("2027-01-31T18:00:00Z", "2027-02-01T18:00:00Z")
SCRIPT = userdata.SCRIPTS / "linux" / "expiry.sh"
# What expiry.sh finds in common.sh, with a file in the place of the parameter and a log in the place of
# systemctl.
SURROUNDINGS = """
set -o errexit -o nounset -o pipefail -o errtrace
STATE={folder}
eval "$(sed -n '/^keep() /p' "{common}")"
log() {{ echo "$*" >&2; }}
get_parameter() {{ cat "$STATE/parameter"; }}
systemctl() {{ echo "$@" >>"$STATE/log"; }}
repeat() {{ echo "repeat $*" >>"$STATE/log"; }}
date() {{ if [ "$*" = +%s ]; then echo "{now}"; else command date "$@"; fi; }}
"""


@pytest.fixture(scope="module")
def deployments():
    """Of a stack without an end and of two with different ends."""
    ends, changes = STACKS["that-ends"], {"expiresAt": DATES[1]}
    assert ends["expiresAt"] == DATES[0]
    return [deployed("committed", "up"), deployed("that-ends", "up"), run(ends | changes)]


def parameters(deployment):
    return [
        found
        for found in deployment.of("aws:ssm/parameter:Parameter")
        if found.inputs["name"] == "/microcosm/dev/expiry"
    ]


def test_a_stack_with_an_end_declares_it_for_its_machines(deployments):
    (declared,) = parameters(deployments[1])
    assert json.loads(plain(declared.inputs["value"])) == {
        "expiresAt": DATES[0],
        "graceMinutes": expiry.GRACE_MINUTES,
    }
    assert "value" in declared.ignore_changes, (
        "an up from an older configuration would shorten an extended life"
    )
    assert parameters(deployments[0]) == []


def test_the_parameter_is_there_before_every_machine_and_goes_after_them(deployments):
    (declared,) = parameters(deployments[1])
    machines = deployments[1].of("aws:ec2/instance:Instance")
    assert len(machines) == 3
    assert all(declared.urn in machine.dependencies for machine in machines)


def test_another_date_means_no_other_machine(deployments):
    """User-data that differs replaces the machine."""
    first, second = (
        {
            m.name: (m.inputs.get("userData"), m.inputs.get("userDataBase64"))
            for m in d.of("aws:ec2/instance:Instance")
        }
        for d in deployments[1:]
    )
    assert first == second


def test_a_linux_machine_of_a_stack_with_an_end_has_the_timer_and_another_has_not(deployments):
    for deployment, expected in zip(deployments, (False, True, True), strict=True):
        for machine in deployment.of("aws:ec2/instance:Instance"):
            if "userDataBase64" in machine.inputs:
                raw = base64.b64decode(machine.inputs["userDataBase64"])
                assert len(raw) < userdata.RAW_LIMIT_BYTES
                text = gzip.decompress(raw) if raw.startswith(GZIP) else raw
                assert (b"end_when_expired" in text) is expected


@pytest.mark.parametrize("role", iam.ACCESS)
@pytest.mark.parametrize(
    ("names", "expected"), [(Names(stack="dev"), False), (Names(stack="dev", expires_at=DATES[0]), True)]
)
def test_every_role_may_read_the_end_and_none_may_move_it(role, names, expected):
    document = json.loads(iam.role_policy(role, names, account="1", region="r", partition="aws"))
    for statement in document["Statement"]:
        named = any(resource.endswith("/microcosm/dev/expiry") for resource in statement["Resource"])
        assert named is (expected and statement["Action"] == "ssm:GetParameter")


def timer(folder: Path, argument: str, now: float) -> str:
    """Runs the part as the timer does; what it had systemctl do."""
    (folder / "log").unlink(missing_ok=True)
    text = (
        SURROUNDINGS.format(folder=folder, now=int(now), common=SCRIPT.with_name("common.sh"))
        + SCRIPT.read_text()
    )
    subprocess.run(["bash", "-c", text, "node", argument], check=True, timeout=10, capture_output=True)
    return (folder / "log").read_text() if (folder / "log").exists() else ""


def published(folder: Path, seconds: float) -> None:
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    (folder / "parameter").write_text(json.dumps({"expiresAt": date, "graceMinutes": 60}))


def test_a_linux_machine_ends_at_the_expiry_and_its_grace(tmp_path):
    now = time.time()
    published(tmp_path, now)
    assert timer(tmp_path, "expiry", now + 3500) == ""
    assert timer(tmp_path, "expiry", now + 3700) == "poweroff\n"


def test_a_linux_machine_follows_an_extension(tmp_path):
    now = time.time()
    published(tmp_path, now)
    timer(tmp_path, "expiry", now)
    published(tmp_path, now + 7200)
    assert timer(tmp_path, "expiry", now + 3700) == ""


@pytest.mark.parametrize("answer", [None, "pending", "{}", ""])
def test_a_linux_machine_that_cannot_ask_goes_by_what_it_last_read(tmp_path, answer):
    now = time.time()
    published(tmp_path, now)
    timer(tmp_path, "expiry", now)
    (tmp_path / "parameter").unlink()
    if answer is not None:
        (tmp_path / "parameter").write_text(answer)
    assert timer(tmp_path, "expiry", now + 3500) == ""
    assert timer(tmp_path, "expiry", now + 3700) == "poweroff\n"


@pytest.mark.parametrize("kept", [b"", bytes(10), b"12", b"1700000000 and more", b"\xff" * 10], ids=repr)
def test_a_file_that_power_was_lost_over_ends_no_machine(tmp_path, kept):
    """Bash compares with nothing as an error, which counted as over; the longest life counts from here."""
    now = time.time()
    (tmp_path / "expiry").write_bytes(kept)
    assert timer(tmp_path, "expiry", now) == ""
    assert timer(tmp_path, "expiry", now + 74 * 3600) == "poweroff\n"


def test_a_file_with_two_ends_ends_no_machine_before_the_first(tmp_path):
    """Bash compares with two lines as an error, too."""
    now = time.time()
    (tmp_path / "expiry").write_text(f"{now + 3600:.0f}\n{now + 7200:.0f}\n")
    assert timer(tmp_path, "expiry", now) == ""
    assert timer(tmp_path, "expiry", now + 3601) == "poweroff\n"


def test_an_end_that_cannot_be_kept_leaves_the_one_before(tmp_path):
    """The disk is full."""
    now = time.time()
    published(tmp_path, now)
    timer(tmp_path, "expiry", now)
    before = (tmp_path / "expiry").read_text()
    (tmp_path / "expiry.new").mkdir()
    published(tmp_path, now + 7200)
    assert timer(tmp_path, "expiry", now + 3700) == "", "the end that was read counts all the same"
    assert (tmp_path / "expiry").read_text() == before


def test_a_linux_machine_that_never_could_ask_ends_after_the_longest_life(tmp_path):
    now = time.time()
    assert timer(tmp_path, "expiry", now) == ""
    assert timer(tmp_path, "expiry", now + 72 * 3600) == ""
    assert timer(tmp_path, "expiry", now + 74 * 3600) == "poweroff\n"
