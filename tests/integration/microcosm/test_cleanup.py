"""Deleting what is left, in order, and only what is ours."""

import pytest
from moto.core import DEFAULT_ACCOUNT_ID

from microcosm.audit import cleanup
from microcosm.audit import command as audit_command
from microcosm.audit import search as audit
from microcosm.aws.inventory import KINDS
from microcosm.aws.resources import Item

from .conftest import SESSION, Cloud
from .overlay import Overlay, raising, refusal
from .test_audit import NOW, SCOPE, somebody_elses, with_leaks


def test_all_that_is_tagged_goes_and_all_else_stays(cloud: Cloud) -> None:
    """After it only what was planted by hand is left, and the other stacks never noticed."""
    somebody_elses(cloud)
    leaks = with_leaks(cloud)
    before = audit.audit(cloud.session, SCOPE, NOW)
    record = audit.record_of(before)
    failures = [
        deletion
        for deletion in cleanup.delete(cloud.session, cleanup.deletable(before.findings, "dev"), 0)
        if deletion.error
    ]
    assert failures == []
    left = audit.audit(cloud.session, audit.Scope(target=SCOPE.target, record=record), NOW).findings
    assert {leaks.interface, leaks.volume, leaks.snapshot, leaks.parameter} <= {
        finding.item.id for finding in left
    }
    assert not [finding for finding in left if finding.item.has_tag_of("dev")]
    assert cloud.client("ec2").describe_vpcs(Filters=[{"Name": "tag:microcosm:stack", "Values": ["dev-2"]}])[
        "Vpcs"
    ]
    assert before.account == DEFAULT_ACCOUNT_ID


def test_what_holds_goes_before_what_is_held() -> None:
    """The order in which AWS lets go: instances before groups, groups before the VPC, profiles before
    roles.
    """
    kinds = [
        "VPC",
        "IAM role",
        "subnet",
        "instance",
        "security group",
        "instance profile",
        "internet gateway",
        "elastic IP",
    ]
    findings = audit.attribute(
        [Item(kind=kind, id=kind, tags={"microcosm:stack": "dev"}) for kind in kinds], SCOPE
    )
    ordered = [item.kind for item in cleanup.deletable(findings, "dev")]
    for first, second in [
        ("instance", "elastic IP"),
        ("instance", "security group"),
        ("subnet", "VPC"),
        ("internet gateway", "VPC"),
        ("instance profile", "IAM role"),
    ]:
        assert ordered.index(first) < ordered.index(second)


def test_every_kind_but_the_unknown_can_be_deleted() -> None:
    """A new lister needs its deletion, or a decision that there is none."""
    assert {kind.name for kind in KINDS} - set(cleanup.STEPS) == {"other"}


def test_a_refusal_is_reported_and_the_rest_goes_on(cloud: Cloud) -> None:
    """One stubborn object does not keep the others."""
    cloud.parameter("a", "x")
    items = [Item(kind="VPC", id="vpc-1"), Item(kind="SSM parameter", id="/microcosm/dev/a")]
    stubborn = Overlay(
        cloud.session, {"ec2.delete_vpc": raising(refusal("DeleteVpc", "UnauthorizedOperation"))}
    )
    first, second = cleanup.delete(stubborn, items, 0)
    assert "UnauthorizedOperation" in first.error
    assert second.error == ""


@pytest.mark.parametrize("kind", cleanup.STEPS)
def test_what_is_gone_already_is_deleted(cloud: Cloud, kind: str) -> None:
    """AWS goes on listing what was deleted; each service says in words of its own that it is not there."""
    unknown = {"instance": "i-1234567890abcdef0", "elastic IP": "eipalloc-1234567890abcdef0"}.get(
        kind, f"{kind.replace(' ', '-').lower()}-0a1b"
    )
    # moto fails on these.
    answers = {
        "ec2.delete_nat_gateway": raising(refusal("DeleteNatGateway", "NatGatewayNotFound")),
        "ec2.delete_transit_gateway_vpc_attachment": raising(
            refusal("Delete", "InvalidTransitGatewayAttachmentID.NotFound")
        ),
    }
    session = Overlay(cloud.session, answers)
    (deletion,) = cleanup.delete(session, [Item(kind=kind, id=unknown)], 0)
    assert deletion.error == ""


def test_nothing_is_deleted_without_a_yes(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """The question comes after the list, and no is no."""
    vpc = cloud.vpc()
    asked: list[str] = []
    result = audit.audit(cloud.session, SCOPE, NOW)
    assert not audit_command.purge(SESSION, result, lambda question: bool(asked.append(question)))
    assert asked == ["Delete these 1 resources of stack dev, account 123456789012?"]
    assert vpc in capsys.readouterr().err
    assert audit.audit(cloud.session, SCOPE, NOW).findings


@pytest.mark.parametrize(
    ("bucket", "tags", "goes"),
    [
        ("dev-scripts-0a1b2c3", {}, True),
        ("dev-scripts-0a1b2c3", {"owner": "somebody"}, False),
        ("dev-scripts-0a1b2c3", {"microcosm:stack": "dev-2"}, False),
        ("dev-2-scripts-0a1b2c3", {}, False),
        ("dev-scripts-of-ours", {}, False),
        ("dev-scripts", {}, False),
    ],
)
def test_a_bucket_that_was_made_and_never_tagged_is_known_by_its_name(
    bucket: str, tags: dict[str, str], goes: bool
) -> None:
    """S3 takes tags in a second call, and the answer to the first may be lost."""
    findings = audit.attribute([Item(kind="S3 bucket", id=bucket, tags=tags)], SCOPE)
    assert [item.id for item in cleanup.deletable(findings, "dev")] == ([bucket] if goes else [])
