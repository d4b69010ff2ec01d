"""The record of bare resources: what is taken from the engine's own, and what is left out."""

from pulumi.runtime.rpc import UNKNOWN

from bench import bare

URN = "urn:pulumi:dev::microcosm::"
VPC, SUBNET = f"{URN}aws:ec2/vpc:Vpc::vpc", f"{URN}aws:ec2/subnet:Subnet::public"
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


def test_secrets_stand_in_plain_words():
    assert one(resource(PROVIDER, inputs={"kubeconfig": SECRET}))["inputs"] == {
        "kubeconfig": "the kubeconfig"
    }
