"""Inject losses of power: in kubeadm init, before, in and after a join, and reboots."""

import time

from .fault import HEALS, Fault
from .stage import LINE_SECONDS, PHASES, Stage, wait_until

# Points of `kubeadm init`, each marked by a file that exists by then: certificates begun, the administrator's
# kubeconfig written (an unfinished cluster has it too), etcd about to start. The fourth point is the API
# server, which answers before `kubeadm init` has ended.
INIT_POINTS = ("etc/kubernetes/pki/ca.crt", "etc/kubernetes/admin.conf", "etc/kubernetes/manifests/etcd.yaml")


def control_plane_in_init(stage: Stage) -> str:
    up, since = stage.up(), 0.0
    for point in INIT_POINTS:
        stage.cut_power(stage.wait_for_file("control-plane", point, since=since))
        since = time.time()
    id = stage.wait_for_file("control-plane", INIT_POINTS[-1], since=since)
    wait_until(stage.api_answers, LINE_SECONDS, "the API server answers")
    stage.cut_power(id)
    up.succeeded()
    return up.phases("control-plane")


def worker_before_join(stage: Stage) -> str:
    return _cut_on_its_way(stage, PHASES, "download")


def worker_in_join(stage: Stage) -> str:
    return _cut_on_its_way(stage, "etc/kubernetes/bootstrap-kubelet.conf")


def _cut_on_its_way(stage: Stage, path: str, content: str = "") -> str:
    node, up = stage.one_more_worker(), stage.up()
    stage.cut_power(stage.wait_for_file(node, path, content))
    up.succeeded()
    return up.phases(node)


def worker_after_join(stage: Stage) -> str:
    stage.cut_power(stage.instance("linux-0")["InstanceId"])
    return "nothing in Pulumi; `kubectl get nodes` shows linux-0 NotReady if it takes longer than 50 s"


def reboot(node: str) -> Fault:
    def act(stage: Stage) -> str:
        stage.reboot(stage.instance(node)["InstanceId"])
        return f"nothing in Pulumi; `kubectl get nodes` shows {node} NotReady if it takes longer than 50 s"

    stand_in = " (stand-in: its process is ended and started)" if node.startswith("windows") else ""
    return Fault(name=f"reboot-{node}", done=f"RebootInstances of {node}{stand_in}", repair=HEALS, act=act)
