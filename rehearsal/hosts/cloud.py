"""Read the fake cloud for the machine host. The calls block, so the host makes them in a thread."""

import base64
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Any, cast

import boto3
from botocore.config import Config

from rehearsal.hosts.model import (
    NODE_TAG,
    OS_TAG,
    Credentials,
    Family,
    Instance,
    Launch,
    Metadata,
    Permission,
    Snapshot,
    Subnet,
)

# An instance that is not listed counts as terminated: AWS stops listing one an hour after its end.
_LISTED = ("pending", "running", "stopping", "stopped", "shutting-down")
# Longest age of addresses and rules. An Elastic IP that comes or goes also shows in its instance, at once.
_REFRESH_SECONDS = 1.2
_NO_PORTS = (-1, None)


class Cloud:
    """A connection to the fake cloud."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._region = region
        self._ec2, self._iam, self._sts = (
            _client(service, endpoint, region) for service in ("ec2", "iam", "sts")
        )
        self._subnets: dict[str, Subnet] = {}
        self._last = Snapshot(instances={}, addresses={}, ingress={})
        self._refresh_at = 0.0

    def poll(self) -> Snapshot:
        """Poll everything that the host acts on.

        Addresses and rules are read when an instance changed, or after a while.
        """
        listed = self._ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": _LISTED}])[
            "Reservations"
        ]
        described = [
            self._instance(reservation, instance)
            for reservation in listed
            for instance in reservation["Instances"]
        ]
        instances = {instance.id: instance for instance in described}
        if not instances:
            self._last = Snapshot(instances={}, addresses={}, ingress={})
        elif instances != self._last.instances or time.monotonic() > self._refresh_at:
            self._refresh_at = time.monotonic() + _REFRESH_SECONDS
            self._last = Snapshot(instances=instances, addresses=self._addresses(), ingress=self._ingress())
        return self._last

    def launch(self, instance: Instance) -> Launch:
        """Read the attributes that the instance was launched with."""
        user_data = self._attribute(instance.id, "userData").get("UserData", {}).get("Value", "")
        behavior = self._attribute(instance.id, "instanceInitiatedShutdownBehavior")
        return Launch(
            user_data=base64.b64decode(user_data),
            terminate_on_shutdown=behavior.get("InstanceInitiatedShutdownBehavior", {}).get("Value")
            == "terminate",
            public_key=self._public_key(instance.key_name),
        )

    def credentials(self, instance: Instance) -> Credentials | None:
        """Get fresh credentials of the role in the instance's profile; None without a role."""
        if not instance.profile_arn:
            return None
        profile = self._iam.get_instance_profile(InstanceProfileName=instance.profile_arn.rpartition("/")[2])[
            "InstanceProfile"
        ]
        if not profile["Roles"]:
            return None
        role = profile["Roles"][0]
        issued = datetime.now(UTC)
        answer = self._sts.assume_role(RoleArn=role["Arn"], RoleSessionName=instance.id)["Credentials"]
        return Credentials(
            role=role["RoleName"],
            access_key=answer["AccessKeyId"],
            secret_key=answer["SecretAccessKey"],
            token=answer["SessionToken"],
            issued=issued,
            expires=answer["Expiration"],
        )

    def shut_down(self, instance_id: str, *, terminate: bool) -> None:
        """Terminate or stop the instance, as AWS does when a machine shuts down from inside."""
        end = self._ec2.terminate_instances if terminate else self._ec2.stop_instances
        end(InstanceIds=[instance_id])

    def _addresses(self) -> dict[str, str]:
        associated = self._ec2.describe_addresses()["Addresses"]
        return {
            address["PublicIp"]: address["InstanceId"] for address in associated if address.get("InstanceId")
        }

    def _ingress(self) -> dict[str, tuple[Permission, ...]]:
        groups = self._ec2.describe_security_groups()["SecurityGroups"]
        return {group["GroupId"]: tuple(map(_permission, group["IpPermissions"])) for group in groups}

    def _instance(self, reservation: dict[str, Any], raw: dict[str, Any]) -> Instance:
        tags = {tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])}
        profile = raw.get("IamInstanceProfile", {})
        interfaces = raw.get("NetworkInterfaces") or [{}]
        address = IPv4Address(raw["PrivateIpAddress"])
        return Instance(
            id=raw["InstanceId"],
            node=tags.get(NODE_TAG, raw["InstanceId"]),
            family=_family(raw, tags),
            state=raw["State"]["Name"],
            private_ip=address,
            subnet=self._subnet(raw["SubnetId"]),
            region=self._region,
            zone=raw["Placement"]["AvailabilityZone"],
            account=reservation["OwnerId"],
            image_id=raw["ImageId"],
            instance_type=raw["InstanceType"],
            security_groups=tuple((group["GroupId"], group["GroupName"]) for group in raw["SecurityGroups"]),
            tags=tuple(sorted(tags.items())),
            metadata=_metadata(raw.get("MetadataOptions", {})),
            profile_arn=profile.get("Arn"),
            profile_id=profile.get("Id"),
            public_ip=raw.get("PublicIpAddress"),
            interface_id=interfaces[0].get("NetworkInterfaceId", ""),
            source_dest_check=raw["SourceDestCheck"],
            reservation_id=reservation["ReservationId"],
            key_name=raw.get("KeyName"),
        )

    def _subnet(self, id: str) -> Subnet:
        if id not in self._subnets:
            raw = self._ec2.describe_subnets(SubnetIds=[id])["Subnets"][0]
            vpc = self._ec2.describe_vpcs(VpcIds=[raw["VpcId"]])["Vpcs"][0]
            cidr, vpc_cidr = IPv4Network(raw["CidrBlock"]), IPv4Network(vpc["CidrBlock"])
            self._subnets[id] = Subnet(id=id, vpc_id=raw["VpcId"], cidr=cidr, vpc_cidr=vpc_cidr)
        return self._subnets[id]

    def _attribute(self, instance_id: str, name: str) -> dict[str, Any]:
        return self._ec2.describe_instance_attribute(InstanceId=instance_id, Attribute=name)

    def _public_key(self, name: str | None) -> str | None:
        if not name:
            return None
        return self._ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"][0].get(
            "PublicKey"
        )


def _client(service: str, endpoint: str, region: str) -> Any:
    # The host is not under test, so it uses fixed keys and never the credentials of the environment.
    return cast(Any, boto3).client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="machine-host",
        aws_secret_access_key="machine-host",  # noqa: S106 - the fake cloud takes any
        config=Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5, read_timeout=10),
    )


def _family(raw: dict[str, Any], tags: dict[str, str]) -> Family:
    windows = tags.get(OS_TAG, "").startswith("windows") or raw.get("Platform") == "windows"
    return "windows" if windows else "linux"


def _metadata(options: dict[str, Any]) -> Metadata:
    return Metadata(
        enabled=options.get("HttpEndpoint", "enabled") == "enabled",
        tokens_required=options.get("HttpTokens") == "required",
        hop_limit=int(options.get("HttpPutResponseHopLimit") or 1),
        tags=options.get("InstanceMetadataTags") == "enabled",
    )


def _permission(raw: dict[str, Any]) -> Permission:
    return Permission(
        protocol=raw["IpProtocol"],
        first=_port(raw.get("FromPort")),
        last=_port(raw.get("ToPort")),
        cidrs=_cidrs(raw.get("IpRanges", [])),
        groups=tuple(pair["GroupId"] for pair in raw.get("UserIdGroupPairs", [])),
    )


def _port(value: int | None) -> int | None:
    return None if value in _NO_PORTS else value


def _cidrs(ranges: Iterable[dict[str, str]]) -> tuple[IPv4Network, ...]:
    return tuple(IPv4Network(entry["CidrIp"], strict=False) for entry in ranges)
