"""The faults of machines, in the order in which one cluster goes through them.

Each worker fault hits a worker that `up` is creating, so the next fault also shows that a later worker still
joins.
"""

import re
import time

from rehearsal.scenarios import checks
from rehearsal.scenarios.life import audit, read_outputs

from .fault import Fault
from .stage import AWS_API, METADATA, STACK, UP, Stage, wait_until

HEALS = "heals by itself"
SILENT_SECONDS = 60.0
API_SECONDS = 15.0
SKEW_SECONDS = 600.0
LINE_SECONDS = 240.0
ANEW = {"PULUMI_K8S_DELETE_UNREACHABLE": "true"}
# Points of `kubeadm init`, each marked by a file that exists by then: certificates begun, the administrator's
# kubeconfig written (an unfinished cluster has it too), etcd about to start. The fourth point is the API
# server, which answers before `kubeadm init` has ended.
INIT_POINTS = ("etc/kubernetes/pki/ca.crt", "etc/kubernetes/admin.conf", "etc/kubernetes/manifests/etcd.yaml")
PHASES = "var/lib/microcosm/phases"


# --- power


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


def _reboot(node: str) -> Fault:
    def act(stage: Stage) -> str:
        stage.reboot(stage.instance(node)["InstanceId"])
        return f"nothing in Pulumi; `kubectl get nodes` shows {node} NotReady if it takes longer than 50 s"

    stand_in = " (stand-in: its process is ended and started)" if node.startswith("windows") else ""
    return Fault(name=f"reboot-{node}", done=f"RebootInstances of {node}{stand_in}", repair=HEALS, act=act)


# --- what machines depend on


def metadata_silent(stage: Stage) -> str:
    return _silent(stage, METADATA)


def aws_api_silent(stage: Stage) -> str:
    return _silent(stage, AWS_API)


def _silent(stage: Stage, service: tuple[str, int]) -> str:
    node = stage.one_more_worker()
    up = stage.up()
    stage.wait_for_file(node, PHASES, "download")
    with stage.unreachable(service, node):
        time.sleep(SILENT_SECONDS)
    up.succeeded()
    return up.phases(node)


def mirror_slow_and_cut(stage: Stage) -> str:
    node = stage.one_more_worker()
    slow, cut = {"does": "slow", "size": 8_000_000}, {"does": "cut", "size": 1_000_000, "times": 2}
    with stage.faulty_mirror(kubelet=slow, kubeadm=cut):
        up = stage.up()
        up.succeeded()
    return up.phases(node)


def mirror_wrong_file(stage: Stage) -> str:
    node = stage.one_more_worker()
    with stage.faulty_mirror(kubeadm={"does": "wrong"}):
        line = stage.up().failed(
            f"{node} (", "failed: phase download: kubeadm: sha256 is", "the bill of materials says"
        )
    stage.up().succeeded()
    return line


def token_expired(stage: Stage) -> str:
    """Stop the renewal timer and delete the tokens, as Kubernetes does with expired tokens."""
    stage.run_in("control-plane", "systemctl", "stop", "microcosm-publish.timer")
    tokens = stage.run_in(
        "control-plane", "kubeadm", "token", "list", "--output", "jsonpath={.token} "
    ).split()
    stage.run_in("control-plane", "kubeadm", "token", "delete", *tokens)
    node, up = stage.one_more_worker(), stage.up()
    line = up.wait_for(f"{node}: join: ", LINE_SECONDS)
    stage.run_in(
        "control-plane", "systemctl", "start", "microcosm-publish.timer", "microcosm-publish.service"
    )
    up.succeeded()
    return line


def disk_full(stage: Stage) -> str:
    """Put the download folder on a small file system, because the machine shares the host's disk."""
    node, up = stage.one_more_worker(), stage.up()
    id = stage.instance(node)["InstanceId"]
    wait_until(lambda: stage.leader(id), LINE_SECONDS, f"{node} runs")
    folder = "/var/lib/microcosm"
    stage.run_in(node, "sh", "-c", f"mkdir --parents {folder} && mount -t tmpfs -o size=100m tmpfs {folder}")
    line = up.wait_for(f"{node}: download failed", LINE_SECONDS)
    stage.run_in(node, "mount", "-o", "remount,size=2g", folder)
    up.succeeded()
    return line


def clock_late(stage: Stage) -> str:
    node = stage.one_more_worker()
    with stage.clock_ahead(SKEW_SECONDS):
        up = stage.up()
        line = up.wait_for("Signature expired", LINE_SECONDS)
    up.succeeded()
    if node not in line:
        raise checks.CheckFailed(f"the line does not name {node}: {line}")
    return line


# --- what ends


def pool_shrunk(stage: Stage) -> str:
    """Shrink the pool to one worker. Only the control plane's timer removes the Node objects."""
    if stage.linux_workers == 1:
        stage.one_more_worker()
        stage.up().succeeded()
    stage.configure(1)
    up = stage.up()
    up.succeeded()
    read_outputs(stage.run)
    wait_until(
        lambda: _registered(stage) == set(stage.nodes),
        LINE_SECONDS,
        "the Nodes of the machines that are gone are gone too",
    )
    return next(line for line in up.lines if re.fullmatch(r"- \d+ deleted", line))


def _registered(stage: Stage) -> set[str]:
    """Return the names of the Node objects, with or without a machine."""
    return {node["metadata"]["name"] for node in stage.objects("nodes")}


def worker_stopped(stage: Stage) -> str:
    id = stage.instance("linux-0")["InstanceId"]
    stage.ec2.stop_instances(InstanceIds=[id])
    wait_until(lambda: stage.leader(id) is None, LINE_SECONDS, "linux-0 is off")
    line = stage.up().failed("linux-0 (", "is stop", f"aws ec2 start-instances --instance-ids {id}")
    stage.ec2.start_instances(InstanceIds=[id])
    return line


def worker_terminated(stage: Stage) -> str:
    stage.terminate("linux-0")
    line = stage.up().failed("linux-0 (", "is terminated")
    stage.command(*UP, "--refresh").succeeded()
    return line


def control_plane_terminated(stage: Stage) -> str:
    stage.terminate("control-plane")
    line = stage.up().failed("control-plane (", "is terminated")
    stage.command(*UP, "--refresh", environment=ANEW).succeeded()
    # The variable became an input of the Kubernetes provider, which a second `up` removes.
    stage.up().succeeded()
    return line


def api_gone_in_up(stage: Stage) -> str:
    stage.one_more_worker()
    stage.stop_api()
    up = stage.up()
    line = up.wait_for("its API does not answer", LINE_SECONDS)
    time.sleep(API_SECONDS)
    stage.start_api()
    up.succeeded()
    return line


def api_gone_in_destroy(stage: Stage) -> str:
    """Destroy the stack without its API server and audit the cloud; this fault is always the last."""
    stage.stop_api()
    destroyed = stage.command("pulumi", "destroy", "--yes", "--skip-preview", "--stack", STACK)
    destroyed.succeeded()
    audit(stage.run)
    return next(line for line in destroyed.lines if re.fullmatch(r"- \d+ deleted", line))


FIRST = Fault(
    name="control-plane-in-init",
    done="the control plane loses its power in `kubeadm init`: at certificates, kubeconfig, etcd and API",
    repair=HEALS,
    act=control_plane_in_init,
)
MACHINE_FAULTS = (
    Fault(
        name="worker-before-join",
        done="a worker loses its power while it downloads",
        repair=HEALS,
        act=worker_before_join,
    ),
    Fault(
        name="worker-in-join",
        done="a worker loses its power during `kubeadm join`",
        repair=HEALS,
        act=worker_in_join,
    ),
    Fault(
        name="worker-after-join",
        done="a worker of the running cluster loses its power",
        repair=HEALS,
        act=worker_after_join,
    ),
    _reboot("linux-0"),
    _reboot("windows-0"),
    _reboot("control-plane"),
    Fault(
        name="metadata-silent",
        done="the metadata service is silent for a minute for a booting worker",
        repair=HEALS,
        act=metadata_silent,
    ),
    Fault(
        name="aws-api-silent",
        done="Systems Manager is silent for a minute for a booting worker",
        repair=HEALS,
        act=aws_api_silent,
    ),
    Fault(
        name="mirror-slow-and-cut",
        done="the mirror sends kubelet at 8 MB/s and breaks kubeadm off twice",
        repair=HEALS,
        act=mirror_slow_and_cut,
    ),
    Fault(
        name="mirror-wrong-file",
        done="the mirror serves other bytes as kubeadm, then the right ones",
        repair="`pulumi up`",
        act=mirror_wrong_file,
    ),
    Fault(
        name="token-expired",
        done="the join token has expired, its timer was off; then the timer runs",
        repair=HEALS,
        act=token_expired,
    ),
    Fault(
        name="disk-full", done="the disk of a worker is full; then it is grown", repair=HEALS, act=disk_full
    ),
    Fault(
        name="clock-late",
        done="a worker's clock is ten minutes late by AWS's; then it is right",
        repair=HEALS,
        act=clock_late,
    ),
    Fault(
        name="pool-shrunk",
        done="all workers of a pool but one are taken out of the configuration, then `up`",
        repair=HEALS,
        act=pool_shrunk,
    ),
    Fault(
        name="worker-stopped",
        done="a worker is stopped by hand, then `up`",
        repair="`aws ec2 start-instances`",
        act=worker_stopped,
    ),
    Fault(
        name="worker-terminated",
        done="a worker is terminated by hand, then `up`",
        repair="`pulumi up --refresh`",
        act=worker_terminated,
    ),
    Fault(
        name="control-plane-terminated",
        done="the control plane is terminated by hand, then `up`",
        repair="`PULUMI_K8S_DELETE_UNREACHABLE=true pulumi up --refresh`",
        act=control_plane_terminated,
    ),
    Fault(
        name="api-gone-in-up",
        done="the API server is gone while `up` makes a worker; then it is back",
        repair=HEALS,
        act=api_gone_in_up,
    ),
)
LAST = Fault(
    name="api-gone-in-destroy",
    done="the API server is gone for good, then `pulumi destroy`",
    repair="nothing to repair",
    act=api_gone_in_destroy,
)
FAULTS = (FIRST, *MACHINE_FAULTS, LAST)
