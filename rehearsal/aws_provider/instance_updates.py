"""What can change about an instance in place, and how."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from rehearsal.aws_provider.aws import Aws, wait_until
from rehearsal.aws_provider.instance_state import METADATA, describe, state_name
from rehearsal.aws_provider.kind import Change
from rehearsal.aws_provider.volumes import update_volumes
from rehearsal.aws_provider.wire import Properties

STATE_TIMEOUT = 600.0

Update = Callable[[Aws, str, Change], None]


def user_data(inputs: Properties) -> bytes | None:
    """The raw bytes; boto3 does the base64 of the API."""
    if "userDataBase64" in inputs:
        return base64.b64decode(inputs["userDataBase64"])
    return inputs["userData"].encode() if "userData" in inputs else None


def metadata_options(options: Properties | None) -> dict[str, Any]:
    return {METADATA[name]: value for name, value in (options or {}).items()}


def set_attribute(aws: Aws, id_: str, name: str, value: Any) -> None:
    argument = name[0].upper() + name[1:]
    aws.ec2.modify_instance_attribute(InstanceId=id_, **{argument: {"Value": value}})


def update_instance(aws: Aws, id_: str, change: Change) -> None:
    for inputs, apply in UPDATES:
        if change.touches(*inputs):
            apply(aws, id_, change)


def _while_stopped(aws: Aws, id_: str, name: str, value: Any) -> None:
    """AWS changes the type and the user data of a stopped instance only; user data is not run again at the next start."""
    aws.ec2.stop_instances(InstanceIds=[id_])
    wait_until(f"the stop of {id_}", lambda: state_name(aws, id_) == "stopped", STATE_TIMEOUT)
    set_attribute(aws, id_, name, value)
    aws.ec2.start_instances(InstanceIds=[id_])
    wait_until(f"the start of {id_}", lambda: state_name(aws, id_) == "running", STATE_TIMEOUT)


def _update_type(aws: Aws, id_: str, change: Change) -> None:
    _while_stopped(aws, id_, "instanceType", change.new["instanceType"])


def _update_user_data(aws: Aws, id_: str, change: Change) -> None:
    _while_stopped(aws, id_, "userData", user_data(change.new) or b"")


def _update_groups(aws: Aws, id_: str, change: Change) -> None:
    interface = change.old["primaryNetworkInterfaceId"]
    aws.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=change.new["vpcSecurityGroupIds"])


def _update_profile(aws: Aws, id_: str, change: Change) -> None:
    filters = [{"Name": "instance-id", "Values": [id_]}]
    associations = aws.ec2.describe_iam_instance_profile_associations(Filters=filters)["IamInstanceProfileAssociations"]
    profile = {"Name": change.new["iamInstanceProfile"]}
    if associations:
        association = associations[0]["AssociationId"]
        aws.ec2.replace_iam_instance_profile_association(AssociationId=association, IamInstanceProfile=profile)
    else:
        aws.ec2.associate_iam_instance_profile(InstanceId=id_, IamInstanceProfile=profile)


def _update_metadata(aws: Aws, id_: str, change: Change) -> None:
    """Whole: AWS keeps what is not named, moto does not."""
    options = {**change.old["metadataOptions"], **change.new["metadataOptions"]}
    aws.ec2.modify_instance_metadata_options(InstanceId=id_, **metadata_options(options))


def _update_attribute(name: str) -> Update:
    return lambda aws, id_, change: set_attribute(aws, id_, name, change.new[name])


def _update_shutdown(aws: Aws, id_: str, change: Change) -> None:
    """By name and value: moto does not know the other form for this attribute."""
    name = "instanceInitiatedShutdownBehavior"
    aws.ec2.modify_instance_attribute(InstanceId=id_, Attribute=name, Value=change.new[name])


def _update_volumes(aws: Aws, id_: str, change: Change) -> None:
    update_volumes(aws, describe(aws, id_), change)


UPDATES: tuple[tuple[tuple[str, ...], Update], ...] = (
    (("instanceType",), _update_type),
    (("userData", "userDataBase64"), _update_user_data),
    (("vpcSecurityGroupIds",), _update_groups),
    (("iamInstanceProfile",), _update_profile),
    (("metadataOptions",), _update_metadata),
    (("sourceDestCheck",), _update_attribute("sourceDestCheck")),
    (("disableApiTermination",), _update_attribute("disableApiTermination")),
    (("instanceInitiatedShutdownBehavior",), _update_shutdown),
    (("rootBlockDevice", "volumeTags"), _update_volumes),
)
