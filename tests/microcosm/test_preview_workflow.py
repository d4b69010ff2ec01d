"""The workflow: it parses, its actions are pinned, forks and pull requests' own branches get no more than they should."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from microcosm import preview_comment

FILE = Path(__file__).resolve().parents[2] / ".github" / "workflows" / "preview.yml"
# YAML reads the key `on` as true.
WORKFLOW: dict[Any, Any] = yaml.safe_load(FILE.read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]


def test_every_action_is_pinned_by_its_whole_commit_with_the_version_beside_it() -> None:
    """A tag can be moved to other code, which would run with the role."""
    uses = re.findall(r"uses: (\S+)(.*)", FILE.read_text())
    assert len(uses) >= 8
    assert [name for name, version in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) or not re.fullmatch(r" # v\d+(\.\d+)*", version)] == []


def test_nothing_that_a_stranger_writes_reaches_a_shell() -> None:
    """Expressions are pasted into the script before it runs."""
    assert [step["run"] for step in STEPS if "${{" in step.get("run", "")] == []


def test_each_job_has_only_the_rights_it_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"].get("contents") for name, job in JOBS.items()} == {"up": "read", "down": "read", "reap": "read"}
    assert JOBS["up"]["permissions"]["pull-requests"] == "write"


def test_the_default_branch_destroys() -> None:
    """The branch of a closed pull request may be gone or broken; and with pull_request_target its code must not run."""
    for name in ("down", "reap"):
        checkouts = [step for step in JOBS[name]["steps"] if "actions/checkout" in step.get("uses", "")]
        assert [step["with"]["ref"] for step in checkouts] == ["${{ github.event.repository.default_branch }}"]
    assert "pull_request_target" not in JOBS["up"]["if"]


def test_a_fork_gets_no_preview() -> None:
    """By the event where it tells, and by asking where a comment does not."""
    assert "head.repo.full_name == github.repository" in JOBS["up"]["if"]
    assert ".isCrossRepository == false" in JOBS["up"]["steps"][0]["run"]


def test_one_run_a_preview_at_a_time_and_none_is_cancelled() -> None:
    """A cancelled `up` leaves a lock and half of a cluster."""
    groups = [job["concurrency"]["group"] for job in JOBS.values()]
    assert all("preview-" in group for group in groups)
    assert not any(job["concurrency"]["cancel-in-progress"] for job in JOBS.values())


def test_the_pulumi_that_is_installed_is_the_one_of_the_lock_file() -> None:
    versions = {step["with"]["pulumi-version"] for step in STEPS if "pulumi/actions" in step.get("uses", "")}
    assert versions == set(re.findall(r'"pulumi==([\d.]+)"', (FILE.parents[2] / "pyproject.toml").read_text()))


UP = {
    "url": "http://198.51.100.7:30080",
    "expires": "2026-11-25T18:00:00Z",
    "usdAnHour": 0.11,
    "total": "$0.88",
    "kubeconfig": "microcosm kubeconfig",
}


def test_the_comment_says_where_it_is_and_when_it_dies() -> None:
    text = preview_comment.comment(UP, "linux-0 ready", "https://run")
    assert text.startswith("**Preview is up**: http://198.51.100.7:30080\n")
    assert "$0.11 an hour, $0.88 until its end" in text
    assert "```\nlinux-0 ready\n```" in text


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_the_comment_of_a_failure_leads_to_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None) -> None:
    """`up` printed nothing, or was never reached."""
    if content is not None:
        (tmp_path / "preview.json").write_text(content)
    preview_comment.main([str(tmp_path / "preview.json"), str(tmp_path / "none"), "https://run"])
    assert capsys.readouterr().out.startswith("**Preview failed**: see [the run](https://run)")


def test_the_comment_is_made_of_what_up_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "preview.json").write_text(json.dumps(UP))
    preview_comment.main([str(tmp_path / "preview.json"), str(tmp_path / "none"), "https://run"])
    assert capsys.readouterr().out.startswith("**Preview is up**")
