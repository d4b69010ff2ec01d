"""What people in the field ran into: each shape of a public report gets the right answer, and so do its
neighbours.
"""

from typing import Any

import pytest

from infra.lint import Severity

from .lint_cases import (
    WS2022,
    container,
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


@pytest.mark.parametrize(
    "says",
    [
        {"tolerations": [TOLERATION], "containers": [{"name": "a", "image": "alpine:3"}]},
        {"containers": [{"name": "a", "image": "app:1", "command": ["pwsh", "-c", "Start-App"]}]},
        {"containers": [{"name": "a", "image": "app:1", "command": ["/bin/sh", "-c", "wine app.exe"]}]},
        {"containers": [{"name": "a", "image": "curl:1803"}]},
    ],
)
def test_what_either_system_may_say_makes_no_windows_pod(says):
    assert "node-selector" not in rules(bare(**says))


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


@pytest.mark.parametrize(
    "fields",
    [
        {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "15"]}}}},
        {"livenessProbe": {"exec": {"command": ["/healthcheck.sh"]}, "timeoutSeconds": 9}},
        {"readinessProbe": {"exec": {"command": ["wget", "-q", "http://localhost/"]}, "timeoutSeconds": 9}},
        {"image": SERVERCORE, "args": ["/bin/sh", "-c", "date"]},
        {"image": SERVERCORE, "args": ["cat", "web.config"]},
        {"args": ["bash", "-ec", "date"]},
        {"command": ["cmd", "/c", "sleep 15"]},
        {"command": ["powershell", "-Command", "& { grep x y }"]},
        {"command": ["./start.sh"]},
    ],
)
def test_a_program_that_no_base_image_holds_is_found_wherever_it_is_named(fields):
    """zendesk/samson#2904, coredns/helm#43, grafana/k8s-monitoring-helm."""
    assert errors(container(**fields)) == {"linux-command"}


@pytest.mark.parametrize(
    "fields",
    [
        {"command": ["/usr/local/bin/agent.exe"]},
        {"command": ["/bin/bash.exe", "-c", "date"]},
        {"image": "app:ltsc2019", "args": ["--shell", "/bin/sh"]},
        {"image": "app:ltsc2019", "args": ["sleep", "15"]},
        {"command": ["powershell", "-Command", "sleep 15"]},
        {"command": ["cmd", "/c", "curl -f http://localhost/ || exit 1"]},
        {"image": "registry.k8s.io/e2e-test-images/busybox:1.29-2", "command": ["sh", "-c", "sleep 15"]},
        {"lifecycle": {"preStop": {"sleep": {"seconds": 15}}}},
    ],
)
def test_a_program_that_may_well_be_there_is_no_error(fields):
    assert "linux-command" not in rules(container(**fields))


@pytest.mark.parametrize(
    ("image", "rule"),
    [
        ("mcr.microsoft.com/windows/nanoserver", "base-image-tag"),
        ("mcr.microsoft.com/windows/servercore:latest", "base-image-tag"),
        ("mcr.microsoft.com/windows/servercore/iis", "latest-image"),
        ("mcr.microsoft.com/dotnet/framework/aspnet:latest", "latest-image"),
        ("mcr.microsoft.com/windows/servercore:ltsc2019", ""),
        ("app:latest", ""),
    ],
)
def test_an_image_without_a_tag_that_exists(image, rule):
    """microsoft/Windows-Containers#447."""
    assert {finding.rule for finding in found(container(image=image))} & {
        "base-image-tag",
        "latest-image",
    } == ({rule} if rule else set())


@pytest.mark.parametrize("image", ["curl:1803", "registry.example.com/tool:v2-1903", "app:10.0.12345"])
def test_a_number_in_a_tag_is_no_windows_release(image):
    assert "image-build" not in rules(container(image=image), WS2022)


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
