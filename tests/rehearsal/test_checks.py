"""The checks that judge what a machine says, on what it could say."""

import os
import subprocess

import pytest

from rehearsal import checks


@pytest.fixture
def said(monkeypatch):
    """What the machine answers instead of being asked."""
    answers: list[str] = []
    monkeypatch.setattr(checks, "in_machine", lambda session, node, *command: answers[0])
    return answers


def test_pods_that_get_no_answer_get_no_credentials(said):
    said.append("machine 200\ncni-1 000\ncni-2 000\n")
    found = checks.no_credentials_for_pods(None, "linux-0")
    assert found == "linux-0 gets a token of the metadata service, its 2 pods with a network of their own get none"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("machine 200\ncni-1 000\ncni-2 200\n", r"pods on linux-0 reach the token .*: cni-2 \(200\)"),
        ("machine 200\ncni-1 403\n", r"cni-1 \(403\)"),
        ("machine 000\ncni-1 000\n", "proves nothing"),
        ("cni-1 000\n", "proves nothing"),
        ("machine 200\n", "has no pod"),
    ],
)
def test_anything_else_fails(said, answer, words):
    """Also what would hold for a machine that nobody can ask from."""
    said.append(answer)
    with pytest.raises(checks.CheckFailed, match=words):
        checks.no_credentials_for_pods(None, "linux-0")


def test_the_question_is_asked_from_the_machine_and_from_every_pod(tmp_path):
    """The script itself, run by bash with stand-ins for ip and curl: pods get no answer here, and one namespace is no pod's."""
    stand_ins = {
        "ip": 'case "$1 $2" in "netns list") printf "cni-a (id: 0)\\ncni-b (id: 1)\\nother\\n" ;; *) shift 3; INSIDE=1 exec "$@" ;; esac',
        "curl": '[ -z "$INSIDE" ] && printf 200 && exit; printf 000; exit 28',
    }
    for name, text in stand_ins.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(["bash", "-c", checks._TOKENS], env={"PATH": path}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("machine 200\ncni-a 000\ncni-b 000\n", "")
    assert done.returncode == 0
