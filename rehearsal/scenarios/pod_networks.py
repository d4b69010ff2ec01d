"""Flannel's backends, each checked on the machines themselves: the interface or the routes by which pods
reach each other.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..session import Session
from . import checks
from .checks import CheckFailed

_BACKEND = "flannel.alpha.coreos.com/backend-type"


def check(session: Session) -> str:
    """Every node, the stand-in of Windows too, has announced the stack's backend, and every Linux machine
    has what it is made of.
    """
    backend = session.variant.backend
    nodes = json.loads(session.output("kubectl", "get", "nodes", "--output", "json"))["items"]
    said = {name_of(node): node["metadata"]["annotations"].get(_BACKEND, "nothing") for node in nodes}
    if other := [f"{name} {value}" for name, value in said.items() if value != backend]:
        raise CheckFailed(f"Flannel's backend should be {backend} everywhere, but says {', '.join(other)}")
    linux = [name for name in said if not name.startswith("windows")]
    return _CHECKS[backend](session, linux, nodes)


def vxlan(session: Session, linux: Iterable[str], _: object) -> str:
    """`ip -d link` shows Flannel's interface with the VNI and port that Windows insists on."""
    for node in linux:
        links = checks.in_machine(session, node, "ip", "-d", "link")
        if not re.search(r"vxlan id 4096 .*dstport 4789", links):
            raise CheckFailed(f"no VXLAN interface with id 4096 and dstport 4789 on {node}:\n{links}")
    return f"VXLAN id 4096 dstport 4789 on {', '.join(linux)}"


def host_gw(session: Session, linux: Iterable[str], nodes: Iterable[Mapping[str, Any]]) -> str:
    """`ip route` leads the pods of every other node to that node, and there is no interface of an overlay."""
    ways = {name_of(node): (node["spec"]["podCIDR"], _address(node)) for node in nodes}
    for node in linux:
        routes = json.loads(checks.in_machine(session, node, "ip", "-json", "route"))
        there = {(route["dst"], route.get("gateway")) for route in routes}
        if missing := [
            f"{cidr} via {address}"
            for name, (cidr, address) in ways.items()
            if name != node and (cidr, address) not in there
        ]:
            raise CheckFailed(
                f"{node} has no route {', '.join(missing)}; it has {sorted(dst for dst, _ in there)}"
            )
        if "vxlan" in (links := checks.in_machine(session, node, "ip", "-d", "link")):
            raise CheckFailed(f"host-gw needs no overlay, but {node} has one:\n{links}")
    return f"routes to the pods of all other nodes on {', '.join(linux)}"


def name_of(node: Mapping[str, Any]) -> str:
    return node["metadata"]["name"]


def _address(node: Mapping[str, Any]) -> str:
    return next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")


_CHECKS: Mapping[str, Callable[[Session, list[str], list[dict[str, Any]]], str]] = {
    "vxlan": vxlan,
    "host-gw": host_gw,
}
