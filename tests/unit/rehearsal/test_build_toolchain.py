"""rehearsal/build/toolchain.py: the table of what is built, and what decides that it is built again."""

from pathlib import Path

import pytest

from infra.config import versions
from rehearsal.build import go_tool, modules
from rehearsal.build.errors import SuppliesError
from rehearsal.build.go_tool import GoTool, tool_step
from rehearsal.build.modules import TOOLS, module_version
from rehearsal.build.store import Store
from rehearsal.build.toolchain import AWS_PROVIDER, OWN_IMAGE, go_tools, windows_tools

BY_FOLDER = {tool.folder: tool for tool in go_tools()}
VERSIONS = tuple(versions.KUBERNETES_VERSIONS)
OF_EVERY_VERSION = [
    *(pytest.param(tool, id=tool.name) for tool in OWN_IMAGE),
    *(pytest.param(tool, id=f"{version}-{tool.name}") for version in VERSIONS for tool in go_tools(version)),
]


@pytest.mark.parametrize("tool", OF_EVERY_VERSION)
def test_every_tool_is_pinned(tool: GoTool):
    assert (tool.module / "go.sum").is_file(), "without sums the download is not the one that was reviewed"
    assert tool.pinned_version[0].isdigit()


def test_every_module_under_tools_is_in_the_table():
    with_own = {name for name, tool in BY_FOLDER.items() if not tool.kubernetes} - {AWS_PROVIDER.folder}
    with_own |= {tool.folder for tool in OWN_IMAGE}
    assert {path.parent.name for path in TOOLS.glob("*/go.mod")} == with_own


def test_every_kubernetes_that_the_matrix_knows_has_its_pins_and_no_other():
    assert {path.parent.name for path in TOOLS.glob("kubernetes/*/go.mod")} == set(VERSIONS)


def test_a_version_without_pins_is_told_how_to_get_them():
    with pytest.raises(SuppliesError, match=r"no 1\.20\.0: `python -m rehearsal\.build\.pins 1\.20\.0`"):
        go_tools("1.20.0")


def test_versions_differ_in_what_comes_with_kubernetes_alone(tmp_path: Path):
    entries = {
        version: {
            tool.name: tool_step(Store(tmp_path), tool, "go").entry
            for tool in (*go_tools(version), *windows_tools(version))
        }
        for version in ("1.34.11", "1.35.8")
    }
    differ = {name for name, entry in entries["1.34.11"].items() if entry != entries["1.35.8"][name]}
    assert differ == {"kubernetes", "kubernetes-windows", "etcd", "coredns"}, (
        "both have containerd 2.2.7, which is built once"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_version_is_stamped_as_the_publisher_does(version: str):
    for tool in (*go_tools(version), *windows_tools(version)):
        if tool.folder == "kubernetes":
            assert f"-X k8s.io/component-base/version.gitVersion=v{version}" in tool.linker_flags
            assert (
                f"gitMajor=1 -X k8s.io/component-base/version.gitMinor={version.split('.')[1]}"
                in tool.linker_flags
            )


def test_a_version_is_read_from_a_tool_block_and_from_a_single_line(tmp_path: Path):
    go_mod = tmp_path / "go.mod"
    go_mod.write_text(
        "module x\n\nrequire a.b/c v1.2.3\n\nrequire (\n\ta.b/c/v2 v2.0.1-rc.1 // indirect\n)\n"
    )
    assert module_version(go_mod, "a.b/c") == "1.2.3"
    assert module_version(go_mod, "a.b/c/v2") == "2.0.1-rc.1"


def test_a_module_that_is_not_pinned_is_refused_by_name(tmp_path: Path):
    (tmp_path / "go.mod").write_text("module x\n")
    with pytest.raises(SuppliesError, match=r"does not pin k8s\.io/kubernetes"):
        module_version(tmp_path / "go.mod", "k8s.io/kubernetes")


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tools/ with one module, and an empty PATH."""
    module = tmp_path / "tools" / "etcd"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module x\n\ngo 1.26.6\n\nrequire a.b/c v1.2.3\n")
    (module / "go.sum").write_text("sum")
    monkeypatch.setattr(go_tool, "TOOLS", tmp_path / "tools")
    monkeypatch.setattr(modules, "TOOLS", tmp_path / "tools")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path


TOOL = GoTool(folder="etcd", version_of="a.b/c", binaries={"etcd": "."})


def program(sandbox: Path, name: str, says: str) -> None:
    path = sandbox / "bin" / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_pins_flags_and_compiler_decide_the_key(sandbox: Path):
    store = Store(sandbox)
    first = tool_step(store, TOOL, "go1.26.6").entry
    assert tool_step(store, TOOL, "go1.26.6").entry == first
    assert tool_step(store, TOOL, "go1.27").entry != first
    assert (
        tool_step(
            store, GoTool(folder="etcd", version_of="a.b/c", binaries={"etcd": "."}, tags="x"), "go1.26.6"
        ).entry
        != first
    )
    (sandbox / "tools/etcd/go.sum").write_text("another sum")
    assert tool_step(store, TOOL, "go1.26.6").entry != first


def test_without_go_the_wanted_version_is_named(sandbox: Path):
    with pytest.raises(SuppliesError, match=r"Go 1\.26\.6 or newer"):
        modules.go_version()


def test_a_go_that_is_too_old_is_named(sandbox: Path):
    program(sandbox, "go", "go1.22.1")
    with pytest.raises(SuppliesError, match=r"go1\.22\.1.*Go 1\.26\.6 or newer"):
        modules.go_version()
