"""The configuration: what is refused and in which words, every problem at once, and nothing declared
before.
"""

import dataclasses
import json

import pytest

from infra.config import model as config
from infra.errors import ConfigError
from tests.support.config_cases import ADMINS, BAD, LINUX, WINDOWS, pools
from tests.support.engine import deploy
from tests.support.stacks import committed, parsed, raw, run


def refusals(changes, stack="dev"):
    """The sentences about a configuration, each value as Pulumi hands it over."""
    values = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in (ADMINS | changes).items()
    }
    with pytest.raises(ConfigError) as caught:
        config.parse(values, stack=stack)
    return caught.value.problems


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_built_is_refused_in_one_sentence(name):
    changes, words = BAD[name]
    problems = refusals(changes)
    assert any(all(word in problem for word in words) for problem in problems), problems


@pytest.mark.parametrize("name", BAD)
def test_a_refusal_is_about_nothing_else(name):
    """One mistake, one sentence: a second one would send the reader elsewhere."""
    assert len(refusals(BAD[name][0])) == 1


def test_all_problems_are_told_at_once():
    """Nobody wants to mend them one by one."""
    changes = {
        "vpcCidr": "x",
        "owner": "<>",
        "flannelBackend": "none",
        "typo": "1",
        **pools(os="beos", count=-1),
    }
    assert [problem.split()[0] for problem in refusals(changes)] == [
        "nodePools[0].os",
        "nodePools[0].count",
        "owner",
        "flannelBackend",
        "vpcCidr",
        "typo",
    ]


@pytest.mark.parametrize("stack", ["Dev", "d", "1st", "dev-", "a" * 33, "dev_1"])
def test_a_stacks_name_becomes_part_of_other_names(stack):
    (problem,) = refusals({}, stack=stack)
    assert f"the stack's name is {stack!r}" in problem
    assert "choose another with `pulumi stack init`" in problem


def test_user_data_that_is_too_large_is_refused_before_anything_is_declared():
    """In a preview the control plane's id is unknown, and nobody would render it before half of the
    cluster stands.
    """
    many = {f"label-{number}": "v" * 60 for number in range(300)}
    with pytest.raises(ConfigError) as caught:
        run({"nodePools": [LINUX, WINDOWS | {"labels": many}]}, preview=True)
    (problem,) = caught.value.problems
    assert "user-data of the windows worker" in problem
    assert "shorten labels, taints or mirror addresses" in problem


def test_a_program_with_a_bad_configuration_declares_nothing():
    """Not even a VPC."""
    registered = []

    class Answers:
        def new_resource(self, args):
            registered.append(args.typ)
            return args.name, {}

        def call(self, args):
            return {}

    with pytest.raises(ConfigError):
        deploy(config=raw({"vpcCidr": "10.244.0.0/16"}), answers=Answers())
    assert registered in ([], ["pulumi:pulumi:Stack"])


# --- what is accepted


def test_the_committed_stack_is_what_its_file_says():
    """The file is what people copy."""
    stack = parsed()
    file = {key.removeprefix("microcosm:"): value for key, value in committed().items()}
    assert list(stack.admin_cidrs) == file["adminCidrs"]
    assert [pool.name for pool in stack.node_pools] == [pool["name"] for pool in file["nodePools"]]
    assert stack.control_plane == config.Machine(**_machine(file["controlPlane"]))
    assert [pool.machine for pool in stack.node_pools] == [
        config.Machine(**_machine(pool)) for pool in file["nodePools"]
    ]


def _machine(values):
    return {"instance_type": values["instanceType"], "disk_size_gb": values["diskSizeGb"]}


def test_a_public_stack_must_be_meant():
    assert parsed(adminCidrs=["0.0.0.0/0"], allowPublicAdmin=True).admin_cidrs == ("0.0.0.0/0",)


def test_a_pool_may_be_empty_and_a_cluster_may_have_none():
    assert parsed(nodePools=[], workloads=False).node_names == ["control-plane"]
    assert parsed(nodePools=[LINUX | {"count": 0}], workloads=False).node_names == ["control-plane"]


@pytest.mark.parametrize("instance_type", ["c6gn.large", "g5g.xlarge", "im4gn.large", "a1.large"])
def test_graviton_is_refused(instance_type):
    """Every download is amd64."""
    (problem,) = refusals(pools(instanceType=instance_type))
    assert "arm64" in problem


@pytest.mark.parametrize("instance_type", ["g4dn.xlarge", "m7i-flex.large", "u-3tb1.56xlarge", "i3en.metal"])
def test_a_family_with_a_g_in_another_place_is_not_taken_for_graviton(instance_type):
    assert (
        parsed(nodePools=[LINUX | {"instanceType": instance_type}, WINDOWS])
        .node_pools[0]
        .machine.instance_type
        == instance_type
    )


def test_what_windows_runs_as_best_effort_is_noted_once():
    """Built all the same; the sentence goes to the preview."""
    (note,) = parsed("many-pools").notes
    assert "Windows Server 2019 is not in the Kubernetes documentation" in note
    assert parsed("no-windows").notes == []


def test_a_system_that_is_refused_is_not_missed_a_second_time():
    """One mistake, one sentence: the pool with the typing error is the Windows pool."""
    assert len(refusals({"nodePools": [LINUX, WINDOWS | {"os": "windows-2016"}]})) == 1


def test_a_configuration_cannot_be_changed_afterwards():
    with pytest.raises(dataclasses.FrozenInstanceError):
        parsed().vpc_cidr = "10.1.0.0/16"
