"""rehearsal/build: the image layout, the registry that serves it, and the table of images."""

import http.client
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.build.container_images import (
    BUSYBOX,
    FLANNEL_CNI_PLUGIN,
    NGINX,
    all_images,
    unlike,
)
from rehearsal.build.image_layers import Kit, Parts
from rehearsal.build.oci import Image, Layer, Layout, write_layer
from rehearsal.build.registry import Registry


def copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


@pytest.fixture
def layout(tmp_path: Path, program: Path) -> Path:
    """Two images that share a layer."""
    shared = Layer(texts={"/etc/passwd": "root\n"})
    folder = tmp_path / "layout"
    made = Layout(folder, compress=copy)
    made.add(
        Image(
            reference="registry.k8s.io/one:v1",
            layers=(shared, Layer(files={"/one": program})),
            origin="test",
            entrypoint=("/one",),
        )
    )
    made.add(
        Image(reference="docker.io/library/two:2", layers=(shared,), origin="test", user="101", ports=(8080,))
    )
    made.finish()
    return folder


def test_a_layer_has_neither_owner_nor_time_and_its_programs_run_for_everybody(tmp_path: Path, program: Path):
    write_layer(
        Layer(files={"/bin/x": program}, links={"/bin/sh": "x"}, folders=("/tmp",)), tmp_path / "layer.tar"
    )
    with tarfile.open(tmp_path / "layer.tar") as tar:
        members = {member.name: member for member in tar.getmembers()}
    assert list(members) == ["bin/sh", "bin/x", "tmp"]
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 0)}
    assert members["bin/x"].mode == 0o755
    assert members["tmp"].mode == 0o1777, "a program that runs as another user writes there"
    assert members["bin/sh"].linkname == "x"


@pytest.fixture
def registry(layout: Path) -> Iterator[http.client.HTTPConnection]:
    with Registry(layout, ("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        yield connection
        connection.close()
        server.shutdown()
        thread.join()


def get(
    connection: http.client.HTTPConnection, path: str, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/one/manifests/v9", "MANIFEST_UNKNOWN"),
        (f"/v2/one/blobs/sha256:{'0' * 64}", "BLOB_UNKNOWN"),
        ("/v2/one/blobs/sha256:../../index.json", "UNSUPPORTED"),
        ("/index.json", "UNSUPPORTED"),
    ],
)
def test_what_is_not_there_is_refused_in_the_words_of_the_specification(
    registry: http.client.HTTPConnection, path: str, code: str
):
    status, _, body = get(registry, path)
    assert status == 404
    assert json.loads(body)["errors"][0]["code"] == code


def test_a_link_inside_the_image_is_followed_inside_the_image(tmp_path: Path):
    (tmp_path / "etc/alternatives").mkdir(parents=True)
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/xtables").write_text("x")
    (tmp_path / "etc/alternatives/iptables").symlink_to("/usr/sbin/xtables")
    (tmp_path / "usr/sbin/iptables").symlink_to("/etc/alternatives/iptables")
    assert Parts(tmp_path).resolve("/usr/sbin/iptables") == tmp_path / "usr/sbin/xtables"


class FakeParts(Parts):
    """Debian without Debian."""

    def program(self, path: str) -> dict[str, Path]:
        return {path: self.root}

    def resolve(self, path: str) -> Path:
        return Path("/bin/echo")  # run with --list for its names, as busybox would be


BY_KUBEADM = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "etcd",
    "coredns",
    "pause",
)


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Image]:
    (tmp_path / "usr/lib/x86_64-linux-gnu/xtables").mkdir(parents=True)
    wanted = {name: f"registry.k8s.io/{name}:1" for name in BY_KUBEADM}
    versions = {"kubernetes": "1.35.8", "etcd": "3.6.6", "coredns": "1.13.1", "flannel": "0.28.9"}
    kit = Kit(
        FakeParts(tmp_path), dict.fromkeys((*BY_KUBEADM, "flanneld", "install-conf", "flannel-cni"), tmp_path)
    )
    return {image.reference: image for image in all_images(kit, wanted, versions)}


def test_a_stand_in_says_so_in_its_label(images: dict[str, Image]):
    stand_ins = {reference for reference, image in images.items() if "stand-in" in image.origin}
    assert stand_ins == {FLANNEL_CNI_PLUGIN, NGINX, BUSYBOX}


def test_etcd_and_coredns_are_those_that_kubeadm_asks_for():
    wanted = {"etcd": "registry.k8s.io/etcd:3.6.6-0", "coredns": "registry.k8s.io/coredns/coredns:v1.13.1"}
    assert unlike(wanted, {"etcd": "3.6.6", "coredns": "1.13.1"}) == []
    assert unlike(wanted, {"etcd": "3.6.12", "coredns": "1.13.1"}) == ["etcd 3.6.6, not 3.6.12"]
