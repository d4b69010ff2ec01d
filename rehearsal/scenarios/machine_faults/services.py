"""Inject faults of what machines depend on: metadata, AWS, the mirror, tokens, disks and clocks."""

import time

from rehearsal.scenarios import checks

from .stage import AWS_API, LINE_SECONDS, METADATA, PHASES, Stage, wait_until

SILENT_SECONDS = 60.0
SKEW_SECONDS = 600.0


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
