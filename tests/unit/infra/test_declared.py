"""The Windows rules over what the program declares, and Pulumi's names back in Kubernetes' own."""

import pytest

from infra import declared, workloads
from infra.config import operating_systems
from infra.errors import ConfigError
from tests.support.engine import deploy


def declare(pod_change=lambda pod: pod, backend="vxlan"):
    """The workloads alone, with CCAuth's pod changed."""
    from pulumi import ResourceOptions

    original = workloads._ccauth_pod

    def program():
        args = workloads.WorkloadsArgs(
            service_cidr="10.96.0.0/12",
            windows=operating_systems.OPERATING_SYSTEMS["windows-2019"],
            flannel_backend=backend,
        )
        workloads.Workloads("workloads", args, ResourceOptions(), ResourceOptions())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            workloads, "_ccauth_pod", lambda windows, overlay: pod_change(original(windows, overlay=overlay))
        )
        return deploy(program)


@pytest.mark.parametrize("backend", ["vxlan", "host-gw"])
def test_the_workloads_themselves_break_no_rule(backend, caplog):
    assert declare(backend=backend).of("kubernetes:apps/v1:Deployment")
    assert caplog.text == "", "not even one that only warns"


@pytest.mark.parametrize(("backend", "ports"), [("vxlan", [None]), ("host-gw", [80])])
def test_ccauth_asks_for_the_talks_host_port_only_where_windows_opens_it(backend, ports):
    """An overlay ignores it in silence, and it would still keep a second pod off the node."""
    pod = (
        declare(backend=backend)
        .one("kubernetes:apps/v1:Deployment", "ccauth")
        .inputs["spec"]["template"]["spec"]
    )
    assert [port.get("hostPort") for port in pod["containers"][0]["ports"]] == ports


def test_a_host_port_on_an_overlay_is_told_before_anything_is_built(caplog):
    def with_port(pod):
        return {
            **pod,
            "containers": [{**pod["containers"][0], "ports": [{"container_port": 80, "host_port": 8080}]}],
        }

    declare(with_port)
    assert "hostPort 8080 on an overlay network [host-port]" in caplog.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host_network": True}, "hostNetwork"),
        (
            {
                "node_selector": {
                    "kubernetes.io/os": "windows",
                    "node.kubernetes.io/windows-build": "10.0.20348",
                }
            },
            "image",
        ),
        ({"tolerations": []}, "toleration"),
    ],
)
def test_a_pod_that_windows_would_not_run_stops_the_preview(change, words):
    with pytest.raises(ConfigError) as caught:
        declare(lambda pod: {**pod, **change})
    assert words in str(caught.value)
    assert "ccauth" in str(caught.value)


def test_names_of_the_schema_are_translated_and_those_of_people_are_not():
    given = {
        "pre_stop": {"exec_": {"command": ["a_b"]}},
        "labels": {"my_label": "x_y"},
        "ports": [{"container_port": 80}],
    }
    expected = {
        "preStop": {"exec": {"command": ["a_b"]}},
        "labels": {"my_label": "x_y"},
        "ports": [{"containerPort": 80}],
    }
    assert declared.camel_case(given) == expected
