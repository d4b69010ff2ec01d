"""Test who can reach what through the declared security groups, for generated configurations: outside only
administrators.

The tests walk every ingress rule of every group in any component. The expectation is a list of ports.
"""

import json
from ipaddress import IPv4Network

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from infra import cluster, security
from infra.config import model as config
from infra.security import SecurityArgs
from tests.support.engine import Deployment, deploy, plain
from tests.support.stacks import STACKS, deployed

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
GROUP, INSTANCE = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/instance:Instance"
# The ports for people: the API, NodePorts, RDP, and with host-gw CCAuth's hostPort. Protocol, first and last
# port, group.
FOR_PEOPLE = {
    ("tcp", 6443, 6443, "control-plane"),
    ("tcp", 30000, 32767, "nodes"),
    ("tcp", 3389, 3389, "windows-worker"),
}
WITH_HOST_GW = FOR_PEOPLE | {("tcp", 80, 80, "windows-worker")}
# Other resources that open a machine. A stack with one of these would need more checks.
OTHER_DOORS = (
    "securityGroupRule",
    "defaultSecurityGroup",
    "networkInterfaceSecurityGroupAttachment",
    "prefixList",
    "networkAcl",
    "vpcPeering",
    "ec2/transit",
)


def ingress(found: Deployment) -> list[dict]:
    rules = [plain(rule.inputs) for rule in found.of(INGRESS)]
    groups = {f"{group.name}-id": group.name.removeprefix("dev-") for group in found.of(GROUP)}
    return [rule | {"group": groups[rule["securityGroupId"]]} for rule in rules]


def from_outside(found: Deployment) -> set[tuple[str, str, int, int, str]]:
    """Return every ingress from a range of addresses: the range, protocol, ports, group."""
    doors = [rule for rule in ingress(found) if "referencedSecurityGroupId" not in rule]
    assert all(set(rule) & {"cidrIpv4", "cidrIpv6", "prefixListId"} == {"cidrIpv4"} for rule in doors), (
        "nothing but IPv4 ranges is walked here"
    )
    return {
        (
            rule["cidrIpv4"],
            rule["ipProtocol"],
            rule.get("fromPort", 0),
            rule.get("toPort", 65535),
            rule["group"],
        )
        for rule in doors
    }


def expected(admins: tuple[str, ...], pod_cidr: str, backend: str) -> set[tuple[str, str, int, int, str]]:
    doors = {
        (cidr, *door) for cidr in admins for door in (WITH_HOST_GW if backend == "host-gw" else FOR_PEOPLE)
    }
    return doors | ({(pod_cidr, "-1", 0, 65535, "nodes")} if backend == "host-gw" else set())


RANGES = st.builds(
    lambda address, prefix: str(IPv4Network((address, prefix), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


# A deployment takes tens of milliseconds, so fewer examples are tried.
@settings(max_examples=settings.default.max_examples // 10, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(RANGES, min_size=1, max_size=4, unique=True), RANGES, st.sampled_from(config.FLANNEL_BACKENDS)
)
@example(["203.0.113.7/32"], "10.244.0.0/16", "host-gw")
@example(["0.0.0.0/0"], "10.244.0.0/16", "vxlan")
def test_only_administrators_come_in_from_outside_and_only_by_these_doors(admins, pod_cidr, backend):
    args = SecurityArgs(
        names=config.naming.Names(stack="dev"),
        vpc_id="vpc-1",
        admin_cidrs=tuple(admins),
        pod_cidr=pod_cidr,
        flannel_backend=backend,
    )
    found = deploy(lambda: security.Security("dev-security", args) and None)
    assert from_outside(found) == expected(tuple(admins), pod_cidr, backend)


def test_it_is_so_in_whole_stacks():
    """Finds rules of other components too."""
    for stack, changes in STACKS.items():
        admins = tuple(changes.get("adminCidrs", ["203.0.113.7/32"]))
        found = deployed(stack, "up")
        doors = expected(
            admins, changes.get("podCidr", "10.244.0.0/16"), changes.get("flannelBackend", "vxlan")
        )
        assert from_outside(found) == doors, stack
        assert [
            r.type for r in found.registrations.values() if any(door in r.type for door in OTHER_DOORS)
        ] == [], stack


def test_machines_wear_only_groups_of_the_table():
    """The VPC's default group allows all traffic between its members."""
    for stack in STACKS:
        found = deployed(stack, "up")
        own = {f"{group.name}-id" for group in found.of(GROUP)}
        for machine in found.of(INSTANCE):
            worn = machine.inputs["vpcSecurityGroupIds"]
            assert set(worn) <= own, machine.name
            assert len(worn) == 2, machine.name


def test_between_machines_only_what_kubernetes_needs_is_open():
    """By group: the API server, etcd with itself, kubelet, and Flannel's packets; with host-gw all, because
    pods use their own addresses.
    """
    between = {
        stack: {
            (
                rule["ipProtocol"],
                rule.get("fromPort"),
                rule["group"],
                rule["referencedSecurityGroupId"].removeprefix("dev-").removesuffix("-id"),
            )
            for rule in ingress(deployed(stack, "up"))
            if "referencedSecurityGroupId" in rule
        }
        for stack in ("committed", "host-gw")
    }
    usual = {
        ("tcp", 6443, "control-plane", "nodes"),
        ("tcp", 2379, "control-plane", "control-plane"),
        ("tcp", 10250, "nodes", "nodes"),
    }
    assert between["committed"] == usual | {("udp", 4789, "nodes", "nodes")}
    assert between["host-gw"] == usual | {("-1", None, "nodes", "nodes")}


def test_no_pod_can_ask_for_a_machines_credentials_beyond_one_hop():
    """Every machine of every stack has IMDSv2 only, with a hop limit of one."""
    for stack in STACKS:
        for machine in deployed(stack, "up").of(INSTANCE):
            options = plain(machine.inputs["metadataOptions"])
            assert options == {
                "httpEndpoint": "enabled",
                "httpTokens": "required",
                "httpPutResponseHopLimit": 1,
            }, machine.name


def test_the_commands_that_are_shown_open_no_port():
    """`pulumi stack output access`: all commands use Session Manager."""
    shown = json.dumps(cluster.access_commands("eu-west-1", {"windows-0": {"instanceId": "i-1"}}))
    assert shown.count("aws ssm start-session") == 2
    assert "authorize" not in shown
