"""The surroundings of a pod, as public reports have it: storage, classes, webhooks, names, paths of the host,
kinds that are not known.
"""

from typing import Any

import pytest

from infra.lint import Document, Severity, check_documents, not_looked_into

from .lint_cases import WS2022, claimed, container, deployment, found, of_class, rules, spec, volume


def errors(objects: Any, build: str | None = None) -> set[str]:
    return {finding.rule for finding in found(objects, build) if finding.severity is Severity.ERROR}


@pytest.mark.parametrize(
    "driver",
    [
        "nfs.csi.k8s.io",
        "cluster.local/nfs-subdir-external-provisioner",
        "efs.csi.aws.com",
        "rancher.io/local-path",
    ],
)
def test_storage_without_windows_is_found_behind_a_claim(driver):
    """kubernetes-csi/csi-driver-nfs#287, nfs-subdir-external-provisioner#364."""
    assert errors(claimed(driver)) == {"volume-type"}
    assert errors(volume(csi={"driver": driver})) == {"volume-type"}
    ephemeral = volume(ephemeral={"volumeClaimTemplate": {"spec": {"storageClassName": "shared"}}})
    assert errors([ephemeral, *claimed(driver)[2:]]) == {"volume-type"}


def test_storage_without_windows_is_found_behind_a_volume_and_a_default_class():
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "files"},
        "spec": {"storageClassName": "", "volumeName": "disk"},
    }
    disk = {
        "kind": "PersistentVolume",
        "metadata": {"name": "disk"},
        "spec": {"nfs": {"server": "files", "path": "/"}},
    }
    pod = volume(persistentVolumeClaim={"claimName": "files"})
    assert errors([pod, claim, disk]) == {"volume-type"}
    assert errors([pod, claim]) == set(), "of a volume that is not given nothing is known"
    default = claimed("efs.csi.aws.com")
    default[1]["spec"].pop("storageClassName")
    default[2]["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert errors(default) == {"volume-type"}


@pytest.mark.parametrize(
    "driver", ["ebs.csi.aws.com", "smb.csi.k8s.io", "kubernetes.io/aws-ebs", "acme.example.com/disk"]
)
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
    assert "names-by-case" not in rules(
        container(env=[{"name": name, "value": "http://proxy"} for name in names])
    )
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
    rollout = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": {"template": template},
    }
    (finding,) = found(rollout)
    assert (finding.object, finding.rule, finding.what) == (
        "Rollout default/web",
        "host-network",
        "spec.template: hostNetwork: true",
    )
    several = {
        **rollout,
        "kind": "Group",
        "spec": {"leader": {"podSpec": template["spec"]}, "workers": [{"template": template}]},
    }
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
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {"containers": [1]},
    }
    documents = [Document(object=each) for each in (step, step, plain, definition, deployment())]
    assert not_looked_into(documents) == [
        "2 Workflow of argoproj.io: not looked into, lint finds no whole pod template there"
    ]


def test_a_service_of_another_api_is_no_service_of_kubernetes():
    knative = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"ipFamilies": ["IPv6"]},
    }
    knative["spec"] |= {"selector": {"app": "web"}, "template": spec(hostNetwork=True)["spec"]["template"]}
    assert rules([deployment(), knative]) == {"host-network"}


def test_an_item_of_a_list_has_its_own_line():
    items = [deployment(), spec(hostNetwork=True)]
    listed = Document(object={"kind": "List", "items": items}, source="list.yaml", line=1, item_lines=(4, 31))
    (finding,) = check_documents([listed], windows_build=None)
    assert finding.line == 31
