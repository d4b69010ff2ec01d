"""Checks of what the account may still have: vCPUs, Elastic IPs, VPCs, rules of a security group.

What the stack itself already has is not asked again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.config import limits
from infra.config.naming import STACK_TAG

from ..aws.session import pages, tags_of
from .account import is_standard
from .checks import Check, Patient, Verdict, failed, passed, warned
from .stack import planned

# Service Quotas names limits by codes: "Running On-Demand Standard instances" (in vCPUs) and "VPCs per
# Region".
VCPU_QUOTA = ("ec2", "L-1216C47A")
VPC_QUOTA = ("vpc", "L-F678F1CE")
RULES_QUOTA = ("vpc", limits.RULES_QUOTA)
ADDRESS_ATTRIBUTE = "vpc-max-elastic-ips"
RAISE = "ask for more in Service Quotas ({code}), or free some"


def _quota(patient: Patient, quota: tuple[str, str]) -> int:
    service, code = quota
    return int(
        patient.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"][
            "Value"
        ]
    )


def _headroom(needed: int, used: int, limit: int, unit: str, advice: str) -> Verdict:
    """Whether `needed` more fit."""
    fact = f"{needed} more {unit} needed, {used} of {limit} in use"
    return passed(fact) if used + needed <= limit else failed(f"{fact}: {advice}")


def _vcpus(patient: Patient) -> Verdict:
    asked = Counter(machine.type for machine in planned(patient.stack.valid))
    others = Counter(_running(patient))
    try:
        sizes = _sizes(patient.client("ec2"), {*asked, *others})
    except ClientError as answer:
        if answer.response["Error"]["Code"] != "InvalidInstanceType":
            raise
        return failed(f"{answer.response['Error']['Message']}: correct instanceType")
    needed, used = (
        sum(sizes[kind] * count for kind, count in counted.items() if is_standard(kind))
        for counted in (asked, others)
    )
    verdict = _headroom(needed, used, _quota(patient, VCPU_QUOTA), "vCPUs", RAISE.format(code=VCPU_QUOTA[1]))
    foreign = sorted(kind for kind in asked if not is_standard(kind))
    return (
        warned(
            f"{verdict.detail}; {', '.join(foreign)} counts against another quota, which was not looked at"
        )
        if foreign
        else verdict
    )


def _running(patient: Patient) -> Iterable[str]:
    """The types of on-demand machines of others."""
    filters = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    for reservation in pages(patient.client("ec2"), "describe_instances", "Reservations", Filters=filters):
        for entry in reservation["Instances"]:
            if entry.get("InstanceLifecycle") != "spot" and not _own(patient, entry):
                yield str(entry["InstanceType"])


def _sizes(ec2: Any, types: Iterable[str]) -> dict[str, int]:
    found = ec2.describe_instance_types(InstanceTypes=sorted(types))["InstanceTypes"]
    return {str(entry["InstanceType"]): int(entry["VCpuInfo"]["DefaultVCpus"]) for entry in found}


def _addresses(patient: Patient) -> Verdict:
    ec2 = patient.client("ec2")
    answers = ec2.describe_account_attributes(AttributeNames=[ADDRESS_ATTRIBUTE])["AccountAttributes"]
    limit = next(
        int(answer["AttributeValues"][0]["AttributeValue"])
        for answer in answers
        if answer["AttributeName"] == ADDRESS_ATTRIBUTE
    )
    return _one_more(
        patient,
        pages(ec2, "describe_addresses", "Addresses"),
        limit,
        "Elastic IP",
        RAISE.format(code="L-0263D0A3"),
    )


def _vpcs(patient: Patient) -> Verdict:
    listed = pages(patient.client("ec2"), "describe_vpcs", "Vpcs")
    return _one_more(patient, listed, _quota(patient, VPC_QUOTA), "VPC", RAISE.format(code=VPC_QUOTA[1]))


def _rules(patient: Patient) -> Verdict:
    config = patient.stack.valid
    needed = limits.rules_needed(len(config.admin_cidrs), config.flannel_backend)
    limit = _quota(patient, RULES_QUOTA)
    fact = f"{needed} rules in the fullest security group, {limit} fit"
    if needed <= limit:
        return passed(fact)
    ranges = f"adminCidrs has {len(config.admin_cidrs)} ranges"
    return failed(
        f"{fact}: {ranges}; name fewer and wider ones, or ask for more in Service Quotas ({RULES_QUOTA[1]})"
    )


def _one_more(
    patient: Patient, entries: Iterable[Mapping[str, Any]], limit: int, unit: str, advice: str
) -> Verdict:
    there = [*entries]
    return _headroom(
        0 if any(_own(patient, entry) for entry in there) else 1, len(there), limit, unit, advice
    )


def _own(patient: Patient, entry: Mapping[str, Any]) -> bool:
    return tags_of(entry).get(STACK_TAG) == patient.target.stack


CHECKS = (
    Check(name="vCPUs", what="fit into the quota", look=_vcpus, needs_account=True, needs_config=True),
    Check(name="Elastic IP", what="one more fits", look=_addresses, needs_account=True),
    Check(name="VPC", what="one more fits", look=_vpcs, needs_account=True),
    Check(name="rules", what="fit into a security group", look=_rules, needs_account=True, needs_config=True),
)
