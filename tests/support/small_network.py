"""Create a VPC with a gateway, a subnet and a group: enough for a machine."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.fake_aws.moto_patches import images

UBUNTU, _, WINDOWS, *_ = images.IMAGES


class Network:
    def __init__(self, ec2: Any) -> None:
        self.ec2 = ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/20")["Subnet"]["SubnetId"]
        self.group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=self.vpc)[
            "GroupId"
        ]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)

    def launch(self, image: images.Image = UBUNTU, **arguments: Any) -> dict[str, Any]:
        given = {
            "InstanceType": "t3.large",
            "SubnetId": self.subnet,
            "SecurityGroupIds": [self.group],
            **arguments,
        }
        return self.ec2.run_instances(ImageId=image.id_in("eu-west-1"), MinCount=1, MaxCount=1, **given)[
            "Instances"
        ][0]

    def show(self, instance: dict[str, Any]) -> dict[str, Any]:
        return self.ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"][0][
            "Instances"
        ][0]

    def end(self, instance: dict[str, Any]) -> None:
        self.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])


def refused(code: str, words: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\).*{words}")
