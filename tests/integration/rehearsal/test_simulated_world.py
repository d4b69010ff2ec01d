"""Test the whole program under the real engine with simulated machines: up, no change, scale, destroy,
twice.
"""

import base64
import json
import shutil

import pytest

from infra.config import naming
from rehearsal.fake_aws import inventory
from rehearsal.simulated import simulated_world
from rehearsal.simulated.servers import PROGRAMS
from rehearsal.waiting import poll

NEEDED = ("pulumi", "pulumi-resource-aws", "pulumi-resource-kubernetes", *PROGRAMS)
MISSING = [name for name in NEEDED if not shutil.which(name)]
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(
        bool(MISSING), reason=f"not on PATH: {', '.join(MISSING)}; put the rehearsal's tools there"
    ),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with simulated_world(tmp_path_factory.mktemp("faked")) as world:
        yield world


def nodes(world) -> dict[str, str]:
    listed = world.api.client().get("/api/v1/nodes")["items"]
    return {node["metadata"]["name"]: node["metadata"]["labels"]["kubernetes.io/os"] for node in listed}


@pytest.mark.parametrize("life", ["first", "second"])
def test_a_cluster_lives_scales_and_leaves_nothing(world, life):
    before = world.inventory()
    world.configure()
    assert "69 created" in world.pulumi("up"), "the second cluster must find an API as new as the first did"
    assert nodes(world) == {"control-plane": "linux", "linux-0": "linux", "windows-0": "windows"}
    world.pulumi("up", "--expect-no-changes")
    world.configure(
        nodePools=[
            {"name": "linux", "os": "ubuntu-24.04", "count": 2},
            {"name": "windows", "os": "windows-2019", "count": 1},
        ]
    )
    assert "2 created" in world.pulumi("up")
    assert "linux-1" in nodes(world)
    world.pulumi("destroy")
    assert not inventory.difference(before, world.inventory())


def test_pods_are_placed_by_the_real_scheduler(world):
    world.configure()
    world.pulumi("up")
    pods = world.api.client().get("/api/v1/namespaces/microcosm/pods")["items"]
    places = {
        (pod["metadata"]["labels"].get("app", "ccauth"), pod["spec"]["nodeName"], pod["status"]["phase"])
        for pod in pods
    }
    assert places == {("widgets", "linux-0", "Running"), ("ccauth", "windows-0", "Running")}


def test_an_instance_that_ends_takes_its_node_along(world):
    world.configure()
    world.pulumi("up")
    ec2 = world.session().client("ec2", endpoint_url=world.cloud.endpoint)
    filters = [
        {"Name": f"tag:{naming.NODE_TAG}", "Values": ["linux-0"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    instance = ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[instance])
    world.pulumi("refresh")
    assert "1 created" in world.pulumi("up"), "the machine that went comes back, under the same name"
    assert "linux-0" in nodes(world)
    reports = (
        world.session()
        .client("ssm", endpoint_url=world.cloud.endpoint)
        .get_parameter(Name="/microcosm/simulated/status/linux-0")
    )
    assert json.loads(reports["Parameter"]["Value"])["instance"] != instance


def test_of_two_machines_of_one_name_the_younger_speaks(world):
    """If the answer to the first launch was lost, the state knows the second instance."""
    world.configure()
    world.pulumi("up")
    ec2 = world.session().client("ec2", endpoint_url=world.cloud.endpoint)
    filters = [
        {"Name": f"tag:{naming.NODE_TAG}", "Values": ["linux-0"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    old = ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]
    user_data = ec2.describe_instance_attribute(InstanceId=old["InstanceId"], Attribute="userData")[
        "UserData"
    ]["Value"]
    twins = ec2.run_instances(
        ImageId=old["ImageId"],
        InstanceType=old["InstanceType"],
        SubnetId=old["SubnetId"],
        MinCount=2,
        MaxCount=2,
        UserData=base64.b64decode(user_data).decode(),
        TagSpecifications=[{"ResourceType": "instance", "Tags": old["Tags"]}],
    )["Instances"]
    ids = [twin["InstanceId"] for twin in twins]
    assert poll(lambda: reported(world, "linux-0") in ids, 20, every=0.2)
    ec2.terminate_instances(InstanceIds=ids)
    world.machines.check()
    world.pulumi("destroy")


def reported(world, node: str) -> str:
    ssm = world.session().client("ssm", endpoint_url=world.cloud.endpoint)
    return json.loads(ssm.get_parameter(Name=f"/microcosm/simulated/status/{node}")["Parameter"]["Value"])[
        "instance"
    ]
