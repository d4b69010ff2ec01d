"""Instances."""

from __future__ import annotations

from typing import Any

from rehearsal.aws_provider.aws import Aws, if_exists, wait_until, without_none
from rehearsal.aws_provider.instance_state import describe, instance_state, state_name
from rehearsal.aws_provider.instance_updates import STATE_TIMEOUT, metadata_options, set_attribute, update_instance, user_data
from rehearsal.aws_provider.kind import Change, Kind, Tables, names, register
from rehearsal.aws_provider.network import change_tags
from rehearsal.aws_provider.volumes import device_mappings, root_volume
from rehearsal.aws_provider.wire import Properties

# Inputs that are one argument of RunInstances.
LAUNCH = {
    "ami": "ImageId",
    "disableApiTermination": "DisableApiTermination",
    "instanceInitiatedShutdownBehavior": "InstanceInitiatedShutdownBehavior",
    "instanceType": "InstanceType",
    "keyName": "KeyName",
}


@register
class Instance(Kind):
    type_name = "aws:ec2/instance:Instance"
    noun = "EC2 instance"
    tables = Tables(
        inputs=names(
            "ami associatePublicIpAddress disableApiTermination getPasswordData iamInstanceProfile instanceInitiatedShutdownBehavior"
            " instanceType keyName metadataOptions metadataOptions.httpEndpoint metadataOptions.httpProtocolIpv6"
            " metadataOptions.httpPutResponseHopLimit metadataOptions.httpTokens metadataOptions.instanceMetadataTags privateIp"
            " rootBlockDevice rootBlockDevice.deleteOnTermination rootBlockDevice.encrypted rootBlockDevice.tags"
            " rootBlockDevice.volumeSize rootBlockDevice.volumeType sourceDestCheck subnetId tags userData userDataBase64"
            " userDataReplaceOnChange volumeTags vpcSecurityGroupIds"
        ),
        replace=names("ami associatePublicIpAddress keyName privateIp rootBlockDevice.encrypted subnetId"),
        defaults={"getPasswordData": False, "sourceDestCheck": True, "userDataReplaceOnChange": False},
        computed=(
            *("arn", "associatePublicIpAddress", "availabilityZone", "disableApiTermination", "iamInstanceProfile"),
            *("instanceInitiatedShutdownBehavior", "instanceState", "keyName", "metadataOptions", "passwordData"),
            *("primaryNetworkInterfaceId", "privateDns", "privateIp", "publicDns", "publicIp", "rootBlockDevice", "subnetId"),
            "vpcSecurityGroupIds",
        ),
        volatile={name: names("instanceType userData userDataBase64") for name in ("instanceState", "publicDns", "publicIp")},
        secret=names("passwordData"),
        sets=names("vpcSecurityGroupIds"),
    )

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        missing = [name for name in ("ami", "instanceType") if name not in inputs]
        found = [(name, f"{name} is required: the stand-in aws provider has no launch templates.") for name in missing]
        if "userData" in inputs and "userDataBase64" in inputs:
            found.append(("userDataBase64", "userData and userDataBase64 exclude each other."))
        root = inputs.get("rootBlockDevice")
        if "volumeTags" in inputs and isinstance(root, dict) and "tags" in root:
            found.append(("volumeTags", "volumeTags and rootBlockDevice.tags exclude each other."))
        return found

    def replaces_besides(self, new: Properties, state: Properties) -> frozenset[str]:
        return names("userData userDataBase64") if new.get("userDataReplaceOnChange") else frozenset()

    def create(self, aws: Aws, inputs: Properties) -> str:
        answer = aws.ec2.run_instances(
            MinCount=1,
            MaxCount=1,
            TagSpecifications=aws.tag_specifications(instance=aws.all_tags(inputs.get("tags")), volume=inputs.get("volumeTags") or {}),
            **without_none(**{argument: inputs.get(name) for name, argument in LAUNCH.items()}),
            **_network(inputs),
            **_machine(inputs),
            **device_mappings(aws, inputs),
        )
        return answer["Instances"][0]["InstanceId"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        wait_until(f"the start of {id_}", lambda: state_name(aws, id_) == "running", STATE_TIMEOUT)
        if not inputs["sourceDestCheck"]:
            set_attribute(aws, id_, "sourceDestCheck", False)
        if "volumeTags" not in inputs:
            tags = aws.all_tags((inputs.get("rootBlockDevice") or {}).get("tags"))
            aws.retag_ec2(root_volume(aws, describe(aws, id_))["VolumeId"], {}, tags)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        return instance_state(aws, id_, known)

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        update_instance(aws, id_, change)
        change_tags(aws, id_, change)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        if if_exists(lambda: aws.ec2.terminate_instances(InstanceIds=[id_])):
            wait_until(f"the termination of {id_}", lambda: state_name(aws, id_) in ("terminated", None), STATE_TIMEOUT)


def _network(inputs: Properties) -> dict[str, Any]:
    """AWS takes a wish about a public address with an interface only, and then takes everything else with the interface too."""
    public, groups = inputs.get("associatePublicIpAddress"), inputs.get("vpcSecurityGroupIds")
    place = without_none(SubnetId=inputs.get("subnetId"), PrivateIpAddress=inputs.get("privateIp"))
    if public is None:
        return {**place, **without_none(SecurityGroupIds=groups)}
    interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": public, "DeleteOnTermination": True}
    return {"NetworkInterfaces": [{**interface, **place, **without_none(Groups=groups)}]}


def _machine(inputs: Properties) -> dict[str, Any]:
    profile = inputs.get("iamInstanceProfile")
    return without_none(
        IamInstanceProfile={"Name": profile} if profile else None,
        MetadataOptions=metadata_options(inputs.get("metadataOptions")) or None,
        UserData=user_data(inputs),
    )
