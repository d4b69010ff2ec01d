"""rehearsal/build: the image layout, the registry that serves it, and the table of images."""

import hashlib
import http.client
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.config import versions as matrix
from rehearsal.build.container_images import (
    BUSYBOX,
    FLANNEL,
    FLANNEL_CNI_PLUGIN,
    NGINX,
    Kit,
    Parts,
    all_images,
    kubeadm_images,
    unlike,
)
from rehearsal.build.oci import Image, Layer, Layout, write_layer
from rehearsal.build.registry import Registry, repository_of

CHECKOUT = Path(__file__).parents[3]


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


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def manifest(layout: Path, number: int) -> dict[str, Any]:
    index = json.loads((layout / "index.json").read_text())
    return json.loads(blob(layout, index["manifests"][number]["digest"]))


def test_every_blob_is_named_after_what_is_in_it(layout: Path):
    for path in (layout / "blobs/sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def test_a_shared_layer_is_stored_once(layout: Path):
    assert manifest(layout, 0)["layers"][0] == manifest(layout, 1)["layers"][0]
    assert len(list((layout / "blobs/sha256").iterdir())) == 6, (
        "two layers, two configurations, two manifests and nothing left over"
    )


def test_the_configuration_says_what_to_run_and_where_it_comes_from(layout: Path):
    config = json.loads(blob(layout, manifest(layout, 1)["config"]["digest"]))["config"]
    assert config["User"] == "101"
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    assert config["Labels"] == {"org.opencontainers.image.description": "test"}
    assert "Entrypoint" not in config


def test_diff_ids_are_the_sums_of_the_unpacked_layers(tmp_path: Path):
    folder = tmp_path / "layout"

    def pack(source: Path, target: Path) -> None:
        target.write_bytes(b"packed" + source.read_bytes())

    made = Layout(folder, compress=pack)
    made.add(Image(reference="a.b/c:1", layers=(Layer(texts={"/x": "y"}),), origin="test"))
    made.finish()
    image = manifest(folder, 0)
    config = json.loads(blob(folder, image["config"]["digest"]))
    unpacked = blob(folder, image["layers"][0]["digest"]).removeprefix(b"packed")
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"]


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


def test_a_manifest_is_served_by_tag_and_by_digest_and_the_digest_is_told(
    registry: http.client.HTTPConnection, layout: Path
):
    status, headers, body = get(registry, "/v2/one/manifests/v1?ns=registry.k8s.io")
    assert status == 200
    assert json.loads(body) == manifest(layout, 0)
    assert headers["Content-Type"] == "application/vnd.oci.image.manifest.v1+json"
    digest = headers["Docker-Content-Digest"]
    assert digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert get(registry, f"/v2/one/manifests/{digest}")[2] == body


def test_head_says_the_size_and_sends_nothing(registry: http.client.HTTPConnection):
    size = len(get(registry, "/v2/library/two/manifests/2")[2])
    status, headers, body = get(registry, "/v2/library/two/manifests/2", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, str(size), b"")


def test_blobs_are_served_under_any_name(registry: http.client.HTTPConnection, layout: Path):
    digest = manifest(layout, 0)["layers"][1]["digest"]
    assert get(registry, f"/v2/anything/blobs/{digest}")[2] == blob(layout, digest)


def test_tags_are_listed(registry: http.client.HTTPConnection):
    assert json.loads(get(registry, "/v2/library/two/tags/list")[2]) == {"name": "library/two", "tags": ["2"]}


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


def test_the_registry_of_a_reference_is_not_part_of_the_name():
    assert repository_of("registry.k8s.io/coredns/coredns:v1.13.1") == "coredns/coredns:v1.13.1"


def test_a_link_inside_the_image_is_followed_inside_the_image(tmp_path: Path):
    (tmp_path / "etc/alternatives").mkdir(parents=True)
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/xtables").write_text("x")
    (tmp_path / "etc/alternatives/iptables").symlink_to("/usr/sbin/xtables")
    (tmp_path / "usr/sbin/iptables").symlink_to("/etc/alternatives/iptables")
    assert Parts(tmp_path).resolve("/usr/sbin/iptables") == tmp_path / "usr/sbin/xtables"


def test_kubeadms_own_list_decides_the_tags(tmp_path: Path):
    kubeadm = tmp_path / "kubeadm"
    kubeadm.write_text(
        '#!/bin/sh\n[ "$*" = "config images list --kubernetes-version v1.35.8" ] && echo '
        "registry.k8s.io/coredns/coredns:v1.13.1\n"
    )
    kubeadm.chmod(0o755)
    assert kubeadm_images(kubeadm, "1.35.8") == {"coredns": "registry.k8s.io/coredns/coredns:v1.13.1"}


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


def test_everything_that_the_cluster_pulls_is_there(images: dict[str, Image]):
    kubeadm = {f"registry.k8s.io/{name}:1" for name in BY_KUBEADM}
    assert set(images) == kubeadm | {
        matrix.pause_image("1.35.8"),
        FLANNEL.format(version="0.28.9"),
        FLANNEL_CNI_PLUGIN,
        NGINX,
        BUSYBOX,
    }


def test_a_stand_in_says_so_in_its_label(images: dict[str, Image]):
    stand_ins = {reference for reference, image in images.items() if "stand-in" in image.origin}
    assert stand_ins == {FLANNEL_CNI_PLUGIN, NGINX, BUSYBOX}


def test_kube_proxy_and_flannel_share_all_but_their_own_program(images: dict[str, Image]):
    proxy, flannel = images["registry.k8s.io/kube-proxy:1"], images[FLANNEL.format(version="0.28.9")]
    assert proxy.layers[:-1] == flannel.layers[:-2], "each worker pulls both"


@pytest.mark.parametrize(
    ("reference", "user"),
    [
        (NGINX, "infra/workloads.py"),
        (BUSYBOX, "microcosm/smoke/probe_pod.py"),
        (FLANNEL_CNI_PLUGIN, "infra/flannel.py"),
    ],
)
def test_the_reference_is_the_one_that_the_program_uses(reference: str, user: str):
    assert f'"{reference}"' in (CHECKOUT / user).read_text(), (
        "an image that nobody asks for under this name would not be found"
    )


def test_etcd_and_coredns_are_those_that_kubeadm_asks_for():
    wanted = {"etcd": "registry.k8s.io/etcd:3.6.6-0", "coredns": "registry.k8s.io/coredns/coredns:v1.13.1"}
    assert unlike(wanted, {"etcd": "3.6.6", "coredns": "1.13.1"}) == []
    assert unlike(wanted, {"etcd": "3.6.12", "coredns": "1.13.1"}) == ["etcd 3.6.6, not 3.6.12"]
