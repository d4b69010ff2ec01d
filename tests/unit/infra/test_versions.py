"""The compatibility matrix: complete, consistent with the bills of materials, and helpful where it
refuses.
"""

import dataclasses
import re
from pathlib import Path

import pytest

from infra.config import bom, versions
from infra.config import model as config
from infra.config.operating_systems import OPERATING_SYSTEMS
from infra.config.pools import DEFAULT_POOLS
from infra.config.versions import DEFAULT_KUBERNETES
from infra.errors import ConfigError

BOM_FOLDER = Path(__file__).resolve().parents[3] / "bom"
WINDOWS = [system for system in OPERATING_SYSTEMS.values() if system.family == "windows"]
PAIRS = [
    (system, version) for system in OPERATING_SYSTEMS.values() for version in versions.KUBERNETES_VERSIONS
]


@pytest.mark.parametrize("system", OPERATING_SYSTEMS.values(), ids=lambda system: system.name)
def test_every_row_says_where_it_comes_from(system):
    """A row without a source cannot be brought up to date."""
    assert OPERATING_SYSTEMS[system.name] is system
    assert system.source
    assert all(support.source for support in system.supports.values())
    assert system.minimum_disk_gb <= system.default_disk_gb


@pytest.mark.parametrize("system", WINDOWS, ids=lambda system: system.name)
def test_every_windows_row_has_images_of_its_own_build(system):
    """Process isolation takes no image of another build."""
    release = system.name.removeprefix("windows-")
    assert re.fullmatch(r"10\.0\.(17763|20348|26100)", system.build)
    assert system.wcf_image.endswith(f"-windowsservercore-ltsc{release}")
    assert system.iis_image.endswith(f":windowsservercore-ltsc{release}")
    assert f"Windows_Server-{release}-English-Core-Base" in system.ami_parameter


@pytest.mark.parametrize("version", versions.KUBERNETES_VERSIONS)
def test_every_kubernetes_version_has_its_bill_of_materials_with_the_same_containerd(version):
    """The node's configuration file is chosen by the matrix, the program by the bill of materials."""
    materials, problems = bom.read(BOM_FOLDER / f"{version}.json")
    assert problems == []
    assert materials.kubernetes == version
    assert {materials.linux["containerd"].version, materials.windows["containerd"].version} == {
        versions.KUBERNETES_VERSIONS[version].containerd
    }


@pytest.mark.parametrize("version", versions.KUBERNETES_VERSIONS)
def test_the_recommended_containerd_goes_with_its_kubernetes_on_both_systems(version):
    """containerd's RELEASES.md says from which patch on."""
    containerd = versions.KUBERNETES_VERSIONS[version].containerd
    assert [versions.containerd_problem(containerd, version, family) for family in ("linux", "windows")] == [
        None,
        None,
    ]


def test_no_containerd_1_goes_with_1_36():
    """It has left the matrix of containerd's RELEASES.md, whatever its patch."""
    assert "the nearest that does is 2.2.0" in str(versions.containerd_problem("1.7.34", "1.36.4", "windows"))


@pytest.mark.parametrize("version", versions.KUBERNETES_VERSIONS)
def test_the_pause_image_has_every_build_that_can_be_chosen(version):
    """3.10.2 is the first for Windows Server 2025; with an older one no pod starts there."""
    assert tuple(map(int, versions.pause_image(version).rpartition(":")[2].split("."))) >= (3, 10, 2)


@pytest.mark.parametrize("gap", ["ami_parameter", "wcf_image", "build", "launch_agent", "source"])
def test_a_row_with_a_gap_is_refused_by_name(monkeypatch, gap):
    """Somebody adds a system and leaves out its image: nothing must be declared that cannot start."""
    row = dataclasses.replace(OPERATING_SYSTEMS["windows-2022"], **{gap: ""})
    monkeypatch.setattr(versions, "OPERATING_SYSTEMS", {**OPERATING_SYSTEMS, "windows-2022": row})
    stack = {
        "adminCidrs": ["203.0.113.7/32"],
        "nodePools": [{"name": "linux"}, {"name": "windows", "os": "windows-2022"}],
    }
    with pytest.raises(ConfigError) as refused:
        config.parse(stack, stack="dev")
    (problem,) = refused.value.problems
    assert problem.startswith(
        f"nodePools[1].os: the row of windows-2022 in infra/config/versions.py has no {gap}; fill it in"
    )


def test_every_bill_of_materials_is_in_the_matrix():
    """A file that no version names would be refused as unknown."""
    assert {path.stem for path in BOM_FOLDER.glob("*.json")} == set(versions.KUBERNETES_VERSIONS)


@pytest.mark.parametrize(("system", "version"), PAIRS, ids=lambda value: getattr(value, "name", value))
def test_every_pair_is_either_built_or_refused_with_one_that_can_be(system, version):
    """The suggestion itself is accepted."""
    problem = versions.problem(system.name, version)
    if versions.support(system, version).level == "unsupported":
        assert problem
        os_name, suggested = re.search(
            r"the nearest that is: (\S+) with Kubernetes ([0-9.]+)", problem
        ).groups()
        assert versions.problem(os_name, suggested) is None
    else:
        assert problem is None


def test_windows_server_2025_is_refused_before_1_35():
    """The sentence names the pair, and both ways out."""
    assert versions.problem("windows-2025", "1.34.11") == (
        "Windows Server 2025 is not supported with Kubernetes 1.34; "
        "the nearest that is: windows-2025 with Kubernetes 1.35.8, or windows-2022 with Kubernetes 1.34.11"
    )


def test_an_unknown_system_is_refused_with_those_that_are_known():
    """A typing mistake in Pulumi.dev.yaml."""
    assert versions.problem("windows-2016", "1.35.8") == (
        "'windows-2016' is not a known operating system; known are ubuntu-24.04, windows-2019, "
        "windows-2022, windows-2025"
    )


def test_an_unknown_kubernetes_version_is_refused_with_those_that_are_known():
    """Without a row there is no bill of materials either."""
    assert (
        versions.problem("windows-2022", "1.33.0")
        == "Kubernetes 1.33.0 has no row in infra/config/versions.py; known are 1.34.11, 1.35.8, 1.36.4"
    )


def test_what_is_built_without_being_asked_is_best_effort_at_worst_and_says_so():
    """The default pools at the default version: Windows Server 2019 is the talk's."""
    levels = {
        str(pool["os"]): versions.support(OPERATING_SYSTEMS[str(pool["os"])], DEFAULT_KUBERNETES)
        for pool in DEFAULT_POOLS
    }
    assert levels["ubuntu-24.04"].level == "supported"
    assert levels["windows-2019"].level == "best-effort"
    assert "not in the Kubernetes documentation since 1.35" in levels["windows-2019"].note
