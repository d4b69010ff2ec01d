"""Key pairs and Elastic IPs."""

from __future__ import annotations

from typing import Any

from rehearsal.aws_provider.aws import Aws, if_exists, once_released, without_none
from rehearsal.aws_provider.kind import Change, Kind, Tables, names, register, tag_state
from rehearsal.aws_provider.network import change_tags, first
from rehearsal.aws_provider.wire import Properties


@register
class KeyPair(Kind):
    type_name = "aws:ec2/keyPair:KeyPair"
    noun = "key pair"
    auto_name = "keyName"
    tables = Tables(
        inputs=names("keyName publicKey tags"),
        replace=names("keyName publicKey"),
        computed=("arn", "fingerprint", "keyPairId", "keyType"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        tags = aws.tag_specifications(key_pair=aws.all_tags(inputs.get("tags")))
        key = inputs["publicKey"].encode()
        return aws.ec2.import_key_pair(KeyName=inputs["keyName"], PublicKeyMaterial=key, TagSpecifications=tags)["KeyName"]

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        pair = first(if_exists(lambda: aws.ec2.describe_key_pairs(KeyNames=[id_])), "KeyPairs")
        return pair and {
            "arn": aws.arn("ec2", f"key-pair/{id_}"),
            "fingerprint": pair["KeyFingerprint"],
            "keyName": pair["KeyName"],
            "keyPairId": pair["KeyPairId"],
            "keyType": pair.get("KeyType"),
            **tag_state(aws, pair.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        change_tags(aws, change.old["keyPairId"], change)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        if_exists(lambda: aws.ec2.delete_key_pair(KeyName=id_))


def describe_address(aws: Aws, allocation: str) -> Any:
    filters = [{"Name": "allocation-id", "Values": [allocation]}]
    return first(aws.ec2.describe_addresses(Filters=filters), "Addresses")


def associate(aws: Aws, inputs: Properties, allocation: str, instance: str | None) -> str:
    target = without_none(InstanceId=instance, NetworkInterfaceId=inputs.get("networkInterface") or inputs.get("networkInterfaceId"))
    reassociate = bool(inputs.get("allowReassociation", True))
    return aws.ec2.associate_address(AllocationId=allocation, AllowReassociation=reassociate, **target)["AssociationId"]


def disassociate(aws: Aws, allocation: str) -> None:
    address = describe_address(aws, allocation)
    association = address and address.get("AssociationId")
    if association:
        if_exists(lambda: aws.ec2.disassociate_address(AssociationId=association))


def association_state(address: Any) -> Properties:
    return {
        "allocationId": address["AllocationId"],
        "associationId": address.get("AssociationId") or None,
        "publicIp": address["PublicIp"],
    }


@register
class Eip(Kind):
    type_name = "aws:ec2/eip:Eip"
    noun = "Elastic IP"
    tables = Tables(
        inputs=names("domain instance networkInterface tags"),
        replace=names("domain"),
        computed=("allocationId", "arn", "associationId", "domain", "instance", "networkInterface", "privateIp", "publicDns", "publicIp"),
        volatile={name: names("instance networkInterface") for name in ("associationId", "privateIp")},
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        tags = aws.tag_specifications(elastic_ip=aws.all_tags(inputs.get("tags")))
        return aws.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)["AllocationId"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        if inputs.get("instance") or inputs.get("networkInterface"):
            associate(aws, inputs, id_, inputs.get("instance"))

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        address = describe_address(aws, id_)
        return address and {
            **association_state(address),
            "arn": aws.arn("ec2", f"elastic-ip/{id_}"),
            "domain": address["Domain"],
            "instance": address.get("InstanceId") or None,
            "networkInterface": address.get("NetworkInterfaceId") or None,
            "privateIp": address.get("PrivateIpAddress") or None,
            "publicDns": _public_dns(address["PublicIp"], aws.region),
            **tag_state(aws, address.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        if change.touches("instance", "networkInterface"):
            disassociate(aws, id_)
            self.complete(aws, id_, change.new)
        change_tags(aws, id_, change)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        # As the official provider: an address that this resource associated itself is let go of first.
        if state.get("associationId"):
            disassociate(aws, id_)
        once_released(lambda: aws.ec2.release_address(AllocationId=id_), "InvalidIPAddress.InUse")


def _public_dns(address: str, region: str) -> str:
    zone = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{address.replace('.', '-')}.{zone}.amazonaws.com"


@register
class EipAssociation(Kind):
    type_name = "aws:ec2/eipAssociation:EipAssociation"
    noun = "Elastic IP association"
    tagged = False
    importable = False
    tables = Tables(
        inputs=names("allocationId allowReassociation instanceId networkInterfaceId"),
        replace=names("allocationId allowReassociation instanceId networkInterfaceId"),
        computed=("instanceId", "networkInterfaceId", "privateIpAddress", "publicIp"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        return associate(aws, inputs, inputs["allocationId"], inputs.get("instanceId"))

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        address = describe_address(aws, known["allocationId"])
        if not address or address.get("AssociationId") != id_:
            return None
        return {
            "allocationId": address["AllocationId"],
            "instanceId": address.get("InstanceId") or None,
            "networkInterfaceId": address.get("NetworkInterfaceId") or None,
            "privateIpAddress": address.get("PrivateIpAddress") or None,
            "publicIp": address["PublicIp"],
        }

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        if self.read(aws, id_, state):
            if_exists(lambda: aws.ec2.disassociate_address(AssociationId=id_))
