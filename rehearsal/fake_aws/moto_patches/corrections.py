"""Patch moto where it behaves unlike AWS: volumes, addresses, groups, passwords, console output."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.iam_instance_profile import IamInstanceProfileAssociationBackend
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.windows import WindowsBackend
from moto.ec2.responses.general import General
from moto.ec2.responses.instances import InstanceResponse
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend

from rehearsal.fake_aws.moto_patches.patches import MotoPatches, PatchedCall

BEHAVIOUR_PATCHES = MotoPatches()
# Those of volumes apart: other tests than the rehearsal's need them alone.
VOLUME_PATCHES = MotoPatches()

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html: the most recent 64 KB
CONSOLE_LIMIT = 64 * 1024
WINDOWS_ADMINISTRATOR = "Rehearsal-Only-1"


@BEHAVIOUR_PATCHES.around(InstanceResponse, "_parse_block_device_mapping")
def image_completes_the_volumes(call: PatchedCall) -> Any:
    """Complete the volumes from the image, as AWS does; moto requires a size and never deletes the volume."""
    response = call.backend
    image = response.ec2_backend.describe_images(ami_ids=[response._get_param("ImageId")])[0]
    asked = {mapping["DeviceName"]: mapping for mapping in response._get_param("BlockDeviceMappings", [])}
    for default in image.block_device_mappings:
        mapping = asked.setdefault(default["DeviceName"], {"DeviceName": default["DeviceName"]})
        mapping["Ebs"] = {**default["Ebs"], **mapping.get("Ebs", {})}
    response.params["BlockDeviceMappings"] = list(asked.values())
    return call.proceed()


@VOLUME_PATCHES.around(EBSBackend, "attach_volume")
def attachment_tells_whether_its_volume_goes(call: PatchedCall) -> Any:
    """Show deleteOnTermination on the attachment (EC2 API reference, VolumeAttachment); moto has it on the
    instance alone.
    """
    attachment = call.proceed()
    if attachment:
        attachment.delete_on_termination = call["delete_on_termination"]
    return attachment


@BEHAVIOUR_PATCHES.around(InstanceResponse, "_dot_value_instance_attribute_handler")
def new_user_data_is_decoded_once(call: PatchedCall) -> Any:
    """Encode the blob again: moto's parser has decoded it already, and its handler decodes it a second
    time.
    """
    user_data = call.backend._get_param("UserData")
    if user_data and isinstance(user_data.get("Value"), bytes):
        user_data["Value"] = base64.b64encode(user_data["Value"])
    return call.proceed()


@BEHAVIOUR_PATCHES.around(InstanceBackend, "run_instances")
def first_interface_belongs_to_its_instance(call: PatchedCall) -> Any:
    """Delete the first interface with its instance, and show its groups as the instance's, as AWS does."""
    reservation = call.proceed()
    for instance in reservation.instances:
        primary = instance.nics[0]
        primary.delete_on_termination = True
        instance.security_groups = list(primary.group_set)
    return reservation


@BEHAVIOUR_PATCHES.around(InstanceBackend, "terminate_instances")
def termination_frees_addresses(call: PatchedCall) -> Any:
    """Free the addresses: moto keeps the Elastic IP associated and the private address taken."""
    ec2 = call.backend
    terminated = call.proceed()
    for instance, _ in terminated:
        for address in [each for each in ec2.addresses if each.instance is instance]:
            ec2.disassociate_address(address=address.public_ip)
        subnet = ec2.get_subnet(instance.subnet_id)
        for private_ip in instance._private_ips:
            subnet.del_subnet_ip(private_ip)
    return terminated


@BEHAVIOUR_PATCHES.around(InstanceBackend, "modify_instance_security_groups")
def groups_of_the_instance_are_groups_of_its_interface(call: PatchedCall) -> Any:
    instance = call.proceed()
    instance.nics[0]._group_set = list(instance.security_groups)
    return instance


@BEHAVIOUR_PATCHES.around(NetworkInterfaceBackend, "modify_network_interface_attribute")
def groups_of_the_interface_are_groups_of_its_instance(call: PatchedCall) -> Any:
    result = call.proceed()
    interface = call.backend.get_network_interface(call["eni_id"])
    if interface.instance and interface.device_index == 0:
        interface.instance.security_groups = list(interface._group_set)
    return result


@BEHAVIOUR_PATCHES.around(IamInstanceProfileAssociationBackend, "replace_iam_instance_profile_association")
def replaced_profile_shows_on_the_instance(call: PatchedCall) -> Any:
    association = call.proceed()
    shown = {"Arn": association.iam_instance_profile.arn, "Id": association.association_id}
    call.backend.modify_instance_attribute(association.instance.id, "iam_instance_profile", shown)
    return association


@BEHAVIOUR_PATCHES.around(IAMBackend, "remove_role_from_instance_profile")
def role_that_the_profile_has_no_more(call: PatchedCall) -> Any:
    """Answer NoSuchEntity, as AWS does for a repeated removal; moto answers with an internal error."""
    profile, name = call.backend.get_instance_profile(call["profile_name"]), call["role_name"]
    if not any(role.name == name for role in profile.roles):
        raise NotFoundException(f"Role {name} in instance profile {profile.name} cannot be found.")
    return call.proceed()


@BEHAVIOUR_PATCHES.around(SecurityGroupBackend, "modify_security_group_rules")
def modified_rule_may_refer_to_a_group(call: PatchedCall) -> Any:
    """Modify rules that moto cannot: those with a group, and those without ports."""
    group = call.backend.get_security_group_from_id(call["group_id"])
    plain = {}
    for rule_id, wanted in call["rules"].items():
        rule = group.get_rule(rule_id) if group else None
        if rule is None or (wanted.get("CidrIpv4") and str(wanted.get("IpProtocol")) != "-1"):
            plain[rule_id] = wanted
        else:
            _rewrite(rule, wanted)
    if plain:
        call.arguments["rules"] = plain
        call.proceed()


def _rewrite(rule: Any, wanted: dict[str, Any]) -> None:
    rule.ip_protocol = wanted["IpProtocol"]
    rule.from_port, rule.to_port = wanted.get("FromPort"), wanted.get("ToPort")
    ranges = {
        "CidrIp": wanted.get("CidrIpv4"),
        "CidrIpv6": wanted.get("CidrIpv6"),
        "Description": wanted.get("Description"),
    }
    rule.ip_range = {name: value for name, value in ranges.items() if value is not None}
    if "ReferencedGroupId" in wanted:
        rule.source_group = {**rule.source_group, "GroupId": wanted["ReferencedGroupId"]}


@BEHAVIOUR_PATCHES.around(
    SecurityGroupBackend, "authorize_security_group_ingress", "authorize_security_group_egress"
)
def rule_that_refers_to_a_group_has_a_description(call: PatchedCall) -> Any:
    """Return the description of a rule with a group; moto returns only that of an address range."""
    added, group = call.proceed()
    for rule in added:
        if "Description" in rule.source_group:
            rule.ip_range["Description"] = rule.source_group.pop("Description")
    return added, group


@BEHAVIOUR_PATCHES.around(WindowsBackend, "get_password_data")
def password_is_encrypted_with_the_key_pair(call: PatchedCall) -> Any:
    """Encrypt the password with the public key of the launch, as AWS does; moto returns random text."""
    ec2 = call.backend
    instance = ec2.get_instance(call["instance_id"])
    if instance.platform != "windows" or not instance.key_name:
        return ""
    key = load_ssh_public_key(ec2.key_pairs[instance.key_name].material_public)
    if not isinstance(key, RSAPublicKey):
        return ""
    return base64.b64encode(key.encrypt(WINDOWS_ADMINISTRATOR.encode(), PKCS1v15())).decode()


def reboots_in(machines: Path) -> MotoPatches:
    """Pass RebootInstances to the machine by a file, because no state of an instance shows a reboot."""
    book = MotoPatches()

    @book.around(InstanceBackend, "reboot_instances")
    def reboot_of_the_machine(call: PatchedCall) -> Any:  # pyright: ignore[reportUnusedFunction]
        rebooted = call.proceed()
        for folder in (machines / instance.id for instance in rebooted):
            if folder.is_dir():
                (folder / "reboot").touch()
        return rebooted

    return book


def console_from(machines: Path) -> MotoPatches:
    """Answer GetConsoleOutput, with and without Latest, from the machine's console log; moto has one text
    for all.
    """
    book = MotoPatches()

    @book.around(General, "get_console_output")
    def console_of_the_machine(call: PatchedCall) -> Any:  # pyright: ignore[reportUnusedFunction]
        response = call.backend
        instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
        log = machines / instance.id / "console.log"
        text = log.read_bytes()[-CONSOLE_LIMIT:].decode(errors="replace") if log.is_file() else ""
        output = Base64EncodedString.from_raw_string(text)
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    return book
