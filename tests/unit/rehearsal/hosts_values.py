"""Values for the tests of the machine host."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from rehearsal.hosts.model import Instance, Subnet

SUBNET = Subnet(
    id="subnet-1", vpc_id="vpc-1", cidr=IPv4Network("10.0.16.0/20"), vpc_cidr=IPv4Network("10.0.0.0/16")
)


def an_instance(id: str = "i-0", address: str = "10.0.16.4", **more: Any) -> Instance:
    fields: dict[str, Any] = {
        "id": id,
        "node": "node",
        "family": "linux",
        "state": "running",
        "private_ip": IPv4Address(address),
        "subnet": SUBNET,
        "region": "eu-west-1",
        "zone": "eu-west-1a",
        "account": "123456789012",
        "image_id": "ami-1",
        "instance_type": "t3.medium",
        "security_groups": (("sg-1", "node"),),
    }
    return Instance(**fields | more)
