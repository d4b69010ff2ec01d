"""The whole download way (marker `machine`): a publisher and a registry on loopback have what was built
here before.
"""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.build import artifacts, debian
from rehearsal.build.artifacts import LINUX, mirrored_path
from rehearsal.build.catalogue import Catalogue, catalogue
from rehearsal.build.errors import SuppliesError
from rehearsal.build.progress import Silent
from rehearsal.build.registry import Registry, tags
from rehearsal.build.steps import Runner
from rehearsal.build.store import Store, default_home
from tests.support.published_builds import publish
from tests.support.publisher import Publisher, serving

pytestmark = pytest.mark.machine


@pytest.fixture(scope="module")
def built() -> Catalogue:
    found = catalogue(Store(default_home()))
    if missing := [step.name for step in found.steps if not step.done]:
        pytest.skip(f"not built yet: {', '.join(missing)}; run `SUPPLIES=build python -m rehearsal.build`")
    if lacking := debian.missing_packages(debian.DOWNLOAD_PACKAGES):
        pytest.skip(f"not installed: {', '.join(lacking)}")
    return found


@pytest.fixture(scope="module")
def publisher(built: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    folder = tmp_path_factory.mktemp("publisher")
    with (
        serving() as server,
        Registry(built.supplies.registry, ("127.0.0.1", 0)) as registry,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(artifacts, "BOMS", publish(server, built, folder))
        # The digests that are pinned are those of the publishers, not those of what was built.
        patch.setattr("rehearsal.build.pulled_images.pinned_digests", dict)
        patch.setenv("ARTIFACT_MIRROR", server.url)
        patch.setenv("REGISTRY_MIRROR", f"127.0.0.1:{registry.server_port}")
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        yield server
        registry.shutdown()


def store_with(built: Catalogue, home: Path, downloading: Catalogue) -> None:
    """What both ways share is there already: Debian's, and what has no publisher."""
    shared = {step.entry for step in built.steps}
    for step in downloading.steps:
        original = built.supplies.bin.parent / step.entry.name
        if original in shared and original.exists():
            step.entry.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "--archive", "--link", original, step.entry], check=True)


@pytest.fixture(scope="module")
def downloaded(
    built: Catalogue, publisher: Publisher, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Catalogue]:
    # On the file system of the cache, whose files are linked.
    home = Path(default_home()).with_name("microcosm-downloaded-test")
    shutil.rmtree(home, ignore_errors=True)
    made = catalogue(Store(home), downloads=True)
    store_with(built, home, made)
    Runner(Store(home), Silent()).make(made.steps)
    yield made
    shutil.rmtree(home)


def test_every_program_that_a_rehearsal_uses_is_there(built: Catalogue, downloaded: Catalogue):
    before = {path.name for path in built.supplies.bin.iterdir()}
    after = {path.name for path in downloaded.supplies.bin.iterdir()}
    assert before - after == {"coredns", "install-conf", "kube-proxy"}, "they run in images alone"
    assert after - before == {"pulumi-language-python"}
    said = subprocess.run(
        [downloaded.supplies.bin / "kubeadm", "version", "--output=short"], capture_output=True, text=True
    )
    assert said.stdout.strip() == f"v{downloaded.supplies.versions['kubernetes']}"


def test_windows_gets_the_same_programs(built: Catalogue, downloaded: Catalogue):
    names = [{path.name for path in made.supplies.windows.iterdir()} for made in (built, downloaded)]
    assert names[0] == names[1]


def test_the_registry_has_the_images_that_the_publishers_have(built: Catalogue, downloaded: Catalogue):
    assert tags(downloaded.supplies.registry) == tags(built.supplies.registry)


def test_machines_are_given_the_bill_of_materials_as_it_stands(downloaded: Catalogue):
    bom = json.loads(downloaded.supplies.bom.read_text())
    assert "note" not in bom
    for entry in bom[LINUX].values():
        assert (downloaded.supplies.artifacts / mirrored_path(entry["url"])).is_file()


def test_a_publisher_that_has_another_file_than_the_pinned_one_stops_the_run(
    built: Catalogue, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = next(name for name in publisher.files if name.endswith("/runc.amd64"))
    monkeypatch.setitem(publisher.files, path, b"another program")
    (step,) = [
        step for step in catalogue(Store(tmp_path), downloads=True).steps if step.name == "download runc"
    ]
    with pytest.raises(SuppliesError, match=r"runc\.amd64: its sha256 is .* the bill of materials says"):
        Runner(Store(tmp_path), Silent()).make([step])
    assert os.listdir(tmp_path / "supplies") == []
