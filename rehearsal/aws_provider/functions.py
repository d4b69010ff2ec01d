"""Data sources: what a program may ask AWS while it runs. Each returns the properties that the official function of that name returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rehearsal.aws_provider.aws import Aws, ResourceError, from_pairs, if_exists, without_none
from rehearsal.aws_provider.wire import Properties, Secret

Function = Callable[[Aws, Properties], Properties]


def get_parameter(aws: Aws, arguments: Properties) -> Properties:
    name, decrypt = arguments["name"], arguments.get("withDecryption", True)
    answer = if_exists(lambda: aws.ssm.get_parameter(Name=name, WithDecryption=decrypt))
    if not answer:
        raise ResourceError(f"there is no SSM parameter {name} in {aws.region}")
    parameter = answer["Parameter"]
    public = parameter["Type"] != "SecureString"
    return {
        "arn": parameter["ARN"],
        "id": name,
        "insecureValue": parameter["Value"] if public else "",
        "name": name,
        "type": parameter["Type"],
        "value": Secret(parameter["Value"]),
        "version": parameter["Version"],
        "withDecryption": decrypt,
    }


def get_ami(aws: Aws, arguments: Properties) -> Properties:
    query = without_none(
        Owners=arguments.get("owners"),
        Filters=_filters(arguments),
        ExecutableUsers=arguments.get("executableUsers"),
    )
    images = aws.ec2.describe_images(**query)["Images"]
    if not images:
        raise ResourceError(f"no image matches {query}; change the filters or the owners")
    if len(images) > 1 and not arguments.get("mostRecent"):
        raise ResourceError(f"{len(images)} images match {query}; narrow the filters or set mostRecent")
    image = max(images, key=lambda each: each["CreationDate"])
    return {
        "architecture": image["Architecture"],
        "arn": f"arn:{aws.partition}:ec2:{aws.region}::image/{image['ImageId']}",
        "creationDate": image["CreationDate"],
        "description": image.get("Description"),
        "id": image["ImageId"],
        "imageId": image["ImageId"],
        "name": image["Name"],
        "ownerId": image["OwnerId"],
        "platform": image.get("Platform"),
        "rootDeviceName": image["RootDeviceName"],
        "rootDeviceType": image["RootDeviceType"],
        "state": image["State"],
        "tags": from_pairs(image.get("Tags")),
        "virtualizationType": image["VirtualizationType"],
    }


def get_availability_zones(aws: Aws, arguments: Properties) -> Properties:
    filters = _filters(arguments) or []
    if "state" in arguments:
        filters.append({"Name": "state", "Values": [arguments["state"]]})
    zones = aws.ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
    excluded = {*arguments.get("excludeNames", ()), *arguments.get("excludeZoneIds", ())}
    zones = sorted((each for each in zones if not excluded & {each["ZoneName"], each["ZoneId"]}), key=lambda each: each["ZoneName"])
    return {
        "groupNames": [aws.region],
        "id": aws.region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
    }


def get_instance_type(aws: Aws, arguments: Properties) -> Properties:
    name = arguments["instanceType"]
    found = aws.ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"][0]
    return {
        "currentGeneration": found["CurrentGeneration"],
        "defaultVcpus": found["VCpuInfo"]["DefaultVCpus"],
        "id": name,
        "instanceType": name,
        "memorySize": found["MemoryInfo"]["SizeInMiB"],
        "supportedArchitectures": found["ProcessorInfo"]["SupportedArchitectures"],
    }


def get_caller_identity(aws: Aws, _: Properties) -> Properties:
    identity = aws.identity
    return {"accountId": identity["Account"], "arn": identity["Arn"], "id": identity["Account"], "userId": identity["UserId"]}


def get_region(aws: Aws, arguments: Properties) -> Properties:
    name = arguments.get("name") or arguments.get("region") or aws.region
    return {"description": name, "endpoint": f"ec2.{name}.amazonaws.com", "id": name, "name": name, "region": name}


def get_partition(aws: Aws, _: Properties) -> Properties:
    return {"dnsSuffix": "amazonaws.com", "id": aws.partition, "partition": aws.partition, "reverseDnsPrefix": "com.amazonaws"}


def _filters(arguments: Properties) -> list[dict[str, Any]] | None:
    filters = arguments.get("filters")
    return filters and [{"Name": each["name"], "Values": each["values"]} for each in filters]


FUNCTIONS: dict[str, Function] = {
    "aws:ec2/getAmi:getAmi": get_ami,
    "aws:ec2/getInstanceType:getInstanceType": get_instance_type,
    "aws:index/getAvailabilityZones:getAvailabilityZones": get_availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": get_caller_identity,
    "aws:index/getPartition:getPartition": get_partition,
    "aws:index/getRegion:getRegion": get_region,
    "aws:ssm/getParameter:getParameter": get_parameter,
}
