"""Compare lint with the real API server: a refusal for a reason of Windows must be an error of lint.

The servers are those that a rehearsal has built on this machine; `--dry-run=server` is a POST with
dryRun=All.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.lint import Severity, check
from rehearsal.simulated.api import KubernetesApi
from rehearsal.simulated.servers import running_api
from rehearsal.windows_node.api import ApiError
from tests.support import built_tools
from tests.support.generated_pods import FIELDS, NAMESPACES, RUNTIME_CLASSES, generate

FORBIDDEN = re.compile(
    r"(?<![\w.\[\]])([\w.\[\]]{1,200}): Forbidden: (?:cannot be set|may not be set) for a windows pod"
)
COUNT = 2_400
LEAST = 20
BUILT = built_tools.kubernetes()
SERVED_BY = ("etcd", "kube-apiserver")
pytestmark = pytest.mark.skipif(
    not (BUILT and built_tools.etcd()), reason="no kube-apiserver is built here: `make rehearse` builds one"
)
PATHS = {"Pod": "/api/v1", "Job": "/apis/batch/v1", "CronJob": "/apis/batch/v1"}
# Rules about refusals of the API server. The others are about nodes, kubelets and images, which it does not
# know.
ADMISSION = {
    *(
        "refused-field",
        "linux-identity",
        "privileged",
        "windows-options",
        "os-value",
        "host-process",
        "windows-options-value",
    ),
    *("pod-security", "runtime-class-selector"),
}
# The classes in which lint and the server disagree on purpose; at most five.
EXPLAINED = {
    "identity": "Without spec.os.name the server skips validateWindows and accepts runAsUser and privileged.",
    "template": "The server checks Pod Security and runtime class of pods only (podsecurity "
    "ValidatePodController).",
    "linux": "Pod Security of a pod for Linux is no matter of Windows, and lint does not speak of it.",
}
SURROUNDINGS = [
    *(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        for name, labels in NAMESPACES.items()
    ),
    *(
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, **spec}
        for name, spec in RUNTIME_CLASSES.items()
    ),
]


@pytest.fixture(scope="module", params=sorted(BUILT))
def server(request, tmp_path_factory) -> Iterator[KubernetesApi]:
    folder, etcd = BUILT[request.param], built_tools.etcd()
    assert etcd
    programs = built_tools.together(
        tmp_path_factory.mktemp("programs") / "bin", [folder / "kube-apiserver", etcd / "etcd"]
    )
    with running_api(tmp_path_factory.mktemp("api") / "server", programs, SERVED_BY) as api:
        client = api.client()
        for each in SURROUNDINGS:
            path = (
                "/api/v1/namespaces" if each["kind"] == "Namespace" else "/apis/node.k8s.io/v1/runtimeclasses"
            )
            if each["metadata"]["name"] != "default":
                client.create(path, each)
        yield api


@pytest.fixture(scope="module")
def judged(server) -> list[tuple[dict[str, Any], str, list[Any]]]:
    """Return each object with the server's refusal (or an empty text) and lint's errors."""
    client = server.client()
    return [(each, refusal(client, each), errors(each)) for each in generate(COUNT).objects]


def refusal(client: Any, object_: Mapping[str, Any]) -> str:
    kind = object_["kind"]
    namespace = object_["metadata"]["namespace"]
    path = f"{PATHS.get(kind, '/apis/apps/v1')}/namespaces/{namespace}/{kind.lower()}s?dryRun=All"
    try:
        client.create(path, object_)
    except ApiError as error:
        if error.status not in (403, 422):
            raise
        return str(error)
    return ""


def errors(object_: dict[str, Any]) -> list[Any]:
    found = check([*SURROUNDINGS, object_], windows_build=None)
    return [finding for finding in found if finding.severity is Severity.ERROR]


def test_every_field_is_set_often_enough():
    counts = generate(COUNT).counts
    assert {name for name in FIELDS if counts[name] < LEAST} == set()


def test_what_the_server_refuses_is_an_error(judged):
    silent = [
        (refused, json.dumps(each))
        for each, refused, found in judged
        if refused and not {f.rule for f in found} & ADMISSION
    ]
    assert [one for one in silent if not of_linux(*one)] == []
    refused = sum(1 for _, refused, _ in judged if refused)
    assert COUNT / 4 < refused < COUNT * 3 / 4, (
        "where all is refused, or nothing, the comparison proves nothing"
    )


def of_linux(refused: str, written: str) -> bool:
    """Report whether the disagreement is of the class `linux`."""
    return (
        "violates PodSecurity" in refused
        and '"os": {"name": "linux"}' in written
        and '"kubernetes.io/os": "linux"' in written
    )


def test_each_field_that_the_server_names_is_named(judged):
    """Lint must name every field that is forbidden for Windows, not only report some error."""
    silent = []
    for each, refused, found in judged:
        said = " ".join(finding.what for finding in found)
        for path in FORBIDDEN.findall(refused):
            if path.rpartition(".")[2] not in said:
                silent.append((path, json.dumps(each)))
    assert silent == []
    named = Counter(
        path.rpartition(".")[2] for _, refused, _ in judged for path in FORBIDDEN.findall(refused)
    )
    assert len(named) >= 20, named


def test_pod_security_is_judged_as_the_server_judges_it(judged):
    """For pods on Windows: an error if the server refuses the pod for Pod Security, none if it accepts it."""
    for each, refused, found in judged:
        if each["kind"] == "Pod" and not of_linux(refused, json.dumps(each)):
            says = any(finding.rule == "pod-security" for finding in found)
            if "violates PodSecurity" in refused:
                assert says, (refused, each)
            elif not refused:
                assert not says, each


def test_what_the_server_takes_is_an_error_for_an_explained_reason_only(judged):
    classes = Counter(
        disagreement(each, finding.rule)
        for each, refused, found in judged
        if not refused
        for finding in found
    )
    assert set(classes) - {""} <= set(EXPLAINED), classes
    assert len(EXPLAINED) <= 5


def disagreement(object_: Mapping[str, Any], rule: str) -> str:
    """Return the class of an error for an accepted object; empty for rules that the server does not have."""
    if rule not in ADMISSION:
        return ""
    if rule in ("linux-identity", "privileged"):
        return (
            "identity"
            if '"os": {"name": "windows"}' not in json.dumps(object_)
            else f"{rule} of a pod that says windows"
        )
    template = object_["kind"] != "Pod" and rule in ("pod-security", "runtime-class-selector")
    return "template" if template else f"{rule} of a {object_['kind']}"
