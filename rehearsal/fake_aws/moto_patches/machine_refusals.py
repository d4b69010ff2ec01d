"""Refuse calls about machines, parameters and roles that AWS refuses and moto accepts.

Each patch has AWS's error code and text, so that the program and the provider meet the same errors as on AWS.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import InstanceBackend
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import IAMBackend
from moto.kms.models import kms_backends
from moto.ssm.exceptions import ValidationException
from moto.ssm.models import SimpleSystemManagerBackend

from rehearsal.fake_aws.moto_patches.patches import MotoPatches, PatchedCall
from rehearsal.fake_aws.settings import ACCOUNT

MACHINE_PATCHES = MotoPatches()

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html: 16 KB, in raw form, before it is
# base64-encoded
USER_DATA_LIMIT = 16_384
# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
PARAMETER_LIMITS = {"Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}
DEFAULT_KEY = "alias/aws/ssm"
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
RESERVED_AT_THE_START = 4


@MACHINE_PATCHES.around(InstanceBackend, "run_instances")
def impossible_launch(call: PatchedCall) -> Any:
    ec2, options = call.backend, call["kwargs"]
    _refuse_long_user_data(call["user_data"])
    _refuse_foreign_architecture(ec2, call["image_id"], options.get("instance_type"))
    _refuse_small_root_volume(ec2, call["image_id"], options.get("block_device_mappings") or [])
    _refuse_private_address(ec2, options)
    _refuse_zone_without_the_type(ec2, options)
    return call.proceed()


def _refuse_long_user_data(user_data: Any) -> None:
    if user_data and len(base64.b64decode(str(user_data))) > USER_DATA_LIMIT:
        raise EC2ClientError("InvalidParameterValue", f"User data is limited to {USER_DATA_LIMIT} bytes")


def _refuse_foreign_architecture(ec2: Any, image_id: str, instance_type: str | None) -> None:
    architecture = ec2.describe_images(ami_ids=[image_id])[0].architecture
    for offered in ec2.describe_instance_types([instance_type] if instance_type else []):
        supported = offered["ProcessorInfo"]["SupportedArchitectures"]
        if offered["InstanceType"] == instance_type and architecture not in supported:
            message = (
                f"The architecture '{','.join(supported)}' of the specified instance type does not match"
            )
            raise EC2ClientError(
                "InvalidParameterValue", f"{message} the architecture '{architecture}' of the specified AMI."
            )


def _refuse_small_root_volume(ec2: Any, image_id: str, mappings: list[dict[str, Any]]) -> None:
    image = ec2.describe_images(ami_ids=[image_id])[0]
    smallest = image.block_device_mappings[0]["Ebs"]
    for mapping in mappings:
        size = mapping["Ebs"].get("VolumeSize")
        if mapping["DeviceName"] == image.root_device_name and size and int(size) < smallest["VolumeSize"]:
            snapshot, least = smallest["SnapshotId"], smallest["VolumeSize"]
            message = (
                f"Volume of size {size}GB is smaller than snapshot '{snapshot}', expect size >= {least}GB"
            )
            raise EC2ClientError("InvalidBlockDeviceMapping", message)


def _refuse_zone_without_the_type(ec2: Any, options: dict[str, Any]) -> None:
    """The words of AWS: https://github.com/kubernetes-sigs/provider-aws-test-infra/issues/354."""
    interface = next(iter(options.get("nics") or []), {})
    subnet_id, wanted = options.get("subnet_id") or interface.get("SubnetId"), options.get("instance_type")
    if not (subnet_id and wanted):
        return
    zone = ec2.get_subnet(subnet_id).availability_zone
    offers = ec2.describe_instance_type_offerings("availability-zone", {"instance-type": [wanted]})
    offering = sorted(each["Location"] for each in offers)
    if zone not in offering:
        raise EC2ClientError(
            "Unsupported",
            f"Your requested instance type ({wanted}) is not supported in your requested Availability Zone "
            f"({zone}). Please retry your "
            f"request by not specifying an Availability Zone or choosing {', '.join(offering)}.",
        )


def _refuse_private_address(ec2: Any, options: dict[str, Any]) -> None:
    """Refuse an address that is not free. moto raises a bare Exception, which becomes an internal error that
    is retried.
    """
    interface = next(iter(options.get("nics") or []), {})
    address = options.get("private_ip") or interface.get("PrivateIpAddress")
    subnet_id = options.get("subnet_id") or interface.get("SubnetId")
    if not (address and subnet_id):
        return
    subnet = ec2.get_subnet(subnet_id)
    if ipaddress.ip_address(address) not in subnet.cidr:
        raise EC2ClientError(
            "InvalidParameterValue", f"Address {address} does not fall within the subnet's address range"
        )
    if address in _reserved(subnet.cidr):
        raise EC2ClientError(
            "InvalidParameterValue", f"Address {address} is in subnet's reserved address range"
        )
    if address in subnet._subnet_ips:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {address} is in use.")


def _reserved(network: ipaddress.IPv4Network) -> set[str]:
    return {str(network[index]) for index in range(RESERVED_AT_THE_START)} | {str(network.broadcast_address)}


@MACHINE_PATCHES.around(InstanceBackend, "modify_instance_attribute")
def change_that_needs_a_stopped_instance(call: PatchedCall) -> Any:
    if call["key"] in ("instance_type", "user_data"):
        instance = call.backend.get_instance(call["instance_id"])
        if call["key"] == "user_data":
            _refuse_long_user_data(call["value"])
        if instance.state != "stopped":
            raise EC2ClientError(
                "IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state."
            )
    return call.proceed()


@MACHINE_PATCHES.around(SimpleSystemManagerBackend, "put_parameter")
def oversized_parameter(call: PatchedCall) -> Any:
    tier = call["tier"] or "Standard"
    limit = PARAMETER_LIMITS[tier]
    if call["value"] and len(call["value"].encode()) > limit:
        message = f"{tier} tier parameters support a maximum parameter value of {limit} characters."
        if tier == "Standard":
            message += " To create a larger parameter value, upgrade the parameter"
            message += " to use the advanced-parameter tier."
        raise ValidationException(message)
    return call.proceed()


class InvalidKeyId(JsonRESTError):
    """No key of the account and region has this id."""

    def __init__(self, key: str) -> None:
        super().__init__("InvalidKeyId", f"Invalid keyId {key}")


@MACHINE_PATCHES.around(SimpleSystemManagerBackend, "put_parameter")
def key_of_a_parameter(call: PatchedCall) -> Any:
    """Refuse an unknown key, and use AWS's key if the call names none, even if another key encrypted the
    value before.

    Source: Systems Manager API reference, PutParameter, KeyId: "If you don't specify a key ID, the system
    uses the default key associated with your AWS account"; moto keeps the earlier key.
    """
    key = call["keyid"]
    if call["parameter_type"] == "SecureString":
        call.arguments["keyid"] = key or DEFAULT_KEY
        known = kms_backends[ACCOUNT][call.backend.region_name].keys
        if key and not key.startswith("alias/") and key.rpartition("/")[2] not in known:
            raise InvalidKeyId(key)
    return call.proceed()


@MACHINE_PATCHES.around(IAMBackend, "create_role")
def malformed_trust_policy(call: PatchedCall) -> Any:
    try:
        statements = json.loads(call["assume_role_policy_document"])["Statement"]
    except (ValueError, KeyError, TypeError):
        raise MalformedPolicyDocument("This policy contains invalid Json") from None
    for statement in statements if isinstance(statements, list) else [statements]:
        if "Principal" not in statement:
            raise MalformedPolicyDocument("Missing required field Principal")
    return call.proceed()
