"""Publish the machine images of the fake cloud, and the public SSM parameters that name the latest of each.

moto has no parameters, and its images end in 2017. Names and owners are those of AWS; the ids are invented,
stable and different in each region, because an image of AWS belongs to one region. Canonical and AWS publish
in every region (Systems Manager user guide, "Calling AMI public parameters in Parameter Store", and
documentation.ubuntu.com/aws, "Find Ubuntu images on AWS").
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.amis import Ami
from moto.ssm.models import Parameter, SimpleSystemManagerBackend, ssm_backends

from infra.config.operating_systems import WINDOWS_RELEASES
from rehearsal.fake_aws.moto_patches.patches import MotoPatches, PatchedCall
from rehearsal.fake_aws.settings import ACCOUNT

CANONICAL = "099720109477"
MICROSOFT = "801119661308"
UBUNTU_PARAMETER = "/aws/service/canonical/ubuntu/server/{release}/stable/current/{arch}/hvm/ebs-gp3/ami-id"
WINDOWS_PARAMETER = "/aws/service/ami-windows-latest/Windows_Server-{release}-English-{edition}-Base"
ROOT_DEVICE = "/dev/sda1"
# Not China, GovCloud or the isolated regions (botocore, data/endpoints.json).
PARTITION = re.compile(r"(?!cn-|us-gov-|us-iso|eu-iso|eusc-).*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A published image and the parameter that names it."""

    name: str
    parameter: str
    owner: str
    architecture: str = "x86_64"
    platform: str | None = None
    root_gb: int

    def id_in(self, region: str) -> str:
        return "ami-0" + hashlib.sha256(f"{region} {self.name}".encode()).hexdigest()[:16]


def _ubuntu(arch: str, architecture: str) -> Image:
    return Image(
        name=f"ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{arch}-server-20261020",
        parameter=UBUNTU_PARAMETER.format(release="24.04", arch=arch),
        owner=CANONICAL,
        architecture=architecture,
        root_gb=8,
    )


def _windows(release: str, edition: str) -> Image:
    return Image(
        name=f"Windows_Server-{release}-English-{edition}-Base-2026.11.11",
        parameter=WINDOWS_PARAMETER.format(release=release, edition=edition),
        owner=MICROSOFT,
        platform="windows",
        root_gb=30,
    )


IMAGES = (
    _ubuntu("amd64", "x86_64"),
    _ubuntu("arm64", "arm64"),
    *(_windows(release, edition) for release in WINDOWS_RELEASES for edition in ("Core", "Full")),
)


class PublishedAmi(Ami):
    """An image whose root volume has the real size; moto's have 15 GB and are kept after termination."""

    root_gb = 8

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        ebs = {
            "SnapshotId": self.ebs_snapshot.id,
            "VolumeSize": self.root_gb,
            "DeleteOnTermination": True,
            "VolumeType": "gp3",
        }
        return [{"DeviceName": self.root_device_name, "Ebs": ebs | {"Encrypted": False}}]


IMAGE_PATCHES = MotoPatches()


@IMAGE_PATCHES.around(EC2Backend, "__init__")
def region_has_images(call: PatchedCall) -> None:
    """Publish the images when moto creates a region's backend, so that unused regions cost no time."""
    call.proceed()
    if PARTITION.fullmatch(call["region_name"]):
        for image in IMAGES:
            _register(image, call.backend, call["region_name"])


@IMAGE_PATCHES.around(SimpleSystemManagerBackend, "__init__")
def region_names_its_images(call: PatchedCall) -> None:
    call.proceed()
    if PARTITION.fullmatch(call["region_name"]):
        _name_images(call.backend, call["region_name"], call["account_id"])


def publish(region: str, account: str = ACCOUNT) -> None:
    """Publish the images in a moto without these patches."""
    for image in IMAGES:
        _register(image, ec2_backends[account][region], region)
    _name_images(ssm_backends[account][region], region, account)


def _name_images(ssm: Any, region: str, account: str) -> None:
    # put_parameter refuses names below /aws/, as AWS does.
    for image in IMAGES:
        ssm._parameters[image.parameter].append(_parameter(image, region, account))


def _register(image: Image, ec2: Any, region: str) -> None:
    ami: Any = PublishedAmi(
        ec2,
        image.id_in(region),
        name=image.name,
        description=image.name,
        owner_id=image.owner,
        owner_alias="amazon",
        public=True,
        virtualization_type="hvm",
        architecture=image.architecture,
        platform=image.platform,
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name=ROOT_DEVICE,
        region_name=f"{region}a",
    )
    ami.root_gb = image.root_gb
    ec2.amis[ami.id] = ami


def _parameter(image: Image, region: str, account: str) -> Any:
    return Parameter(
        account_id=account,
        name=image.parameter,
        value=image.id_in(region),
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=utcnow(),
        version=1,
        data_type="aws:ec2:image",
        tier="Standard",
    )
