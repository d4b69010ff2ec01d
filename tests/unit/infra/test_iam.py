"""The permissions of each node role, as the policy documents say it."""

import fnmatch
import json

import pytest

from infra import iam
from infra.config.naming import Names
from tests.support.stacks import BOUNDARY, KEY, deployed

NAMES = Names(stack="dev")
PARAMETERS = ("join", "kubeconfig", "windows-network", "status/control-plane", "status/linux-0")


def allowed(role, action, parameter, stack="dev"):
    arn = f"arn:aws:ssm:eu-west-1:123456789012:parameter/microcosm/{stack}/{parameter}"
    document = json.loads(
        iam.role_policy(
            role, NAMES, account="123456789012", region="eu-west-1", partition="aws", script_bucket="scripts"
        )
    )
    for statement in document["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        resources = (
            [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
        )
        if action in actions and any(fnmatch.fnmatchcase(arn, resource) for resource in resources):
            return True
    return False


@pytest.mark.parametrize(
    ("role", "read", "write"),
    [
        ("control-plane", set(), {"join", "kubeconfig", "windows-network", "status/control-plane"}),
        ("linux-worker", {"join"}, {"status/control-plane", "status/linux-0"}),
        ("windows-worker", {"join", "windows-network"}, {"status/control-plane", "status/linux-0"}),
    ],
)
def test_a_role_reads_and_writes_just_its_own_parameters(role, read, write):
    assert {p for p in PARAMETERS if allowed(role, "ssm:GetParameter", p)} == read
    assert {p for p in PARAMETERS if allowed(role, "ssm:PutParameter", p)} == write


@pytest.mark.parametrize("role", iam.ACCESS)
def test_no_role_reaches_the_parameters_of_another_stack(role):
    for action in ("ssm:GetParameter", "ssm:PutParameter"):
        assert not any(
            allowed(role, action, p, stack="dev2") or allowed(role, action, p, stack="prod")
            for p in PARAMETERS
        )


@pytest.mark.parametrize("role", iam.ACCESS)
def test_no_role_has_a_wildcard_action(role):
    document = json.loads(iam.role_policy(role, NAMES, account="1", region="r", partition="aws"))
    assert not any(
        "*" in action
        for statement in document["Statement"]
        for action in [statement["Action"]]
        if isinstance(action, str)
    )
    assert not any("*" in action for action in iam.SESSION_MANAGER)


def test_what_session_manager_needs_reaches_nothing_but_its_own_channels():
    """On every resource: so none of it may read a parameter, or say anything to another machine."""
    assert {action.split(":")[0] for action in iam.SESSION_MANAGER} == {"ssm", "ssmmessages", "ec2messages"}
    assert [action for action in iam.SESSION_MANAGER if action.startswith("ssm:")] == [
        "ssm:UpdateInstanceInformation"
    ]


@pytest.mark.parametrize("role", iam.ACCESS)
def test_what_is_allowed_on_every_resource_is_session_managers_alone(role):
    document = json.loads(
        iam.role_policy(role, NAMES, account="1", region="r", partition="aws", script_bucket="scripts")
    )
    assert [
        statement["Sid"] for statement in document["Statement"] if statement["Resource"] in ("*", ["*"])
    ] == ["SessionManager"]
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}


def test_only_ec2_may_assume_a_node_role():
    (statement,) = json.loads(iam.assume_role_policy())["Statement"]
    assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}


def test_every_role_carries_the_boundary_of_the_configuration():
    """There are accounts in which IAM refuses a role without one."""
    roles = deployed("that-ends", "up").of("aws:iam/role:Role")
    assert {role.inputs.get("permissionsBoundary") for role in roles} == {BOUNDARY}
    assert {
        role.inputs.get("permissionsBoundary") for role in deployed("committed", "up").of("aws:iam/role:Role")
    } == {None}


KEY_ARN = f"arn:aws:kms:eu-west-1:123456789012:key/{KEY}"


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("control-plane", ["kms:Encrypt"]),
        ("linux-worker", ["kms:Decrypt"]),
        ("windows-worker", ["kms:Decrypt"]),
    ],
)
@pytest.mark.parametrize("key", [KEY, KEY_ARN])
def test_a_role_uses_the_key_of_the_documents_as_it_uses_the_documents(role, actions, key):
    """Only that key, only through Systems Manager of the region."""
    document = json.loads(
        iam.role_policy(role, NAMES, account="123456789012", region="eu-west-1", partition="aws", kms_key=key)
    )
    (statement,) = [each for each in document["Statement"] if "kms:" in str(each["Action"])]
    assert (statement["Action"], statement["Resource"]) == (actions, KEY_ARN)
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "ssm.eu-west-1.amazonaws.com"}}


def test_without_a_key_of_the_user_no_role_may_use_any():
    """AWS's own key needs no permission of the caller."""
    assert "kms:" not in str(
        [
            policy.inputs["policy"]
            for policy in deployed("committed", "up").of("aws:iam/rolePolicy:RolePolicy")
        ]
    )
