"""Which stack and region a command is about."""

from pathlib import Path

import pytest

from microcosm.errors import UsageError
from microcosm.pulumi_cli.target import Target, resolve


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one stack file."""
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-central-1\n")
    (tmp_path / "deep" / "down").mkdir(parents=True)
    return tmp_path


def test_the_only_stack_file_names_stack_and_region(project: Path) -> None:
    """A project with one stack needs no option, from any directory below it."""
    assert resolve(None, None, project / "deep" / "down", {}) == Target(stack="dev", region="eu-central-1")


def test_options_win_over_files_and_environment(project: Path) -> None:
    """What is typed counts."""
    environ = {"PULUMI_STACK": "staging", "AWS_REGION": "us-west-2"}
    assert resolve("pr-7", "eu-west-3", project, environ) == Target(stack="pr-7", region="eu-west-3")


def test_the_environment_fills_in_what_no_file_says(project: Path) -> None:
    """A preview's stack has no file on the operator's machine."""
    assert resolve(
        None, None, project, {"PULUMI_STACK": "pr-7", "AWS_DEFAULT_REGION": "us-west-2"}
    ) == Target(stack="pr-7", region="us-west-2")


def test_the_stack_file_wins_over_an_ambient_region(project: Path) -> None:
    """A region that happens to be set in the shell does not move a stack elsewhere."""
    assert resolve("dev", None, project, {"AWS_REGION": "us-west-2"}).region == "eu-central-1"


def test_several_stacks_are_named_in_the_question(project: Path) -> None:
    """The choice is shown to whoever must make it."""
    (project / "Pulumi.live.yaml").touch()
    with pytest.raises(UsageError, match=r"this project has dev, live: name one with --stack"):
        resolve(None, None, project, {})


def test_outside_a_project_a_stack_must_be_named(tmp_path: Path) -> None:
    """There is nothing to guess from."""
    with pytest.raises(UsageError, match=r"no Pulumi\.<stack>\.yaml was found"):
        resolve(None, "eu-west-1", tmp_path, {})


@pytest.mark.parametrize("stack", ["../dev", "org/microcosm/dev", "Dev", "d", "dev'", "x" * 40, "dev\n"])
def test_a_name_that_cannot_be_a_stack_is_refused(stack: str, tmp_path: Path) -> None:
    """A stack's name becomes part of parameter paths and tags: nothing else may pass."""
    with pytest.raises(UsageError, match="give the bare name of a stack"):
        resolve(stack, "eu-west-1", tmp_path, {})


def test_a_missing_region_is_asked_for(tmp_path: Path) -> None:
    """No region is ever assumed."""
    with pytest.raises(UsageError, match="which region"):
        resolve("dev", None, tmp_path, {})


@pytest.mark.parametrize("content", ["config: [", "\tx", "config: 7", "- a", "config:\n  aws:region: [1]"])
def test_a_stack_file_of_another_shape_never_ends_in_a_traceback(content: str, project: Path) -> None:
    """Broken YAML is named; YAML that says nothing about the region is as good as none."""
    (project / "Pulumi.dev.yaml").write_text(content)
    with pytest.raises(UsageError):
        resolve("dev", None, project, {})
