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

from rehearsal.build import publishers, sources
from rehearsal.build.artifacts import mirrored_path
from rehearsal.build.catalogue import chosen
from rehearsal.build.download import Downloader
from rehearsal.build.errors import SuppliesError
from rehearsal.build.go_tool import GoTool
from rehearsal.build.oci import Image, Layer, Layout
from rehearsal.build.progress import Silent
from rehearsal.build.publishers import PUBLISHED, published_step
from rehearsal.build.pulled_images import pull
from rehearsal.build.registry import Registry
from rehearsal.build.steps import Runner, Step
from rehearsal.build.store import Store
from rehearsal.build.toolchain import go_tools, windows_tools
from tests.support.publisher import Publisher, serving

TOOLS = {tool.name: tool for tool in (*go_tools(), *windows_tools())}


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
def test_an_image_that_is_not_the_pinned_one_is_refused(store: Store, registry: Registry):
    with pytest.raises(SuppliesError, match=r"skopeo failed"):
        pulled(store, registry, {"registry.k8s.io/pause:3.10.2": "sha256:" + "0" * 64})


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
