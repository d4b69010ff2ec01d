"""Test that all code of others is pinned by its content: in workflows, the lock file and the bills of
materials.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import flannel, workloads
from infra.config import bom, versions
from infra.config.operating_systems import OPERATING_SYSTEMS

PROJECT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((PROJECT / ".github/workflows").iterdir())


def used(node: Any) -> list[str]:
    """Return every `uses` of a workflow, in jobs and in steps."""
    if isinstance(node, dict):
        return [value for key, value in node.items() if key == "uses"] + [
            name for value in node.values() for name in used(value)
        ]
    return [name for item in node for name in used(item)] if isinstance(node, list) else []


def test_there_are_workflows_and_nothing_else_beside_them():
    """Local actions would need a test of their own."""
    assert {path.name for path in WORKFLOWS} == {"audit.yml", "ci.yml", "preview.yml"}
    assert not list((PROJECT / ".github").glob("actions/*"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_whole_commit_with_the_version_beside_it(path):
    """A tag can be moved to other code."""
    text = path.read_text()
    names = used(yaml.safe_load(text))
    assert names
    assert [name for name in names if not re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40}", name)] == []
    lines = [line.strip() for line in text.splitlines() if re.search(r"\buses:", line)]
    assert [line for line in lines if not re.search(r"@[0-9a-f]{40} # v\d+(\.\d+)*$", line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_rights_but_those_that_a_job_names(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


def test_one_commit_of_an_action_is_used_everywhere():
    """Two commits would mean that one was forgotten."""
    commits: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for name in used(yaml.safe_load(path.read_text())):
            action, _, commit = name.partition("@")
            commits.setdefault(action, set()).add(commit)
    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


def test_every_line_of_the_lock_file_has_its_hashes():
    """With hashes pip accepts no other bytes: `make setup` uses --require-hashes."""
    text = (PROJECT / "requirements.lock").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) > 50
    assert [
        line[:60]
        for line in lines
        if not re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+.*--hash=sha256:[0-9a-f]{64}", line)
    ] == []
    assert "--require-hashes" in (PROJECT / "Makefile").read_text()


def test_every_download_has_a_sum_that_a_publisher_gave():
    for path in sorted((PROJECT / "bom").glob("*.json")):
        document = json.loads(path.read_text())
        for platform in bom.PLATFORMS.values():
            for name, entry in document[platform].items():
                assert entry.get("sha256") or entry.get("sha512"), f"{path.name} {name}"
                assert entry["url"].startswith("https://"), f"{path.name} {name}"


def test_images_have_a_tag_of_their_own_and_never_the_newest():
    """kubelet pulls the images; a tag that moves would be another program tomorrow."""
    images = [
        flannel.IMAGE,
        flannel.CNI_IMAGE,
        workloads.NGINX_IMAGE,
        *(row.pause_image for row in versions.KUBERNETES_VERSIONS.values()),
    ]
    images += [system.wcf_image for system in OPERATING_SYSTEMS.values() if system.wcf_image]
    assert [image for image in images if not re.search(r":v?\d[\w.-]*(@sha256:[0-9a-f]{64})?$", image)] == []


def test_the_audit_asks_for_what_the_lock_file_names_and_nothing_more():
    """`make audit-deps` uses no resolver, which could audit other versions, and fails for a package that
    cannot be audited.
    """
    makefile = (PROJECT / "Makefile").read_text().replace("\\\n", "")
    (line,) = [line for line in makefile.splitlines() if "bin/pip-audit " in line]
    assert {"--strict", "--disable-pip", "--require-hashes", "--requirement", "requirements.lock"} <= set(
        line.split()
    )
