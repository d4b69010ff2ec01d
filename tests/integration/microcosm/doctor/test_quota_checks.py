"""The checks of quotas, prices and the rules of a security group."""

from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from botocore.parsers import ResponseParserError

from microcosm.doctor import account as doctor_account

from ..conftest import Cloud
from ..overlay import raising, refusal
from .patient import declared, found, patient, quota


def test_vcpus_of_others_count_and_the_stacks_own_do_not(cloud: Cloud) -> None:
    """6 are asked; 2 are in use by a machine without the stack's tag."""
    cloud.client("ec2").run_instances(
        ImageId="ami-12345678", InstanceType="t3.medium", MinCount=1, MaxCount=1
    )
    cloud.machine("linux-0")
    assert found("vCPUs", patient()) == ("PASS", "6 more vCPUs needed, 2 of 32 in use")
    level, detail = found("vCPUs", patient({"service-quotas.get_service_quota": quota(7)}))
    assert (level, detail) == (
        "FAIL",
        "6 more vCPUs needed, 2 of 7 in use: ask for more in Service Quotas (L-1216C47A), or free some",
    )
    assert found("vCPUs", patient({"service-quotas.get_service_quota": quota(8)}))[0] == "PASS"


def test_types_of_other_quotas_and_unknown_types_are_told(cloud: Cloud) -> None:
    """A GPU machine is not counted as a standard one, and is not passed either."""
    level, detail = found("vCPUs", patient(stack=declared(controlPlane={"instanceType": "p4d.24xlarge"})))
    assert (level, detail.split("; ")[1]) == (
        "WARN",
        "p4d.24xlarge counts against another quota, which was not looked at",
    )
    level, detail = found("vCPUs", patient(stack=declared(controlPlane={"instanceType": "t3.huge"})))
    assert (level, detail) == (
        "FAIL",
        "The following supplied instance types do not exist: [t3.huge]: correct instanceType",
    )


@pytest.mark.parametrize(
    ("name", "standard"),
    [("t3.large", True), ("im4gn.large", True), ("inf2.xlarge", False), ("p5.48xlarge", False)],
)
def test_standard_types_are_known_by_their_family(name: str, standard: bool) -> None:
    """Inferentia begins with an i too, and has a quota of its own."""
    assert doctor_account.is_standard(name) is standard


def test_one_more_address_and_vpc_must_fit_unless_the_stack_has_its_own(cloud: Cloud) -> None:
    """moto allows five of each."""
    ec2 = cloud.client("ec2")
    for _ in range(5):
        ec2.allocate_address(Domain="vpc")
    assert found("Elastic IP", patient())[0] == "FAIL"
    tagged = ec2.allocate_address(Domain="vpc", TagSpecifications=cloud.tags("elastic-ip"))
    ec2.release_address(
        AllocationId=next(
            a["AllocationId"]
            for a in ec2.describe_addresses()["Addresses"]
            if a["PublicIp"] != tagged["PublicIp"]
        )
    )
    assert found("Elastic IP", patient()) == ("PASS", "0 more Elastic IP needed, 5 of 5 in use")
    one = {"service-quotas.get_service_quota": quota(1)}
    assert found("VPC", patient(one))[1].startswith("1 more VPC needed, 1 of 1 in use: ask for more")
    cloud.vpc()
    assert found("VPC", patient({"service-quotas.get_service_quota": quota(2)}))[0] == "PASS"


def test_a_price_that_is_not_known_is_named() -> None:
    """The default stack has one; a type that is not in the table has none."""
    assert found("price", patient())[0] == "PASS"
    level, detail = found("price", patient(stack=declared(controlPlane={"instanceType": "x2iedn.32xlarge"})))
    assert (
        level,
        detail.startswith("at least $"),
        detail.endswith("none is known of x2iedn.32xlarge with linux)"),
    ) == ("WARN", True, True)


def test_limits_of_the_configuration_are_a_warning() -> None:
    level, detail = found("configuration", patient(stack=declared(podCidr="20.0.0.0/16")))
    assert (level, "podCidr 20.0.0.0/16 is public" in detail) == ("WARN", True)


def test_a_price_that_is_known_passes() -> None:
    """Three machines of Linux with 30 GB and an address, by AWS' price list of the region."""
    stack = declared(nodePools=[{"name": "linux", "count": 2}], workloads=False)
    month = 3 * (730 * 0.0456 + 30 * 0.088 + 730 * 0.005)
    assert found("price", patient(stack=stack)) == (
        "PASS",
        f"about ${month / 730:.2f} an hour, ${month:.0f} a month, traffic apart (AWS' price list of "
        f"eu-west-1, asked now; "
        "public-ipv4 by list prices of 2026-07-20 in us-east-1)",
    )


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (NoCredentialsError(), "no AWS credentials were found"),
        (
            refusal("GetProducts", "AccessDeniedException", "not authorized"),
            "AWS refused GetProducts: not authorized",
        ),
        (ResponseParserError(), "the answer is not AWS's"),
    ],
)
def test_without_the_price_list_the_dated_table_answers_and_says_so(problem: Exception, why: str) -> None:
    stack = declared(nodePools=[{"name": "linux", "count": 2}], workloads=False)
    level, detail = found("price", patient({"pricing.get_products": raising(problem)}, stack=stack))
    assert level == "PASS"
    assert detail.startswith(
        "about $0.15 an hour, $109 a month, traffic apart (list prices of 2026-07-20 in us-east-1, since "
        "AWS' price list could not be asked: "
    )
    assert why in detail


@pytest.mark.parametrize(
    ("ranges", "limit", "level", "words"),
    [
        (58, 60, "PASS", "60 rules in the fullest security group, 60 fit"),
        (
            59,
            60,
            "FAIL",
            "61 rules in the fullest security group, 60 fit: adminCidrs has 59 ranges; name fewer and wider "
            "ones",
        ),
        (100, 200, "PASS", "102 rules in the fullest security group, 200 fit"),
        (20, 20, "FAIL", "22 rules in the fullest security group, 20 fit"),
    ],
)
def test_the_rules_of_a_group_fit_into_the_accounts_quota(
    ranges: int, limit: int, level: str, words: str
) -> None:
    """Where the account's own quota is higher than the default, the configuration is no warning."""
    asked: list[tuple[str, str]] = []

    def answer(ServiceCode: str, QuotaCode: str) -> Any:
        asked.append((ServiceCode, QuotaCode))
        return {"Quota": {"Value": float(limit)}}

    stack = declared(adminCidrs=[f"20.{number}.0.0/24" for number in range(1, 2 * ranges, 2)])
    who = patient({"service-quotas.get_service_quota": answer}, stack=stack)
    verdict = found("rules", who)
    assert (verdict[0], verdict[1].startswith(words)) == (level, True), verdict
    assert asked == [("vpc", "L-0EA8095F")]
    assert "ranges" not in found("configuration", who)[1]
