"""Plain values of AWS as one poll returns them. No AWS calls, no kernel."""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

NODE_TAG = "microcosm:node"
OS_TAG = "microcosm:os"

Family = Literal["linux", "windows"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subnet:
    """A subnet with the addresses that EC2 reserves in it and in its VPC
    (docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
    """

    id: str
    vpc_id: str
    cidr: IPv4Network
    vpc_cidr: IPv4Network

    @property
    def gateway(self) -> IPv4Address:
        return self.cidr[1]

    @property
    def resolver(self) -> IPv4Address:
        return self.vpc_cidr[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """The instance's metadata options."""

    enabled: bool = True
    tokens_required: bool = False
    hop_limit: int = 1
    tags: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """An instance as DescribeInstances returns it."""

    id: str
    node: str
    family: Family
    state: str
    private_ip: IPv4Address
    subnet: Subnet
    region: str
    zone: str
    account: str
    image_id: str
    instance_type: str
    security_groups: tuple[tuple[str, str], ...] = ()  # (id, name)
    tags: tuple[tuple[str, str], ...] = ()
    metadata: Metadata = field(default_factory=Metadata)
    profile_arn: str | None = None
    profile_id: str | None = None
    public_ip: str | None = None
    interface_id: str = ""
    source_dest_check: bool = True
    reservation_id: str = ""
    key_name: str | None = None

    @property
    def hostname(self) -> str:
        """EC2's IP-based host name, without the domain."""
        return "ip-" + str(self.private_ip).replace(".", "-")

    @property
    def domain(self) -> str:
        return "ec2.internal" if self.region == "us-east-1" else f"{self.region}.compute.internal"

    @property
    def os_name(self) -> str:
        """The operating system in the instance's tag, e.g. windows-2019; empty without the tag."""
        return dict(self.tags).get(OS_TAG, "")

    @property
    def mac(self) -> str:
        """A locally administered address made from the IP: the fake cloud gives all interfaces the same
        multicast address.
        """
        return "06:00:" + ":".join(f"{byte:02x}" for byte in self.private_ip.packed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Temporary credentials of an instance role."""

    role: str
    access_key: str
    secret_key: str
    token: str
    issued: datetime
    expires: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """The attributes of an instance that are fixed at its launch and read once."""

    user_data: bytes = b""
    terminate_on_shutdown: bool = False
    public_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """An ingress permission of a security group; `first` and `last` are None for all ports."""

    protocol: str
    first: int | None = None
    last: int | None = None
    cidrs: tuple[IPv4Network, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The result of one poll of AWS."""

    instances: dict[str, Instance]
    addresses: dict[str, str]  # Elastic IP -> instance id
    ingress: dict[str, tuple[Permission, ...]]  # security group id -> its rules
