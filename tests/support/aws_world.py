"""Create the surroundings of a resource under test through the stand-in provider."""

import json
from typing import Any

from tests.support.provider_driver import Driver, Live

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"


class World:
    """The surroundings of a resource under test; created on demand, deleted in reverse."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.made: list[Live] = []
        self._named: dict[str, Live] = {}

    def make(self, type_: str, name: str, /, **inputs: Any) -> Live:
        if name not in self._named:
            self._named[name] = self.driver.create(type_, name, **inputs)
            self.made.append(self._named[name])
        return self._named[name]

    def unmake(self) -> None:
        for live in reversed(self.made):
            self.driver.delete(live)

    @property
    def vpc(self) -> str:
        return self.make("aws:ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16").id

    def subnet(self, third: int = 0) -> str:
        return self.make(
            "aws:ec2/subnet:Subnet", f"subnet-{third}", vpcId=self.vpc, cidrBlock=f"10.0.{third}.0/24"
        ).id

    @property
    def gateway(self) -> str:
        return self.make("aws:ec2/internetGateway:InternetGateway", "gateway", vpcId=self.vpc).id

    def table(self, name: str = "table") -> str:
        return self.make("aws:ec2/routeTable:RouteTable", name, vpcId=self.vpc).id

    def group(self, name: str = "group") -> str:
        return self.make("aws:ec2/securityGroup:SecurityGroup", name, vpcId=self.vpc).id

    def role(self, name: str = "role") -> str:
        return self.make("aws:iam/role:Role", name, assumeRolePolicy=json.dumps(TRUST)).id

    def profile(self, name: str = "profile") -> str:
        return self.make("aws:iam/instanceProfile:InstanceProfile", name, role=self.role(f"{name}-role")).id

    @property
    def ubuntu(self) -> str:
        return self.driver.invoke("aws:ssm/getParameter:getParameter", name=UBUNTU)["value"]

    def instance(self, **inputs: Any) -> dict[str, Any]:
        return {
            "ami": self.ubuntu,
            "instanceType": "t3.medium",
            "subnetId": self.subnet(),
            "vpcSecurityGroupIds": [self.group()],
            **inputs,
        }

    @property
    def machine(self) -> str:
        assert self.gateway, "an address needs a gateway"
        return self.make("aws:ec2/instance:Instance", "machine", **self.instance()).id

    @property
    def bucket(self) -> str:
        return self.make("aws:s3/bucket:Bucket", "bucket").id
