"""`pulumi destroy`, simulated on the registrations: what goes before what, and what no provider is asked
for.
"""

import functools

import pytest

from tests.support import graph, sdk_types
from tests.support.engine import deploy
from tests.support.stacks import STACKS, deployed, run

INSTANCE = "aws:ec2/instance:Instance"
# What AWS refuses to delete while the other is there, or what would come back: (goes first, goes later).
BEFORE = [
    (INSTANCE, "aws:ssm/parameter:Parameter"),  # the machine would write it again
    (INSTANCE, "aws:ec2/securityGroup:SecurityGroup"),
    (INSTANCE, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"),
    (INSTANCE, "aws:ec2/subnet:Subnet"),
    (INSTANCE, "aws:ec2/internetGateway:InternetGateway"),  # the machine's public address is mapped there
    (INSTANCE, "aws:ec2/route:Route"),
    (INSTANCE, "aws:iam/instanceProfile:InstanceProfile"),
    (INSTANCE, "aws:iam/rolePolicy:RolePolicy"),
    ("aws:ec2/eipAssociation:EipAssociation", "aws:ec2/internetGateway:InternetGateway"),
    ("aws:ec2/eipAssociation:EipAssociation", "aws:ec2/eip:Eip"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:ec2/securityGroup:SecurityGroup"),
    ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/vpc:Vpc"),
    ("aws:ec2/internetGateway:InternetGateway", "aws:ec2/vpc:Vpc"),
    ("aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/routeTable:RouteTable"),
    ("aws:iam/instanceProfile:InstanceProfile", "aws:iam/role:Role"),
    ("aws:iam/rolePolicy:RolePolicy", "aws:iam/role:Role"),
    ("aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucket:Bucket"),
]


@pytest.fixture(params=STACKS)
def deployment(request):
    return deployed(request.param, "up")


@functools.cache
def asked(stack):
    """Of each type, the rounds in which a provider is asked to delete one."""
    rounds: dict[str, set[int]] = {}
    for number, resource in graph.deletions(graph.destroy_rounds(deployed(stack, "up"))):
        rounds.setdefault(resource.type, set()).add(number)
    return rounds


@pytest.mark.parametrize(("first", "later"), BEFORE, ids=lambda token: token.rpartition(":")[2])
def test_what_holds_another_goes_before_it(first, later):
    """A destroy in the wrong order fails half-way, and leaves what costs money."""
    both = [asked(stack) for stack in STACKS if {first, later} <= asked(stack).keys()]
    assert both, "no stack has both"
    assert all(max(rounds[first]) < min(rounds[later]) for rounds in both)


def test_aws_is_asked_to_delete_everything_and_kubernetes_nothing(deployment):
    """The API server goes with its machine: no answer can be expected from it."""
    gone = {resource.urn for _, resource in graph.deletions(graph.destroy_rounds(deployment))}
    every = deployment.registrations.values()
    assert gone == {r.urn for r in every if r.type.startswith("aws:") or r.type == sdk_types.PROVIDER}


def test_a_pool_that_shrinks_loses_machine_before_parameter():
    """The same holds when one worker goes and the cluster stays."""
    before, after = (
        run({"nodePools": [{"name": "linux", "count": count}], "workloads": False}) for count in (2, 1)
    )
    gone = before.registrations.keys() - after.registrations.keys()
    order = [resource.name for _, resource in graph.deletions(graph.destroy_rounds(before, gone))]
    assert order == ["dev-linux-1", "dev-status-linux-1"]


def test_the_simulation_tells_an_order_that_is_wrong():
    """A parameter that only shares a name with its machine may go at the same time, or before."""
    import pulumi_aws as aws

    def careless():
        aws.ssm.Parameter("status", name="/microcosm/dev/status/linux-0", type="String", value="pending")
        aws.ec2.Instance("linux-0", ami="ami-1", instance_type="t3.medium")

    (*_, together, _stack) = graph.destroy_rounds(deploy(careless))
    assert {resource.name for resource in together} == {"status", "linux-0"}
