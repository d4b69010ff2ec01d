"""Push to CNCF's own registry with a login (distribution, of the pins in tools/distribution).

Served: it is a server.
"""

import base64
import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from microcosm.errors import OperatorError
from microcosm.image import registry
from tests.support import built_tools
from tests.unit.microcosm.image import bases_on_disk
from tests.unit.microcosm.image.test_build import SITE, built, run
from tests.unit.microcosm.image.test_source import folder

PROGRAM = built_tools.program("distribution", "registry")
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no registry is built; `make rehearse SCENARIO=own-image` builds it"
)
USER, PASSWORD = "pusher", "s3cret"
# `htpasswd -nbB pusher s3cret`: distribution takes bcrypt alone (registry/auth/htpasswd/htpasswd.go).
LINE = "pusher:$2b$05$nSTkDyG5PBbL6o/qkEH41OriRV3t6V6.7.gPuv.vV/InGCgxh4CF6"
CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {data}}}, delete: {{enabled: true}}}}
http: {{addr: '127.0.0.1:{port}'}}
auth: {{htpasswd: {{realm: rehearsal, path: {passwords}}}}}
"""


@contextmanager
def serving(place: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (place / "passwords").write_text(LINE)
    config = place / "config.yml"
    config.write_text(CONFIG.format(data=place / "data", port=port, passwords=place / "passwords"))
    log = (place / "registry.log").open("wb")
    process = subprocess.Popen([PROGRAM, "serve", config], stdout=log, stderr=log)
    try:
        for _ in range(100):
            time.sleep(0.05)
            try:
                requests.get(f"http://127.0.0.1:{port}/v2/", timeout=1)
                break
            except requests.ConnectionError:
                assert process.poll() is None, (place / "registry.log").read_text()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        log.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("registry")) as name:
        yield name


@pytest.fixture
def login(host, tmp_path, monkeypatch):
    """Log in as `docker login` does."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def log_in(password: str = PASSWORD) -> None:
        text = base64.b64encode(f"{USER}:{password}".encode()).decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": text}}}))

    log_in()
    return log_in


@pytest.fixture
def base(tmp_path):
    return bases_on_disk.write(tmp_path / "base")


@pytest.fixture
def site(tmp_path):
    return folder(tmp_path / "site", SITE)


def test_a_push_and_a_look_at_what_was_pushed(host, login, base, site):
    made = built(site, "--to", f"{host}/shop:1", "--base", base, "--push")
    found, _, media_type = registry.open_registry(registry.parse(f"{host}/shop:1")).manifest("1")
    assert media_type == registry.MANIFEST
    assert [layer["digest"] for layer in found["layers"]][-1] == made["images"][0]["layer"]
    assert "0 refused" in run("check", f"{host}/shop:1").stdout
    assert built(site, "--to", f"{host}/shop:2", "--base", base, "--push")["digest"] == made["digest"]


def test_layers_of_a_base_in_the_same_registry_are_mounted(host, login, base, site):
    """The layer of the base is gone from the disk before the push, so that nothing but a mount can bring
    it.
    """
    first = built(site, "--to", f"{host}/bases/own:1", "--base", base, "--push")
    made = built(site, "--to", f"{host}/mounted:1", "--base", f"{host}/bases/own:1", "--push")
    assert made["images"][0]["base"] == f"{host}/bases/own:1"
    opened = registry.open_registry(registry.parse(f"{host}/mounted:1"))
    assert opened.has(first["images"][0]["layer"])


def test_several_windows_are_pushed_as_one_index(host, login, site, tmp_path):
    bases = {
        release: bases_on_disk.write(tmp_path / release, build)
        for release, build in (("2019", "10.0.17763.1"), ("2022", "10.0.20348.2"))
    }
    for release, base in bases.items():
        built(site, "--to", f"{host}/multi:{release}", "--base", base, "--push", "--windows", release)
    found = [
        registry.open_registry(registry.parse(f"{host}/multi:{release}")).manifest(release)
        for release in bases
    ]
    described = [
        {
            "mediaType": kind,
            "digest": registry.digests.of(data),
            "size": len(data),
            "platform": {"os": "windows"},
        }
        for _, data, kind in found
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": registry.INDEX, "manifests": described}).encode()
    registry.open_registry(registry.parse(f"{host}/multi:all")).put_manifest("all", index, registry.INDEX)
    words = ("--base", f"{host}/multi:all", "--push", "--windows", "2019", "--windows", "2022")
    made = built(site, "--to", f"{host}/shop-multi:1", *words)
    assert len(made["images"]) == 2


def test_a_wrong_password_and_none_are_one_sentence(host, login, base, site, tmp_path):
    words = ("--to", f"{host}/shop:3", "--base", base, "--base-has", "iis", "--push")
    login("wrong")
    with pytest.raises(OperatorError, match="the registry refuses a push"):
        run("build", site, *words)
    (tmp_path / "config.json").unlink()
    with pytest.raises(OperatorError, match=f"wants a login; docker login {host}"):
        run("build", site, *words)


def test_an_image_that_is_not_there_is_one_sentence(host, login):
    with pytest.raises(OperatorError, match="the registry does not have it"):
        run("check", f"{host}/none:1")


def test_fifty_megabytes_are_built_and_pushed(host, login, base, tmp_path):
    """docs/benchmarks.md has the seconds; a test that timed them would fail beside other work."""
    site = folder(tmp_path / "large", SITE)
    for number in range(50):
        (site / f"bin/part{number}.bin").write_bytes(os.urandom(1 << 20))
    made = built(site, "--to", f"{host}/large:1", "--base", base, "--push")
    assert made["images"][0]["size"] > 50_000_000
