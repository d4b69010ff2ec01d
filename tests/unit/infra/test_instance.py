"""Every instance as it is declared: how it is reached, what it costs, what it is told."""

import base64
import gzip
import re

import pytest

from infra import security
from infra.node import userdata
from tests.support.engine import plain
from tests.support.stacks import KUBECONFIG, STACKS, deployed

INSTANCE = "aws:ec2/instance:Instance"
# A bootstrap token (kubeadm), any PEM key, and the placeholder of the tests' kubeconfig.
SECRETS = re.compile(rf"\b[a-z0-9]{{6}}\.[a-z0-9]{{16}}\b|PRIVATE KEY|{KUBECONFIG}")


@pytest.fixture(params=STACKS)
def machines(request):
    return deployed(request.param, "up").of(INSTANCE)


def raw_user_data(machine) -> bytes:
    """Return the bytes that EC2 keeps and counts."""
    inputs = plain(machine.inputs)
    return inputs["userData"].encode() if "userData" in inputs else base64.b64decode(inputs["userDataBase64"])


def text(machine) -> str:
    """Return the script that the machine runs."""
    raw = raw_user_data(machine)
    return (gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw).decode()


def test_disks_are_encrypted_gp3_and_go_with_their_machine(machines):
    for machine in machines:
        disk = plain(machine.inputs["rootBlockDevice"])
        assert (disk["volumeType"], disk["encrypted"], disk["deleteOnTermination"]) == ("gp3", True, True)


@pytest.mark.parametrize(("stack", "behaviour"), [("that-ends", "terminate"), ("committed", "stop")])
def test_a_machine_that_shuts_down_is_terminated_only_in_a_stack_that_ends(stack, behaviour):
    """There a stopped one would cost its disk for ever; elsewhere "Shut down" in an RDP session would
    delete the machine.
    """
    machines = deployed(stack, "up").of(INSTANCE)
    assert {m.inputs["instanceInitiatedShutdownBehavior"] for m in machines} == {behaviour}


def test_changed_user_data_means_another_machine(machines):
    """EC2 would stop and start the machine with it, and cloud-init would never run it."""
    assert {m.inputs["userDataReplaceOnChange"] for m in machines} == {True}


def test_user_data_is_in_the_argument_of_its_system(machines):
    """Given as text, base64 would be encoded twice; the provider warns of binary text."""
    for machine in machines:
        windows = machine.inputs["tags"]["microcosm:os"].startswith("windows")
        assert ("userData" in machine.inputs, "userDataBase64" in machine.inputs) == (windows, not windows)


def test_user_data_fits_and_holds_no_secret(machines):
    """Everybody who may describe an instance may read it."""
    for machine in machines:
        assert len(raw_user_data(machine)) <= userdata.RAW_LIMIT_BYTES
        assert not SECRETS.search(text(machine)), machine.name


def test_each_machine_is_in_the_groups_and_has_the_profile_of_its_role(machines):
    for machine in machines:
        role = machine.inputs["tags"]["microcosm:role"]
        assert machine.inputs["vpcSecurityGroupIds"] == [f"dev-{security.NODES}-id", f"dev-{role}-id"]
        assert machine.inputs["iamInstanceProfile"] == f"dev-{role}-name"


def test_sizes_come_from_the_pool_or_from_its_system():
    found = {
        m.name: (m.inputs["instanceType"], plain(m.inputs["rootBlockDevice"])["volumeSize"])
        for m in deployed("many-pools", "up").of(INSTANCE)
    }
    assert found["dev-linux-2"] == ("m7i.large", 50)
    assert found["dev-ci-0"] == ("t3.medium", 30)
    assert found["dev-windows-1"] == ("t3.large", 100)
    assert found["dev-windows-new-0"] == ("t3.large", 200)


def test_packets_of_pods_pass_only_where_flannel_sends_them_bare():
    """host-gw needs the check off; with vxlan it stays on."""
    checks = {
        stack: {m.inputs["sourceDestCheck"] for m in deployed(stack, "up").of(INSTANCE)}
        for stack in ("committed", "host-gw")
    }
    assert checks == {"committed": {True}, "host-gw": {False}}


def test_a_key_pair_is_on_every_machine_or_on_none():
    assert {m.inputs.get("keyName") for m in deployed("many-pools", "up").of(INSTANCE)} == {"the key"}
    assert {m.inputs.get("keyName") for m in deployed("committed", "up").of(INSTANCE)} == {None}


def test_the_elastic_ip_is_known_to_the_machine_before_it_boots():
    """It stands in the API server's certificate."""
    found = deployed("committed", "up")
    (address,) = found.of("aws:ec2/eip:Eip")
    machine = found.one(INSTANCE, "dev-control-plane")
    assert address.urn in machine.raw.propertyDependencies["userDataBase64"].urns
    assert "PUBLIC_IP=198.51.100.7\n" in text(machine)
