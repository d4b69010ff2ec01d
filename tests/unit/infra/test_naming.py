"""Names and tags: within the limits of those who take them, and one name for one thing."""

import json

import pytest

from infra.config import naming
from tests.support.stacks import MODES, STACKS, deployed, parsed, run

# The longest that the configuration accepts.
LONG_STACK, LONG_POOL = "s" * 32, "p" * 15
# Pulumi's provider adds a hyphen and 7 digits where it names an object itself.
RANDOM = 8
LIMITS = {
    "aws:iam/role:Role": 64,
    "aws:iam/instanceProfile:InstanceProfile": 128,
    "aws:iam/rolePolicy:RolePolicy": 128,
    "aws:s3/bucket:Bucket": 63,
    "aws:ec2/securityGroup:SecurityGroup": 255,
}


@pytest.fixture(scope="module")
def longest():
    pools = [{"name": LONG_POOL, "count": 2}, {"name": "w" * 15, "os": "windows-2019", "count": 1}]
    return run(
        {"nodePools": pools, "owner": "o" * 128, "expiresAt": "2027-01-31T18:00:00+01:00"},
        stack_name=LONG_STACK,
    )


def test_names_that_pulumi_completes_are_within_their_limits(longest):
    for type_, limit in LIMITS.items():
        names = [r.name for r in longest.of(type_)]
        assert names
        assert max(map(len, names)) + RANDOM <= limit, type_


def test_parameters_and_tags_are_within_their_limits(longest):
    """Systems Manager: 1,011 characters and 15 levels; tags: 128 and 256 (AWS general reference)."""
    for parameter in longest.of("aws:ssm/parameter:Parameter"):
        assert len(parameter.inputs["name"]) <= 1011
        assert parameter.inputs["name"].count("/") <= 15
    for resource in longest.registrations.values():
        for key, value in resource.inputs.get("tags", {}).items():
            assert len(key) <= 128
            assert len(value) <= 256
            assert not key.startswith("aws:")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stack", STACKS)
def test_no_two_things_of_a_type_share_a_name(stack, mode):
    """They would be one resource in the state.

    The recording engine refuses equal URNs; parameters also have names of their own.
    """
    found = deployed(stack, mode)
    names = [json.dumps(r.inputs["name"]) for r in found.of("aws:ssm/parameter:Parameter")]
    assert len(set(names)) == len(names)
    objects = [
        (r.type, r.inputs["metadata"].get("namespace"), r.inputs["metadata"]["name"])
        for r in found.registrations.values()
        if ":core" in r.type
    ]
    assert len(set(objects)) == len(objects)


def test_pools_whose_names_look_alike_have_different_nodes():
    """`a-1` and the node 1 of `a`."""
    found = parsed(nodePools=[{"name": "a", "count": 2}, {"name": "a-1", "count": 2}], workloads=False)
    assert found.node_names == ["control-plane", "a-0", "a-1", "a-1-0", "a-1-1"]


@pytest.mark.parametrize(
    ("name", "thing"),
    [
        ("sg", "security group"),
        ("sg-a", "security group"),
        ("xn--a", "bucket"),
        ("sthree-a", "bucket"),
        ("sthree", "bucket"),
        ("amzn-s3-demo-a", "bucket"),
    ],
)
def test_no_stack_has_a_name_whose_beginning_aws_keeps_for_itself(name, thing):
    """EC2 and S3 would refuse it in the middle of an update."""
    assert f"as the name of a {thing}" in naming.stack_name_problem(name)


def test_tags_know_three_extras_and_no_other():
    names = naming.Names(stack="dev", owner="me")
    assert names.tags("linux-0", node="linux-0", os="ubuntu-24.04", role="linux-worker") == {
        "Name": "dev-linux-0",
        "microcosm:stack": "dev",
        "microcosm:node": "linux-0",
        "microcosm:os": "ubuntu-24.04",
        "microcosm:role": "linux-worker",
        "microcosm:owner": "me",
    }
    with pytest.raises(KeyError):
        names.tags("linux-0", color="blue")
