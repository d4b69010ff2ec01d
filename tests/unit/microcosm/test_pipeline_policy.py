"""The role of the pipeline: what the document allows.

That the commands need just that is for tests/integration/rehearsal/test_permissions.py.
"""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra import iam
from infra.config.naming import Names
from microcosm.errors import UsageError
from microcosm.preview import pipeline_grants, pipeline_policy, pipeline_unproven
from rehearsal.fake_aws import policy

DOCUMENT = pipeline_policy.permissions("123456789012", "state")
READ_IN_SOURCE = Path(__file__).parents[3] / "docs/adr/0014-permissions-of-the-official-provider.md"


def test_no_action_is_a_wildcard_and_none_stands_twice_in_a_grant() -> None:
    for statement in DOCUMENT["Statement"]:
        assert not any("*" in action for action in statement["Action"])
        assert len(set(statement["Action"])) == len(statement["Action"])


def test_every_place_is_filled() -> None:
    assert "@" not in str(DOCUMENT)


def test_the_document_fits_into_a_managed_policy() -> None:
    """6,144 characters, white space not counted (IAM quotas); an inline policy of a role takes 10,240."""
    assert len(json.dumps(DOCUMENT, separators=(",", ":"))) <= 10_240


@pytest.mark.parametrize("sid", ["ChangeOwn", "EndOwn", "TagOwn", "ProviderEdits"])
def test_what_ends_an_object_asks_for_the_tag_of_a_preview(sid: str) -> None:
    statement = next(statement for statement in DOCUMENT["Statement"] if statement["Sid"] == sid)
    assert statement["Condition"] == {"StringLike": {"aws:ResourceTag/microcosm:stack": "pr-*"}}


def test_only_what_is_made_now_or_is_a_previews_already_can_be_tagged() -> None:
    """Whoever may tag anything may end anything that asks for a tag."""
    (new,) = [statement for statement in DOCUMENT["Statement"] if statement["Sid"] == "TagNew"]
    assert new["Condition"]["StringLike"] == {"aws:RequestTag/microcosm:stack": "pr-*"}
    assert "CreateTags" not in new["Condition"]["StringEquals"]["ec2:CreateAction"]
    assert {s["Sid"] for s in DOCUMENT["Statement"] if "ec2:CreateTags" in s["Action"]} == {
        "TagNew",
        "TagOwn",
    }


def test_with_a_boundary_no_role_gets_permissions_without_it() -> None:
    """Otherwise the role could make one with every permission, and a trust policy that lets anybody in."""
    boundary = "arn:aws:iam::123456789012:policy/previews"
    statements = pipeline_policy.permissions("123456789012", "state", boundary)["Statement"]
    giving = [
        s
        for s in statements
        if {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"}.intersection(s["Action"])
    ]
    assert [s["Condition"] for s in giving] == [{"StringEquals": {"iam:PermissionsBoundary": boundary}}]
    granted = {(action, resource) for s in statements for action in s["Action"] for resource in s["Resource"]}
    assert granted == {
        (action, resource)
        for s in DOCUMENT["Statement"]
        for action in s["Action"]
        for resource in s["Resource"]
    }
    # Nothing else could take the boundary away again.
    assert not any(
        action in ("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary")
        for action, _ in granted
    )


def test_no_parameter_role_or_bucket_of_another_stack_is_in_reach() -> None:
    for statement in DOCUMENT["Statement"]:
        for resource in statement["Resource"]:
            if resource != "*" and not resource.startswith(
                ("arn:aws:s3:::state", "arn:aws:ssm:*::parameter/aws/service/", "arn:aws:ec2:")
            ):
                assert "/pr-" in resource or ":::pr-" in resource, resource


def test_what_changes_ec2_asks_for_the_tag_of_a_preview_unless_nothing_could_have_it() -> None:
    """`Look` reads; a machine's image, key pair and network card have no tag; an association that is gone
    has no address.
    """
    bare = {
        s["Sid"]
        for s in DOCUMENT["Statement"]
        if any(a.startswith("ec2:") for a in s["Action"]) and "Condition" not in s
    }
    assert bare == {"Look", "LaunchWith", "AddressCards", "Disassociate", "Explain", "ProviderLooks"}
    assert {
        a
        for s in DOCUMENT["Statement"]
        if s["Sid"] == "Look"
        for a in s["Action"]
        if not re.match(r"\w+:(Describe|Get|List)", a)
    } == set()


def test_a_preview_works_within_the_boundary_that_is_printed() -> None:
    """All that any node role of a preview asks for, and so nothing that the boundary would take away from
    it.
    """
    key = "arn:aws:kms:eu-west-1:123456789012:key/6c0f3d4e-1b2a-4c5d-8e9f-0a1b2c3d4e5f"
    boundary = pipeline_policy.boundary_of_nodes("123456789012", key)
    names = Names(stack="pr-7", expires_at="2027-01-31T18:00:00Z")
    for role in iam.ACCESS:
        place = {
            "account": "123456789012",
            "region": "eu-west-1",
            "partition": "aws",
            "script_bucket": "pr-7-scripts-1",
        }
        for statement in json.loads(iam.role_policy(role, names, **place, kms_key=key))["Statement"]:
            for action, resource in itertools.product(
                _list(statement["Action"]), _list(statement["Resource"])
            ):
                asked = resource.replace("*", "x") if resource != "*" else resource
                assert policy.allows(
                    [boundary], action, asked, {"kms:ViaService": "ssm.eu-west-1.amazonaws.com"}
                ), (role, action, resource)


def _list(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_roles_are_handed_to_machines_alone() -> None:
    (statement,) = [statement for statement in DOCUMENT["Statement"] if "iam:PassRole" in statement["Action"]]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def subject(**repository: Any) -> str:
    (statement,) = pipeline_policy.trust("123456789012", pipeline_policy.Repository(**repository))[
        "Statement"
    ]
    return statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]


def test_the_role_is_taken_by_one_environment_of_one_repository_by_its_ids() -> None:
    """The example of GitHub's OpenID Connect reference, "Immutable subject claims", with an environment."""
    assert (
        subject(name="octo-org/octo-repo", owner_id="123456", id="456789")
        == "repo:octo-org@123456/octo-repo@456789:environment:preview"
    )


def test_a_repository_whose_tokens_carry_no_ids_is_trusted_by_its_name() -> None:
    assert subject(name="octo/microcosm", by_name=True) == "repo:octo/microcosm:environment:preview"


@pytest.mark.parametrize(
    "ids",
    [
        {},
        {"owner_id": "1"},
        {"id": "2"},
        {"owner_id": "1", "by_name": True},
        {"owner_id": "1", "id": "2", "by_name": True},
    ],
)
def test_one_form_of_the_subject_is_chosen_and_never_both(ids: dict[str, Any]) -> None:
    with pytest.raises(
        UsageError, match=r"gh api repos/octo/app --jq '.owner.id, .id'.*--subject-by-name alone"
    ):
        pipeline_policy.refuse_misuse(
            "123456789012", "state", pipeline_policy.Repository(name="octo/app", **ids)
        )


def test_the_official_provider_may_do_what_was_read_in_its_source_and_no_more():
    """The last column of the table: a permission without a source is a guess, and a call without a
    permission fails in AWS only.
    """
    rows = [
        line.split("|")
        for line in READ_IN_SOURCE.read_text().splitlines()
        if line.startswith("| ") and line.count("|") == 6
    ]
    read = [action for row in rows for action in re.findall(r"`((?:ec2|iam|s3|ssm):[A-Za-z]+)`", row[5])]
    assert sorted(read) == sorted(
        action for grant in pipeline_unproven.PROVIDER_ONLY for action in grant.actions
    )


def test_the_official_provider_is_granted_nothing_twice():
    proven = {action for grant in pipeline_grants.PROVEN for action in grant.actions}
    assert proven.isdisjoint(action for grant in pipeline_unproven.PROVIDER_ONLY for action in grant.actions)
