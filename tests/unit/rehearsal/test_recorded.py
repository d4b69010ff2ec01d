"""rehearsal/scenarios/recorded.py: the table of variants that were green, written by the runs."""

import subprocess
from pathlib import Path

import pytest

from infra.config import versions
from rehearsal.document import Section
from rehearsal.errors import RehearsalError
from rehearsal.scenarios import recorded
from rehearsal.variant import Variant

VERSIONS = {"etcd": "3.6.5", "coredns": "1.12.1", "containerd": "2.2.7", "runc": "1.3.6"}


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recorded, "commit", lambda: "0123456789")
    path = tmp_path / "reliability.md"
    path.write_text("<!-- rehearsed: begin -->\n<!-- rehearsed: end -->\n")
    monkeypatch.setattr(recorded, "SECTION", Section(path, "rehearsed"))
    return path


def rows(document: Path) -> list[str]:
    return [line for line in document.read_text().splitlines() if line.startswith("| 1.")]


def test_a_green_run_takes_the_place_of_its_variants_last_one_and_of_no_other(document: Path):
    recorded.keep(Variant(kubernetes="1.36.4", backend="host-gw"), VERSIONS, 130.4)
    recorded.keep(Variant(kubernetes="1.34.11"), VERSIONS, 110.0)
    recorded.keep(Variant(kubernetes="1.34.11", region="us-west-2"), VERSIONS, 120.0)
    recorded.keep(Variant(kubernetes="1.34.11"), VERSIONS, 99.6)
    found = rows(document)
    assert [row.split(" | ")[:3] for row in found] == [
        ["| 1.34.11", "vxlan", "eu-west-1"],
        ["| 1.34.11", "vxlan", "us-west-2"],
        ["| 1.36.4", "host-gw", "eu-west-1"],
    ]
    assert found[0].endswith("| 0123456789 | 100 |")
    assert "etcd 3.6.5, CoreDNS 1.12.1, containerd 2.2.7" in found[0]


def test_what_was_never_green_is_named_until_it_was(document: Path):
    recorded.keep(Variant(kubernetes="1.34.11"), VERSIONS, 110.0)
    assert "Never green yet: 1.34.11 host-gw, 1.35.8 vxlan" in document.read_text()
    for kubernetes in versions.KUBERNETES_VERSIONS:
        for backend in ("vxlan", "host-gw"):
            recorded.keep(Variant(kubernetes=kubernetes, backend=backend), VERSIONS, 110.0)
    assert "Never" not in document.read_text()
    assert len(rows(document)) == 2 * len(versions.KUBERNETES_VERSIONS)


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        (
            Variant(kubernetes="1.20.0"),
            r"KUBERNETES is '1\.20\.0': accepted is one of 1\.34\.11, 1\.35\.8, 1\.36\.4",
        ),
        (Variant(backend="calico"), "NETWORK is 'calico': accepted is one of vxlan, host-gw"),
    ],
)
def test_what_the_product_does_not_know_is_refused_before_anything_is_built(variant: Variant, words: str):
    with pytest.raises(RehearsalError, match=words):
        variant.checked()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit on main."""
    monkeypatch.setattr(recorded, "CHECKOUT", tmp_path)
    for words in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "a"],
        ["config", "user.email", "a@b"],
    ):
        git(tmp_path, *words)
    save(tmp_path, "code")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def save(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", name)


def test_a_run_of_main_is_known_by_its_commit_whatever_runs_have_written_into_docs(repository: Path):
    of_main = recorded.commit()
    assert len(of_main) == 10
    (repository / "docs/evidence").mkdir(parents=True)
    (repository / "docs/evidence/reliability.md").write_text("a row")
    assert recorded.commit() == of_main


@pytest.mark.parametrize("committed", [True, False])
def test_what_main_does_not_have_is_a_plus_behind_the_commit_that_it_has(repository: Path, committed: bool):
    of_main = recorded.commit()
    git(repository, "checkout", "-q", "-b", "work")
    save(repository, "more") if committed else (repository / "more").write_text("x")
    assert recorded.commit() == f"{of_main}+"
