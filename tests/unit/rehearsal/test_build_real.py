"""The supplies that are really there (marker `machine`): everything is found again at once, and fits
together.
"""

import hashlib
import json
import subprocess
import time

import pytest

from infra.config import versions
from rehearsal.build import Supplies, ensure
from rehearsal.build.artifacts import LINUX, mirrored_path
from rehearsal.build.container_images import kubeadm_images
from rehearsal.build.registry import repository_of, tags

pytestmark = pytest.mark.machine
SANDBOX = versions.pause_image(versions.DEFAULT_KUBERNETES)


@pytest.fixture(scope="module")
def supplies() -> Supplies:
    return ensure()


def test_a_second_look_takes_less_than_a_second(supplies: Supplies):
    began = time.monotonic()
    assert ensure() == supplies
    assert time.monotonic() - began < 1


def test_every_download_has_the_sum_that_the_bill_of_materials_gives(supplies: Supplies):
    for entry in json.loads(supplies.bom.read_text())[LINUX].values():
        with (supplies.artifacts / mirrored_path(entry["url"])).open("rb") as content:
            assert hashlib.file_digest(content, "sha256").hexdigest() == entry["sha256"]


def test_every_image_that_kubeadm_and_containerd_ask_for_is_in_the_registry(supplies: Supplies):
    asked = {*kubeadm_images(supplies.bin / "kubeadm", supplies.versions["kubernetes"]).values(), SANDBOX}
    assert {repository_of(reference) for reference in asked} <= set(tags(supplies.registry))


def test_containerd_takes_the_drop_in_and_keeps_the_rest_of_its_configuration(supplies: Supplies, tmp_path):
    config = tmp_path / "config.toml"
    drop_ins = supplies.machine_root / "etc/containerd/conf.d/*.toml"
    config.write_text(f"""\
version = 3
imports = ["{drop_ins}"]
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{SANDBOX}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true
""")
    command = [supplies.bin / "containerd", "--config", config, "config", "dump"]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "SystemdCgroup = false" in dump
    assert "restrict_oom_score_adj = true" in dump
    assert f"sandbox = '{SANDBOX}'" in dump


def test_what_runs_in_machines_and_containers_needs_no_library(supplies: Supplies):
    if (supplies.bin / "pulumi-language-python").exists():
        pytest.skip("these programs are downloaded, and linked as their publishers see fit")
    host_only = {"pulumi", "pulumi-resource-kubernetes"}
    dynamic = [
        path.name
        for path in supplies.bin.iterdir()
        if path.name not in host_only
        and b"not a dynamic executable"
        not in subprocess.run(["ldd", path], capture_output=True, check=False).stderr
    ]
    assert dynamic == []
