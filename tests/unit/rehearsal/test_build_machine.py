"""rehearsal/build: the machine's root filesystem, the host's packages, and the drop-ins between them."""

import subprocess
from pathlib import Path

import pytest

from rehearsal.build import base_image, debian
from rehearsal.build.base_image import lay_over
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


def test_the_machine_has_no_container_runtime_of_its_own():
    assert not {"containerd", "runc", "containernetworking-plugins"} & set(base_image.PACKAGES), (
        "the user-data must prove that it brings them"
    )


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


def test_a_kernel_without_a_bridge_filter_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(debian, "BRIDGE_SETTINGS", tmp_path / "none")
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *args, **kwargs: subprocess.CompletedProcess([], 1, stderr="Module not found"),
    )
    with pytest.raises(SuppliesError, match=r"no br_netfilter.*Module not found"):
        debian.require_bridge_filter()
