"""The image of a machine over its life, with the real engine: a newer one replaces nothing, and a replacement
takes the newest.

`ignore_changes` holds while a machine is updated. For a replacement the engine checks the program's own
inputs anew, without it (pulumi/pulumi 3.260.0, pkg/resource/deploy/step_generator.go, both calls of Check
with goal.Properties), so AWS may withdraw the old image.
"""

import boto3
import pytest

from rehearsal.fake_aws.moto_patches.images import WINDOWS_PARAMETER
from rehearsal.fake_aws.process import running_cloud
from tests.support.engine import PROJECT
from tests.support.pulumi_cli import Stack, is_there, project

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not is_there(), reason="pulumi is not on PATH: put the rehearsal's tools there"),
]
URN = "urn:pulumi:dev::machines::aws:ec2/instance:Instance::dev-windows-0"
PROGRAM = f"""
import sys
sys.path.insert(0, {str(PROJECT)!r})
import pulumi
from infra import instance
from infra.config import model, naming

own = pulumi.Config()
args = instance.InstanceArgs(
    names=naming.Names(stack="dev"), node="windows-0", role="windows-worker", os="windows-2019",
    machine=model.Machine(instance_type="t3.small", disk_size_gb=50), ami=own.require("ami"),
    subnet_id=own.require("subnet"),
    security_group_ids=[own.require("group")], instance_profile=None, key_name="", source_dest_check=True,
    user_data=own.require("data"),
)
found = instance.instance(args, pulumi.ResourceOptions(delete_before_replace=own.require_bool("first")))
pulumi.export("id", found.id)
"""


@pytest.mark.parametrize("first", ["true", "false"], ids=["deleted before", "created before"])
def test_a_newer_image_replaces_nothing_and_a_replacement_takes_it_once_the_old_one_is_withdrawn(
    tmp_path, first
):
    with running_cloud(tmp_path / "cloud", "eu-west-1") as cloud:
        keys = cloud.environment()
        session = boto3.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name="eu-west-1"
        )
        ec2, ssm = (session.client(service, endpoint_url=cloud.endpoint) for service in ("ec2", "ssm"))
        images = [
            ssm.get_parameter(Name=WINDOWS_PARAMETER.format(release=release, edition="Core"))["Parameter"][
                "Value"
            ]
            for release in ("2019", "2022", "2025")
        ]
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20", AvailabilityZone="eu-west-1a")[
            "Subnet"
        ]["SubnetId"]
        group = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][
            0
        ]["GroupId"]
        stack = Stack(project(tmp_path / "machines", PROGRAM), cloud)

        def configure(**values: str) -> None:
            for name, value in values.items():
                stack.run("config", "set", name, value)

        def image() -> str:
            instance = stack.run("stack", "output", "id").strip()
            return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0][
                "ImageId"
            ]

        configure(
            **{"aws:region": "eu-west-1"}, subnet=subnet, group=group, first=first, ami=images[0], data="one"
        )
        assert stack.change("up")["created"] == 2
        configure(ami=images[1])
        assert stack.change("up") == {"unchanged": 2}
        ec2.deregister_image(ImageId=images[0])
        configure(data="two")
        assert stack.change("up")["replaced"] == 1
        assert image() == images[1]
        configure(ami=images[2])
        ec2.deregister_image(ImageId=images[1])
        assert stack.change("up", "--replace", URN)["replaced"] == 1
        assert image() == images[2]
