"""Compare machines that form a cluster by their user-data with `kubeadm init` and `join` run by hand.

The manual run has advantages: images are pulled, files are cached, the pod network is configured, and nothing
is checked. It runs the commands of kubeadm's documentation, and then again with the configuration of the
user-data, whose controllers start faster.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from infra import join_parameters
from infra.config import naming
from infra.node.report import READY, Report, parameters
from rehearsal.build import ensure
from rehearsal.build.catalogue import LINUX_ALONE
from rehearsal.scenarios import checks
from rehearsal.session import (
    IGNORED_PREFLIGHT,
    STACK,
    Session,
    close_session,
    locked,
    open_session,
    require_root_on_linux,
)

from .document import table
from .samples import BenchError
from .settings import Settings

WORKER = "linux-0"
POOLS = [{"name": "linux", "os": "ubuntu-24.04", "count": 1}]
# The user-data writes this file with the machine's own address.
INIT_CONFIG = "/var/lib/microcosm/init.yaml"
KUBECTL = ("kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf")
READY_SECONDS = 120.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds from `kubeadm init` until every node is Ready, and those of the worker's join."""

    ready: float
    join: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """Seconds from launch to `kubeadm init`, then by user-data, by hand, and by hand with its
    configuration.
    """

    before: float
    program: Span
    plain: Span
    configured: Span


def run(settings: Settings) -> str:
    require_root_on_linux()
    with locked():
        session = open_session(ensure(parts=LINUX_ALONE))
        try:
            session.write_config(nodePools=POOLS, workloads=False)
            rounds = [_round(session, number, settings) for number in range(settings.repeats)]
        finally:
            close_session()
    return report(rounds)


def _round(session: Session, number: int, settings: Settings) -> Round:
    log = settings.log
    log(f"round {number + 1} of {settings.repeats}: up")
    session.run("pulumi", "up", "--yes", "--skip-preview", "--stack", STACK)
    reports = _reports(session)
    before, ready = spans(reports, _launched(session))
    join = join_span(reports, _published(session))
    log(f"round {number + 1} of {settings.repeats}: by hand")
    plain = _by_hand(session, _plain(session))
    configured = _by_hand(session, ("--config", INIT_CONFIG))
    session.run("pulumi", "destroy", "--yes", "--skip-preview", "--stack", STACK)
    return Round(before=before, program=Span(ready, join), plain=plain, configured=configured)


def _reports(session: Session) -> dict[str, Report]:
    path = naming.Names(stack=STACK).parameter(join_parameters.STATUS)
    pages = session.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
    return {node: found for node, found in parameters(path, pages.search("Parameters[]")).items() if found}


def _launched(session: Session) -> float:
    living = [{"Name": "instance-state-name", "Values": ["running"]}]
    reservations = session.client("ec2").describe_instances(Filters=living)["Reservations"]
    return min(instance["LaunchTime"].timestamp() for each in reservations for instance in each["Instances"])


def spans(reports: Mapping[str, Report], launched: float) -> tuple[float, float]:
    """Return the seconds from launch to `kubeadm init`, and from there until the last node is Ready."""
    begins = reports[naming.CONTROL_PLANE].times("init").start
    return begins - launched, max(_end(found, READY) for found in reports.values()) - begins


def _published(session: Session) -> float:
    name = naming.Names(stack=STACK).parameter(join_parameters.JOIN)
    return session.client("ssm").get_parameter(Name=name)["Parameter"]["LastModifiedDate"].timestamp()


def join_span(reports: Mapping[str, Report], published: float) -> float:
    """Return the seconds of `kubeadm join`, from when worker and join document exist.

    Machines report whole seconds.
    """
    join = reports[WORKER].times("join")
    return _end(reports[WORKER], "join") - max(join.start, published)


def _end(found: Report, phase: str) -> float:
    end = found.times(phase).end
    assert end is not None, f"{found.node} has not ended phase {phase}"
    return end


def _plain(session: Session) -> tuple[str, ...]:
    """Return the options of a manual `kubeadm init`; offline, kubeadm cannot look up the version."""
    version = checks.in_machine(
        session, naming.CONTROL_PLANE, "kubeadm", "version", "--output", "short"
    ).strip()
    return (
        "--kubernetes-version",
        version,
        "--pod-network-cidr",
        "10.244.0.0/16",
        "--node-name",
        naming.CONTROL_PLANE,
    )


def _by_hand(session: Session, options: tuple[str, ...]) -> Span:
    """Run the manual commands, as fast as a program can."""
    for node in (WORKER, naming.CONTROL_PLANE):
        checks.in_machine(session, node, "kubeadm", "reset", "--force")
    ignored = [f"--ignore-preflight-errors={','.join(IGNORED_PREFLIGHT)}"] if IGNORED_PREFLIGHT else []
    began = time.monotonic()
    checks.in_machine(session, naming.CONTROL_PLANE, "kubeadm", "init", *options, *ignored)
    join = checks.in_machine(
        session, naming.CONTROL_PLANE, "kubeadm", "token", "create", "--print-join-command"
    ).split()
    join_began = time.monotonic()
    checks.in_machine(session, WORKER, *join, "--node-name", WORKER, *ignored)
    joined = time.monotonic()
    while not _both_ready(session):
        if time.monotonic() - began > READY_SECONDS:
            raise BenchError(
                f"the cluster made by hand was not Ready within {READY_SECONDS:.0f} s; try again on a "
                f"quieter machine"
            )
        time.sleep(POLL_SECONDS)
    return Span(time.monotonic() - began, joined - join_began)


def _both_ready(session: Session) -> bool:
    jsonpath = 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}'
    return checks.in_machine(
        session, naming.CONTROL_PLANE, *KUBECTL, "get", "nodes", "-o", jsonpath
    ).split() == ["True", "True"]


def report(rounds: list[Round]) -> str:
    seconds = {
        "from `kubeadm init` until both nodes are Ready": [
            (each.program.ready, each.plain.ready, each.configured.ready) for each in rounds
        ],
        "from launch until both nodes are Ready": [
            (
                each.before + each.program.ready,
                each.before + each.plain.ready,
                each.before + each.configured.ready,
            )
            for each in rounds
        ],
        "the worker's join, once it can": [
            (each.program.join, each.plain.join, each.configured.join) for each in rounds
        ],
    }
    rows: list[list[str]] = []
    for name, triples in seconds.items():
        for how, pick in (("least", min), ("median", median)):
            program, plain, configured = (pick(values) for values in zip(*triples, strict=True))
            ratios = (
                f"{plain:.1f}",
                f"**{program / plain:.2f}**",
                f"{configured:.1f}",
                f"{program / configured:.2f}",
            )
            rows.append([f"{name}, {how}", f"{program:.1f}", *ratios])
    return table(
        [
            f"{len(rounds)} rounds",
            "user-data, s",
            "by hand, s",
            "ratio",
            "with its configuration, s",
            "ratio",
        ],
        rows,
    )
