"""Manifests for an image, and an image against the nodes."""

import pytest
import yaml

from microcosm.errors import UsageError
from tests.support.services import config

from . import bases_on_disk
from .test_build import SITE, built, run
from .test_source import folder


@pytest.fixture
def base(tmp_path):
    return bases_on_disk.write(tmp_path / "base")


@pytest.fixture
def site(tmp_path):
    return folder(tmp_path / "site", SITE)


def test_manifests_pass_every_rule_and_ask_for_what_the_service_needs(base, site, tmp_path):
    built(site, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out")
    text = run("manifest", f"oci:{tmp_path / 'out'}", "--name", "shop", "--namespace", "web").stdout
    assert "&id" not in text, "a reader edits each probe, so none refers to another"
    objects = list(yaml.safe_load_all(text))
    secret, deployment, service = objects
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert secret["stringData"]["APPSETTING_Mode"] == ""
    assert len(secret["stringData"]["MACHINEKEY_VALIDATION"]) == 128
    assert container["startupProbe"]["httpGet"] == {"path": "/", "port": 80}
    assert deployment["spec"]["template"]["spec"]["enableServiceLinks"] is False
    assert deployment["spec"]["replicas"] == 2
    assert {one["metadata"]["namespace"] for one in objects} == {"web"}
    assert service["spec"]["ports"][0]["port"] == 80


def test_sessions_in_the_process_mean_one_replica(base, site, tmp_path):
    (site / "web.config").write_text(config("<system.web><sessionState mode='InProc'/></system.web>"))
    built(site, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out")
    text = run("manifest", f"oci:{tmp_path / 'out'}").stdout
    assert "# replicas: 1" in text
    assert (
        next(one for one in yaml.safe_load_all(text) if one["kind"] == "Deployment")["spec"]["replicas"] == 1
    )


def test_an_image_is_checked_against_the_nodes(base, site, tmp_path):
    built(site, "--to", "reg.example/shop:1", "--base", base, "--output", tmp_path / "out")
    assert "0 refused" in run("check", f"oci:{tmp_path / 'out'}").stdout
    assert "image-build" in run("check", f"oci:{tmp_path / 'out'}", "--windows", "2022", code=1).stdout
    assert "image-settings" in run("check", base).stdout
    with pytest.raises(UsageError, match="not made by `microcosm image build`"):
        run("manifest", base)
