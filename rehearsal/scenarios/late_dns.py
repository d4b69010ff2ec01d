"""Delay cluster DNS: `up` must report that it waits for DNS, and end only after DNS answers."""

import time

from . import checks
from .checks import CheckFailed
from .life import LIFE, Run, Step, audit, destroy, read_outputs, smoke
from .machine_faults.command import Command
from .machine_faults.stage import UP, wait_until

HELD_SECONDS = 60.0
REPORTED_SECONDS = 300.0
_COREDNS = ("deployment/coredns", "--namespace=kube-system")


def late_dns(run: Run) -> str:
    """Scale CoreDNS to zero before the first node is Ready, and back HELD_SECONDS after `up` reports it."""
    command = Command(run.session, *UP, tell=run.tell)
    wait_until(run.session.kubeconfig.exists, REPORTED_SECONDS, "the control plane publishes its kubeconfig")
    _scale(run, 0)
    reported = command.wait_for("Deployment kube-system/coredns is not available", REPORTED_SECONDS)
    held_until = time.monotonic() + HELD_SECONDS
    while time.monotonic() < held_until:
        if not command.is_running:
            raise CheckFailed(f"`pulumi up` ended while cluster DNS was held back:\n{command.text}")
        time.sleep(1)
    _scale(run, 2)
    given_back = time.monotonic()
    command.succeeded()
    waited = time.monotonic() - given_back
    answers = checks.dns_answers(run.session)
    read_outputs(run)
    return f"up said: {reported}; it ended {waited:.0f} s after CoreDNS was given back; {answers}"


def _scale(run: Run, replicas: int) -> None:
    run.session.output("kubectl", "scale", *_COREDNS, f"--replicas={replicas}")


STEPS = (
    LIFE[0],
    Step("late DNS", f"pulumi up while CoreDNS is held back for {HELD_SECONDS:.0f} s", late_dns),
    Step("smoke", "traffic between Linux, the Windows stand-in and the outside", smoke),
    Step("destroy", "pulumi destroy", destroy),
    Step("audit", "the fake cloud holds what it held before", audit),
)
SCENARIOS = {"late-dns": STEPS}
