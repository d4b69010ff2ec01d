"""Checks of the AWS account: who we are, where, and whether what the stack names is there."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.config.operating_systems import OperatingSystem

from ..aws.session import pages
from ..explain import explain
from .checks import Check, Patient, Verdict, failed, passed, warned
from .stack import planned, systems

INTEL = "x86_64"
NOT_KNOWN_HERE = ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "OptInRequired")


def _credentials(patient: Patient) -> Verdict:
    try:
        caller = _where_keys_are_known(patient, "sts", lambda sts: sts.get_caller_identity())
    except (ClientError, BotoCoreError) as problem:
        return failed(str(explain(problem) or problem))
    where = patient.outside.environ.get("AWS_ENDPOINT_URL")
    fake = f"; AWS_ENDPOINT_URL is {where}, so this is not AWS itself" if where else ""
    return passed(f"account {caller['Account']} as {caller['Arn'].split(':', 5)[5]}{fake}")


def _where_keys_are_known(patient: Patient, service: str, ask: Callable[[Any], Any]) -> Any:
    """Ask in the stack's region, or, where that refuses the keys, in one that no account can disable.

    A region that an account has not enabled does not know its keys: STS says InvalidClientTokenId there, EC2
    AuthFailure (hashicorp/terraform-provider-aws#12940).
    """
    try:
        return ask(patient.client(service))
    except ClientError as refusal:
        if refusal.response["Error"]["Code"] not in NOT_KNOWN_HERE:
            raise
        return ask(patient.outside.home_session().client(service))


def _region(patient: Patient) -> Verdict:
    name = patient.target.region
    asked = {"RegionNames": [name], "AllRegions": True}
    regions = _where_keys_are_known(patient, "ec2", lambda ec2: ec2.describe_regions(**asked))["Regions"]
    if not regions:
        return failed(f"{name} is not a region of AWS: set aws:region in {patient.stack.path.name}")
    if regions[0].get("OptInStatus") == "not-opted-in":
        return failed(
            f"{name} is not enabled in this account: enable it in the account's settings, or set another "
            f"aws:region"
        )
    return passed(name)


def _zones(patient: Patient) -> Verdict:
    config = patient.stack.valid
    ec2 = patient.client("ec2")
    types = sorted({machine.type for machine in planned(config)})
    offers = _offers(ec2, types)
    open_zones = [
        str(zone["ZoneName"])
        for zone in ec2.describe_availability_zones()["AvailabilityZones"]
        if zone["State"] == "available"
    ]
    if config.availability_zones:
        return _named_zones(config.availability_zones, open_zones, types, offers)
    return _any_zone(sorted(open_zones), types, offers)


def _offers(ec2: Any, types: Sequence[str]) -> Mapping[str, set[str]]:
    """The instance types that each zone has."""
    filters = [{"Name": "instance-type", "Values": [*types]}]
    found: defaultdict[str, set[str]] = defaultdict(set)
    for offer in pages(
        ec2,
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=filters,
    ):
        found[str(offer["Location"])].add(str(offer["InstanceType"]))
    return found


def _named_zones(
    named: Sequence[str], open_zones: Sequence[str], types: Sequence[str], offers: Mapping[str, set[str]]
) -> Verdict:
    if absent := [zone for zone in named if zone not in open_zones]:
        return failed(
            f"{', '.join(absent)} cannot be used here: set availabilityZones to some of "
            f"{', '.join(sorted(open_zones))}"
        )
    if lacks := [
        f"{zone} has no {kind}" for zone in named for kind in types if kind not in offers.get(zone, ())
    ]:
        return failed(f"{'; '.join(lacks)}: choose another zone or type")
    return passed(f"{', '.join(named)}: each has {', '.join(types)}")


def _any_zone(zones: Sequence[str], types: Sequence[str], offers: Mapping[str, set[str]]) -> Verdict:
    """No zone is named, so the program chooses the first one with every instance type (infra/zones.py)."""
    complete = [zone for zone in zones if offers.get(zone, set()) >= {*types}]
    if not complete:
        return failed(f"no zone of the region has all of {', '.join(types)}: choose other instance types")
    return passed(f"{complete[0]}, the first that has {', '.join(types)}")


def _images(patient: Patient) -> Verdict:
    by_parameter = {system.ami_parameter: system for system in systems(patient.stack.valid)}
    answer = patient.client("ssm").get_parameters(Names=[*by_parameter])
    if absent := answer.get("InvalidParameters"):
        return failed(
            f"AWS publishes no {', '.join(absent)} in {patient.target.region}: choose another os or region"
        )
    ids = {str(entry["Value"]): by_parameter[str(entry["Name"])] for entry in answer["Parameters"]}
    images = {
        image["ImageId"]: image
        for image in pages(patient.client("ec2"), "describe_images", "Images", ImageIds=[*ids])
    }
    smallest = {
        system.name: min(m.disk_gb for m in planned(patient.stack.valid) if m.os is system)
        for system in ids.values()
    }
    problems = [
        text
        for ami, system in ids.items()
        for text in _image_problems(system, ami, images.get(ami), smallest[system.name])
    ]
    if problems:
        return failed("; ".join(problems))
    if old := [f"{ids[ami].name} {ami}" for ami, image in images.items() if _deprecated(image)]:
        return warned(f"deprecated by its publisher: {', '.join(old)}; it starts, but choose a newer os soon")
    return passed(", ".join(sorted(f"{system.name} {ami}" for ami, system in ids.items())))


def _image_problems(
    system: OperatingSystem, ami: str, image: Mapping[str, Any] | None, disk_gb: int
) -> Iterable[str]:
    if image is None or image["State"] != "available":
        yield f"{ami} of {system.name} is {image['State'] if image else 'gone'}: choose another os or region"
        return
    if image["Architecture"] != INTEL:
        yield f"{ami} of {system.name} is {image['Architecture']}, not {INTEL}"
    sizes = [mapping.get("Ebs", {}).get("VolumeSize", 0) for mapping in image.get("BlockDeviceMappings", ())]
    if sizes and max(sizes) > disk_gb:
        yield f"{ami} of {system.name} needs {max(sizes)} GB: raise diskSizeGb from {disk_gb}"


def _deprecated(image: Mapping[str, Any]) -> bool:
    when = str(image.get("DeprecationTime") or "")
    return bool(when) and datetime.fromisoformat(when) < datetime.now(UTC)


def _key_pair(patient: Patient) -> Verdict:
    name = patient.stack.valid.key_name
    windows = any(machine.os.family == "windows" for machine in planned(patient.stack.valid))
    if not name:
        without = (
            "no keyName: EC2 will have no Windows password for `microcosm rdp`; `microcosm shell` "
            "works without"
        )
        return warned(without) if windows else passed("none, and none is needed without Windows")
    try:
        (pair,) = patient.client("ec2").describe_key_pairs(KeyNames=[name])["KeyPairs"]
    except ClientError as answer:
        if answer.response["Error"]["Code"] != "InvalidKeyPair.NotFound":
            raise
        return failed(
            f"there is no key pair {name!r} in {patient.target.region}: make one, or correct keyName"
        )
    kind = str(pair.get("KeyType", "rsa"))
    if kind != "rsa" and windows:
        return failed(f"{name!r} is {kind}: EC2 starts Windows with RSA pairs only; name one in keyName")
    return passed(f"{name!r}, {kind}")


def _documents_key(patient: Patient) -> Verdict:
    """Look at the key of `kmsKeyId`: Parameter Store takes enabled keys of its own region for symmetric
    encryption only (Systems Manager user guide, secure-string-parameter-kms-encryption).
    """
    key = patient.stack.valid.kms_key
    if not key:
        return passed("AWS's own")
    region = key.split(":")[3] if key.startswith("arn:") else patient.target.region
    if region != patient.target.region:
        return failed(f"{key} is of {region}: name a key of {patient.target.region} in kmsKeyId")
    try:
        found = patient.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as answer:
        if answer.response["Error"]["Code"] != "NotFoundException":
            raise
        return failed(f"there is no key {key} in {patient.target.region}: correct kmsKeyId")
    if found["KeySpec"] != "SYMMETRIC_DEFAULT":
        return failed(f"{key} is {found['KeySpec']}: name a key for symmetric encryption in kmsKeyId")
    if found["KeyState"] != "Enabled":
        return failed(f"{key} is {found['KeyState']}: enable it, or name another in kmsKeyId")
    return passed(key)


_STANDARD = re.compile(r"([acdhmrtz]|i[ms]?)[0-9]")


def is_standard(instance_type: str) -> bool:
    """Whether a type counts against the quota "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z)
    instances".
    """
    return bool(_STANDARD.match(instance_type))


CREDENTIALS = Check(name="credentials", what="AWS accepts them", look=_credentials)
CHECKS = (
    Check(name="region", what="exists and is enabled", look=_region, needs_account=True),
    Check(name="zones", what="offer every instance type", look=_zones, needs_account=True, needs_config=True),
    Check(
        name="images",
        what="parameters resolve, AMIs live and fit",
        look=_images,
        needs_account=True,
        needs_config=True,
    ),
    Check(name="key pair", what="exists and is RSA", look=_key_pair, needs_account=True, needs_config=True),
    Check(
        name="KMS key",
        what="exists, is enabled and encrypts",
        look=_documents_key,
        needs_account=True,
        needs_config=True,
    ),
)
