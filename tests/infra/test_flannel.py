"""Flannel as it is declared: what Windows insists on, and what its part may do."""

import json

import pytest

from infra import flannel
from tests.support.engine import plain
from tests.support.stacks import deployed

ROLE, BINDING = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
CONFIG_MAP, DAEMON_SET = "kubernetes:core/v1:ConfigMap", "kubernetes:apps/v1:DaemonSet"
WINDOWS_GROUP = {"kind": "Group", "name": "microcosm:windows-network", "apiGroup": "rbac.authorization.k8s.io"}


def committed():
    return deployed("committed", "up")


def one(type_: str, name: str, deployment=None):
    return plain((deployment or committed()).one(type_, name).inputs)


def network(deployment):
    return json.loads(one(CONFIG_MAP, "kube-flannel-cfg", deployment)["data"]["net-conf.json"])


def test_vxlan_has_the_only_network_number_and_port_that_windows_takes():
    assert network(committed())["Backend"] == {"Type": "vxlan", "VNI": 4096, "Port": 4789}


def test_host_gw_has_nothing_but_its_name():
    assert network(deployed("host-gw", "up"))["Backend"] == {"Type": "host-gw"}


def test_the_pods_have_the_range_of_the_configuration():
    found = {stack: network(deployed(stack, "up"))["Network"] for stack in ("committed", "host-gw")}
    assert found == {"committed": "10.244.0.0/16", "host-gw": "172.16.0.0/16"}


def test_linux_and_windows_nodes_name_the_network_alike():
    """flanneld.exe gives the HNS network the name of the CNI configuration."""
    conf = json.loads(one(CONFIG_MAP, "kube-flannel-cfg")["data"]["cni-conf.json"])
    assert conf["name"] == "cbr0"
    assert [plugin["type"] for plugin in conf["plugins"]] == ["flannel", "portmap"]


def test_the_windows_services_may_do_what_flanneld_and_kube_proxy_do_and_no_more():
    """Their certificate is on a disk that every administrator of that machine reads."""
    bound = {one(BINDING, r.name)["roleRef"]["name"] for r in committed().of(BINDING) if WINDOWS_GROUP in one(BINDING, r.name)["subjects"]}
    assert bound == {"flannel", "system:node-proxier"}
    verbs = {verb for rule in one(ROLE, "flannel")["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch", "patch"}
    assert [r.name for r in committed().of(ROLE)] == ["flannel"]


def test_the_daemon_set_runs_on_every_linux_node_and_on_no_other():
    pod = one(DAEMON_SET, "kube-flannel-ds")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert pod["tolerations"] == [{"operator": "Exists", "effect": "NoSchedule"}], "a node without a network is tainted"
    assert pod["hostNetwork"] is True
    assert pod["priorityClassName"] == "system-node-critical"


def test_what_is_mounted_is_declared():
    pod = one(DAEMON_SET, "kube-flannel-ds")["spec"]["template"]["spec"]
    mounted = {mount["name"] for container in (*pod["containers"], *pod["initContainers"]) for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_images_are_those_that_machines_pull_while_they_wait():
    pod = one(DAEMON_SET, "kube-flannel-ds")["spec"]["template"]["spec"]
    images = {container["image"] for container in (*pod["containers"], *pod["initContainers"])}
    assert images == {flannel.IMAGE, flannel.CNI_IMAGE}


def test_nobody_waits_for_the_pods_of_nodes_that_still_boot():
    """The gate waits, and it can say where a machine is stuck."""
    assert one(DAEMON_SET, "kube-flannel-ds")["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


@pytest.mark.parametrize("type_", [CONFIG_MAP, DAEMON_SET, "kubernetes:core/v1:ServiceAccount"])
def test_what_is_in_the_namespace_waits_for_it(type_):
    namespace = committed().one("kubernetes:core/v1:Namespace", flannel.NAMESPACE)
    inside = [r for r in committed().of(type_) if r.inputs["metadata"].get("namespace") == flannel.NAMESPACE]
    assert inside
    assert all(namespace.urn in r.dependencies for r in inside)
