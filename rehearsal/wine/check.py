"""Check the real Windows binaries under Wine, not Windows, against a running rehearsal."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rehearsal.session import Session
from rehearsal.wine import command_lines, programs
from rehearsal.wine import subject as windows_node
from rehearsal.wine.command_lines import CommandLines
from rehearsal.wine.computer import WineHost
from rehearsal.wine.join import Joining, check_node
from rehearsal.wine.subject import WindowsNode

LABEL = "real Windows binaries under Wine, not Windows"


def check(session: Session, lines: CommandLines | None = None) -> str:
    """Join with kubeadm.exe and kubelet.exe, and start flanneld.exe and kube-proxy.exe; WineError names what
    they refuse.

    For a few seconds the cluster has a second Windows node, which is NotReady; it is removed in any case.
    `lines` are those of userdata/windows/worker.ps1 unless given.
    """
    node = windows_node.of(session)
    lines = lines or command_lines.of_the_product()
    with _second_node_removed(session, node), _wine_host(session, node) as wine_host:
        started = programs.start(wine_host, node, lines)
        Joining(wine_host=wine_host, node=node, lines=lines, fake_cri=session.supplies.fake_cri).run()
        registered = check_node(node, _node(session, node.second_name), _node(session, node.name))
        reached = "; ".join(program.finish() for program in started)
    return (
        f"{LABEL}: kubeadm.exe joined {node.second_name}, kubelet.exe registered it ({registered}); {reached}"
    )


@contextmanager
def _wine_host(session: Session, node: WindowsNode) -> Generator[WineHost]:
    wine_host = WineHost(
        folder=session.state / "wine", logs=session.state / "logs" / "wine", namespace=node.namespace
    )
    wine_host.set_up(session.supplies.wine_prefix, session.supplies.windows)
    try:
        yield wine_host
    finally:
        wine_host.shut_down()


@contextmanager
def _second_node_removed(session: Session, node: WindowsNode) -> Generator[None]:
    """Delete the second node after the block, when kubelet.exe has ended: it would report its node again."""
    try:
        yield
    finally:
        session.run("kubectl", "delete", "node", node.second_name, "--ignore-not-found")


def _node(session: Session, name: str) -> dict[str, Any]:
    return json.loads(session.run("kubectl", "get", "node", name, "--output", "json"))
