"""The record of bare resources: what is taken from the engine's own, and what is left out."""

from pulumi.runtime.rpc import UNKNOWN

from bench import bare

URN = "urn:pulumi:dev::microcosm::"
VPC, SUBNET = f"{URN}aws:ec2/vpc:Vpc::vpc", f"{URN}aws:ec2/subnet:Subnet::public"
SPACE, POD = f"{URN}{bare.NAMESPACE}::ns", f"{URN}kubernetes:core/v1:Pod::p"
PROVIDER = f"{URN}pulumi:providers:kubernetes::k8s"
SECRET = {bare.SECRET_KEY: bare.SECRET, "plaintext": '"the kubeconfig"'}


def resource(urn, *, custom=True, **more):
    return {"urn": urn, "type": urn.split("::")[2], "custom": custom, **more}


def subnet(vpc_id):
    return resource(
        SUBNET,
        inputs={"vpcId": vpc_id, "cidrBlock": "10.0.0.0/20"},
        propertyDependencies={"vpcId": [VPC], "cidrBlock": []},
    )


def one(*resources):
    return bare.record(resources)[-1]


def test_an_input_that_is_anothers_output_becomes_a_reference():
    vpc = resource(VPC, id="vpc-1", outputs={"id": "vpc-1", "mainRouteTableId": "rtb-1"})
    assert one(vpc, subnet("vpc-1"))["inputs"] == {
        "vpcId": {"of": VPC, "output": "id"},
        "cidrBlock": "10.0.0.0/20",
    }
    assert one(vpc, subnet("rtb-1"))["inputs"]["vpcId"] == {"of": VPC, "output": "mainRouteTableId"}


def test_what_a_preview_does_not_know_yet_becomes_a_reference_to_what_it_comes_from():
    assert one(resource(VPC), subnet(UNKNOWN))["inputs"]["vpcId"] == {"of": VPC, "output": "id"}


def test_a_text_that_is_no_output_stays_even_if_another_resource_has_it_too():
    vpc = resource(VPC, id="vpc-1", outputs={"cidrBlock": "10.0.0.0/20"})
    assert one(vpc, subnet("vpc-1"))["inputs"]["cidrBlock"] == "10.0.0.0/20", (
        "the input does not depend on the VPC"
    )


def test_the_engines_own_resources_are_left_out_and_every_other_is_kept():
    stack = resource(f"{URN}pulumi:pulumi:Stack::microcosm-dev", custom=False)
    default = resource(f"{URN}pulumi:providers:aws::default_7_51_1")
    component = resource(f"{URN}microcosm:infra:Network::network", custom=False)
    kept = bare.record([stack, default, component, resource(PROVIDER, inputs={}), resource(VPC, inputs={})])
    assert [entry["type"] for entry in kept] == [
        "microcosm:infra:Network",
        "pulumi:providers:kubernetes",
        "aws:ec2/vpc:Vpc",
    ]


def test_what_the_sdk_fills_in_and_names_that_were_generated_are_left_to_it():
    inputs = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "role-1a2b3c4",
        "__defaults": ["name"],
        "spec": {"__defaults": [], "nodeName": "n"},
    }
    assert one(resource(POD, inputs=inputs))["inputs"] == {"spec": {"nodeName": "n"}}


def test_tags_that_the_provider_computes_are_not_given_to_it():
    """The SDK's class of a resource refuses them: it has them among its outputs alone."""
    inputs = {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "a"}, "tagsAll": {"Name": "a"}}
    assert one(resource(VPC, inputs=inputs))["inputs"] == {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "a"}}


def test_secrets_stand_in_plain_words():
    assert one(resource(PROVIDER, inputs={"kubeconfig": SECRET}))["inputs"] == {
        "kubeconfig": "the kubeconfig"
    }


def test_of_the_waits_only_that_for_the_namespace_is_kept():
    space = resource(SPACE, inputs={})
    pod = resource(POD, inputs={}, dependencies=[VPC, SPACE], provider=f"{PROVIDER}::id-1", deletedWith=VPC)
    entry = one(resource(VPC, inputs={}), resource(PROVIDER, inputs={}), space, pod)
    assert (entry["after"], entry["provider"], entry["deletedWith"]) == ([SPACE], PROVIDER, VPC)
