"""The smoke test's view of a cluster."""

import pytest

from microcosm.errors import OperatorError
from microcosm.smoke.cluster_view import Endpoint, view
from tests.support.clusters import CONTROL_PLANE, STAND_IN, Cluster, endpoint, node, pod


def test_both_workloads_are_seen_with_their_addresses() -> None:
    """Pod, port and node come from the endpoints that Kubernetes itself uses."""
    seen = view(Cluster())
    assert seen.page.endpoints == (Endpoint(ip="10.244.1.5", port=8080, pod="widgets-1", node="linux-0"),)
    assert (seen.page.cluster_ip, seen.page.port, seen.page.node_port) == ("10.96.1.1", 80, 30080)
    assert seen.ccauth.endpoints[0].node == "windows-0"
    assert seen.dns_ready


def test_the_probe_goes_to_a_worker_that_does_not_serve_the_page() -> None:
    """So that its traffic really crosses machines; the control plane only when there is nothing else."""
    cluster = Cluster(node_list=[CONTROL_PLANE, node("linux-0"), node("linux-1"), node("windows-0")])
    assert view(cluster).probe_node.name == "linux-1"
    cluster.node_list = [CONTROL_PLANE, node("linux-0", ready=False), node("windows-0")]
    assert view(cluster).probe_node.name == "control-plane"
    cluster.node_list = [node("windows-0")]
    with pytest.raises(OperatorError, match="no Linux node is Ready"):
        _ = view(cluster).probe_node


@pytest.mark.parametrize(
    ("windows", "is_stand_in"),
    [
        (node("windows-0"), False),
        (STAND_IN, True),
        (node("windows-0", labels={"microcosm.dev/stand-in": "true"}), True),
        (node("windows-0", annotations={"microcosm/stand-in": "no Windows machine"}), True),
    ],
)
def test_a_stand_in_is_known_by_label_or_annotation(windows: dict[str, object], is_stand_in: bool) -> None:
    """A rehearsal marks its Windows node with both."""
    assert view(Cluster(node_list=[CONTROL_PLANE, node("linux-0"), windows])).windows_stand_in is is_stand_in


def test_a_workload_without_a_ready_pod_says_what_it_waits_for() -> None:
    """In the words of Kubernetes, with the pod and its node."""
    cluster = Cluster(
        pod_list=[pod("widgets", "linux-0", "x"), pod("ccauth", "windows-0", "ImagePullBackOff")]
    )
    cluster.slices["microcosm"][1] = endpoint("ccauth", "10.244.2.3", 80, "windows-0", ready=False)
    seen = view(cluster)
    assert seen.ccauth.endpoints == ()
    assert seen.ccauth.waiting == "pod ccauth-1 on windows-0 is not ready: ImagePullBackOff Back-off pulling"
    cluster.pod_list = []
    assert view(cluster).ccauth.waiting == "no pod matches the selector of Service ccauth"


def test_missing_services_say_what_to_do() -> None:
    """Before the workloads are declared there is nothing to test."""
    with pytest.raises(
        OperatorError, match="no Service microcosm/widgets: the workloads are not declared yet"
    ):
        view(Cluster(service_list=[]))
