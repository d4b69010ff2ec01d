"""The network: VPC, subnet, internet gateway."""

from __future__ import annotations

from typing import Any

from rehearsal.aws_provider.aws import Aws, if_exists, once_released, without_none
from rehearsal.aws_provider.kind import Change, Kind, Tables, names, register, tag_state
from rehearsal.aws_provider.wire import Properties

VPC_ATTRIBUTES = {"enableDnsHostnames": "EnableDnsHostnames", "enableDnsSupport": "EnableDnsSupport"}


def change_tags(aws: Aws, id_: str, change: Change) -> None:
    if change.touches("tags", "tagsAll"):
        aws.retag_ec2(id_, change.old.get("tagsAll") or {}, aws.all_tags(change.new.get("tags")))


def first(answer: Any, items: str) -> Any:
    """The one item of a describe call; None where AWS knows no such thing, or answers with an empty list."""
    return next(iter(answer[items]), None) if answer else None


@register
class Vpc(Kind):
    type_name = "aws:ec2/vpc:Vpc"
    noun = "VPC"
    tables = Tables(
        inputs=names("cidrBlock enableDnsHostnames enableDnsSupport instanceTenancy tags"),
        replace=names("cidrBlock instanceTenancy"),
        defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
        computed=(
            *("arn", "defaultNetworkAclId", "defaultRouteTableId", "defaultSecurityGroupId", "dhcpOptionsId"),
            *("enableDnsHostnames", "mainRouteTableId", "ownerId"),
        ),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        tags = aws.tag_specifications(vpc=aws.all_tags(inputs.get("tags")))
        tenancy = inputs.get("instanceTenancy", "default")
        return aws.ec2.create_vpc(CidrBlock=inputs["cidrBlock"], InstanceTenancy=tenancy, TagSpecifications=tags)["Vpc"]["VpcId"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        for name in VPC_ATTRIBUTES.keys() & inputs.keys():
            self._set(aws, id_, name, inputs[name])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        vpc = first(if_exists(lambda: aws.ec2.describe_vpcs(VpcIds=[id_])), "Vpcs")
        return vpc and {
            "arn": aws.arn("ec2", f"vpc/{id_}"),
            "cidrBlock": vpc["CidrBlock"],
            "instanceTenancy": vpc["InstanceTenancy"],
            "dhcpOptionsId": vpc.get("DhcpOptionsId"),
            "ownerId": vpc.get("OwnerId"),
            **{name: self._get(aws, id_, name) for name in VPC_ATTRIBUTES},
            **self._defaults(aws, id_),
            **tag_state(aws, vpc.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        for name in VPC_ATTRIBUTES.keys() & change.paths:
            self._set(aws, id_, name, change.new[name])
        change_tags(aws, id_, change)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        once_released(lambda: aws.ec2.delete_vpc(VpcId=id_))

    def _set(self, aws: Aws, id_: str, name: str, value: Any) -> None:
        aws.ec2.modify_vpc_attribute(VpcId=id_, **{VPC_ATTRIBUTES[name]: {"Value": value}})

    def _get(self, aws: Aws, id_: str, name: str) -> bool:
        return aws.ec2.describe_vpc_attribute(VpcId=id_, Attribute=name)[VPC_ATTRIBUTES[name]]["Value"]

    def _defaults(self, aws: Aws, id_: str) -> Properties:
        """What AWS makes together with a VPC."""

        def of_vpc(name: str, *extra: tuple[str, str]) -> list[dict[str, Any]]:
            return [{"Name": key, "Values": [value]} for key, value in ((name, id_), *extra)]

        table = first(aws.ec2.describe_route_tables(Filters=of_vpc("vpc-id", ("association.main", "true"))), "RouteTables")
        acl = first(aws.ec2.describe_network_acls(Filters=of_vpc("vpc-id", ("default", "true"))), "NetworkAcls")
        group = first(aws.ec2.describe_security_groups(Filters=of_vpc("vpc-id", ("group-name", "default"))), "SecurityGroups")
        return {
            "mainRouteTableId": table and table["RouteTableId"],
            "defaultRouteTableId": table and table["RouteTableId"],
            "defaultNetworkAclId": acl and acl["NetworkAclId"],
            "defaultSecurityGroupId": group and group["GroupId"],
        }


@register
class Subnet(Kind):
    type_name = "aws:ec2/subnet:Subnet"
    noun = "subnet"
    tables = Tables(
        inputs=names("availabilityZone availabilityZoneId cidrBlock mapPublicIpOnLaunch tags vpcId"),
        replace=names("availabilityZone availabilityZoneId cidrBlock vpcId"),
        defaults={"mapPublicIpOnLaunch": False},
        computed=("arn", "availabilityZone", "availabilityZoneId", "ownerId"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        zone = without_none(AvailabilityZone=inputs.get("availabilityZone"), AvailabilityZoneId=inputs.get("availabilityZoneId"))
        tags = aws.tag_specifications(subnet=aws.all_tags(inputs.get("tags")))
        answer = aws.ec2.create_subnet(VpcId=inputs["vpcId"], CidrBlock=inputs.get("cidrBlock"), TagSpecifications=tags, **zone)
        return answer["Subnet"]["SubnetId"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        self._map_public(aws, id_, inputs["mapPublicIpOnLaunch"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        subnet = first(if_exists(lambda: aws.ec2.describe_subnets(SubnetIds=[id_])), "Subnets")
        return subnet and {
            "arn": subnet["SubnetArn"],
            "availabilityZone": subnet["AvailabilityZone"],
            "availabilityZoneId": subnet.get("AvailabilityZoneId"),
            "cidrBlock": subnet["CidrBlock"],
            "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
            "ownerId": subnet["OwnerId"],
            "vpcId": subnet["VpcId"],
            **tag_state(aws, subnet.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        if change.touches("mapPublicIpOnLaunch"):
            self._map_public(aws, id_, change.new["mapPublicIpOnLaunch"])
        change_tags(aws, id_, change)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        once_released(lambda: aws.ec2.delete_subnet(SubnetId=id_))

    def _map_public(self, aws: Aws, id_: str, value: bool) -> None:
        aws.ec2.modify_subnet_attribute(SubnetId=id_, MapPublicIpOnLaunch={"Value": value})


@register
class InternetGateway(Kind):
    type_name = "aws:ec2/internetGateway:InternetGateway"
    noun = "internet gateway"
    tables = Tables(inputs=names("tags vpcId"), computed=("arn", "ownerId", "vpcId"))

    def create(self, aws: Aws, inputs: Properties) -> str:
        tags = aws.tag_specifications(internet_gateway=aws.all_tags(inputs.get("tags")))
        return aws.ec2.create_internet_gateway(TagSpecifications=tags)["InternetGateway"]["InternetGatewayId"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        if inputs.get("vpcId"):
            aws.ec2.attach_internet_gateway(InternetGatewayId=id_, VpcId=inputs["vpcId"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        gateway = first(if_exists(lambda: aws.ec2.describe_internet_gateways(InternetGatewayIds=[id_])), "InternetGateways")
        return gateway and {
            "arn": aws.arn("ec2", f"internet-gateway/{id_}"),
            "ownerId": gateway.get("OwnerId"),
            "vpcId": next((each["VpcId"] for each in gateway["Attachments"]), None),
            **tag_state(aws, gateway.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        if change.touches("vpcId"):
            self._detach(aws, id_, change.old)
            self.complete(aws, id_, change.new)
        change_tags(aws, id_, change)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        self._detach(aws, id_, state)
        once_released(lambda: aws.ec2.delete_internet_gateway(InternetGatewayId=id_))

    def _detach(self, aws: Aws, id_: str, state: Properties) -> None:
        live = self.read(aws, id_, state)
        if live and live["vpcId"]:
            # Not attached any more is what was wanted, as the official provider has it
            # (terraform-provider-aws, internal/service/ec2/vpc_internet_gateway.go, detachInternetGateway).
            once_released(lambda: aws.ec2.detach_internet_gateway(InternetGatewayId=id_, VpcId=live["vpcId"]))
