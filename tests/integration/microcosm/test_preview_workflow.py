"""The workflow of previews: it parses, its actions are pinned, and pull requests get limited rights."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from microcosm.preview import comment as preview_comment

FILE = Path(__file__).resolve().parents[3] / ".github" / "workflows" / "preview.yml"
# YAML reads the key `on` as true.
WORKFLOW: dict[Any, Any] = yaml.safe_load(FILE.read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]


def test_every_action_is_pinned_by_its_whole_commit_with_the_version_beside_it() -> None:
    """A tag can be moved to other code, which would run with the role."""
    uses = re.findall(r"uses: (\S+)(.*)", FILE.read_text())
    assert len(uses) >= 8
    assert [
        name
        for name, version in uses
        if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) or not re.fullmatch(r" # v\d+(\.\d+)*", version)
    ] == []


def test_nothing_that_a_stranger_writes_reaches_a_shell() -> None:
    """Expressions are pasted into the script before it runs."""
    assert [step["run"] for step in STEPS if "${{" in step.get("run", "")] == []


def test_each_job_has_only_the_rights_it_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"].get("contents") for name, job in JOBS.items()} == {
        "up": "read",
        "down": "read",
        "reap": "read",
    }
    assert JOBS["up"]["permissions"]["pull-requests"] == "write"


def test_the_default_branch_destroys() -> None:
    """The branch of a closed pull request may be deleted; pull_request_target must not run its code."""
    for name in ("down", "reap"):
        checkouts = [step for step in JOBS[name]["steps"] if "actions/checkout" in step.get("uses", "")]
        assert [step["with"]["ref"] for step in checkouts] == [
            "${{ github.event.repository.default_branch }}"
        ]
    assert "pull_request_target" not in JOBS["up"]["if"]


def test_a_fork_gets_no_preview() -> None:
    """The event says so for a push; for a comment the workflow looks it up."""
    assert "head.repo.full_name == github.repository" in JOBS["up"]["if"]


# What stands in for GitHub's command line: a pull request, the permission of who commented, and what was
# commented.
GH = """#!/bin/sh
case "$1" in
  pr) [ "$2" = view ] && printf '%s' "$PULL_REQUEST" || echo "$5" >> "$COMMENTS" ;;
  api) [ "$2" = repos/octo/app/collaborators/ada/permission ] && echo "$PERMISSION" ;;
esac
"""
OPEN = {"isCrossRepository": False, "headRefOid": "abc123", "state": "OPEN"}


@pytest.mark.skipif(shutil.which("jq") is None, reason="GitHub's runners have jq")
@pytest.mark.parametrize(
    ("pull_request", "commenter", "permission", "problem"),
    [
        (OPEN, "", "", ""),
        (OPEN, "ada", "write", ""),
        (OPEN, "ada", "admin", ""),
        (OPEN, "ada", "read", "@ada may not write to this repository"),
        (OPEN, "bob", "write", "@bob may not write to this repository"),
        (OPEN | {"isCrossRepository": True}, "ada", "write", "Pull requests of forks get no preview"),
        (OPEN | {"state": "CLOSED"}, "ada", "write", "This pull request is not open"),
    ],
)
def test_only_who_may_write_starts_the_code_of_this_repository(
    tmp_path: Path, pull_request: Any, commenter: str, permission: str, problem: str
) -> None:
    """The step itself runs; a refused user gets a comment with the reason."""
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    comments, output = tmp_path / "comments", tmp_path / "output"
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PR": "7",
        "GH_REPO": "octo/app",
        "COMMENTER": commenter,
        "PERMISSION": permission,
    }
    environment |= {
        "PULL_REQUEST": json.dumps(pull_request),
        "COMMENTS": str(comments),
        "GITHUB_OUTPUT": str(output),
    }
    # As GitHub runs it (docs.github.com, "Workflow syntax", jobs.<job_id>.steps[*].shell).
    done = subprocess.run(
        ["bash", "-e", "-c", JOBS["up"]["steps"][0]["run"]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == (1 if problem else 0), done.stderr
    assert (comments.read_text() if comments.exists() else "").startswith(problem)
    assert (output.read_text() if output.exists() else "") == ("" if problem else "sha=abc123\n")


@pytest.mark.parametrize(
    ("admitted", "code", "asked"),
    [("", 1, ""), ("192.0.2.0/24 198.51.100.7/32", 0, "--admit 192.0.2.0/24 --admit 198.51.100.7/32")],
)
def test_a_preview_that_only_the_runner_could_see_is_not_built(
    tmp_path: Path, admitted: str, code: int, asked: str
) -> None:
    (step,) = [step for step in JOBS["up"]["steps"] if step.get("name") == "Build or update"]
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "PR": "7", "ADMIT": admitted}
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    assert (
        asked in (tmp_path / "preview.json").read_text()
        if code == 0
        else "PREVIEW_ADMIT_CIDRS" in done.stdout
    )


def test_a_refused_run_does_not_gather_or_comment_what_it_has_not_made() -> None:
    """Without the checkout there is no .venv, and the steps would fail for want of it."""
    late = [step for step in JOBS["up"]["steps"] if "always()" in step.get("if", "")]
    assert [step["if"].startswith("always() && steps.head.outputs.sha && ") for step in late] == [True, True]


def test_a_waiting_run_is_not_thrown_away_by_the_next_event() -> None:
    """A push behind a running `up`, or the `down` of a closed pull request, before a late comment."""
    assert {name: job["concurrency"].get("queue") for name, job in JOBS.items() if name != "reap"} == {
        "up": "max",
        "down": "max",
    }


def test_one_run_a_preview_at_a_time_and_none_is_cancelled() -> None:
    """A cancelled `up` leaves a lock and half of a cluster."""
    groups = [job["concurrency"]["group"] for job in JOBS.values()]
    assert all("preview-" in group for group in groups)
    assert not any(job["concurrency"]["cancel-in-progress"] for job in JOBS.values())


def test_the_pulumi_that_is_installed_is_the_one_of_the_lock_file() -> None:
    versions = {step["with"]["pulumi-version"] for step in STEPS if "pulumi/actions" in step.get("uses", "")}
    assert versions == set(
        re.findall(r'"pulumi==([\d.]+)"', (FILE.parents[2] / "pyproject.toml").read_text())
    )


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
def test_the_comment_of_a_failure_leads_to_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    """`up` printed nothing, or was never reached."""
    if content is not None:
        (tmp_path / "preview.json").write_text(content)
    preview_comment.main([str(tmp_path / "preview.json"), str(tmp_path / "none"), "https://run"])
    assert capsys.readouterr().out.startswith("**Preview failed**: see [the run](https://run)")


def test_the_comment_is_made_of_what_up_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "preview.json").write_text(json.dumps(UP))
    preview_comment.main([str(tmp_path / "preview.json"), str(tmp_path / "none"), "https://run"])
    assert capsys.readouterr().out.startswith("**Preview is up**")
