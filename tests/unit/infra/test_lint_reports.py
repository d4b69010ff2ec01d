"""Reports from the field: each shape of a public report gets the right answer, and so do its
neighbours.
"""

from typing import Any

import pytest

from infra.lint import Severity

from .lint_cases import (
    enforcing,
    found,
    host_process,
    in_namespace,
    linux,
    readiness,
    rules,
    security,
    spec,
    unnamed,
)

SERVERCORE = "mcr.microsoft.com/windows/servercore:ltsc2019"
TOLERATION = {"key": "os", "operator": "Equal", "value": "windows", "effect": "NoSchedule"}


def errors(objects: Any, build: str | None = None) -> set[str]:
    return {finding.rule for finding in found(objects, build) if finding.severity is Severity.ERROR}


def bare(**fields: Any) -> dict[str, Any]:
    """A pod that says of its system what these fields say, and nothing else."""
    return linux(**fields)


def test_resources_of_the_pod_are_refused_and_are_no_limits():
    """kubernetes/kubernetes#132582."""
    asked = {"limits": {"cpu": "2", "memory": "2Gi"}}
    assert errors(spec(resources=asked)) == {"refused-field"}
    assert errors(unnamed(lambda it: it.update(resources=asked))) == {"kubelet-admission"}
    assert "resource-limits" in rules(
        spec(resources=asked, containers=[{"name": "web", "image": SERVERCORE}])
    )
    assert errors(unnamed(lambda it: it.update(resources={}))) == set(), "an empty one asks for nothing"


@pytest.mark.parametrize(
    "says",
    [
        {"securityContext": {"windowsOptions": {"hostProcess": True}}, "hostNetwork": True},
        {
            "containers": [
                {
                    "name": "a",
                    "image": "app:1",
                    "securityContext": {"windowsOptions": {"runAsUserName": "ContainerUser"}},
                }
            ]
        },
        {
            "containers": [
                {"name": "a", "image": "app:1", "command": ["powershell.exe", "-Command", "Start-App"]}
            ]
        },
        {"containers": [{"name": "a", "image": "app:1", "command": ["cmd", "/c", "ver"]}]},
        {
            "containers": [
                {
                    "name": "a",
                    "image": "app:1",
                    "livenessProbe": {"exec": {"command": [r"C:\probe"]}, "timeoutSeconds": 9},
                }
            ]
        },
        {
            "containers": [
                {"name": "a", "image": "app:1", "volumeMounts": [{"name": "d", "mountPath": r"D:\data"}]}
            ]
        },
        {"volumes": [{"name": "d", "hostPath": {"path": r"\\.\pipe\docker_engine"}}]},
        {"tolerations": [TOLERATION]},
    ],
)
def test_all_that_a_pod_says_tells_its_system(says):
    """signalfx/splunk-otel-collector-chart#704: everything said Windows but selector and image name."""
    assert "node-selector" in errors(bare(**says))


def test_signs_that_contradict_each_other_are_named():
    (finding,) = [
        one
        for one in found(spec(nodeSelector={"kubernetes.io/os": "linux"}), None)
        if one.rule == "os-mismatch"
    ]
    assert "for Linux speaks the node selector or affinity" in finding.what
    assert "for Windows spec.os.name, the image of container web" in finding.what
    undecided = bare(
        containers=[{"name": "a", "image": "alpine:3", "command": ["/bin/sh"]}],
        securityContext={"windowsOptions": {"hostProcess": False}},
    )
    (sentence,) = [one.what for one in found(undecided, None) if one.rule == "os-signs"]
    assert sentence.startswith(
        "taken for a Windows pod: for Windows speaks windowsOptions of the pod; for Linux command /bin/sh"
    )
    selected = bare(
        nodeSelector={"kubernetes.io/os": "linux"},
        containers=[{"name": "a", "image": "app:1", "command": ["app.exe"]}],
    )
    (finding,) = found(selected, None)
    assert finding.rule == "os-signs"
    assert finding.what.endswith("for Windows command app.exe of container a")


def test_pod_security_leaves_a_pod_out_by_its_os_name_alone():
    """kubernetes/kubernetes#64801, kyverno/kyverno#17672."""
    user = {"runAsNonRoot": True, "windowsOptions": {"runAsUserName": "ContainerUser"}}
    assert errors(in_namespace("restricted", os=None, securityContext=user)) == {
        "pod-security",
        "containeruser-iis",
    }
    assert errors(in_namespace("baseline", os=None, securityContext=user)) == {"containeruser-iis"}
    assert errors(in_namespace("restricted", securityContext=user)) == {"containeruser-iis"}
    old = enforcing("restricted")
    old["metadata"]["labels"]["pod-security.kubernetes.io/enforce-version"] = "v1.24"
    assert errors([spec(securityContext=user), old]) == {"pod-security", "containeruser-iis"}, (
        "the level had no exemption for Windows then"
    )
    assert errors(in_namespace("restricted")) == {"pod-security"}, "runAsNonRoot is asked of Windows too"
    assert errors([host_process(hostNetwork=True), enforcing("baseline")]) == {"pod-security"}


def test_host_process_values_must_agree():
    disagreeing = security(windowsOptions={"hostProcess": True})
    disagreeing["spec"]["template"]["spec"] |= {
        "hostNetwork": True,
        "securityContext": {"windowsOptions": {"hostProcess": False}},
    }
    assert errors(disagreeing) == {"host-process"}


def test_an_exec_probe_by_a_windows_program_is_let_pass():
    assert errors(readiness(["C:/probe.exe"])) == set()


def test_privileged_says_nothing_in_a_host_process_container():
    """Azure/azure-container-networking cns/azure-cns-windows.yaml: it runs, until spec.os.name makes the
    API server look.
    """
    pod = host_process(hostNetwork=True)
    pod["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    assert errors(pod) == {"refused-field"}
    pod["spec"]["template"]["spec"].pop("os")
    assert (errors(pod), rules(pod)) == (set(), {"os-name", "ignored-field"})
