"""Flannel as it is declared: what Windows insists on, and what its part may do."""

import json
import re
import subprocess
import tomllib

import pytest

from infra import flannel
from tests.support.engine import PROJECT, plain
from tests.support.stacks import deployed

ROLE, BINDING = (
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
)
CONFIG_MAP, DAEMON_SET = "kubernetes:core/v1:ConfigMap", "kubernetes:apps/v1:DaemonSet"
WINDOWS_GROUP = {
    "kind": "Group",
    "name": "microcosm:windows-network",
    "apiGroup": "rbac.authorization.k8s.io",
}


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


def test_linux_and_windows_nodes_name_the_network_alike():
    """flanneld.exe gives the HNS network the name of the CNI configuration."""
    conf = json.loads(one(CONFIG_MAP, "kube-flannel-cfg")["data"]["cni-conf.json"])
    assert conf["name"] == "cbr0"
    assert [plugin["type"] for plugin in conf["plugins"]] == ["flannel", "portmap"]


def test_the_windows_services_may_do_what_flanneld_and_kube_proxy_do_and_no_more():
    """Their certificate is on a disk that every administrator of that machine reads."""
    bound = {
        one(BINDING, r.name)["roleRef"]["name"]
        for r in committed().of(BINDING)
        if WINDOWS_GROUP in one(BINDING, r.name)["subjects"]
    }
    assert bound == {"flannel", "system:node-proxier"}
    verbs = {verb for rule in one(ROLE, "flannel")["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch", "patch"}
    assert [r.name for r in committed().of(ROLE)] == ["flannel"]


def test_the_daemon_set_runs_on_every_linux_node_and_on_no_other():
    pod = one(DAEMON_SET, "kube-flannel-ds")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert pod["tolerations"] == [{"operator": "Exists", "effect": "NoSchedule"}], (
        "a node without a network is tainted"
    )
    assert pod["hostNetwork"] is True
    assert pod["priorityClassName"] == "system-node-critical"


@pytest.mark.parametrize("type_", [CONFIG_MAP, DAEMON_SET, "kubernetes:core/v1:ServiceAccount"])
def test_what_is_in_the_namespace_waits_for_it(type_):
    namespace = committed().one("kubernetes:core/v1:Namespace", flannel.NAMESPACE)
    inside = [r for r in committed().of(type_) if r.inputs["metadata"].get("namespace") == flannel.NAMESPACE]
    assert inside
    assert all(namespace.urn in r.dependencies for r in inside)


def test_no_init_container_touches_the_cni_configuration():
    """It would be there before flanneld has its lease, and the first pods of the node would fail for 13
    seconds.
    """
    pod = one(DAEMON_SET, "kube-flannel-ds")["spec"]["template"]["spec"]
    assert {mount["name"] for container in pod["initContainers"] for mount in container["volumeMounts"]} == {
        "cni-plugin"
    }


def test_the_cni_configuration_lies_where_containerd_looks_and_is_gone_after_a_reboot():
    """The lease is in /run: a configuration on the disk would be there before it."""
    pod = one(DAEMON_SET, "kube-flannel-ds")["spec"]["template"]["spec"]
    folders = [volume["hostPath"]["path"] for volume in pod["volumes"] if volume["name"] == "cni"]
    assert folders == [flannel.CNI_FOLDER]
    assert flannel.CNI_FOLDER.startswith("/run/")
    config = re.search(
        r"config.toml <<TOML\n(.*?)\nTOML\n", (PROJECT / "userdata/linux/machine.sh").read_text(), re.DOTALL
    )[1]
    assert (
        tomllib.loads(config)["plugins"]["io.containerd.cri.v1.runtime"]["cni"]["conf_dir"]
        == flannel.CNI_FOLDER
    )


@pytest.fixture
def node(tmp_path, monkeypatch):
    """The hook's paths in a folder of the test, with cp for install-conf."""
    for name, path in (("SUBNET_FILE", "subnet.env"), ("CNI_FOLDER", "net.d"), ("CNI_CONF", "cni-conf.json")):
        monkeypatch.setattr(flannel, name, str(tmp_path / path))
    (tmp_path / "net.d").mkdir()
    (tmp_path / "cni-conf.json").write_text(flannel.cni_conf())
    return tmp_path


def test_the_hook_installs_the_configuration_after_the_lease_and_not_before(node):
    script = flannel.install_after_lease().replace("/opt/bin/install-conf", "cp")
    hook = subprocess.Popen(["sh", "-c", script])
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            hook.wait(0.6)
        assert list((node / "net.d").iterdir()) == []
        (node / ".subnet.env").write_text("FLANNEL_SUBNET=10.244.0.1/24\n")
        (node / ".subnet.env").rename(node / "subnet.env")
        assert hook.wait(5) == 0
    finally:
        hook.kill()
        hook.wait()
    assert (node / "net.d" / "10-flannel.conflist").read_text() == flannel.cni_conf()


def test_the_hook_is_that_of_the_container_that_gets_the_lease():
    (container,) = one(DAEMON_SET, "kube-flannel-ds")["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["/opt/bin/flanneld"]
    assert container["lifecycle"] == {
        "postStart": {"exec": {"command": ["/bin/sh", "-c", flannel.install_after_lease()]}}
    }


def test_flanneld_needs_no_kube_proxy_to_reach_the_api():
    """It calls the control plane's own address: the Service address leads nowhere until kube-proxy's rules
    are there.
    """
    deployment = deployed("committed", "up")
    (daemon_set,) = deployment.of("kubernetes:apps/v1:DaemonSet")
    (container,) = plain(daemon_set.inputs["spec"])["template"]["spec"]["containers"]
    given = {each["name"]: each.get("value") for each in container["env"]}
    (host,) = {
        plain(output)["privateIp"]
        for name, output in plain(deployment.outputs["nodes"]).items()
        if name == "control-plane"
    }
    assert (given["KUBERNETES_SERVICE_HOST"], given["KUBERNETES_SERVICE_PORT"]) == (host, "6443")
