"""rehearsal/build/modules.py: a module is built with its publisher's own versions and sums."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal.build import modules
from rehearsal.build.errors import SuppliesError
from rehearsal.build.modules import beside_it, lay_out, module_folder

PUBLISHERS = """\
module k8s.io/kubernetes

go 1.25.0

godebug default=go1.25

require (
\tk8s.io/api v0.0.0
\tgo.etcd.io/etcd/api/v3 v3.6.5
\texample.org/else v1.2.3
)

replace (
\tk8s.io/api => ./staging/src/k8s.io/api
\tk8s.io/unused => ./staging/src/k8s.io/unused
\tgo.etcd.io/etcd/api/v3 => ../api
\texample.org/else => example.org/fork v1.2.4
)
"""


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pins of a Kubernetes whose source is here, as `go mod download` says of it."""
    source = tmp_path / "kubernetes@v1.34.11"
    source.mkdir()
    (source / "go.mod").write_text(PUBLISHERS)
    (source / "go.sum").write_text("example.org/fork v1.2.4 h1:theirs=\n")
    pins = tmp_path / "pins"
    pins.mkdir()
    (pins / "go.mod").write_text("module x\n\nrequire (\n\tk8s.io/kubernetes v1.34.11\n)\n")
    (pins / "go.sum").write_text("k8s.io/kubernetes v1.34.11 h1:pinned=\n")
    monkeypatch.setattr(modules, "download", lambda folder, module: {"Sum": "h1:pinned=", "Dir": str(source)})
    return pins


def described(folder: Path) -> dict[str, Any]:
    return json.loads(
        subprocess.run(["go", "mod", "edit", "-json"], cwd=folder, capture_output=True, check=True).stdout
    )


def test_what_a_publisher_builds_from_folders_beside_it_is_taken_as_it_is_published(
    pins: Path, tmp_path: Path
):
    lay_out(tmp_path / "made", pins, "k8s.io/kubernetes")
    made = described(tmp_path / "made")
    replaced = {
        each["Old"]["Path"]: (each["New"]["Path"], each["New"]["Version"]) for each in made["Replace"]
    }
    assert replaced == {
        "k8s.io/api": ("k8s.io/api", "v0.34.11"),
        "example.org/else": ("example.org/fork", "v1.2.4"),
    }
    required = {each["Path"]: each["Version"] for each in made["Require"]}
    assert required["k8s.io/kubernetes"] == "v1.34.11"
    assert required["go.etcd.io/etcd/api/v3"] == "v3.6.5", "its own version, where go.mod has one"


def test_the_rest_of_the_publishers_go_mod_and_its_sums_stay(pins: Path, tmp_path: Path):
    lay_out(tmp_path / "made", pins, "k8s.io/kubernetes")
    assert described(tmp_path / "made")["GoDebug"] == [{"Key": "default", "Value": "go1.25"}]
    assert (
        tmp_path / "made/go.sum"
    ).read_text() == "example.org/fork v1.2.4 h1:theirs=\nk8s.io/kubernetes v1.34.11 h1:pinned=\n"


def test_only_what_is_required_is_replaced(pins: Path):
    assert beside_it(pins.parent / "kubernetes@v1.34.11") == {
        "k8s.io/api": "v0.34.11",
        "k8s.io/unused": "",
        "go.etcd.io/etcd/api/v3": "",
    }


def test_a_source_with_another_sum_than_the_pinned_one_is_refused(pins: Path):
    (pins / "go.sum").write_text("k8s.io/kubernetes v1.34.11 h1:reviewed=\n")
    with pytest.raises(SuppliesError, match=r"has no such sum of k8s\.io/kubernetes@v1\.34\.11: h1:pinned="):
        module_folder(pins, "k8s.io/kubernetes@v1.34.11")
