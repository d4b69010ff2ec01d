"""Which nodes a pod may land on, and which images start there."""

from typing import Any

import pytest

from infra.config.operating_systems import OPERATING_SYSTEMS
from infra.lint import images

from .lint_cases import (
    EVERYTHING,
    WS2019,
    WS2022,
    WS2025,
    container,
    deployment,
    host_process,
    linux,
    pod,
    replicas,
    rules,
    spec,
)


def affinity(*terms: list[dict[str, Any]]) -> dict[str, Any]:
    required = {"nodeSelectorTerms": [{"matchExpressions": term} for term in terms]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def by_os(operator: str, *values: str) -> dict[str, Any]:
    return {"key": "kubernetes.io/os", "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([[by_os("In", "windows")]], set()),
        ([[by_os("NotIn", "linux")]], set()),
        ([[by_os("In", "windows", "linux")]], {"node-selector"}),
        ([[by_os("In", "windows")], [{"key": "zone", "operator": "Exists"}]], {"node-selector"}),
        ([[by_os("In", "linux")]], {"os-mismatch"}),
        ([[by_os("Exists")]], {"node-selector"}),
    ],
)
def test_required_affinity_counts_like_a_selector_and_terms_are_alternatives(terms, expected):
    assert rules(spec(nodeSelector=None, affinity=affinity(*terms))) == expected


@pytest.mark.parametrize(
    ("toleration", "enough"),
    [
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "os", "operator": "Exists"}, True),
        ({"key": "os", "value": "windows"}, True),
        ({"value": "windows"}, False),
        ({"key": "os", "operator": "Equal", "value": "Windows"}, False),
        ({"key": "gpu", "operator": "Exists"}, False),
    ],
)
def test_a_toleration_counts_as_the_scheduler_counts_it(toleration, enough):
    assert ("toleration" in rules(spec(tolerations=[toleration]))) is not enough


@pytest.mark.parametrize(
    "selector", [{"kubernetes.io/arch": "arm64"}, {"node-role.kubernetes.io/control-plane": ""}]
)
def test_a_linux_pod_that_no_windows_node_can_take_needs_no_selector(selector):
    assert rules(linux(tolerations=EVERYTHING, nodeSelector=selector)) == set()


def test_a_runtime_class_brings_selector_and_toleration():
    bare = spec(nodeSelector=None, tolerations=None, runtimeClassName="windows-2022")
    scheduling = {key: pod(deployment())[key] for key in ("nodeSelector", "tolerations")}
    scheduling["nodeSelector"]["node.kubernetes.io/windows-build"] = WS2022
    known = {"kind": "RuntimeClass", "metadata": {"name": "windows-2022"}, "scheduling": scheduling}
    assert rules([bare, known]) == {"image-build"}
    assert rules([bare]) == set(), "what a class that is not in the set brings is not known"


@pytest.mark.parametrize(
    ("image", "node", "fits"),
    [
        ("web:ltsc2022", WS2025, True),
        ("web:ltsc2025", WS2022, False),
        ("web:ltsc2019", WS2022, False),
        ("web:10.0.17763.5329", WS2019, True),
        ("web:10.0.17763.5329-amd64", WS2022, False),
        ("microsoft/iis:windowsservercore-1803", WS2019, False),
        ("web:4.8-20260714-windowsservercore-ltsc2019", WS2019, True),
        ("web:latest", WS2025, True),
    ],
)
def test_an_image_runs_only_on_its_own_build(image, node, fits):
    assert ("image-build" in rules(container(image=image), node)) is not fits


def test_the_build_that_the_pod_selects_goes_before_the_clusters():
    selector = {"kubernetes.io/os": "windows", "node.kubernetes.io/windows-build": WS2022}
    assert "image-build" in rules(spec(nodeSelector=selector), WS2019)
    either = affinity(
        [{"key": "node.kubernetes.io/windows-build", "operator": "In", "values": [WS2019, WS2022]}]
    )
    assert "image-build" in rules(spec(affinity=either)), "it may land where the image does not start"


def test_without_a_build_the_image_tells_what_the_node_must_be():
    affine = replicas(1, sessionAffinity="ClientIP")
    assert rules(affine, build=None) == {"session-affinity"}
    pod(affine[0])["containers"][0]["image"] = "web:ltsc2022"
    assert rules(affine, build=None) == set()


def test_a_host_process_image_need_not_match():
    assert rules(host_process(hostNetwork=True), WS2022) == set()


@pytest.mark.parametrize(
    ("reference", "repository", "tag"),
    [
        ("nginx", "nginx", ""),
        ("registry:5000/team/web", "registry:5000/team/web", ""),
        ("registry:5000/team/web:1@sha256:ab", "registry:5000/team/web", "1"),
        ("", "", ""),
    ],
)
def test_an_image_reference_is_taken_apart(reference, repository, tag):
    image = images.parse(reference)
    assert (image.repository, image.tag) == (repository, tag)


@pytest.mark.parametrize(
    ("reference", "windows"),
    [
        ("mcr.microsoft.com/dotnet/framework/wcf:4.8", True),
        ("docker.io/microsoft/iis", True),
        ("web:1809", False),
        ("web:1-nanoserver", True),
    ],
)
def test_only_a_name_that_says_so_makes_a_pod_a_windows_one(reference, windows):
    assert bool(rules(linux(containers=[{"name": "web", "image": reference}]))) is windows


def test_the_images_of_each_windows_server_are_of_its_build():
    for build, system in ((system.build, system) for system in OPERATING_SYSTEMS.values() if system.build):
        for image in (system.wcf_image, system.iis_image):
            assert images.parse(image).build == build, image
