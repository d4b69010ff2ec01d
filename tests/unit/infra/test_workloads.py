"""The two workloads as Kubernetes objects: what they select, wait for, mount and are refused."""

import pytest

from infra import workload_files, workloads
from infra.config import operating_systems
from tests.support.engine import plain
from tests.support.stacks import deployed, run

DEPLOYMENT, SERVICE, CONFIG_MAP = (
    "kubernetes:apps/v1:Deployment",
    "kubernetes:core/v1:Service",
    "kubernetes:core/v1:ConfigMap",
)
WORKLOADS = ("ccauth", "widgets")


def committed():
    return deployed("committed", "up")


def inputs(type_: str, name: str, deployment=None):
    return plain((deployment or committed()).one(type_, name).inputs)


def pod(name: str, deployment=None):
    return inputs(DEPLOYMENT, name, deployment)["spec"]["template"]


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_service_finds_the_pods_by_their_labels_and_port(name):
    service = inputs(SERVICE, name)["spec"]
    labels = pod(name)["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert inputs(DEPLOYMENT, name)["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (container,) = pod(name)["spec"]["containers"]
    assert [port["targetPort"] for port in service["ports"]] == [
        port["containerPort"] for port in container["ports"]
    ]


def test_no_service_asks_for_a_load_balancer():
    """Kubernetes would make objects in AWS that destroy does not know."""
    assert {plain(r.inputs)["spec"]["type"] for r in committed().of(SERVICE)} == {"NodePort"}


def test_both_are_reached_where_the_outputs_say():
    ports = {name: inputs(SERVICE, name)["spec"]["ports"][0]["nodePort"] for name in WORKLOADS}
    assert committed().outputs["pageUrl"] == f"http://198.51.100.7:{ports['widgets']}"
    assert committed().outputs["serviceUrls"]["ccauth"] == f"http://198.51.100.7:{ports['ccauth']}/ccauth.svc"


def test_each_pod_stays_on_its_system():
    assert pod("widgets")["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    ccauth = pod("ccauth")["spec"]
    assert ccauth["nodeSelector"] == {
        "kubernetes.io/os": "windows",
        "node.kubernetes.io/windows-build": "10.0.17763",
    }
    assert ccauth["tolerations"] == [
        {"key": "os", "operator": "Equal", "value": "windows", "effect": "NoSchedule"}
    ]


def test_ccauth_runs_the_image_of_the_build_that_it_selects():
    """Process isolation takes no other.

    The first pool that has a node decides, not the empty one before it.
    """
    found = pod("ccauth", deployed("many-pools", "up"))["spec"]
    system = next(
        s
        for s in operating_systems.OPERATING_SYSTEMS.values()
        if s.build == found["nodeSelector"]["node.kubernetes.io/windows-build"]
    )
    assert system.name == "windows-2019"
    assert found["containers"][0]["image"] == system.wcf_image


def test_the_source_is_mounted_where_start_ps1_takes_it_from_and_never_on_the_web_root():
    """A ConfigMap is a folder of links that the kubelet swaps:

    ASP.NET stops on it with "Failed to start monitoring changes".
    """
    (container,) = pod("ccauth")["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    assert f"$Source = '{mount['mountPath']}'\n" in workload_files.ccauth_files()["start.ps1"]
    assert "inetpub" not in mount["mountPath"]
    assert container["command"][-1] == f"{mount['mountPath']}\\start.ps1"


def test_the_page_asks_for_ccauth_by_its_full_name():
    """nginx has no search domains, and a Windows pod would not try them for a name with a dot."""
    assert "ccauth.microcosm.svc.cluster.local;" in inputs(CONFIG_MAP, "widgets-nginx")["data"]["nginx.conf"]


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_deployment_waits_for_its_configuration(name):
    """A pod whose ConfigMap is missing is retried only after a minute."""
    maps = {r.urn for r in committed().of(CONFIG_MAP) if r.name.startswith(name)}
    assert maps
    assert maps <= committed().one(DEPLOYMENT, name).dependencies


@pytest.mark.parametrize("name", WORKLOADS)
def test_pods_get_no_credentials_and_have_probes_and_bounds(name):
    spec = pod(name)["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert {"readinessProbe", "livenessProbe"} <= container.keys()
    assert "memory" in container["resources"]["limits"]
    assert ":latest" not in container["image"]


def test_the_page_runs_without_root_and_without_a_writable_disk():
    spec = pod("widgets")["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_changed_file_rolls_its_pods_and_no_others(monkeypatch):
    """A ConfigMap that changes restarts nothing by itself."""
    before = {name: pod(name)["metadata"]["annotations"] for name in WORKLOADS}
    files = workload_files.page_files()
    monkeypatch.setattr(workloads, "page_files", lambda: {**files, "index.html": "another page"})
    changed = run({})
    after = {name: pod(name, changed)["metadata"]["annotations"] for name in WORKLOADS}
    assert before["widgets"] != after["widgets"]
    assert before["ccauth"] == after["ccauth"]


def test_nginx_asks_the_dns_of_this_cluster():
    text = inputs(CONFIG_MAP, "widgets-nginx", deployed("host-gw", "up"))["data"]["nginx.conf"]
    assert "172.30.0.10" in text
    assert workload_files.CLUSTER_DNS_TOKEN not in text


def test_a_cold_windows_image_has_the_time_that_it_takes():
    """Pulumi gives up on a Deployment and on a Service after ten minutes unless told otherwise, and
    Kubernetes calls it failed.
    """
    timeouts = committed().one(DEPLOYMENT, "ccauth").raw.customTimeouts
    assert (timeouts.create, timeouts.update) == (f"{workloads.CCAUTH_START_MINUTES}m",) * 2
    assert inputs(SERVICE, "ccauth")["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert (
        inputs(DEPLOYMENT, "ccauth")["spec"]["progressDeadlineSeconds"] == workloads.CCAUTH_START_MINUTES * 60
    )
