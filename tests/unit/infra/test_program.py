"""The whole program on mocks: __main__.py unchanged, with the committed Pulumi.dev.yaml and variants of
it, in a preview and in an update.
"""

import re

import pytest
from pulumi.runtime import rpc

from infra import join_parameters, security
from tests.support import graph, sdk_types
from tests.support.engine import plain
from tests.support.stacks import KUBECONFIG, MODES, STACKS, deployed

INSTANCE, PARAMETER = "aws:ec2/instance:Instance", "aws:ssm/parameter:Parameter"
SUBNET = "aws:ec2/subnet:Subnet"
# AWS gives these no tags.
UNTAGGED = {
    "aws:ec2/eipAssociation:EipAssociation",
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:iam/rolePolicy:RolePolicy",
}
OUTPUTS = {"kubeconfig", "apiAddress", "nodes", "access", "pageUrl", "serviceUrls"}


@pytest.fixture(params=STACKS)
def stack(request):
    return deployed(request.param, "up")


@pytest.fixture(params=[(stack, mode) for stack in STACKS for mode in MODES], ids="-".join)
def deployment(request):
    return deployed(*request.param)


def kubernetes(deployment):
    return [r for r in deployment.registrations.values() if r.type.startswith("kubernetes:")]


def aws(deployment):
    return [r for r in deployment.registrations.values() if r.type.startswith("aws:")]


def inside(deployment, component):
    """The URNs of everything in a component of that type."""
    (found,) = deployment.of(f"microcosm:infra:{component}")
    return {r.urn for r in deployment.registrations.values() if r.parent == found.urn}


def test_the_inputs_of_every_resource_are_what_the_sdks_types_allow(deployment):
    """Mocks accept any input; the real provider would refuse a misspelt one only in the middle of an
    update.
    """
    wrong = {r.urn: found for r in deployment.registrations.values() if (found := sdk_types.problems(r))}
    assert wrong == {}


def test_a_preview_declares_what_the_update_does():
    """A resource that appears only once a value is known is missing in every review."""
    for stack in STACKS:
        previewed, updated = (deployed(stack, mode).registrations.keys() for mode in MODES)
        assert previewed == updated, stack


def test_everything_that_aws_tags_is_tagged_with_the_stack_and_its_own_name(deployment):
    """The audit finds by these tags what a stack left behind."""
    for resource in aws(deployment):
        if resource.type in UNTAGGED:
            continue
        tags = resource.inputs["tags"]
        assert tags["microcosm:stack"] == "dev", resource.urn
        assert tags["Name"] == resource.name, "the name in the console is the name in Pulumi's output"


def test_a_type_without_tags_is_one_that_has_none(stack):
    """Or the list of exceptions hides a forgotten tag."""
    for resource in aws(stack):
        assert (resource.type in UNTAGGED) == ("tags" not in sdk_types.input_names(resource)), resource.type


def test_machines_are_tagged_by_node_system_and_role_and_so_are_their_disks(stack):
    for machine in stack.of(INSTANCE):
        tags = machine.inputs["tags"]
        assert tags["microcosm:node"] == machine.name.removeprefix("dev-")
        assert re.fullmatch("ubuntu-24.04|windows-20(19|22|25)", tags["microcosm:os"])
        assert tags["microcosm:role"] in security.GROUPS
        assert machine.inputs["volumeTags"] == tags, "a disk that outlives its machine must be found"


def test_owner_and_end_are_tags_where_they_are_configured_and_nowhere_else():
    owned = {
        (r.inputs["tags"]["microcosm:owner"], r.inputs["tags"]["microcosm:expires-at"])
        for r in aws(deployed("that-ends", "up"))
        if "tags" in r.inputs
    }
    assert owned == {("an engineer", "2027-01-31T18:00:00Z")}
    assert not any("microcosm:owner" in r.inputs.get("tags", {}) for r in aws(deployed("committed", "up")))


# --- order


def test_a_machine_comes_after_its_way_out_its_rules_and_its_permissions(deployment):
    """Nothing in the data flow says so, and it needs all of them from its first second."""
    needed = set().union(*(inside(deployment, part) for part in ("Network", "Security", "Roles")))
    for machine in deployment.of(INSTANCE):
        assert needed <= graph.reachable(deployment, machine), machine.name


def test_a_machine_comes_after_the_parameters_that_it_writes_and_workers_wait_for_no_others(deployment):
    """It writes them at once: were they declared later, their names would be taken."""
    documents = {deployment.one(PARAMETER, f"dev-{name}").urn for name in join_parameters.DOCUMENTS}
    status = {
        r.name.removeprefix("dev-status-"): r.urn
        for r in deployment.of(PARAMETER)
        if r.name.startswith("dev-status-")
    }
    for machine in deployment.of(INSTANCE):
        node = machine.name.removeprefix("dev-")
        found = graph.reachable(deployment, machine)
        assert documents <= found
        assert found & set(status.values()) == {status[node], status["control-plane"]}, machine.name
    assert len(deployment.of(INSTANCE)) == len(status), "one report a node"


def test_a_worker_belongs_to_one_control_plane():
    """Its id stands in the user-data: a new control plane means new workers, never half a cluster."""
    updated = deployed("many-pools", "up")
    control_plane = updated.one(INSTANCE, "dev-control-plane")
    for machine in updated.of(INSTANCE):
        if machine is not control_plane:
            key = "userData" if "userData" in machine.inputs else "userDataBase64"
            assert control_plane.urn in machine.raw.propertyDependencies[key].urns
            assert machine.inputs["userDataReplaceOnChange"] is True


def test_workers_are_spread_over_the_zones():
    """A zone that fails takes half of a pool, not all of it."""
    updated = deployed("many-pools", "up")
    zones = {f"{r.name}-id": r.inputs["availabilityZone"] for r in updated.of("aws:ec2/subnet:Subnet")}
    found = {
        r.name: zones[r.inputs["subnetId"]] for r in updated.of(INSTANCE) if r.name.startswith("dev-linux-")
    }
    assert found == {"dev-linux-0": "eu-west-1a", "dev-linux-1": "eu-west-1b", "dev-linux-2": "eu-west-1a"}


def test_every_kubernetes_object_ends_with_the_control_plane_and_nothing_else_does(deployment):
    """Destroy must not need an API server that is gone."""
    control_plane = deployment.one(INSTANCE, "dev-control-plane")
    assert {r.deleted_with for r in kubernetes(deployment)} == {control_plane.urn}
    assert {
        r.deleted_with for r in deployment.registrations.values() if not r.type.startswith("kubernetes:")
    } == {""}


def test_every_kubernetes_object_goes_to_this_cluster(deployment):
    """The default provider would write into whatever cluster the operator's kubectl happens to point at."""
    (provider,) = deployment.of(sdk_types.PROVIDER)
    assert {r.raw.provider.rpartition("::")[0] for r in kubernetes(deployment)} == {provider.urn}
    control_plane = deployment.one(INSTANCE, "dev-control-plane")
    assert control_plane.urn in provider.raw.propertyDependencies["clusterIdentifier"].urns, (
        "a new machine is a new cluster"
    )
    assert plain(provider.inputs["enableServerSideApply"]) in (True, "true")


def test_no_program_reads_anything_by_the_default_region_alone(deployment):
    """An invoke of another provider than the parent's would read another region or account."""
    assert {i.tok for i in deployment.invokes} <= {
        "aws:index/getRegion:getRegion",
        "aws:index/getCallerIdentity:getCallerIdentity",
        "aws:index/getPartition:getPartition",
        "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
        "aws:ssm/getParameter:getParameter",
    }


def test_workloads_wait_for_ready_nodes(deployment):
    """A pod that cannot be placed says less about a stuck machine than the machine's own report."""
    network = deployment.one("kubernetes:apps/v1:DaemonSet", "kube-flannel-ds").urn
    if deployment.of("microcosm:infra:Workloads"):
        assert all(
            network in deployment.registrations[urn].dependencies for urn in inside(deployment, "Workloads")
        )


# --- what is left alone


def test_what_machines_write_and_what_publishers_change_is_no_drift(deployment):
    """Each would otherwise change a running stack.

    A published parameter would be set back by the next update. A new image would replace the cluster on every
    patch day. A zone that AWS adds would replace the subnet.
    """
    assert {tuple(r.ignore_changes) for r in deployment.of(PARAMETER)} == {join_parameters.IGNORED}
    assert {tuple(r.ignore_changes) for r in deployment.of(INSTANCE)} == {("ami",)}
    for subnet in deployment.of(SUBNET):
        chosen_by_us = subnet.urn.endswith("-public")
        assert subnet.ignore_changes == (["availabilityZone"] if chosen_by_us else []), subnet.urn
    others = [r for r in deployment.registrations.values() if r.type not in (PARAMETER, INSTANCE, SUBNET)]
    assert {tuple(r.ignore_changes) for r in others} == {()}


def test_nothing_is_protected_or_retained(deployment):
    """`pulumi destroy` leaves nothing."""
    assert [r.urn for r in deployment.registrations.values() if r.raw.protect or r.raw.retainOnDelete] == []


# --- secrets


def test_the_kubeconfig_is_a_secret_wherever_it_stands(deployment):
    """It is the administrator's. A value that is not known yet carries no mark."""
    (provider,) = deployment.of(sdk_types.PROVIDER)
    assert provider.is_secret("kubeconfig") or provider.inputs["kubeconfig"] == rpc.UNKNOWN
    assert deployment.secret_outputs == {"kubeconfig"}


def test_what_the_control_plane_publishes_is_encrypted_and_starts_as_a_placeholder(stack):
    """The status of a machine is no secret; everything else in Systems Manager is."""
    for parameter in stack.of(PARAMETER):
        secret = parameter.name.removeprefix("dev-") in join_parameters.DOCUMENTS
        assert plain(parameter.inputs["type"]) == ("SecureString" if secret else "String")
        # Write-only: what is published never comes back into the state (tests/unit/security/test_state.py).
        assert ("valueWo" in parameter.inputs, "value" in parameter.inputs) == (secret, not secret)
        if parameter.name != "dev-expiry":
            assert plain(parameter.inputs["valueWo" if secret else "value"]) == join_parameters.PLACEHOLDER
        assert plain(parameter.inputs["name"]).startswith("/microcosm/dev/")


# --- outputs


def test_the_outputs_are_those_that_people_use(stack):
    assert stack.outputs.keys() == OUTPUTS
    assert stack.outputs["kubeconfig"] == KUBECONFIG
    assert stack.outputs["apiAddress"] == "https://198.51.100.7:6443"
    assert stack.outputs["pageUrl"] == "http://198.51.100.7:30080"
    assert {f"dev-{node}" for node in stack.outputs["nodes"]} == {r.name for r in stack.of(INSTANCE)}
    # Not the instance's own first address (198.51.100.10 here), which belongs to somebody else once the
    # Elastic IP is there.
    assert stack.outputs["nodes"]["control-plane"]["publicIp"] == "198.51.100.7"
