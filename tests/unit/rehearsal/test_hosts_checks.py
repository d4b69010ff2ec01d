"""Source/destination checks of the machine room, as text; `-m machine` sends packets through them (root,
nft).
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from rehearsal.hosts.firewall import ruleset
from rehearsal.hosts.layout import port_of
from rehearsal.hosts.model import Permission

from .hosts_values import an_instance

PODS = {"a": "10.244.1.9", "b": "10.244.2.9"}


def test_a_machine_with_its_check_on_neither_sends_nor_gets_what_is_another_addresses():
    rules = ruleset(
        [an_instance("i-a", "10.0.16.4"), an_instance("i-b", "10.0.16.5", source_dest_check=False)], {}
    )
    assert 'iifname "ve-i-a" ip saddr != 10.0.16.4 drop' in rules
    assert 'oifname "ve-i-a" ip daddr != 10.0.16.4 drop' in rules
    assert 'ifname "ve-i-b" ip' not in rules, "its check is off"


def test_the_groups_of_a_machine_judge_what_leaves_through_its_port():
    rules = ruleset([an_instance("i-b", "10.0.16.5"), an_instance("i-a", "10.0.16.4")], {})
    assert 'meta mark set oifname map { "ve-i-a" : 1, "ve-i-b" : 2 }' in rules
    assert "meta mark vmap { 1 : jump i-a, 2 : jump i-b }" in rules
    assert rules.index("meta mark vmap") < rules.index("ip daddr vmap"), (
        "a pod's address says nothing of the machine"
    )


@dataclass(frozen=True)
class Wires:
    """Two machines with a pod address each, on the bridge of a router, in network namespaces without any
    other way out.
    """

    prefix: str

    def apply(self, rules: str) -> None:
        self.inside("router", "nft", "--file", "-", stdin=rules)

    def inside(self, where: str, *command: str, stdin: str = "", check: bool = True) -> str:
        words = ["ip", "netns", "exec", f"{self.prefix}{where}", *command]
        return subprocess.run(words, input=stdin, text=True, capture_output=True, check=check).stdout

    def reaches(self, source: str, target: str) -> bool:
        """Whether a datagram from machine a, with this source, is answered by machine b."""
        words = ["ip", "netns", "exec", f"{self.prefix}b", sys.executable, "-c", _ANSWER, target]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as answering:
            try:
                assert answering.stdout
                assert answering.stdout.readline() == "ready\n"
                return self.inside("a", sys.executable, "-c", _ASK, source, target).strip() == "answered"
            finally:
                answering.kill()


_ANSWER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 4000))
print("ready", flush=True)
while True: s.sendto(*s.recvfrom(9))
"""
_ASK = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
s.settimeout(1)
s.sendto(b"hello", (sys.argv[2], 4000))
try: print("answered" if s.recv(9) else "")
except TimeoutError: print("silence")
"""


@pytest.fixture
def wires() -> Iterator[Wires]:
    with tempfile.TemporaryDirectory(prefix="mc") as folder:
        made = Wires(f"{Path(folder).name}-")
        try:
            _lay(made)
            yield made
        finally:
            for name in ("router", "a", "b"):
                subprocess.run(
                    ["ip", "netns", "delete", f"{made.prefix}{name}"], check=False, capture_output=True
                )


def _lay(made: Wires) -> None:
    for name in ("router", "a", "b"):
        subprocess.run(["ip", "netns", "add", f"{made.prefix}{name}"], check=True)
    made.inside("router", "ip", "link", "add", "br-room", "type", "bridge")
    made.inside("router", "ip", "link", "set", "br-room", "up")
    for number, name in enumerate(PODS, 4):
        port = port_of(f"i-{name}")
        peer = ("peer", "name", "eth0", "netns", f"{made.prefix}{name}")
        made.inside("router", "ip", "link", "add", port, "type", "veth", *peer)
        made.inside("router", "ip", "link", "set", port, "master", "br-room", "up")
        for device, address in (("eth0", f"10.0.16.{number}/20"), ("lo", f"{PODS[name]}/32")):
            made.inside(name, "ip", "address", "add", address, "dev", device)
            made.inside(name, "ip", "link", "set", device, "up")
    made.inside("a", "ip", "route", "add", PODS["b"], "via", "10.0.16.5")
    made.inside("b", "ip", "route", "add", PODS["a"], "via", "10.0.16.4")
    made.inside("router", "sh", "-c", "echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables")


@pytest.mark.machine
@pytest.mark.parametrize(
    ("checked", "pods_may", "reached"),
    [
        pytest.param((), True, True, id="checks off, pods let in"),
        pytest.param(("a",), True, False, id="the sender's check is on"),
        pytest.param(("b",), True, False, id="the receiver's check is on"),
        pytest.param((), False, False, id="no group lets pods in"),
    ],
)
def test_a_pod_reaches_a_pod_only_as_in_a_vpc(
    wires: Wires, checked: tuple[str, ...], pods_may: bool, reached: bool
):
    machines = [
        an_instance(f"i-{name}", f"10.0.16.{number}", source_dest_check=name in checked)
        for number, name in enumerate(PODS, 4)
    ]
    permissions = [Permission(protocol="-1", groups=("sg-1",))]
    if pods_may:
        permissions.append(Permission(protocol="-1", cidrs=(IPv4Network("10.244.0.0/16"),)))
    wires.apply(ruleset(machines, {"sg-1": tuple(permissions)}))
    assert wires.reaches("10.0.16.4", "10.0.16.5"), "machines talk to each other in any case"
    assert wires.reaches(PODS["a"], PODS["b"]) is reached
