"""The doctor: what each check passes, warns of and fails, and that what was not looked at never passes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import NoCredentialsError
from botocore.parsers import ResponseParserError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from microcosm import doctor, doctor_account, doctor_command, doctor_local, doctor_quota, doctor_report, doctor_stack, options
from microcosm.doctor import Check, Level, Outside, Patient, Verdict, passed
from microcosm.errors import OperatorError, UsageError
from microcosm.target import Target
from rehearsal.cloud import images

from . import price_answers
from .conftest import REGION, SESSION, TARGET, Cloud
from .overlay import Overlay, raising, refusal
from .test_cli import run

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
        raise refusal("DescribeInstanceTypes", "InvalidInstanceType", f"The following supplied instance types do not exist: [{unknown[0]}]")
    return {"InstanceTypes": [{"InstanceType": name, "VCpuInfo": {"DefaultVCpus": VCPUS[name]}} for name in InstanceTypes]}


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
)


def declared(**changes: Any) -> doctor.Stack:
    """A stack of one control plane, one Linux and one Windows node."""
    path = Path("/project/Pulumi.dev.yaml")
    values: dict[str, Any] = {"adminCidrs": [f"{ADDRESS}/32"], "keyName": "ops"} | changes
    try:
        return doctor.Stack(path=path, config=doctor_stack.config.parse(values, stack="dev"))
    except doctor_stack.ConfigError as problem:
        return doctor.Stack(path=path, config=None, problems=problem.problems)


def patient(answers: Mapping[str, Any] | None = None, stack: doctor.Stack | None = None, **outside: Any) -> Patient:
    """Somebody healthy, but for what a test says."""
    session = Overlay(SESSION, HEALTHY | (answers or {}))
    outside = {"state_session": lambda settings: session} | outside
    return Patient(target=TARGET, session=session, stack=stack or declared(), outside=replace(OUTSIDE, **outside))


def look(name: str, who: Patient) -> Verdict:
    """One check by its name, with problems handled as the doctor does."""
    return doctor._ask(CHECKS[name], who, account_known=True)


def found(name: str, who: Patient) -> tuple[str, str]:
    verdict = look(name, who)
    return verdict.level.value, verdict.detail


@pytest.fixture(scope="module")
def rsa_public() -> bytes:
    """The public half of an RSA key pair."""
    key = generate_private_key(65537, 1024).public_key()
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


@pytest.fixture
def keys(cloud: Cloud, rsa_public: bytes) -> Cloud:
    """An account with a key pair of each kind."""
    cloud.client("ec2").import_key_pair(KeyName="ops", PublicKeyMaterial=rsa_public)
    cloud.client("ec2").import_key_pair(KeyName="curve", PublicKeyMaterial=CURVE)
    return cloud


@pytest.fixture
def bucket(cloud: Cloud) -> Cloud:
    """An account with a bucket for the state."""
    cloud.client("s3").create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": REGION})
    return cloud


@pytest.fixture
def published(cloud: Cloud) -> Cloud:
    """An account that sees the images of AWS and Canonical."""
    images.publish(REGION, ACCOUNT)
    return cloud


@pytest.fixture
def account(keys: Cloud, bucket: Cloud, published: Cloud) -> Cloud:
    """An account with all of it."""
    return published


# --- the whole ---


def test_a_healthy_account_passes_everything_that_is_supported(account: Cloud) -> None:
    """Windows Server 2022, since 2019 is best effort."""
    stack = declared(nodePools=[{"name": "linux"}, {"name": "windows", "os": "windows-2022"}])
    diagnosis = doctor.diagnose(patient(stack=stack), doctor_account.CREDENTIALS, [*CHECKS.values()][1:])
    assert {check.name: verdict.detail for check, verdict in diagnosis.findings if verdict.level is not Level.PASS} == {}
    assert diagnosis.ok
    assert [check.name for check, _ in diagnosis.findings] == [*CHECKS]


def test_without_credentials_nothing_of_the_account_passes(bucket: Cloud) -> None:
    """One FAIL says it; what depends on it is a WARN, not a second FAIL and no PASS."""
    who = patient({"sts.get_caller_identity": raising(NoCredentialsError())})
    diagnosis = doctor.diagnose(who, doctor_account.CREDENTIALS, [*CHECKS.values()][1:])
    first, *others = diagnosis.findings
    assert (first[1].level, first[1].detail[:32]) == (Level.FAIL, "no AWS credentials were found: s")
    assert {verdict.detail for check, verdict in others if check.needs_account} == {"not looked at: there is no account to look into"}
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
def test_what_cannot_be_looked_at_is_a_warning_with_the_reason(cloud: Cloud, name: str, problem: Exception) -> None:
    """A permission that is missing, and a service that a fake cloud does not have."""
    level, detail = found(name, patient({"service-quotas.get_service_quota": raising(problem)}))
    assert level == "WARN"
    assert detail.startswith("not looked at: ")
    assert len(detail) > len("not looked at: x")


def test_every_check_is_named_once_and_says_what_it_looks_at() -> None:
    """The table is the list of what can be relied on."""
    assert len(CHECKS) == len([doctor_local.CONFIGURATION, *doctor_account.CHECKS, *doctor_quota.CHECKS, *doctor_local.CHECKS]) + 1
    assert all(check.what for check in CHECKS.values())


def test_a_defect_of_a_check_is_not_taken_for_a_warning() -> None:
    """Only problems of the outside world are."""
    broken = Check(name="broken", what="", look=lambda who: passed(str(1 // 0)))
    with pytest.raises(ZeroDivisionError):
        doctor._ask(broken, patient(), account_known=True)


# --- the account ---


def test_a_fake_cloud_is_told_as_one(cloud: Cloud) -> None:
    """Or its PASSes would be taken for AWS's."""
    assert found("credentials", patient())[1].startswith(f"account {ACCOUNT} as ")
    assert (
        "http://127.0.0.1:5000, so this is not AWS itself" in found("credentials", patient(environ={"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}))[1]
    )


@pytest.mark.parametrize(
    ("regions", "level", "words"),
    [
        ([{"OptInStatus": "opt-in-not-required"}], "PASS", "eu-west-1"),
        ([{"OptInStatus": "not-opted-in"}], "FAIL", "eu-west-1 is not enabled in this account"),
        ([], "FAIL", "eu-west-1 is not a region of AWS: set aws:region in Pulumi.dev.yaml"),
    ],
)
def test_a_region_exists_and_is_enabled(regions: list[dict[str, str]], level: str, words: str) -> None:
    """Newer regions have to be enabled first."""
    result = found("region", patient({"ec2.describe_regions": lambda **_: {"Regions": regions}}))
    assert result[0] == level
    assert result[1].startswith(words)


def offering(**zones: str) -> dict[str, Any]:
    """Zones a, b, ... with the types that each offers."""
    offers = [{"Location": f"eu-west-1{zone}", "InstanceType": kind} for zone, kinds in zones.items() for kind in kinds.split()]
    return {
        "ec2.describe_instance_type_offerings": lambda **_: {"InstanceTypeOfferings": offers},
        "ec2.describe_availability_zones": lambda: {
            "AvailabilityZones": [{"ZoneName": f"eu-west-1{zone}", "State": "available" if kinds else "impaired"} for zone, kinds in zones.items()]
        },
    }


BOTH = "t3.medium t3.large"


@pytest.mark.parametrize(
    ("zones", "named", "level", "words"),
    [
        ({"a": BOTH, "b": BOTH}, [], "PASS", "eu-west-1a, the first that has t3.large, t3.medium"),
        ({"a": "t3.medium", "b": BOTH}, [], "PASS", "eu-west-1b, the first that has t3.large, t3.medium"),
        ({"a": "t3.medium", "b": "t3.large"}, [], "FAIL", "no zone of the region has all of"),
        ({"a": "t3.medium", "b": BOTH}, ["eu-west-1b"], "PASS", "eu-west-1b: each has"),
        ({"a": "t3.medium", "b": BOTH}, ["eu-west-1a"], "FAIL", "eu-west-1a has no t3.large: choose another zone or type"),
        ({"a": BOTH, "b": ""}, ["eu-west-1b"], "FAIL", "eu-west-1b cannot be used here: set availabilityZones to some of eu-west-1a"),
    ],
)
def test_zones_offer_what_is_asked(zones: dict[str, str], named: list[str], level: str, words: str) -> None:
    """Without a named zone AWS chooses, and not by the types."""
    result = found("zones", patient(offering(**zones), declared(availabilityZones=named)))
    assert result[0] == level
    assert words in result[1]


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, "PASS", "ami-"),
        ({"State": "disabled"}, "FAIL", "is disabled: choose another os or region"),
        ({"Architecture": "arm64"}, "FAIL", "is arm64, not x86_64"),
        ({"DeprecationTime": "2020-01-01T00:00:00.000Z"}, "WARN", "deprecated by its publisher"),
        ({"DeprecationTime": "2099-01-01T00:00:00.000Z"}, "PASS", "ami-"),
        ({"BlockDeviceMappings": [{"Ebs": {"VolumeSize": 200}}]}, "FAIL", "needs 200 GB: raise diskSizeGb from 30"),
    ],
)
def test_images_live_and_fit(published: Cloud, changes: dict[str, Any], level: str, words: str) -> None:
    """Windows images are withdrawn after some months."""
    real = published.client("ec2").describe_images
    answers = {"ec2.describe_images": lambda **asked: {"Images": [image | changes for image in real(**asked)["Images"]]}}
    result = found("images", patient(answers))
    assert result[0] == level
    assert words in result[1]


def test_a_parameter_that_is_not_published_is_named(cloud: Cloud) -> None:
    """As in a region that an operating system has not come to."""
    level, detail = found("images", patient())
    assert level == "FAIL"
    assert "AWS publishes no /aws/service/" in detail
    assert "Windows_Server-2019-English-Core-Base" in detail


@pytest.mark.parametrize(
    ("name", "level", "words"),
    [
        ("ops", "PASS", "'ops', rsa"),
        ("curve", "FAIL", "'curve' is ed25519: EC2 starts Windows with RSA pairs only"),
        ("absent", "FAIL", "there is no key pair 'absent' in eu-west-1"),
        ("", "WARN", "no keyName: EC2 will have no Windows password for `microcosm rdp`"),
    ],
)
def test_the_key_pair_is_one_for_windows(keys: Cloud, name: str, level: str, words: str) -> None:
    """Without any, the password cannot be had, which one may live with."""
    result = found("key pair", patient(stack=declared(keyName=name)))
    assert result[0] == level
    assert words in result[1]


# --- quotas ---


def test_vcpus_of_others_count_and_the_stacks_own_do_not(cloud: Cloud) -> None:
    """6 are asked; 2 are in use by a machine without the stack's tag."""
    cloud.client("ec2").run_instances(ImageId="ami-12345678", InstanceType="t3.medium", MinCount=1, MaxCount=1)
    cloud.machine("linux-0")
    assert found("vCPUs", patient()) == ("PASS", "6 more vCPUs needed, 2 of 32 in use")
    level, detail = found("vCPUs", patient({"service-quotas.get_service_quota": quota(7)}))
    assert (level, detail) == ("FAIL", "6 more vCPUs needed, 2 of 7 in use: ask for more in Service Quotas (L-1216C47A), or free some")
    assert found("vCPUs", patient({"service-quotas.get_service_quota": quota(8)}))[0] == "PASS"


def test_types_of_other_quotas_and_unknown_types_are_told(cloud: Cloud) -> None:
    """A GPU machine is not counted as a standard one, and is not passed either."""
    level, detail = found("vCPUs", patient(stack=declared(controlPlane={"instanceType": "p4d.24xlarge"})))
    assert (level, detail.split("; ")[1]) == ("WARN", "p4d.24xlarge counts against another quota, which was not looked at")
    level, detail = found("vCPUs", patient(stack=declared(controlPlane={"instanceType": "t3.huge"})))
    assert (level, detail) == ("FAIL", "The following supplied instance types do not exist: [t3.huge]: correct instanceType")


@pytest.mark.parametrize(("name", "standard"), [("t3.large", True), ("im4gn.large", True), ("inf2.xlarge", False), ("p5.48xlarge", False)])
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
    ec2.release_address(AllocationId=next(a["AllocationId"] for a in ec2.describe_addresses()["Addresses"] if a["PublicIp"] != tagged["PublicIp"]))
    assert found("Elastic IP", patient()) == ("PASS", "0 more Elastic IP needed, 5 of 5 in use")
    one = {"service-quotas.get_service_quota": quota(1)}
    assert found("VPC", patient(one))[1].startswith("1 more VPC needed, 1 of 1 in use: ask for more")
    cloud.vpc()
    assert found("VPC", patient({"service-quotas.get_service_quota": quota(2)}))[0] == "PASS"


# --- the configuration and this computer ---


def test_a_bad_configuration_fails_with_every_problem_and_nothing_relies_on_it() -> None:
    """The sentences are those of `pulumi up`."""
    broken = declared(kubernetesVersion="1.2.3", nonsense=1)
    level, detail = found("configuration", patient(stack=broken))
    assert level == "FAIL"
    assert "kubernetesVersion is '1.2.3'" in detail
    assert "nonsense is not a known key" in detail
    assert {look(name, patient(stack=broken)).detail for name, check in CHECKS.items() if check.needs_config} == {
        "not looked at: the configuration is not valid"
    }


def test_windows_server_2019_is_best_effort() -> None:
    """As the matrix has it."""
    level, detail = found("versions", patient())
    assert (level, "best effort" in detail) == ("WARN", True)


@pytest.mark.parametrize(
    ("ranges", "address", "level", "words"),
    [
        ([f"{ADDRESS}/32"], ADDRESS, "PASS", f"{ADDRESS}/32 with your address {ADDRESS}"),
        (["20.30.41.0/24"], ADDRESS, "FAIL", f"your address {ADDRESS} is not in 20.30.41.0/24"),
        (["203.0.113.7/32"], ADDRESS, "FAIL", "203.0.113.7/32 is a range of examples"),
        (["8.0.0.0/8"], "8.8.8.8", "WARN", "8.0.0.0/8 lets 16777216 addresses at the API"),
        (["10.1.0.0/16", "8.8.8.8/32"], "8.8.8.8", "WARN", "10.1.0.0/16 is a private range"),
        (["8.8.8.8/32"], "", "WARN", "whether your own address is in 8.8.8.8/32 is not known: no network"),
        (["8.8.8.8/32"], "<html>", "WARN", "is not known: Expected 4 octets"),
    ],
)
def test_admin_ranges_are_sane_and_hold_this_computer(ranges: list[str], address: str, level: str, words: str) -> None:
    """An address that is not known is never taken for one that is in."""

    def ask() -> str:
        if not address:
            raise OperatorError("no network")
        return address

    result = found("adminCidrs", patient(stack=declared(adminCidrs=ranges), address=ask))
    assert result[0] == level
    assert words in result[1]


def test_a_fake_cloud_is_not_asked_for_the_address() -> None:
    """It would not see the Internet's view of this computer, and a rehearsal sends nothing out."""
    with pytest.raises(OperatorError, match="AWS_ENDPOINT_URL is set"):
        doctor_command.caller_address({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("url", "level", "words"),
    [
        ("s3://state?region=eu-west-1", "PASS", "bucket state"),
        ("s3://absent", "FAIL", "there is no bucket 'absent'"),
        ("s3://state?endpoint=minio.local", "WARN", "is at an endpoint of its own"),
        ("file:///nowhere/at/all", "FAIL", "/nowhere/at/all is not a folder"),
        ("file:///tmp", "PASS", "/tmp, known to this computer alone"),
        ("https://api.pulumi.com", "PASS", "https://api.pulumi.com, as v3.999.0"),
    ],
)
def test_the_state_has_a_place(bucket: Cloud, url: str, level: str, words: str) -> None:
    """A bucket is asked itself; of other backends the Pulumi CLI knows."""
    result = found("state", patient(environ={"PULUMI_BACKEND_URL": url}))
    assert result[0] == level
    assert words in result[1]


@pytest.mark.parametrize(("url", "settings"), [("s3://state", {}), ("s3://state?profile=states", {"profile": "states"})])
def test_the_state_is_asked_for_with_the_backends_own_credentials(bucket: Cloud, url: str, settings: dict[str, str]) -> None:
    """Pulumi opens its state with the profile of the URL or the environment, whatever account the stack is in."""
    asked: list[Mapping[str, Any]] = []
    result = found("state", patient(environ={"PULUMI_BACKEND_URL": url}, state_session=lambda wanted: asked.append(wanted) or SESSION))
    assert (result[0], asked) == ("PASS", [settings])


def test_a_bucket_that_refuses_fails_and_an_unknown_answer_warns(bucket: Cloud) -> None:
    """HeadBucket has bare numbers for codes."""
    assert found("state", patient({"s3.head_bucket": raising(refusal("HeadBucket", "403", "Forbidden"))}))[0] == "FAIL"
    assert found("state", patient({"s3.head_bucket": raising(refusal("HeadBucket", "500", "Oops"))}))[0] == "WARN"


def test_the_backend_may_stand_in_the_project(bucket: Cloud, tmp_path: Path) -> None:
    """`backend:` of Pulumi.yaml; without one it is where somebody has logged in to."""
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\nbackend: {url: 's3://state'}\n")
    stack = replace(declared(), path=tmp_path / "Pulumi.dev.yaml")
    assert found("state", patient(stack=stack, environ={})) == ("PASS", "bucket state")
    out = patient(environ={}, run=lambda arguments: (255, "\nerror: PULUMI_ACCESS_TOKEN must be set\nmore"))
    assert found("state", out) == ("FAIL", "the backend that `pulumi login` chose: error: PULUMI_ACCESS_TOKEN must be set; run `pulumi login`")
    assert found("state", patient(environ={}, which=lambda name: None))[0] == "WARN"


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        ((0, "v3.999.0\n"), "PASS", "v3.999.0"),
        ((0, "v3.1.0\n"), "WARN", "v3.1.0 is older than the program's SDK 3."),
        ((1, "boom\n"), "FAIL", "`pulumi version` ended with 1: boom"),
    ],
)
def test_pulumi_is_as_new_as_the_program(answer: tuple[int, str], level: str, words: str) -> None:
    """An older CLI may not know what the SDK asks of it."""
    result = found("pulumi", patient(run=lambda arguments: answer))
    assert result[0] == level
    assert result[1].startswith(words)


def test_missing_programs_fail_or_warn_by_what_they_are_for() -> None:
    """Without Pulumi nothing works; without the plugin only shell and rdp do not."""
    nothing = patient(which=lambda name: None)
    assert look("pulumi", nothing).level is Level.FAIL
    assert look("sessions", nothing).level is Level.WARN


def test_a_program_that_is_not_there_or_hangs_has_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it becomes a traceback."""
    assert doctor_command.run(["/nowhere/pulumi"]) == (127, "/nowhere/pulumi is not on PATH")
    monkeypatch.setattr(doctor_command, "PROGRAM_SECONDS", 0.05)
    assert doctor_command.run(["sleep", "5"])[0] == 124
    assert doctor_command.run(["echo", "x"]) == (0, "x\n")


def test_a_price_that_is_not_known_is_named() -> None:
    """The default stack has one; a type that is not in the table has none."""
    assert found("price", patient())[0] == "PASS"
    level, detail = found("price", patient(stack=declared(controlPlane={"instanceType": "x2iedn.32xlarge"})))
    assert (level, detail.startswith("at least $"), detail.endswith("none is known of x2iedn.32xlarge with linux)")) == ("WARN", True, True)


def test_limits_of_the_configuration_are_a_warning() -> None:
    level, detail = found("configuration", patient(stack=declared(podCidr="20.0.0.0/16")))
    assert (level, "podCidr 20.0.0.0/16 is public" in detail) == ("WARN", True)


def test_a_price_that_is_known_passes() -> None:
    """Three machines of Linux with 30 GB and an address, by AWS' price list of the region."""
    stack = declared(nodePools=[{"name": "linux", "count": 2}], workloads=False)
    month = 3 * (730 * 0.0456 + 30 * 0.088 + 730 * 0.005)
    assert found("price", patient(stack=stack)) == (
        "PASS",
        f"about ${month / 730:.2f} an hour, ${month:.0f} a month, traffic apart (AWS' price list of eu-west-1, asked now; "
        "public-ipv4 by list prices of 2026-07-20 in us-east-1)",
    )


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (NoCredentialsError(), "no AWS credentials were found"),
        (refusal("GetProducts", "AccessDeniedException", "not authorized"), "AWS refused GetProducts: not authorized"),
        (ResponseParserError(), "the answer is not AWS's"),
    ],
)
def test_without_the_price_list_the_dated_table_answers_and_says_so(problem: Exception, why: str) -> None:
    stack = declared(nodePools=[{"name": "linux", "count": 2}], workloads=False)
    level, detail = found("price", patient({"pricing.get_products": raising(problem)}, stack=stack))
    assert level == "PASS"
    assert detail.startswith(
        "about $0.15 an hour, $109 a month, traffic apart (list prices of 2026-07-20 in us-east-1, since AWS' price list could not be asked: "
    )
    assert why in detail


@pytest.mark.parametrize(
    ("ranges", "limit", "level", "words"),
    [
        (58, 60, "PASS", "60 rules in the fullest security group, 60 fit"),
        (59, 60, "FAIL", "61 rules in the fullest security group, 60 fit: adminCidrs has 59 ranges; name fewer and wider ones"),
        (100, 200, "PASS", "102 rules in the fullest security group, 200 fit"),
        (20, 20, "FAIL", "22 rules in the fullest security group, 20 fit"),
    ],
)
def test_the_rules_of_a_group_fit_into_the_accounts_quota(ranges: int, limit: int, level: str, words: str) -> None:
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


# --- the command ---


@pytest.fixture
def project(account: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A project with one stack, in which the command is run."""
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\nruntime: python\n")
    config = {"aws:region": REGION, "microcosm:adminCidrs": [f"{ADDRESS}/32"], "microcosm:keyName": "ops"}
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
    session = Overlay(account.session, HEALTHY)
    monkeypatch.setattr(options, "connect", lambda stack, region, file: (Target(stack=stack or "dev", region=region or REGION), session))
    monkeypatch.setattr(doctor_command, "caller_address", lambda environ: ADDRESS)
    monkeypatch.setattr(doctor_command, "run", lambda arguments: (0, "v3.999.0"))
    monkeypatch.setattr(doctor_command.shutil, "which", lambda name: name)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_prints_a_table_and_its_sum(project: Path) -> None:
    """Warnings alone are exit 0."""
    code, text = run("doctor")
    assert code == 0
    assert text.splitlines()[0].split() == ["CHECK", "RESULT", "DETAIL"]
    assert text.endswith("15 PASS, 1 WARN, 0 FAIL: `pulumi up` can work\n")


def test_a_failure_is_exit_1_and_stands_in_the_json(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a pipeline that asks before it spends."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://absent")
    code, text = run("doctor", "--json", "--config", str(project / "Pulumi.dev.yaml"))
    told = json.loads(text)
    assert (code, told["ok"], told["stack"], told["region"]) == (1, False, "dev", REGION)
    assert [check["name"] for check in told["checks"] if check["result"] == "FAIL"] == ["state"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, r"cannot be read \(.*No such file"), ("a: [", r"cannot be read \(while parsing"), ("- 1", r"has no `config:`")],
)
def test_a_file_that_is_none_is_misuse(tmp_path: Path, content: str | None, words: str) -> None:
    """One sentence, before anything is asked."""
    path = tmp_path / "Pulumi.other.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=words):
        run("doctor", "--config", str(path))


def test_a_stack_without_a_file_is_misuse(tmp_path: Path) -> None:
    """The file is looked for where Pulumi looks for it."""
    (tmp_path / "Pulumi.yaml").write_text("name: microcosm\n")
    with pytest.raises(UsageError, match=r"there is no Pulumi\.absent\.yaml from here upwards"):
        doctor_stack.file_of("absent", tmp_path)


def test_a_stacks_file_tells_its_name() -> None:
    """As Pulumi names them."""
    assert doctor_stack.stack_of(Path("/x/Pulumi.pr-7.yaml")) == "pr-7"
    assert doctor_stack.stack_of(Path("/x/Pulumi.yaml")) is None
    assert doctor_report.summary(doctor.Diagnosis(target=TARGET)).startswith("0 PASS")
