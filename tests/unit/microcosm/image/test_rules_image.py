"""Rules on an image that is already made. Rows C3, I7, F8, L2 and P12 of the review."""

import pytest

from microcosm.image import rules_image
from microcosm.image.findings import Level
from microcosm.image.oci import Image, Stored
from tests.support.services import names

from .bases_on_disk import BUILD

MONITOR = "C:\\ServiceMonitor.exe"


def image(size: int = 1, **facts) -> Image:
    inner = {"Entrypoint": ["C:\\shop.exe"], **facts.pop("config", {})}
    config = {"os": "windows", "architecture": "amd64", "os.version": BUILD, "config": inner, **facts}
    return Image(
        stored=Stored("shop:1"),
        digest="sha256:0",
        media_type="",
        manifest={"layers": [{"size": size}]},
        config=config,
    )


REFUSED = {
    "image-system": image(os="linux"),
    "image-build": image(**{"os.version": "10.0.20348.1"}),
    "image-platform": image(architecture="arm64"),
    "image-entrypoint": image(config={"Entrypoint": None}),
    "containeruser-iis": image(config={"Entrypoint": [MONITOR, "w3svc"], "User": "ContainerUser"}),
}
WARNED = {
    "image-settings": image(config={"Entrypoint": [MONITOR, "w3svc"]}),
    "image-logmonitor": image(config={"Entrypoint": ["C:\\LogMonitor\\LogMonitor.exe", "C:\\shop.exe"]}),
    "image-patches": image(history=[{"created": "2024-05-14T00:00:00Z"}, {"created_by": "COPY"}]),
    "image-size": image(size=60_000_000_000),
}


def found(one: Image):
    return [*rules_image.check("shop:1", [one], "2019")]


@pytest.mark.parametrize("name", REFUSED)
def test_an_image_that_no_node_starts_is_refused(name):
    assert names(found(REFUSED[name]), Level.REFUSED) == [name]


@pytest.mark.parametrize("name", WARNED)
def test_an_image_that_may_fail_is_warned_of(name):
    assert names(found(WARNED[name])) == [name]


def test_servicemonitor_given_to_itself_is_refused_and_a_plain_image_has_no_finding():
    twice = image(config={"Entrypoint": [MONITOR, "w3svc"], "Cmd": [MONITOR, "w3svc"]})
    assert names(found(twice), Level.REFUSED) == ["image-entrypoint"]
    assert found(image()) == []
    current = image(created="1970-01-01T00:00:00Z", history=[{"created": "2026-06-01T00:00:00Z"}])
    assert found(current) == []


def test_a_word_that_servicemonitor_takes_for_a_pool_is_refused():
    pool = image(config={"Entrypoint": [MONITOR, "w3svc"], "Cmd": ["powershell.exe"]})
    assert names(found(pool), Level.REFUSED) == ["image-entrypoint"]
    own = image(config={"Entrypoint": [MONITOR, "w3svc", "DefaultAppPool"]})
    assert names(found(own), Level.REFUSED) == []
