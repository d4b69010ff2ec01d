"""rehearsal/build: the machine's root filesystem, the host's packages, and the drop-ins between them."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from infra.node.userdata import SCRIPTS
from rehearsal.build import base_image, debian
from rehearsal.build.base_image import MASKED_UNITS, ROOTFS, lay_over, set_units
from rehearsal.build.errors import SuppliesError


def test_a_drop_in_replaces_a_linked_file_and_leaves_the_original_alone(tmp_path: Path):
    original, root, drop_in = (
        tmp_path / "original",
        tmp_path / "root/etc/fstab",
        tmp_path / "rootfs/etc/fstab",
    )
    root.parent.mkdir(parents=True)
    drop_in.parent.mkdir(parents=True)
    original.write_text("Debian's")
    root.hardlink_to(original)
    drop_in.write_text("the rehearsal's")
    lay_over(tmp_path / "rootfs", tmp_path / "root")
    assert root.read_text() == "the rehearsal's"
    assert original.read_text() == "Debian's", "the packages are installed once and linked into each image"


def test_a_script_stays_executable_and_a_configuration_is_readable(tmp_path: Path):
    lay_over(ROOTFS, tmp_path)
    assert (tmp_path / "usr/local/lib/rehearsal/prepare-machine").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "etc/default/kubelet").stat().st_mode & 0o777 == 0o644


def test_units_are_masked_and_enabled_as_systemctl_does(tmp_path: Path):
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    set_units(tmp_path)
    assert (tmp_path / "etc/systemd/system/systemd-udevd.service").readlink() == Path("/dev/null")
    assert (tmp_path / "etc/systemd/system/sysinit.target.wants/rehearsal-machine.service").is_symlink()


def test_nothing_that_user_data_brings_or_needs_is_masked():
    needed = ("cloud-init", "cloud-final", "dbus", "systemd-modules-load", "systemd-sysctl")
    assert not [unit for unit in MASKED_UNITS if unit.split(".")[0] in needed]


def test_the_machine_has_no_container_runtime_of_its_own():
    assert not {"containerd", "runc", "containernetworking-plugins"} & set(base_image.PACKAGES), (
        "the user-data must prove that it brings them"
    )


def test_containerds_drop_in_says_everything_about_the_runtime_because_it_replaces_the_section():
    runtime = tomllib.loads((ROOTFS / "etc/containerd/conf.d/rehearsal.toml").read_text())["plugins"][
        "io.containerd.cri.v1.runtime"
    ]
    runc = runtime["containerd"]["runtimes"]["runc"]
    assert runc["runtime_type"] == "io.containerd.runc.v2"
    assert runc["options"]["SystemdCgroup"] is False
    assert runtime["restrict_oom_score_adj"] is True
    config = re.search(
        r"config.toml <<TOML\n(.*?)\nTOML\n", (SCRIPTS / "linux/common.sh").read_text(), re.DOTALL
    )[1]
    machines = tomllib.loads(config)["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["cni"] == machines["cni"]
    assert runc.keys() == machines["containerd"]["runtimes"]["runc"].keys()


def test_kubelet_reads_the_drop_in_that_is_there():
    folder = (ROOTFS / "etc/default/kubelet").read_text().strip().partition("--config-dir=")[2]
    files = list((ROOTFS / folder.lstrip("/")).glob("*.conf"))
    assert files, "kubelet reads only files that end in .conf"
    document = yaml.safe_load(files[0].read_text())
    assert (document["apiVersion"], document["kind"]) == (
        "kubelet.config.k8s.io/v1beta1",
        "KubeletConfiguration",
    )


def test_cloud_init_takes_user_data_from_the_metadata_service_and_leaves_the_network_alone():
    config = yaml.safe_load((ROOTFS / "etc/cloud/cloud.cfg.d/90_rehearsal.cfg").read_text())
    assert config["datasource_list"] == ["Ec2"]
    assert config["datasource"]["Ec2"]["metadata_urls"] == ["http://169.254.169.254"]
    assert config["network"] == {"config": "disabled"}
    assert "scripts-user" in config["cloud_final_modules"]
    package = config["datasource_pkg_list"][0]
    assert (ROOTFS / "usr/lib/python3/dist-packages" / package / "DataSourceEc2.py").is_file()


def test_the_machines_first_script_is_correct_shell():
    script = ROOTFS / "usr/local/lib/rehearsal/prepare-machine"
    assert subprocess.run(["bash", "-n", script], capture_output=True, check=False).stderr == b""


def test_the_hosts_own_mirror_is_used_where_it_has_the_same_suite(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "is_file", lambda self: str(self) == "/etc/apt/sources.list")
    monkeypatch.setattr(Path, "read_text", lambda self: "deb http://mirror.example bookworm-security main")
    assert base_image.package_sources() == ["/etc/apt/sources.list"]
    monkeypatch.setattr(Path, "read_text", lambda self: "deb http://mirror.example trixie-security main")
    assert base_image.package_sources() == []


def test_a_missing_package_is_found(monkeypatch: pytest.MonkeyPatch):
    answer = subprocess.CompletedProcess([], 1, stdout="iproute2 installed\nmmdebstrap config-files\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: answer)
    assert debian.missing_packages(["iproute2", "mmdebstrap", "zstd"]) == ["mmdebstrap", "zstd"]


def test_installing_refreshes_the_package_lists_only_when_they_are_out_of_date():
    ran: list[str] = []

    def run(command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        action = next(word for word in command if word in ("install", "update"))
        ran.append(action)
        if ran == ["install"]:
            raise SuppliesError("404")

    debian.install(["zstd"], run)
    assert ran == ["install", "update", "install"]


@pytest.mark.parametrize(
    ("uid", "machine", "present", "says"),
    [
        (1000, "x86_64", True, "must be root"),
        (0, "aarch64", True, "this host is aarch64"),
        (0, "x86_64", False, "apt-get|dpkg-query is not here"),
    ],
)
def test_a_host_that_cannot_rehearse_is_told_why(
    monkeypatch: pytest.MonkeyPatch, uid: int, machine: str, present: bool, says: str
):
    monkeypatch.setattr(debian.os, "geteuid", lambda: uid)
    monkeypatch.setattr(debian.os, "uname", lambda: type("Uname", (), {"machine": machine}))
    monkeypatch.setattr(debian.shutil, "which", lambda name: "/usr/bin/apt-get" if present else None)
    with pytest.raises(SuppliesError, match=says):
        debian.require_host()


def test_the_bridge_filter_is_loaded_only_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(debian, "BRIDGE_SETTINGS", tmp_path)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: pytest.fail("there is nothing to load"))
    debian.require_bridge_filter()


def test_a_kernel_without_a_bridge_filter_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(debian, "BRIDGE_SETTINGS", tmp_path / "none")
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *args, **kwargs: subprocess.CompletedProcess([], 1, stderr="Module not found"),
    )
    with pytest.raises(SuppliesError, match=r"no br_netfilter.*Module not found"):
        debian.require_bridge_filter()
