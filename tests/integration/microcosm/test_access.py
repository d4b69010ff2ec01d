"""Entering a machine: the node name, the session's command, the password, and every failure."""

import base64
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from microcosm import options
from microcosm.access import machine as access
from microcosm.access import password as access_password
from microcosm.access import session as access_session
from microcosm.aws import machines
from microcosm.aws.machines import Machine
from microcosm.errors import OperatorError, UsageError
from microcosm.pulumi_cli.target import resolve
from tests.support.stories import START, machine

from .conftest import SESSION, TARGET, Cloud
from .overlay import Overlay
from .test_cli import HERE, run

PASSWORD = "Xq(2!kfj?WcN0pass"


@pytest.fixture(scope="module")
def keys() -> list[RSAPrivateKey]:
    """Two key pairs."""
    return [generate_private_key(65537, 2048) for _ in range(2)]


def pem(key: Any, passphrase: bytes = b"", style: str = "PKCS8") -> bytes:
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, getattr(serialization.PrivateFormat, style), locked)


def encrypted(key: RSAPrivateKey) -> str:
    """The password as EC2 keeps it."""
    return base64.b64encode(key.public_key().encrypt(PASSWORD.encode(), PKCS1v15())).decode()


def windows(launched: float = START) -> Machine:
    return Machine(node="windows-0", os="windows-2019", instance="i-1", state="running", launched=launched)


def ec2(password: str = "", key_name: str = "ops") -> Overlay:
    """EC2 as it answers about one instance."""
    instance = {"InstanceId": "i-1"} | ({"KeyName": key_name} if key_name else {})
    answers: dict[str, Callable[..., Any]] = {
        "ec2.describe_instances": lambda **_: {"Reservations": [{"Instances": [instance]}]},
        "ec2.get_password_data": lambda **_: {"PasswordData": password},
    }
    return Overlay(SESSION, answers)


# --- which machine ---


def test_a_name_means_the_newest_machine_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that is being replaced is there twice for a while."""
    twice = [machine("linux-0", launched=60), machine("linux-0", launched=5), machine("linux-1", launched=99)]
    monkeypatch.setattr(machines, "machines", lambda session, stack: twice)
    assert access.find(SESSION, TARGET, "linux-0") is twice[0]


def test_an_unknown_name_is_answered_with_the_known_ones(cloud: Cloud) -> None:
    """Most often it is misspelt."""
    cloud.machine("control-plane")
    cloud.machine("windows-0", "windows-2019")
    with pytest.raises(
        UsageError, match=r"has no node 'windows0' in eu-west-1: its nodes are control-plane, windows-0$"
    ):
        access.find(cloud.session, TARGET, "windows0")


def test_a_stack_without_machines_is_told_as_such(cloud: Cloud) -> None:
    """There is no name to propose."""
    with pytest.raises(OperatorError, match="has no machines in eu-west-1: is it up"):
        access.find(cloud.session, TARGET, "linux-0")


def test_a_stopped_machine_is_refused_with_the_way_to_start_it(cloud: Cloud) -> None:
    """Session Manager would only time out."""
    instance = cloud.machine("linux-0")
    cloud.client("ec2").stop_instances(InstanceIds=[instance])
    with pytest.raises(
        OperatorError, match=f"is stopped: start it with `aws ec2 start-instances --instance-ids {instance}`"
    ):
        access.require_running(access.find(cloud.session, TARGET, "linux-0"))


def test_the_only_windows_machine_needs_no_name(cloud: Cloud) -> None:
    """With none or several there is something to say."""
    cloud.machine("linux-0")
    with pytest.raises(UsageError, match="has no Windows node"):
        access.only_windows(cloud.session, TARGET)
    first = cloud.machine("windows-0", "windows-2019")
    assert access.only_windows(cloud.session, TARGET).instance == first
    cloud.machine("windows-1", "windows-2022")
    with pytest.raises(UsageError, match=r"several Windows nodes: name one of windows-0, windows-1"):
        access.only_windows(cloud.session, TARGET)


# --- the session ---


def test_the_port_is_forwarded_by_the_document_that_the_plugin_knows() -> None:
    """The parameters are JSON of lists, as the AWS CLI wants them."""
    command = access_session.port_command(TARGET, "i-1", 3389, 50000)
    assert command[:7] == ["aws", "ssm", "start-session", "--region", "eu-west-1", "--target", "i-1"]
    assert command[7:10] == ["--document-name", "AWS-StartPortForwardingSession", "--parameters"]
    assert json.loads(command[10]) == {"portNumber": ["3389"], "localPortNumber": ["50000"]}


@pytest.mark.parametrize("there", [["aws"], ["session-manager-plugin"], []])
def test_missing_programs_are_named_with_where_to_get_them(there: list[str]) -> None:
    """Both are needed, and each has its own page."""
    with pytest.raises(OperatorError) as refused:
        access_session.require_programs(lambda name: name if name in there else None)
    for name, page in access_session.PROGRAMS.items():
        assert (page in str(refused.value)) == (name not in there)


def test_a_taken_port_is_refused_and_a_free_one_is_free() -> None:
    """The plugin's own message comes late and unclear."""
    assert access_session.refuse_taken(access_session.free_port())
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OperatorError, match=r"--port \d+ cannot be used \(Address already in use\)"):
            access_session.refuse_taken(other.getsockname()[1])


def test_ctrl_c_belongs_to_the_session() -> None:
    """It ends what runs in the session, not the command that holds it, and works as before afterwards."""
    before = signal.getsignal(signal.SIGINT)
    child = (
        "import os, signal; os.kill(os.getppid(), signal.SIGINT); raise SystemExit(7 + 2 * "
        "(signal.getsignal(2) is signal.SIG_IGN))"
    )
    assert access_session.run([sys.executable, "-S", "-c", child]) == 7
    assert signal.getsignal(signal.SIGINT) is before


# --- the password ---


@pytest.mark.parametrize("style", ["TraditionalOpenSSL", "PKCS8", "OpenSSH"])
def test_the_password_is_decrypted_with_the_key_in_any_form(
    keys: list[RSAPrivateKey], tmp_path: Path, style: str
) -> None:
    """EC2 gives out the first form; ssh-keygen writes the last."""
    path = tmp_path / "key"
    path.write_bytes(pem(keys[0], style=style))
    key = access_password.read_key(path, lambda: pytest.fail("no passphrase is needed"))
    assert access_password.fetch(ec2(encrypted(keys[0])), windows(), key) == PASSWORD


def test_a_protected_key_asks_for_its_passphrase(keys: list[RSAPrivateKey], tmp_path: Path) -> None:
    """A wrong passphrase has an error of its own."""
    path = tmp_path / "key"
    path.write_bytes(pem(keys[0], b"horse"))
    assert access_password.read_key(path, lambda: "horse").private_numbers() == keys[0].private_numbers()
    with pytest.raises(UsageError, match="the passphrase is wrong"):
        access_password.read_key(path, lambda: "donkey")


def test_a_wrong_key_is_told_with_the_right_one(keys: list[RSAPrivateKey]) -> None:
    """The library gives random bytes instead of an error; they must never be shown as a password."""
    for _ in range(20):
        with pytest.raises(
            OperatorError,
            match="was encrypted for the key pair 'ops': --key is the private key of another pair",
        ):
            access_password.fetch(ec2(encrypted(keys[0])), windows(), keys[1])


@pytest.mark.parametrize(
    "garbage",
    [
        b"abc",
        b"line\nline\nline",
        b"\x01\x02\x03\x04\x05\x06\x07\x08\x09",
        "gar\u00e7on-gar\u00e7on".encode(),
        b"",
    ],
)
def test_what_cannot_be_a_password_is_taken_for_a_wrong_keys_doing(
    keys: list[RSAPrivateKey], garbage: bytes
) -> None:
    """Random bytes are now and then text by chance."""
    secret = base64.b64encode(keys[0].public_key().encrypt(garbage, PKCS1v15())).decode()
    with pytest.raises(OperatorError, match="it: --key is the private key of another pair"):
        access_password.decrypt(secret, keys[0], "it")


@pytest.mark.parametrize(
    ("session", "age", "words"),
    [
        (ec2(), 240, "launched 4m 00s ago: Windows takes up to 15m 00s, try again later"),
        (ec2(), 1200, r"Windows takes at most 15m 00s: `microcosm shell windows-0` needs no password"),
        (
            ec2(key_name=""),
            1200,
            r"was launched without a key pair, so EC2 has no password: `microcosm shell windows-0`",
        ),
    ],
)
def test_no_password_has_three_reasons(
    keys: list[RSAPrivateKey], session: Overlay, age: float, words: str
) -> None:
    """Not yet, not at all, and never."""
    with pytest.raises(OperatorError, match=words):
        access_password.fetch(session, windows(), keys[0], lambda: START + age)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, r"cannot be read \(No such file or directory\)"),
        (b"ssh-rsa AAAA", "is not a private key in PEM or OpenSSH form"),
        (pem(ed25519.Ed25519PrivateKey.generate(), style="OpenSSH"), "is no RSA key"),
    ],
)
def test_what_is_no_rsa_private_key_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    """The public half is the usual mistake."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        access_password.read_key(path, lambda: "")


# --- the commands ---


@pytest.fixture
def stack(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, keys: list[RSAPrivateKey]) -> str:
    """Create one machine of each kind and hide the session programs; return the id of the Windows machine."""
    cloud.machine("linux-0")
    instance = cloud.machine("windows-0", "windows-2019", KeyName="ops")
    session = Overlay(
        cloud.session, {"ec2.get_password_data": lambda **_: {"PasswordData": encrypted(keys[0])}}
    )
    monkeypatch.setattr(options, "connect", lambda stack, region: (resolve(stack, region), session))
    monkeypatch.setattr(access_session.shutil, "which", lambda name: None)
    return instance


def test_shell_prints_the_command_as_text_and_as_json(stack: str) -> None:
    """So it can be read before it is run, without the programs."""
    command = f"aws ssm start-session --region eu-west-1 --target {stack}"
    assert run("shell", *HERE, "windows-0", "--print") == (0, f"{command}\n")
    assert json.loads(run("shell", *HERE, "windows-0", "--json")[1])["command"] == command.split()


def test_rdp_tells_address_user_and_password(stack: str, keys: list[RSAPrivateKey], tmp_path: Path) -> None:
    """The local port in the address is the one in the command; without --key there is no password."""
    path = tmp_path / "key"
    path.write_bytes(pem(keys[0]))
    told = json.loads(run("rdp", *HERE, "--json", "--key", str(path))[1])
    assert (told["node"], told["user"], told["password"]) == ("windows-0", "Administrator", PASSWORD)
    assert json.loads(told["command"][-1])["localPortNumber"] == [told["address"].removeprefix("127.0.0.1:")]
    assert "password" not in json.loads(run("rdp", *HERE, "--json")[1])


def test_the_session_is_run_and_its_failure_explained(
    stack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The password is shown before, on standard output alone."""
    ran: list[list[str]] = []
    monkeypatch.setattr(access_session, "require_programs", lambda: None)
    monkeypatch.setattr(
        access_session.subprocess,
        "run",
        lambda command, check: ran.append(command) or subprocess.CompletedProcess(command, 255),
    )
    with pytest.raises(OperatorError, match="the session with windows-0 ended with 255: if it did not start"):
        run("rdp", *HERE, "--port", str(access_session.free_port()))
    assert ran[0][0] == "aws"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (
            ["rdp", "linux-0"],
            UsageError,
            "linux-0 runs ubuntu-24.04, which has no desktop: use `microcosm shell linux-0`",
        ),
        (["shell", "linux-0"], OperatorError, "a session needs a program that is not on PATH"),
        (["shell", "nobody"], UsageError, "its nodes are linux-0, windows-0"),
    ],
)
def test_what_cannot_be_entered_is_one_sentence(
    stack: str, arguments: list[str], error: type[OperatorError], words: str
) -> None:
    """Nothing was started."""
    with pytest.raises(error, match=words):
        run(arguments[0], *HERE, *arguments[1:])


@pytest.mark.parametrize("command", ["shell", "rdp", "logs", "doctor"])
def test_each_command_has_help_with_an_example_and_json(command: str) -> None:
    """--help is where people learn it."""
    code, text = run(command, "--help")
    assert code == 0
    assert f"Example: microcosm {command} --stack dev" in " ".join(text.split()).replace("`", "")
    assert "--json" in text
