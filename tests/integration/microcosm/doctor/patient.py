"""A stack, an account and a computer that are well, but for what a test changes, and one check of the
doctor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from microcosm.doctor import account as doctor_account
from microcosm.doctor import checks as doctor
from microcosm.doctor import local as doctor_local
from microcosm.doctor import quota as doctor_quota
from microcosm.doctor import stack as doctor_stack
from microcosm.doctor.checks import Outside, Patient, Verdict
from tests.support import price_answers

from ..conftest import SESSION, TARGET
from ..overlay import Overlay, refusal

ACCOUNT = "123456789012"
ADDRESS = "20.30.40.50"
CURVE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMIAjbeQWeDh8mW4qhgcExW6081QSd226wMAudYAmHkH"
VCPUS = {"t3.medium": 2, "t3.large": 2, "p4d.24xlarge": 96}
CHECKS = {
    check.name: check
    for check in (
        doctor_account.CREDENTIALS,
        doctor_local.CONFIGURATION,
        *doctor_account.CHECKS,
        *doctor_quota.CHECKS,
        *doctor_local.CHECKS,
    )
}


def sizes(InstanceTypes: Sequence[str]) -> Mapping[str, Any]:
    """DescribeInstanceTypes; moto's own reads a catalogue of all types for a second."""
    if unknown := [name for name in InstanceTypes if name not in VCPUS]:
        raise refusal(
            "DescribeInstanceTypes",
            "InvalidInstanceType",
            f"The following supplied instance types do not exist: [{unknown[0]}]",
        )
    return {
        "InstanceTypes": [
            {"InstanceType": name, "VCpuInfo": {"DefaultVCpus": VCPUS[name]}} for name in InstanceTypes
        ]
    }


def quota(value: float) -> Any:
    return lambda ServiceCode, QuotaCode: {"Quota": {"Value": value}}


# What a healthy account answers where moto does not.
HEALTHY = {
    "ec2.describe_instance_types": sizes,
    "service-quotas.get_service_quota": quota(32.0),
    "pricing.get_products": price_answers.get_products,
}
OUTSIDE = Outside(
    environ={"PULUMI_BACKEND_URL": "s3://state?region=eu-west-1"},
    which=lambda name: f"/usr/bin/{name}",
    run=lambda arguments: (0, "v3.999.0\n"),
    address=lambda: ADDRESS,
    state_session=lambda settings: SESSION,
    home_session=lambda: SESSION,
)


def declared(**changes: Any) -> doctor.Stack:
    """A stack of one control plane, one Linux and one Windows node."""
    path = Path("/project/Pulumi.dev.yaml")
    values: dict[str, Any] = {"adminCidrs": [f"{ADDRESS}/32"], "keyName": "ops"} | changes
    try:
        return doctor.Stack(path=path, config=doctor_stack.config.parse(values, stack="dev"))
    except doctor_stack.ConfigError as problem:
        return doctor.Stack(path=path, config=None, problems=problem.problems)


def patient(
    answers: Mapping[str, Any] | None = None, stack: doctor.Stack | None = None, **outside: Any
) -> Patient:
    """Somebody healthy, but for what a test says."""
    session = Overlay(SESSION, HEALTHY | (answers or {}))
    outside = {"state_session": lambda settings: session} | outside
    return Patient(
        target=TARGET, session=session, stack=stack or declared(), outside=replace(OUTSIDE, **outside)
    )


def look(name: str, who: Patient) -> Verdict:
    """One check by its name, with problems handled as the doctor does."""
    return doctor._ask(CHECKS[name], who, account_known=True)


def found(name: str, who: Patient) -> tuple[str, str]:
    verdict = look(name, who)
    return verdict.level.value, verdict.detail
