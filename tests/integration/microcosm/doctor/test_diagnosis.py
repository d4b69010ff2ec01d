"""The diagnosis as a whole: what was not looked at never passes."""

import pytest
from botocore.exceptions import NoCredentialsError
from botocore.parsers import ResponseParserError

from microcosm.doctor import account as doctor_account
from microcosm.doctor import checks as doctor
from microcosm.doctor import local as doctor_local
from microcosm.doctor import quota as doctor_quota
from microcosm.doctor.checks import Check, Level, passed
from microcosm.errors import OperatorError

from ..conftest import Cloud
from ..overlay import raising, refusal
from .patient import CHECKS, declared, found, patient


def test_a_healthy_account_passes_everything_that_is_supported(account: Cloud) -> None:
    """Windows Server 2022, since 2019 is best effort."""
    stack = declared(nodePools=[{"name": "linux"}, {"name": "windows", "os": "windows-2022"}])
    diagnosis = doctor.diagnose(patient(stack=stack), doctor_account.CREDENTIALS, [*CHECKS.values()][1:])
    assert {
        check.name: verdict.detail for check, verdict in diagnosis.findings if verdict.level is not Level.PASS
    } == {}
    assert diagnosis.ok
    assert [check.name for check, _ in diagnosis.findings] == [*CHECKS]


def test_without_credentials_nothing_of_the_account_passes(bucket: Cloud) -> None:
    """One FAIL says it; what depends on it is a WARN, not a second FAIL and no PASS."""
    who = patient({"sts.get_caller_identity": raising(NoCredentialsError())})
    diagnosis = doctor.diagnose(who, doctor_account.CREDENTIALS, [*CHECKS.values()][1:])
    first, *others = diagnosis.findings
    assert (first[1].level, first[1].detail[:32]) == (Level.FAIL, "no AWS credentials were found: s")
    assert {verdict.detail for check, verdict in others if check.needs_account} == {
        "not looked at: there is no account to look into"
    }
    assert diagnosis.count(Level.FAIL) == 1


@pytest.mark.parametrize(
    "problem",
    [
        refusal("GetServiceQuota", "AccessDeniedException", "not authorized"),
        refusal("GetServiceQuota", "NoSuchResourceException", "not available"),
        ResponseParserError("not JSON"),
        NoCredentialsError(),
        OperatorError("no"),
    ],
    ids=lambda problem: type(problem).__name__,
)
@pytest.mark.parametrize("name", ["vCPUs", "VPC"])
def test_what_cannot_be_looked_at_is_a_warning_with_the_reason(
    cloud: Cloud, name: str, problem: Exception
) -> None:
    """A permission that is missing, and a service that a fake cloud does not have."""
    level, detail = found(name, patient({"service-quotas.get_service_quota": raising(problem)}))
    assert level == "WARN"
    assert detail.startswith("not looked at: ")
    assert len(detail) > len("not looked at: x")


def test_every_check_is_named_once_and_says_what_it_looks_at() -> None:
    """The table is the list of what can be relied on."""
    assert (
        len(CHECKS)
        == len(
            [doctor_local.CONFIGURATION, *doctor_account.CHECKS, *doctor_quota.CHECKS, *doctor_local.CHECKS]
        )
        + 1
    )
    assert all(check.what for check in CHECKS.values())


def test_a_defect_of_a_check_is_not_taken_for_a_warning() -> None:
    """Only problems of the outside world are."""
    broken = Check(name="broken", what="", look=lambda who: passed(str(1 // 0)))
    with pytest.raises(ZeroDivisionError):
        doctor._ask(broken, patient(), account_known=True)
