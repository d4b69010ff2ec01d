"""Compare lint with the kubelet's admission: a pod that the kubelet on Windows refuses must be an error of
lint.

The kubelet is pkg/kubelet/lifecycle and pkg/kubelet/sysctl of the pinned Kubernetes, built for Windows and
run under Wine.
"""

import json
from collections import Counter
from typing import Any

import pytest

from infra.lint import Severity, check
from infra.lint.objects import TEMPLATES
from infra.lint.values import dig
from tests.support import kubelet_admission
from tests.support.generated_pods import generate

COUNT = 2_400
LEAST = 20
pytestmark = pytest.mark.skipif(
    bool(kubelet_admission.missing()),
    reason=f"not here: {kubelet_admission.missing()}; `make rehearse` brings it",
)
REASONS = {
    *(
        "PodLevelResourcesNotSupported",
        "PodOSSelectorNodeLabelDoesNotMatch",
        "PodOSNotSupported",
        "SupplementalGroupsPolicyNotSupported",
    ),
    "SysctlForbidden",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> list[tuple[dict[str, Any], str, list[Any]]]:
    """Return each pod that may be scheduled to a Windows node, with the kubelet's refusal and lint's
    findings.
    """
    pods = [
        pod
        for pod in map(as_pod, generate(COUNT).objects)
        if pod["spec"]["nodeSelector"]["kubernetes.io/os"] == "windows"
    ]
    program = kubelet_admission.build(tmp_path_factory.mktemp("program"))
    reasons = kubelet_admission.judge(program, tmp_path_factory.mktemp("wine"), pods)
    return [
        (pod, reason, check([pod], windows_build=None)) for pod, reason in zip(pods, reasons, strict=True)
    ]


def as_pod(object_: dict[str, Any]) -> dict[str, Any]:
    """Return the pod of a workload."""
    template = dig(object_, *TEMPLATES[object_["kind"]])
    metadata = template.get("metadata", {}) | {"name": object_["metadata"]["name"], "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def test_what_the_kubelet_does_not_admit_is_an_error(judged):
    silent = [
        (reason, json.dumps(pod))
        for pod, reason, found in judged
        if reason and not any(f.severity is Severity.ERROR for f in found)
    ]
    assert silent == []


def test_lint_says_of_the_kubelet_what_the_kubelet_says(judged):
    """Lint reports nothing for an admitted pod, and names the kubelet's refusal for a pod without spec.os."""
    for pod, reason, found in judged:
        says = any(finding.rule == "kubelet-admission" for finding in found)
        assert reason or not says, json.dumps(pod)
        assert says or not reason or "os" in pod["spec"], (reason, json.dumps(pod))


def test_the_kubelet_refuses_for_each_of_its_reasons_often_enough(judged):
    counts = Counter(reason.partition(":")[0] for _, reason, _ in judged if reason)
    assert set(counts) == REASONS, counts
    assert min(counts.values()) >= LEAST, counts
    assert sum(1 for _, reason, _ in judged if not reason) > COUNT / 3
