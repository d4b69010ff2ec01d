"""rehearsal/build/artifacts.py: the mirror has every Linux download where the machines look, and sums that
fit.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.config import versions
from rehearsal.build.artifacts import (
    ARCHIVES,
    LINUX,
    artifacts_step,
    fill_mirror,
    unlike,
    write_archive,
)
from rehearsal.build.errors import SuppliesError
from rehearsal.build.steps import Step
from rehearsal.build.store import Store
from rehearsal.build.toolchain import go_tools

CHECKOUT = Path(__file__).parents[3]
PROGRAMS = sorted({name for tool in go_tools() for name in tool.binaries})


@pytest.fixture
def binaries(tmp_path: Path) -> dict[str, Path]:
    for name in PROGRAMS:
        (tmp_path / name).write_text(f"program {name}")
    return {name: tmp_path / name for name in PROGRAMS}


BOM: dict[str, Any] = {
    "kubernetes": "1.35.8",
    LINUX: {
        "kubelet": {
            "url": "https://dl.k8s.io/release/v1.35.8/bin/linux/amd64/kubelet",
            "sha256": "of the publisher",
        },
        "containerd": {
            "version": "2.2.7",
            "url": "https://github.com/c/releases/download/v2/containerd.tar.gz",
            "sha256": "of the publisher",
        },
    },
    "windows/amd64": {
        "kubelet.exe": {
            "url": "https://dl.k8s.io/release/v1.35.8/bin/windows/amd64/kubelet.exe",
            "sha256": "of the publisher",
        }
    },
}


def test_a_download_that_is_not_built_is_refused_by_name(tmp_path: Path, binaries: dict[str, Path]):
    bom = {LINUX: {"nerdctl": {"url": "https://example.org/nerdctl", "sha256": ""}}}
    with pytest.raises(SuppliesError, match="lists nerdctl for linux/amd64"):
        fill_mirror(tmp_path / "mirror", bom, binaries)


def test_the_same_programs_give_the_same_archive(tmp_path: Path, binaries: dict[str, Path]):
    for name in ("one.tgz", "two.tgz"):
        write_archive(tmp_path / name, ARCHIVES["cni-plugins"], binaries)
    assert (tmp_path / "one.tgz").read_bytes() == (tmp_path / "two.tgz").read_bytes()


@pytest.mark.parametrize("version", versions.KUBERNETES_VERSIONS)
def test_all_that_user_data_downloads_by_the_products_bill_of_materials_is_built(
    version: str, tmp_path: Path, binaries: dict[str, Path]
):
    bom = json.loads((CHECKOUT / "bom" / f"{version}.json").read_text())
    made = fill_mirror(tmp_path / "mirror", bom, binaries)
    assert all(made[LINUX][name]["sha256"] != bom[LINUX][name]["sha256"] for name in bom[LINUX])


@pytest.mark.parametrize("version", versions.KUBERNETES_VERSIONS)
def test_what_is_built_is_what_the_products_bill_of_materials_names(version: str):
    bom = json.loads((CHECKOUT / "bom" / f"{version}.json").read_text())
    assert unlike(bom, {tool.folder: tool.pinned_version for tool in go_tools(version)}) == []


def test_another_version_than_the_bill_of_materials_names_is_told():
    assert unlike(BOM, {"containerd": "2.3.4"}) == ["containerd 2.2.7, not 2.3.4"]


def test_a_version_without_a_bill_of_materials_is_named(tmp_path: Path):
    store = Store(tmp_path)
    tools = {
        name: Step(name=name, entry=store.entry(name, "key"), build=lambda folder, run: None)
        for name in ("kubernetes", "containerd", "runc", "cni-plugins")
    }
    with pytest.raises(SuppliesError, match=r"1\.2\.3\.json is missing"):
        artifacts_step(store, tools, {"kubernetes": "1.2.3"}).build(
            tmp_path, lambda command, *, cwd=None, env=None: None
        )
