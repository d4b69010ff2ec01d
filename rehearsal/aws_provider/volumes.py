"""The volumes of an instance: the root volume, and the tags of all."""

from __future__ import annotations

from typing import Any

from rehearsal.aws_provider.aws import Aws, from_pairs, without_none
from rehearsal.aws_provider.kind import Change
from rehearsal.aws_provider.wire import Properties

ROOT = {"encrypted": "Encrypted", "volumeSize": "VolumeSize", "volumeType": "VolumeType"}


def device_mappings(aws: Aws, inputs: Properties) -> dict[str, Any]:
    root = inputs.get("rootBlockDevice")
    if not root:
        return {}
    image = aws.ec2.describe_images(ImageIds=[inputs["ami"]])["Images"][0]
    ebs = without_none(**{argument: root.get(name) for name, argument in ROOT.items()})
    ebs["DeleteOnTermination"] = root.get("deleteOnTermination", True)
    return {"BlockDeviceMappings": [{"DeviceName": image["RootDeviceName"], "Ebs": ebs}]}


def root_volume(aws: Aws, instance: dict[str, Any]) -> dict[str, Any]:
    return aws.ec2.describe_volumes(VolumeIds=[_root_mapping(instance)["Ebs"]["VolumeId"]])["Volumes"][0]


def volume_state(aws: Aws, instance: dict[str, Any], known: Properties) -> Properties:
    volume = root_volume(aws, instance)
    tags = from_pairs(volume.get("Tags"))
    own = (known.get("rootBlockDevice") or {}).get("tags") or {}
    root = {
        "deleteOnTermination": _root_mapping(instance)["Ebs"]["DeleteOnTermination"],
        "deviceName": instance["RootDeviceName"],
        "encrypted": volume["Encrypted"],
        "tags": {key: value for key, value in tags.items() if key in own or aws.default_tags.get(key) != value} or None,
        "volumeId": volume["VolumeId"],
        "volumeSize": volume["Size"],
        "volumeType": volume["VolumeType"],
    }
    return {"rootBlockDevice": root, **({"volumeTags": tags} if "volumeTags" in known else {})}


def update_volumes(aws: Aws, instance: dict[str, Any], change: Change) -> None:
    volume = root_volume(aws, instance)
    wanted = change.new.get("rootBlockDevice") or {}
    if change.paths & {"rootBlockDevice.volumeSize", "rootBlockDevice.volumeType"}:
        resized = without_none(Size=wanted.get("volumeSize"), VolumeType=wanted.get("volumeType"))
        aws.ec2.modify_volume(VolumeId=volume["VolumeId"], **resized)
    if "rootBlockDevice.deleteOnTermination" in change.paths:
        mapping = {"DeviceName": instance["RootDeviceName"], "Ebs": {"DeleteOnTermination": wanted["deleteOnTermination"]}}
        aws.ec2.modify_instance_attribute(InstanceId=instance["InstanceId"], BlockDeviceMappings=[mapping])
    if change.touches("volumeTags") or "rootBlockDevice.tags" in change.paths:
        tags = change.new["volumeTags"] if "volumeTags" in change.new else aws.all_tags(wanted.get("tags"))
        aws.retag_ec2(volume["VolumeId"], from_pairs(volume.get("Tags")), tags)


def _root_mapping(instance: dict[str, Any]) -> dict[str, Any]:
    name = instance["RootDeviceName"]
    return next(each for each in instance["BlockDeviceMappings"] if each["DeviceName"] == name)
