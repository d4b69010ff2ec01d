"""A fake AWS in this process, and the pieces of a stack that tests put into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from microcosm.aws.session import OneClientEach
from microcosm.pulumi_cli.target import Target
from rehearsal.fake_aws.moto_patches.corrections import VOLUME_PATCHES

REGION = "eu-west-1"
TARGET = Target(stack="dev", region=REGION)
STACK_TAG = {"Key": "microcosm:stack", "Value": "dev"}
# Clients are made once for all tests: moto stands behind whichever exists while it is active.
SESSION = OneClientEach(
    boto3.Session(region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
)


@dataclass(frozen=True)
class Cloud:
    """The fake account, with short words for what tests make in it, all of one stack."""

    session: OneClientEach
    stack: str = "dev"

    def client(self, service: str) -> Any:
        return self.session.client(service)

    def tags(self, kind: str, **extra: str) -> list[dict[str, Any]]:
        """TagSpecifications as the program writes them."""
        tags = [
            {"Key": "microcosm:stack", "Value": self.stack},
            *({"Key": f"microcosm:{key}", "Value": value} for key, value in extra.items()),
        ]
        return [{"ResourceType": kind, "Tags": tags}]

    def vpc(self) -> str:
        return self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=self.tags("vpc"))[
            "Vpc"
        ]["VpcId"]

    def subnet(self, vpc: str) -> str:
        made = self.client("ec2").create_subnet(
            VpcId=vpc, CidrBlock="10.0.0.0/20", TagSpecifications=self.tags("subnet")
        )
        return made["Subnet"]["SubnetId"]

    def machine(self, node: str, system: str = "ubuntu-24.04", **where: str) -> str:
        """A running instance of the stack; returns its id."""
        tags = self.tags("instance", node=node, os=system)
        # As every image has it; moto's has no disk.
        disk = {
            "DeviceName": "/dev/sda1",
            "Ebs": {"VolumeSize": 8, "VolumeType": "gp2", "DeleteOnTermination": True},
        }
        made = self.client("ec2").run_instances(
            ImageId="ami-12345678",
            InstanceType="t3.medium",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=tags,
            BlockDeviceMappings=[disk],
            **where,
        )
        return made["Instances"][0]["InstanceId"]

    def parameter(self, path: str, value: str) -> None:
        self.client("ssm").put_parameter(
            Name=f"/microcosm/{self.stack}/{path}", Value=value, Type="String", Overwrite=True
        )


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty account."""
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(), VOLUME_PATCHES.applied():
        yield Cloud(SESSION)
