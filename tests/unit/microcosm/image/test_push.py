"""A push to a registry: only what is missing, and an index for several Windows."""

import pytest
import yaml

from microcosm.errors import OperatorError
from microcosm.image import registry
from tests.support.fake_registry import serving

from . import bases_on_disk
from .test_build import SITE, built, run
from .test_source import folder


@pytest.fixture
def base(tmp_path):
    return bases_on_disk.write(tmp_path / "base")


@pytest.fixture
def site(tmp_path):
    return folder(tmp_path / "site", SITE)


def test_a_push_sends_only_what_is_missing_and_mounts_the_base(base, site, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serving("user", "secret") as fake:
        fake.login(tmp_path)
        fake.load("windows/base", "1", tmp_path / "base")
        words = ("--base", f"{fake.host}/windows/base:1", "--push")
        first = built(site, "--to", f"{fake.host}/shop:1", *words)
        assert fake.downloaded == 2, "of the base its manifest and configuration, no layer"
        assert fake.mounted == 1
        assert fake.uploaded == 2, "the new layer and the new configuration"
        again = built(site, "--to", f"{fake.host}/shop:2", *words)
        assert (again["digest"], fake.uploaded) == (first["digest"], 2)
        assert "0 refused" in run("check", f"{fake.host}/shop:1").stdout
        pinned = next(
            one
            for one in yaml.safe_load_all(run("manifest", f"{fake.host}/shop:1").stdout)
            if one["kind"] == "Deployment"
        )
        assert (
            pinned["spec"]["template"]["spec"]["containers"][0]["image"]
            == f"{fake.host}/shop:1@{first['digest']}"
        )


def test_several_windows_make_one_index(site, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serving() as fake:
        for release, build in (("2019", bases_on_disk.BUILD), ("2022", "10.0.20348.2")):
            bases_on_disk.write(tmp_path / release, build)
            fake.load("base", release, tmp_path / release)
        fake.index("base", "all", ("2019", "2022"))
        made = built(
            site,
            "--to",
            f"{fake.host}/shop:1",
            "--base",
            f"{fake.host}/base:all",
            "--push",
            "--windows",
            "2019",
            "--windows",
            "2022",
        )
        index, _, media_type = registry.open_registry(registry.parse(f"{fake.host}/shop:1")).manifest("1")
        assert media_type == registry.INDEX
        assert [one["platform"]["os.version"] for one in index["manifests"]] == [
            bases_on_disk.BUILD,
            "10.0.20348.2",
        ]
        assert len(made["images"]) == 2


def test_without_a_login_the_sentence_says_what_to_do(base, site, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    with serving("user", "secret") as fake, pytest.raises(OperatorError, match="docker login"):
        run("build", site, "--to", f"{fake.host}/shop:1", "--base", base, "--base-has", "iis", "--push")
    with pytest.raises(OperatorError, match="cannot be reached"):
        run("build", site, "--to", "127.0.0.1:9/shop:1", "--base", base, "--base-has", "iis", "--push")
