"""The whole check, against a running rehearsal: real Windows binaries under Wine, not Windows."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rehearsal.session import Session
from rehearsal.wine import command_lines, programs, subject
from rehearsal.wine.command_lines import CommandLines
from rehearsal.wine.computer import Computer
from rehearsal.wine.join import Joining, check_node
from rehearsal.wine.subject import Subject

LABEL = "real Windows binaries under Wine, not Windows"


def check(session: Session, lines: CommandLines | None = None) -> str:
    """Join with kubeadm.exe and kubelet.exe, and start flanneld.exe and kube-proxy.exe; WineError says what was not taken.

    For a few seconds the cluster has one more node, which is NotReady; it is gone when this returns, however it returns.
    `lines` are those of userdata/windows/worker.ps1 unless given.
    """
    node = subject.of(session)
    lines = lines or command_lines.of_the_product()
    with _guest_removed(session, node), _computer(session, node) as computer:
        started = programs.start(computer, node, lines)
        Joining(computer=computer, subject=node, lines=lines, fake_cri=session.supplies.fake_cri).run()
        registered = check_node(node, _node(session, node.guest), _node(session, node.name))
        reached = "; ".join(program.finish() for program in started)
    return f"{LABEL}: kubeadm.exe joined {node.guest}, kubelet.exe registered it ({registered}); {reached}"


@contextmanager
def _computer(session: Session, node: Subject) -> Generator[Computer]:
    computer = Computer(folder=session.state / "wine", logs=session.state / "logs" / "wine", namespace=node.namespace)
    computer.set_up(session.supplies.wine_prefix, session.supplies.windows)
    try:
        yield computer
    finally:
        computer.shut_down()


@contextmanager
def _guest_removed(session: Session, node: Subject) -> Generator[None]:
    """kubelet.exe must have ended before its node is removed, or it would go on reporting of it."""
    try:
        yield
    finally:
        session.run("kubectl", "delete", "node", node.guest, "--ignore-not-found")


def _node(session: Session, name: str) -> dict[str, Any]:
    return json.loads(session.run("kubectl", "get", "node", name, "--output", "json"))
