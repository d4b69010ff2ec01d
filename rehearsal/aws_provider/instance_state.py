"""An instance as AWS shows it, in the properties of the official provider."""

from __future__ import annotations

import base64
from typing import Any

from rehearsal.aws_provider.aws import Aws, if_exists
from rehearsal.aws_provider.kind import tag_state
from rehearsal.aws_provider.network import first
from rehearsal.aws_provider.volumes import volume_state
from rehearsal.aws_provider.wire import Properties

# Our properties of `metadataOptions`, and the arguments and fields of the API.
METADATA = {
    "httpEndpoint": "HttpEndpoint",
    "httpProtocolIpv6": "HttpProtocolIpv6",
    "httpPutResponseHopLimit": "HttpPutResponseHopLimit",
    "httpTokens": "HttpTokens",
    "instanceMetadataTags": "InstanceMetadataTags",
}
GONE_STATES = ("shutting-down", "terminated")


def describe(aws: Aws, id_: str) -> Any:
    reservation = first(if_exists(lambda: aws.ec2.describe_instances(InstanceIds=[id_])), "Reservations")
    return first(reservation, "Instances")


def state_name(aws: Aws, id_: str) -> str | None:
    instance = describe(aws, id_)
    return instance and instance["State"]["Name"]


def instance_state(aws: Aws, id_: str, known: Properties) -> Properties | None:
    instance = describe(aws, id_)
    if not instance or instance["State"]["Name"] in GONE_STATES:
        return None
    return {
        **_identity(aws, instance),
        **_network(instance),
        **volume_state(aws, instance, known),
        **_attributes(aws, id_),
        **_user_data(aws, id_, known),
        "metadataOptions": _metadata(instance),
        "passwordData": aws.ec2.get_password_data(InstanceId=id_)["PasswordData"] or None if known.get("getPasswordData") else None,
        **tag_state(aws, instance.get("Tags"), known),
    }


def _identity(aws: Aws, instance: dict[str, Any]) -> Properties:
    profile = instance.get("IamInstanceProfile") or {}
    return {
        "ami": instance["ImageId"],
        "arn": aws.arn("ec2", f"instance/{instance['InstanceId']}"),
        "availabilityZone": instance["Placement"]["AvailabilityZone"],
        "iamInstanceProfile": profile["Arn"].rpartition("/")[2] if profile.get("Arn") else None,
        "instanceState": instance["State"]["Name"],
        "instanceType": instance["InstanceType"],
        "keyName": instance.get("KeyName"),
    }


def _network(instance: dict[str, Any]) -> Properties:
    primary = instance["NetworkInterfaces"][0]
    return {
        # Any public address counts, an Elastic IP too: so does the official provider, and shows it as drift from `false`.
        "associatePublicIpAddress": bool(primary.get("Association")),
        "primaryNetworkInterfaceId": primary["NetworkInterfaceId"],
        "privateDns": instance.get("PrivateDnsName"),
        "privateIp": instance["PrivateIpAddress"],
        "publicDns": instance.get("PublicDnsName") or "",
        "publicIp": instance.get("PublicIpAddress") or "",
        "sourceDestCheck": instance["SourceDestCheck"],
        "subnetId": instance["SubnetId"],
        "vpcSecurityGroupIds": sorted(group["GroupId"] for group in primary["Groups"]),
    }


def _metadata(instance: dict[str, Any]) -> Properties:
    options = instance["MetadataOptions"]
    return {name: options[field] for name, field in METADATA.items() if field in options}


def _attribute(aws: Aws, id_: str, name: str) -> Any:
    field = name[0].upper() + name[1:]
    return aws.ec2.describe_instance_attribute(InstanceId=id_, Attribute=name)[field].get("Value")


def _attributes(aws: Aws, id_: str) -> Properties:
    """What DescribeInstances leaves out."""
    return {name: _attribute(aws, id_, name) for name in ("disableApiTermination", "instanceInitiatedShutdownBehavior")}


def _user_data(aws: Aws, id_: str, known: Properties) -> Properties:
    """In the spelling that the program chose: the other one would be a difference that nobody made."""
    encoded = _attribute(aws, id_, "userData")
    if "userDataBase64" in known:
        return {"userDataBase64": encoded}
    return {"userData": encoded and base64.b64decode(encoded).decode(errors="replace")}
