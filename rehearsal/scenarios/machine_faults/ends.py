"""Inject ends: of workers, of the control plane and of the API server."""

import re
import time

from rehearsal.scenarios.life import audit, read_outputs

from .stage import LINE_SECONDS, STACK, UP, Stage, wait_until

API_SECONDS = 15.0
ANEW = {"PULUMI_K8S_DELETE_UNREACHABLE": "true"}


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
