"""rehearsal/build: the programs and images of the publishers, against a publisher and a registry on
loopback.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.config import versions as matrix
from rehearsal.build import artifacts, container_images, publishers, sources
from rehearsal.build.artifacts import BOMS, LINUX, mirrored_path
from rehearsal.build.catalogue import catalogue, chosen
from rehearsal.build.download import Downloader
from rehearsal.build.errors import SuppliesError
from rehearsal.build.oci import Image, Layer, Layout
from rehearsal.build.progress import Silent
from rehearsal.build.publishers import PINS, PUBLISHED, pinned, published_step
from rehearsal.build.pulled_images import mirrored, pinned_digests, pull
from rehearsal.build.pulled_images import pinned as by_digest
from rehearsal.build.registry import Registry, tags
from rehearsal.build.steps import Runner, Step
from rehearsal.build.store import Store
from rehearsal.build.toolchain import GoTool, go_tools, windows_tools
from tests.support.publisher import Publisher, serving

TOOLS = {tool.name: tool for tool in (*go_tools(), *windows_tools())}
VERSION = TOOLS["kubernetes"].pinned_version
BOM = BOMS / f"{VERSION}.json"
BUILT = {"aws-provider", "fake-cri", "flannel-cni", "coredns"}


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with serving() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(publishers, "adopt_installed", lambda tool, folder: False)


def archive(files: dict[str, bytes]) -> bytes:
    """A .tar.gz as publishers make it, with what else they put into it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, body in {"LICENSE": b"Apache 2.0", **files}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(body), 0o600
            tar.addfile(info, io.BytesIO(body))
    return content.getvalue()


def publish(publisher: Publisher, tool: GoTool) -> dict[str, bytes]:
    """Put a tool's files where its publisher has them, and sums beside them; what each program is."""
    programs: dict[str, bytes] = {}
    for file in PUBLISHED[tool.name]:
        wanted = file.of(tool.pinned_version, {})
        inside = {
            path.format(version=tool.pinned_version): f"{name} of the publisher".encode()
            for name, path in file.programs.items()
        }
        programs |= {name: f"{name} of the publisher".encode() for name in file.programs}
        content = inside[""] if "" in inside else archive(inside)
        publisher.files[mirrored_path(wanted.url)] = content
        _add_sum(publisher, wanted.sums_url, wanted.name, content)
    return programs


def _add_sum(publisher: Publisher, sums_url: str, name: str, content: bytes) -> None:
    path = mirrored_path(sums_url)
    digest = hashlib.new("sha512" if path.endswith("512") else "sha256", content).hexdigest()
    if "api.github.com" in sums_url:
        publisher.files[path] = json.dumps(
            {"assets": [{"name": name, "digest": f"sha256:{digest}"}]}
        ).encode()
    else:
        publisher.files[path] = publisher.files.get(path, b"") + f"{digest}  {name}\n".encode()


def made(store: Store, step: Step) -> Path:
    Runner(store, Silent()).make([step])
    return step.entry


@pytest.mark.parametrize("tool", [TOOLS[name] for name in PUBLISHED], ids=lambda tool: tool.name)
def test_the_programs_of_a_publisher_are_taken_out_of_its_files(
    store: Store, publisher: Publisher, tool: GoTool
):
    programs = publish(publisher, tool)
    folder = made(
        store, published_step(store, tool, Downloader(store.home / "downloads", mirror=publisher.url), {})
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == programs
    assert all(path.stat().st_mode & 0o777 == 0o755 for path in folder.iterdir())


def test_every_program_that_is_built_is_downloaded_or_has_no_publisher():
    assert set(PUBLISHED) == set(TOOLS) - BUILT
    for name, files in PUBLISHED.items():
        published = {program for file in files for program in file.programs}
        runs_in_an_image_alone = {"kube-proxy", "install-conf"} if not name.endswith("windows") else set()
        assert {*TOOLS[name].binaries} - published <= runs_in_an_image_alone


def test_a_file_of_the_bill_of_materials_has_the_sum_that_is_pinned_there():
    pins = pinned(BOM)
    urls = [file.of(TOOLS[name].pinned_version, pins) for name in PUBLISHED for file in PUBLISHED[name]]
    with_pins = {wanted.name for wanted in urls if wanted.sums}
    assert with_pins >= {
        "kubeadm",
        "kubelet",
        "kubectl",
        "runc.amd64",
        "flanneld.exe",
        "kubernetes-node-windows-amd64.tar.gz",
    }
    assert any(name.startswith("containerd-") for name in with_pins)
    assert any(name.startswith("cni-plugins-") for name in with_pins)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_publisher_is_asked_over_https_and_has_a_sum_of_its_own(name: str):
    for file in PUBLISHED[name]:
        wanted = file.of(TOOLS[name].pinned_version, {})
        assert [urlsplit(url).scheme for url in (wanted.url, wanted.sums_url)] == ["https", "https"]
        assert "{" not in wanted.url + wanted.sums_url


def test_a_file_without_the_program_is_named(store: Store, publisher: Publisher):
    tool = TOOLS["etcd"]
    (file,) = PUBLISHED["etcd"]
    wanted, content = file.of(tool.pinned_version, {}), archive({"etcdctl": b""})
    publisher.files[mirrored_path(wanted.url)] = content
    _add_sum(publisher, wanted.sums_url, wanted.name, content)
    with pytest.raises(SuppliesError, match=r"etcd-v\S+ has no etcd-v\S+/etcd"):
        made(
            store, published_step(store, tool, Downloader(store.home / "downloads", mirror=publisher.url), {})
        )


def test_the_log_says_whose_sum_each_download_had(store: Store, publisher: Publisher):
    publish(publisher, TOOLS["runc"])
    made(
        store,
        published_step(store, TOOLS["runc"], Downloader(store.home / "downloads", mirror=publisher.url), {}),
    )
    log = (store.home / "logs/download-runc.log").read_text()
    assert (
        f"runc.amd64, sha256 of the publisher's "
        f"{publisher.url}/api.github.com/repos/opencontainers/runc/releases" in log
    )


def test_another_version_or_another_pin_is_another_supply(store: Store):
    tool, fetching = TOOLS["runc"], Downloader(store.home)
    (file,) = PUBLISHED["runc"]
    url = file.of(tool.pinned_version, {}).url
    entries = {
        published_step(store, tool, fetching, pins).entry
        for pins in ({}, {url: {"sha256": "ab"}}, {url: {"sha256": "cd"}})
    }
    assert len(entries) == 3


def test_machines_get_the_publishers_files_and_the_products_own_bill_of_materials(
    store: Store, publisher: Publisher
):
    bom = {LINUX: {}, "kubernetes": VERSION}
    for name in ("kubelet", "runc"):
        content = f"{name} of the publisher".encode()
        url = f"https://example.org/{name}"
        publisher.files[mirrored_path(url)] = content
        bom[LINUX][name] = {"url": url, "sha256": hashlib.sha256(content).hexdigest()}
    path = store.home / "bom.json"
    path.write_text(json.dumps(bom))
    step = publishers.mirror_step(store, path, Downloader(store.home / "downloads", mirror=publisher.url))
    folder = made(store, step)
    assert (folder / artifacts.BOM_NAME).read_text() == path.read_text()
    assert (
        folder / artifacts.MIRROR_NAME / "example.org/kubelet"
    ).read_bytes() == b"kubelet of the publisher"


def test_what_is_pinned_for_the_rehearsal_alone_says_where_its_sum_is_from():
    document = json.loads(PINS.read_text())
    assert document.keys() == {"files", "images"}
    for pin in (*document["files"].values(), *document["images"].values()):
        assert pin["source"]
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in pinned_digests().values())


def test_a_pinned_image_is_an_image_that_is_pulled(store: Store):
    built = catalogue(store)
    versions = built.supplies.versions
    flannel = container_images.FLANNEL.format(version=versions["flannel"])
    plain = {
        flannel,
        container_images.FLANNEL_CNI_PLUGIN,
        matrix.pause_image(matrix.DEFAULT_KUBERNETES),
        container_images.NGINX,
        container_images.BUSYBOX,
    }
    kubeadms = (
        "registry.k8s.io/etcd:",
        "registry.k8s.io/coredns/coredns:",
        "registry.k8s.io/pause:",
        "registry.k8s.io/kube-",
    )
    assert [name for name in pinned_digests() if name not in plain and not name.startswith(kubeadms)] == []


def test_an_image_is_asked_for_by_its_digest_and_of_a_mirror_without_its_host():
    digests = {"registry.k8s.io/pause:3.10.2": "sha256:ab"}
    assert by_digest("registry.k8s.io/pause:3.10.2", digests) == "registry.k8s.io/pause@sha256:ab"
    assert by_digest("registry.k8s.io/etcd:3.6.6-0", digests) == "registry.k8s.io/etcd:3.6.6-0"
    assert (
        mirrored("registry.k8s.io/coredns/coredns:v1", "http://10.0.0.9:5000/")
        == "10.0.0.9:5000/coredns/coredns:v1"
    )
    assert mirrored("registry.k8s.io/coredns/coredns:v1", "") == "registry.k8s.io/coredns/coredns:v1"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry with two images, by the project's own read-only registry."""
    layout = Layout(tmp_path / "layout")
    for name in ("registry.k8s.io/pause:3.10.2", "registry.k8s.io/coredns/coredns:v1.13.1"):
        layout.add(
            Image(reference=name, layers=(Layer(texts={"/name": name}),), origin="test", entrypoint=("/x",))
        )
    layout.finish()
    with Registry(tmp_path / "layout", ("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def pulled(store: Store, registry: Registry, digests: dict[str, str]) -> Path:
    references = ["registry.k8s.io/coredns/coredns:v1.13.1", "registry.k8s.io/pause:3.10.2"]
    mirror = f"127.0.0.1:{registry.server_port}"
    return made(
        store,
        Step(
            name="pull",
            entry=store.entry("images", "key"),
            build=lambda folder, run: pull(folder, references, digests, run, mirror),
        ),
    )


skopeo = pytest.mark.skipif(
    not all(map(shutil.which, ("skopeo", "zstd"))),
    reason="needs Debian's packages skopeo and zstd, which a rehearsal installs",
)


@skopeo
def test_images_are_pulled_under_their_real_names_and_served_again(store: Store, registry: Registry):
    assert (
        tags(pulled(store, registry, {"registry.k8s.io/pause:3.10.2": registry.tags["pause:3.10.2"]}))
        == registry.tags
    )


@skopeo
def test_an_image_that_is_not_the_pinned_one_is_refused(store: Store, registry: Registry):
    with pytest.raises(SuppliesError, match=r"skopeo failed"):
        pulled(store, registry, {"registry.k8s.io/pause:3.10.2": "sha256:" + "0" * 64})


def test_the_downloads_are_another_supply_than_what_is_built(store: Store):
    building, downloading = catalogue(store), catalogue(store, downloads=True)
    assert building.supplies.bin != downloading.supplies.bin
    assert building.supplies.registry != downloading.supplies.registry
    assert building.supplies.machine_root == downloading.supplies.machine_root, "Debian's in both"


def test_the_way_is_decided_once_and_its_reason_kept(store: Store, monkeypatch: pytest.MonkeyPatch):
    tried: list[str] = []
    monkeypatch.delenv("SUPPLIES", raising=False)
    monkeypatch.setattr(
        "rehearsal.build.way.reached", lambda url: tried.append(url) or "dl.k8s.io answers 403"
    )
    (first, why), (second, again) = chosen(store), chosen(store)
    assert len(tried) == len(sources.probes(store))
    assert why is again
    assert why.reason.startswith("dl.k8s.io answers 403")
    assert first.supplies == second.supplies
    assert "SUPPLIES" not in os.environ


def test_one_address_of_each_publisher_is_tried(store: Store, monkeypatch: pytest.MonkeyPatch):
    hosts = [urlsplit(url).netloc for url in sources.probes(store)]
    assert len(hosts) == len(set(hosts))
    assert {"dl.k8s.io", "github.com", "api.github.com", "registry.k8s.io", "ghcr.io"} <= set(hosts)
    monkeypatch.setenv("ARTIFACT_MIRROR", "http://10.0.0.9:8000")
    monkeypatch.setenv("REGISTRY_MIRROR", "http://10.0.0.9:5000")
    assert {urlsplit(url).netloc for url in sources.probes(store)} == {"10.0.0.9:8000", "10.0.0.9:5000"}
