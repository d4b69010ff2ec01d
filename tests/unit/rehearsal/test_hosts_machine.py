"""Test real machines beside a real fake cloud.

Needs root and the results of `python -m rehearsal.build`.
"""

import gzip
import hashlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import iam as iam_policies
from rehearsal.build.catalogue import catalogue
from rehearsal.build.oci import NAME_ANNOTATION
from rehearsal.build.store import Store, default_home
from rehearsal.hosts.layout import Layout
from rehearsal.waiting import poll

PROJECT = Path(__file__).resolve().parents[3]
REGION = "eu-west-1"
UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
WINDOWS = "/aws/service/ami-windows-latest/Windows_Server-2019-English-Core-Base"
MAY_USE_SSM = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:*","Resource":"*"}]}'
BOOTED = "cloud-init finished its work"

pytestmark = [pytest.mark.machine, pytest.mark.filterwarnings("default")]


def wait_for(condition: Callable[[], Any], seconds: float, what: str) -> float:
    began = time.monotonic()
    assert poll(condition, seconds, every=0.02), f"{what}: not within {seconds:.0f} s"
    return time.monotonic() - began


@dataclass
class World:
    """A fake cloud with a machine host, and the AWS resources of the tests."""

    state: Path
    endpoint: str
    subnet: str = ""
    group: str = ""

    @property
    def layout(self) -> Layout:
        return Layout(self.state)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )

    def launch(self, node: str, script: str = "", image: str = UBUNTU, **more: Any) -> str:
        user_data = gzip.compress(f"#!/bin/bash\n{script}\necho '{BOOTED}'\n".encode(), mtime=0)
        options: dict[str, Any] = {
            "ImageId": self.client("ssm").get_parameter(Name=image)["Parameter"]["Value"],
            "InstanceType": "t3.medium",
            "SubnetId": self.subnet,
            "SecurityGroupIds": [self.group],
            "IamInstanceProfile": {"Name": "node"},
            "UserData": user_data,
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "TagSpecifications": [
                {"ResourceType": "instance", "Tags": [{"Key": "microcosm:node", "Value": node}]}
            ],
        }
        return self.client("ec2").run_instances(MinCount=1, MaxCount=1, **options | more)["Instances"][0][
            "InstanceId"
        ]

    def boot(self, node: str, script: str = "", **more: Any) -> str:
        id = self.launch(node, script, **more)
        wait_for(lambda: BOOTED in self.console(id), 30, f"the user-data of {node}")
        return id

    def console(self, id: str) -> str:
        path = self.layout.machine(id).console
        return path.read_text(errors="replace") if path.exists() else ""

    def terminate(self, *ids: str) -> None:
        self.client("ec2").terminate_instances(InstanceIds=list(ids))

    def state_of(self, id: str) -> str:
        return self.client("ec2").describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0][
            "State"
        ]["Name"]

    def machines(self) -> dict[str, Any]:
        return json.loads(self.layout.record.read_text())["machines"]

    def inside(self, node: str, script: str) -> str:
        command = [
            sys.executable,
            "-m",
            "rehearsal.hosts",
            "exec",
            "--state",
            str(self.state),
            node,
            "--",
            "bash",
            "-c",
            script,
        ]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def left(self, mark: str) -> list[str]:
        """Return everything of this machine host whose name contains `mark`."""
        tag = self.layout.tag
        folders = [
            *Path("/run/netns").glob(f"{tag}*"),
            *Path("/sys/fs/cgroup").glob(f"*/{tag}/*"),
            *self.layout.machines.glob("*"),
        ]
        folders += Path("/run/systemd/nspawn/propagate").glob("*")
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        processes = subprocess.run(
            ["ps", "-eo", "args"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        nspawns = [line for line in processes if line.startswith("systemd-nspawn")]
        return [text for text in [*map(str, folders), *mounts, *nspawns] if mark in text]


def start(world_state: Path, module: str, *arguments: str, ready: str) -> subprocess.Popen[bytes]:
    path = world_state / f"{module}.log"
    command = [
        sys.executable,
        "-m",
        f"rehearsal.{module}",
        "--state",
        str(world_state),
        "--region",
        REGION,
        *arguments,
    ]
    with path.open("ab") as log:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
    wait_for(lambda: (world_state / ready).exists() or process.poll() is not None, 20, module)
    assert process.poll() is None, path.read_text()
    return process


def start_room(state: Path, endpoint: str) -> subprocess.Popen[bytes]:
    return start(state, "room", "--aws-endpoint", endpoint, *supplies_for(state), ready="room.json")


def supplies_for(state: Path) -> list[str]:
    """Return the options with the real machine image, a mirror with one file and a registry with one
    image.
    """
    root = catalogue(Store(default_home())).supplies.machine_root
    if not root.exists():
        pytest.skip(f"{root} is missing: run `python -m rehearsal.build`")
    artifacts, images = state / "artifacts", state / "images"
    (artifacts / "dl.k8s.io").mkdir(parents=True, exist_ok=True)
    (artifacts / "dl.k8s.io/kubeadm").write_text("0123456789")
    (images / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    manifest = b'{"schemaVersion": 2}'
    digest = hashlib.sha256(manifest).hexdigest()
    (images / "blobs/sha256" / digest).write_bytes(manifest)
    entry = {"digest": f"sha256:{digest}", "annotations": {NAME_ANNOTATION: "registry.k8s.io/pause:3.10"}}
    (images / "index.json").write_text(json.dumps({"manifests": [entry]}))
    return ["--root", str(root), "--artifacts", str(artifacts), "--registry", str(images)]


def fill(world: World) -> None:
    ec2, iam = world.client("ec2"), world.client("iam")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    world.subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.16.0/20")["Subnet"]["SubnetId"]
    world.group = ec2.create_security_group(GroupName="node", Description="node", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=world.group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 6443, "ToPort": 6443, "IpRanges": [{"CidrIp": "127.0.0.0/8"}]},
            {
                "IpProtocol": "tcp",
                "FromPort": 30000,
                "ToPort": 32767,
                "IpRanges": [{"CidrIp": "127.0.0.7/32"}],
            },
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]},
            {
                "IpProtocol": "tcp",
                "FromPort": 7000,
                "ToPort": 7000,
                "UserIdGroupPairs": [{"GroupId": world.group}],
            },
        ],
    )
    iam.create_role(RoleName="node", AssumeRolePolicyDocument=iam_policies.assume_role_policy())
    iam.put_role_policy(RoleName="node", PolicyName="ssm", PolicyDocument=MAY_USE_SSM)
    iam.create_instance_profile(InstanceProfileName="node")
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="node")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    state = Path("/var/lib/microcosm/test-room")
    subprocess.run(
        [sys.executable, "-m", "rehearsal.hosts", "clean", "--state", str(state)], cwd=PROJECT, check=True
    )
    subprocess.run(["rm", "-rf", state], check=True)
    state.mkdir(parents=True)
    cloud = start(state, "cloud", ready="cloud.json")
    world = World(state, json.loads((state / "cloud.json").read_text())["endpoint"])
    room = start_room(state, world.endpoint)
    try:
        fill(world)
        yield world
    finally:
        room.terminate()
        assert room.wait(20) == 0
        cloud.terminate()
        cloud.wait(20)
    assert world.left("") == [line for line in world.left("") if world.layout.tag not in line], (
        "the room removes everything when it ends"
    )


@pytest.fixture(scope="module")
def node(world: World) -> str:
    """Boot a machine for the tests that do not change it."""
    return world.boot("node-0")


METADATA = "http://169.254.169.254/latest"


def test_an_instance_runs_its_user_data_at_once_and_is_gone_as_soon_as_aws_says_so(world: World) -> None:
    began = time.time()
    id = world.boot("quick", "echo first line at $(date +%s.%N) >/dev/console")
    line = next(line for line in world.console(id).splitlines() if "first line at" in line)
    boot_seconds = float(line.split()[-1]) - began
    world.terminate(id)
    gone_seconds = wait_for(lambda: not world.left(id), 10, "everything of the machine is removed")
    print(f"user-data after {boot_seconds:.2f} s, gone after {gone_seconds:.2f} s")
    # 2 s and 0.3 s on two idle cores, which other processes may use during a test run.
    assert boot_seconds < 12
    assert gone_seconds < 3
    assert BOOTED in (world.layout.logs / f"quick.{id}" / "console.log").read_text(errors="replace"), (
        "the logs outlive the machine"
    )


POD = (
    "ip netns add pod; ip link add p0 type veth peer name eth0 netns pod\n"
    "ip addr add 10.244.0.1/24 dev p0; ip link set p0 up\n"
    "ip -n pod addr add 10.244.0.2/24 dev eth0; ip -n pod link set eth0 up\n"
    "ip -n pod route add default via 10.244.0.1\n"
    "sysctl -qw net.ipv4.ip_forward=1; iptables -t nat -A POSTROUTING -s 10.244.0.0/24 -j MASQUERADE\n"
)
TTL = "X-aws-ec2-metadata-token-ttl-seconds: 9"
ASK = (
    f"ip netns exec pod curl -sS -m 2 -o /dev/null -w '%{{http_code}}' -X PUT -H '{TTL}' {METADATA}/api/token"
)


def test_a_pod_cannot_get_a_token_through_a_hop_limit_of_one(world: World, node: str) -> None:
    def limit(hops: int) -> None:
        world.client("ec2").modify_instance_metadata_options(
            InstanceId=node, HttpPutResponseHopLimit=hops, HttpTokens="required"
        )
        time.sleep(0.7)

    assert world.inside("node-0", POD + ASK + " || true").strip() == "000", (
        "the answer dies on its way to the pod"
    )
    limit(2)
    assert world.inside("node-0", ASK) == "200"
    limit(1)


@pytest.fixture
def elastic_ip(world: World, node: str) -> Iterator[str]:
    ec2 = world.client("ec2")
    address = ec2.allocate_address(Domain="vpc")
    association = ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=node)[
        "AssociationId"
    ]
    time.sleep(1)
    yield address["PublicIp"]
    ec2.disassociate_address(AssociationId=association)
    ec2.release_address(AllocationId=address["AllocationId"])


def ask(address: str, port: int, source: str = "") -> bytes:
    with socket.create_connection(
        (address, port), timeout=5, source_address=(source, 0) if source else None
    ) as connection:
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(100)


def test_an_elastic_ip_lets_in_whom_the_security_group_lets_in(world: World, elastic_ip: str) -> None:
    for port in (22, 6443, 30080):
        world.inside(
            "node-0", f"systemd-run --quiet socat TCP-LISTEN:{port},fork,reuseaddr SYSTEM:'echo port {port}'"
        )
    wait_for(
        lambda: world.inside("node-0", "ss -ltnH | grep -c -E ':(22|6443|30080) '").strip() == "3",
        5,
        "the listeners",
    )
    assert ask(elastic_ip, 6443) == b"port 6443\n"
    assert ask(elastic_ip, 30080, source="127.0.0.7") == b"port 30080\n"
    with pytest.raises(ConnectionError):
        ask(elastic_ip, 30080)
    with pytest.raises(ConnectionError):
        ask(elastic_ip, 22)


def test_machines_reach_each_other_where_their_security_group_says_so(world: World, node: str) -> None:
    other = world.boot("node-1")
    ip = world.machines()[node]["ip"]
    for port in (7000, 7001):
        world.inside(
            "node-0", f"systemd-run --quiet socat TCP-LISTEN:{port},fork,reuseaddr SYSTEM:'echo hello'"
        )
    time.sleep(0.3)
    assert world.inside("node-1", f"socat -T 2 - TCP:{ip}:7000,connect-timeout=2 </dev/null") == "hello\n"
    assert "no way" in world.inside(
        "node-1", f"socat -T 2 - TCP:{ip}:7001,connect-timeout=2 </dev/null || echo no way"
    )
    world.terminate(other)
    wait_for(lambda: not world.left(other), 5, "node-1 is removed")


def test_a_windows_instance_is_its_stand_in_and_survives_its_trouble(world: World) -> None:
    id = world.launch("windows-0", image=WINDOWS)
    wait_for(
        lambda: "flanneld" in world.console(id),
        20,
        "the stand-in, started without a flanneld on PATH, says so",
    )
    wait_for(lambda: not world.machines()[id]["leader"], 10, "it has ended")
    assert world.state_of(id) == "running", "a stand-in in trouble is not a Windows that shut down"
    world.terminate(id)
    wait_for(lambda: not world.left(id), 5, "nothing is left")
    assert "flanneld" in (world.layout.logs / f"windows-0.{id}/console.log").read_text()


def clean(state: Path) -> str:
    command = [sys.executable, "-m", "rehearsal.hosts", "clean", "--state", str(state)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def second(world: World, node: str, tmp_path: Path) -> Iterator[World]:
    """Return the world of a second machine host with the same cloud."""
    yield World(tmp_path, world.endpoint, world.subnet, world.group)
    clean(tmp_path)


def test_a_killed_room_takes_its_machines_with_it_and_clean_removes_the_rest(second: World) -> None:
    room = start_room(second.state, second.endpoint)
    wait_for(lambda: any(machine["leader"] for machine in second.machines().values()), 10, "a machine runs")
    setting = Path("/proc/sys/fs/inotify/max_user_instances").read_text()
    room.kill()
    room.wait()
    tag = second.layout.tag
    wait_for(
        lambda: not [line for line in second.left(str(second.state)) if line.startswith("systemd-nspawn")],
        5,
        "the kernel ends the machines",
    )
    assert second.left(tag), "a killed room cannot remove its namespaces"
    assert f"removed namespace {tag}" in clean(second.state)
    assert not second.left(tag)
    assert not second.left(str(second.state))
    assert not second.layout.record.exists()
    assert Path("/proc/sys/fs/inotify/max_user_instances").read_text() == setting, (
        "the settings of the other room stay"
    )


def test_clean_ends_a_room_that_runs(second: World) -> None:
    room = start_room(second.state, second.endpoint)
    wait_for(lambda: any(machine["leader"] for machine in second.machines().values()), 10, "a machine runs")
    clean(second.state)
    assert room.wait(1) == 0
    assert not second.left(second.layout.tag)


def test_a_second_room_in_the_same_folder_is_refused(world: World) -> None:
    words = [
        sys.executable,
        "-m",
        "rehearsal.hosts",
        "--aws-endpoint",
        world.endpoint,
        *supplies_for(world.state),
        "--state",
        str(world.state),
    ]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert f"a machine host is running in {world.state}" in done.stderr
