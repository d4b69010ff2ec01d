"""What people in the field ran into: each shape of a public report gets the right answer, and so do its neighbours."""

from typing import Any

import pytest

from infra.policy import Document, Severity, check_documents, not_looked_into

from .policy_cases import (
    WS2022,
    claimed,
    container,
    deployment,
    enforcing,
    found,
    host_process,
    in_namespace,
    linux,
    of_class,
    readiness,
    rules,
    security,
    spec,
    unnamed,
    volume,
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
    assert "resource-limits" in rules(spec(resources=asked, containers=[{"name": "web", "image": SERVERCORE}]))
    assert errors(unnamed(lambda it: it.update(resources={}))) == set(), "an empty one asks for nothing"


@pytest.mark.parametrize(
    "says",
    [
        {"securityContext": {"windowsOptions": {"hostProcess": True}}, "hostNetwork": True},
        {"containers": [{"name": "a", "image": "app:1", "securityContext": {"windowsOptions": {"runAsUserName": "ContainerUser"}}}]},
        {"containers": [{"name": "a", "image": "app:1", "command": ["powershell.exe", "-Command", "Start-App"]}]},
        {"containers": [{"name": "a", "image": "app:1", "command": ["cmd", "/c", "ver"]}]},
        {"containers": [{"name": "a", "image": "app:1", "livenessProbe": {"exec": {"command": [r"C:\probe"]}, "timeoutSeconds": 9}}]},
        {"containers": [{"name": "a", "image": "app:1", "volumeMounts": [{"name": "d", "mountPath": r"D:\data"}]}]},
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
    (finding,) = [one for one in found(spec(nodeSelector={"kubernetes.io/os": "linux"}), None) if one.rule == "os-mismatch"]
    assert "for Linux speaks the node selector or affinity" in finding.what
    assert "for Windows spec.os.name, the image of container web" in finding.what
    undecided = bare(
        containers=[{"name": "a", "image": "alpine:3", "command": ["/bin/sh"]}], securityContext={"windowsOptions": {"hostProcess": False}}
    )
    (sentence,) = [one.what for one in found(undecided, None) if one.rule == "os-signs"]
    assert sentence.startswith("taken for a Windows pod: for Windows speaks windowsOptions of the pod; for Linux command /bin/sh")
    selected = bare(nodeSelector={"kubernetes.io/os": "linux"}, containers=[{"name": "a", "image": "app:1", "command": ["app.exe"]}])
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
    assert {finding.rule for finding in found(container(image=image))} & {"base-image-tag", "latest-image"} == ({rule} if rule else set())


@pytest.mark.parametrize("image", ["curl:1803", "registry.example.com/tool:v2-1903", "app:10.0.12345"])
def test_a_number_in_a_tag_is_no_windows_release(image):
    assert "image-build" not in rules(container(image=image), WS2022)


def test_pod_security_leaves_a_pod_out_by_its_os_name_alone():
    """kubernetes/kubernetes#64801, kyverno/kyverno#17672."""
    user = {"runAsNonRoot": True, "windowsOptions": {"runAsUserName": "ContainerUser"}}
    assert errors(in_namespace("restricted", os=None, securityContext=user)) == {"pod-security"}
    assert errors(in_namespace("baseline", os=None, securityContext=user)) == set()
    assert errors(in_namespace("restricted", securityContext=user)) == set()
    old = enforcing("restricted")
    old["metadata"]["labels"]["pod-security.kubernetes.io/enforce-version"] = "v1.24"
    assert errors([spec(securityContext=user), old]) == {"pod-security"}, "the level had no exemption for Windows then"
    assert errors(in_namespace("restricted")) == {"pod-security"}, "runAsNonRoot is asked of Windows too"
    assert errors([host_process(hostNetwork=True), enforcing("baseline")]) == {"pod-security"}


@pytest.mark.parametrize("driver", ["nfs.csi.k8s.io", "cluster.local/nfs-subdir-external-provisioner", "efs.csi.aws.com", "rancher.io/local-path"])
def test_storage_without_windows_is_found_behind_a_claim(driver):
    """kubernetes-csi/csi-driver-nfs#287, nfs-subdir-external-provisioner#364."""
    assert errors(claimed(driver)) == {"volume-type"}
    assert errors(volume(csi={"driver": driver})) == {"volume-type"}
    ephemeral = volume(ephemeral={"volumeClaimTemplate": {"spec": {"storageClassName": "shared"}}})
    assert errors([ephemeral, *claimed(driver)[2:]]) == {"volume-type"}


def test_storage_without_windows_is_found_behind_a_volume_and_a_default_class():
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "files"}, "spec": {"storageClassName": "", "volumeName": "disk"}}
    disk = {"kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": {"nfs": {"server": "files", "path": "/"}}}
    pod = volume(persistentVolumeClaim={"claimName": "files"})
    assert errors([pod, claim, disk]) == {"volume-type"}
    assert errors([pod, claim]) == set(), "of a volume that is not given nothing is known"
    default = claimed("efs.csi.aws.com")
    default[1]["spec"].pop("storageClassName")
    default[2]["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert errors(default) == {"volume-type"}


@pytest.mark.parametrize("driver", ["ebs.csi.aws.com", "smb.csi.k8s.io", "kubernetes.io/aws-ebs", "acme.example.com/disk"])
def test_a_driver_for_windows_or_unknown_is_let_pass(driver):
    """kubernetes-sigs/aws-ebs-csi-driver examples/kubernetes/windows."""
    assert errors(claimed(driver)) == set()


@pytest.mark.parametrize("handler", ["runhcs-wcow-hypervisor", "runsc", "kata"])
def test_a_runtime_class_that_cannot_run_here_has_an_error_of_its_own(handler):
    """containerd/containerd#8348, #6862: not that of process isolation."""
    assert errors(of_class(handler), WS2022) == {"runtime-class"}


def test_a_long_grace_period_is_in_vain_without_a_hook():
    """microsoft/Windows-Containers#164, #546."""
    assert rules(spec(terminationGracePeriodSeconds=120)) == {"grace-period"}
    hooked = spec(terminationGracePeriodSeconds=120)
    hooked["spec"]["template"]["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 60}}}
    assert rules(hooked) == set()


@pytest.mark.parametrize(
    ("labels", "namespace", "injected"),
    [
        ({"sidecar.istio.io/inject": "true"}, {}, True),
        ({}, {"istio-injection": "enabled"}, True),
        ({"sidecar.istio.io/inject": "false"}, {"istio-injection": "enabled"}, False),
        ({}, {"istio-injection": "disabled"}, False),
        ({"linkerd.io/inject": "enabled"}, {}, True),
        ({"instrumentation.opentelemetry.io/inject-dotnet": "my-namespace/agent"}, {}, True),
    ],
)
def test_a_webhook_that_adds_containers_is_seen_by_what_asks_for_it(labels, namespace, injected):
    workload = deployment()
    workload["spec"]["template"]["metadata"]["labels"] |= labels
    around = {"kind": "Namespace", "metadata": {"name": "default", "labels": namespace}}
    assert ("injected-container" in rules([workload, around])) is injected


def test_variables_of_one_value_may_differ_in_case():
    """A habit of charts: programs read either."""
    names = ("HTTP_PROXY", "http_proxy")
    assert "names-by-case" not in rules(container(env=[{"name": name, "value": "http://proxy"} for name in names]))
    assert "names-by-case" in rules(container(env=[{"name": name, "value": name} for name in names]))


def test_names_that_differ_only_in_case_are_one_name():
    mounts = [{"name": "a", "mountPath": r"C:\Data"}, {"name": "b", "mountPath": "/data/"}]
    assert errors(container(volumeMounts=mounts)) == {"names-by-case"}
    settings = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"Web.config": "", "web.config": ""}}
    assert errors([volume(configMap={"name": "c"}), settings]) == {"names-by-case"}
    one = {"name": "c", "items": [{"key": "Web.config", "path": "web.config"}]}
    assert errors([volume(configMap=one), settings]) == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"path": "/var/run/docker.sock", "type": "Socket"}, {"host-path-refused"}),
        ({"path": "/dev/sda", "type": "BlockDevice"}, {"host-path-refused"}),
        ({"path": "/proc"}, {"host-path"}),
        ({"path": "/etc/ssl/certs", "type": "DirectoryOrCreate"}, {"host-path"}),
        ({"path": "/var/lib/kubelet", "type": "Directory"}, set()),
        ({"path": r"C:\data", "type": "Directory"}, set()),
        ({"path": r"\\.\pipe\csi-proxy"}, set()),
    ],
)
def test_paths_of_the_host_are_those_of_windows(source, expected):
    assert rules(volume(hostPath=source)) == expected


def test_a_pod_template_is_found_in_a_kind_that_is_not_known():
    template = spec(hostNetwork=True)["spec"]["template"]
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"}, "spec": {"template": template}}
    (finding,) = found(rollout)
    assert (finding.object, finding.rule, finding.what) == ("Rollout default/web", "host-network", "spec.template: hostNetwork: true")
    several = {**rollout, "kind": "Group", "spec": {"leader": {"podSpec": template["spec"]}, "workers": [{"template": template}]}}
    assert [finding.what for finding in found(several)] == [
        "spec.leader.podSpec: hostNetwork: true",
        "spec.workers[0].template: hostNetwork: true",
    ]


def test_what_was_not_looked_into_is_counted_and_named():
    step = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "w"},
        "spec": {"templates": [{"container": {"image": "a"}}]},
    }
    plain = {"apiVersion": "example.com/v1", "kind": "Colour", "spec": {"red": 1}}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {"containers": [1]}}
    documents = [Document(object=each) for each in (step, step, plain, definition, deployment())]
    assert not_looked_into(documents) == ["2 Workflow of argoproj.io: not looked into, lint finds no whole pod template there"]


def test_a_service_of_another_api_is_no_service_of_kubernetes():
    knative = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ipFamilies": ["IPv6"]}}
    knative["spec"] |= {"selector": {"app": "web"}, "template": spec(hostNetwork=True)["spec"]["template"]}
    assert rules([deployment(), knative]) == {"host-network"}


def test_an_item_of_a_list_has_its_own_line():
    items = [deployment(), spec(hostNetwork=True)]
    listed = Document(object={"kind": "List", "items": items}, source="list.yaml", line=1, item_lines=(4, 31))
    (finding,) = check_documents([listed], windows_build=None)
    assert finding.line == 31


def test_host_process_values_must_agree():
    disagreeing = security(windowsOptions={"hostProcess": True})
    disagreeing["spec"]["template"]["spec"] |= {"hostNetwork": True, "securityContext": {"windowsOptions": {"hostProcess": False}}}
    assert errors(disagreeing) == {"host-process"}


def test_an_exec_probe_by_a_windows_program_is_let_pass():
    assert errors(readiness(["C:/probe.exe"])) == set()


def test_privileged_says_nothing_in_a_host_process_container():
    """Azure/azure-container-networking cns/azure-cns-windows.yaml: it runs, until spec.os.name makes the API server look."""
    pod = host_process(hostNetwork=True)
    pod["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    assert errors(pod) == {"refused-field"}
    pod["spec"]["template"]["spec"].pop("os")
    assert (errors(pod), rules(pod)) == (set(), {"os-name", "ignored-field"})
