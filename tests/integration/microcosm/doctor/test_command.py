"""The command: its table, its JSON, its exit codes."""

import json
from pathlib import Path

import pytest
import yaml

from microcosm import options
from microcosm.doctor import checks as doctor
from microcosm.doctor import command as doctor_command
from microcosm.doctor import report as doctor_report
from microcosm.doctor import stack as doctor_stack
from microcosm.errors import UsageError
from microcosm.pulumi_cli.target import Target

from ..conftest import REGION, TARGET, Cloud
from ..overlay import Overlay
from ..test_cli import run
from .patient import ADDRESS, HEALTHY


@pytest.fixture
def project(account: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project with one stack, in which the command is run."""
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\nruntime: python\n")
    config = {"aws:region": REGION, "microcosm:adminCidrs": [f"{ADDRESS}/32"], "microcosm:keyName": "ops"}
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
    session = Overlay(account.session, HEALTHY)
    monkeypatch.setattr(
        options,
        "connect",
        lambda stack, region, file: (Target(stack=stack or "dev", region=region or REGION), session),
    )
    monkeypatch.setattr(doctor_command, "caller_address", lambda environ: ADDRESS)
    monkeypatch.setattr(doctor_command, "run", lambda arguments: (0, "v3.999.0"))
    monkeypatch.setattr(doctor_command.shutil, "which", lambda name: name)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_prints_a_table_and_its_sum(project: Path) -> None:
    """Warnings alone are exit 0."""
    code, text = run("doctor")
    assert code == 0
    assert text.splitlines()[0].split() == ["CHECK", "RESULT", "DETAIL"]
    assert text.endswith("16 PASS, 1 WARN, 0 FAIL: `pulumi up` can work\n")


def test_a_failure_is_exit_1_and_stands_in_the_json(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a pipeline that asks before it spends."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://absent")
    code, text = run("doctor", "--json", "--config", str(project / "Pulumi.dev.yaml"))
    told = json.loads(text)
    assert (code, told["ok"], told["stack"], told["region"]) == (1, False, "dev", REGION)
    assert [check["name"] for check in told["checks"] if check["result"] == "FAIL"] == ["state"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, r"cannot be read \(.*No such file"),
        ("a: [", r"cannot be read \(while parsing"),
        ("- 1", r"has no `config:`"),
    ],
)
def test_a_file_that_is_none_is_misuse(tmp_path: Path, content: str | None, words: str) -> None:
    """One sentence, before anything is asked."""
    path = tmp_path / "Pulumi.other.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=words):
        run("doctor", "--config", str(path))


def test_a_stack_without_a_file_is_misuse(tmp_path: Path) -> None:
    """The file is looked for where Pulumi looks for it."""
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\n")
    with pytest.raises(UsageError, match=r"there is no Pulumi\.absent\.yaml from here upwards"):
        doctor_stack.file_of("absent", tmp_path)


def test_a_stacks_file_tells_its_name() -> None:
    """As Pulumi names them."""
    assert doctor_stack.stack_of(Path("/x/Pulumi.pr-7.yaml")) == "pr-7"
    assert doctor_stack.stack_of(Path("/x/Pulumi.yaml")) is None
    assert doctor_report.summary(doctor.Diagnosis(target=TARGET)).startswith("0 PASS")
