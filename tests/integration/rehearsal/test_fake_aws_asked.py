"""Test the permissions that a call requires: further actions, resources and the keys of conditions."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from moto import mock_aws
from moto.iam.models import iam_backends
from moto.ssm.models import ssm_backends

from rehearsal.fake_aws.asked import required_permissions
from rehearsal.fake_aws.asked_ec2 import Required
from rehearsal.fake_aws.settings import ACCOUNT
from rehearsal.fake_aws.signature import Signature

REGION = "eu-west-1"
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
IAM = f"arn:aws:iam::{ACCOUNT}"
SSM = f"arn:aws:ssm:{REGION}"


def questions(service: str, body: bytes = b"", **environ: Any) -> list[Required]:
    signature = Signature("ASIA", REGION, service, ("host",), "0" * 64, "20261125T120000Z")
    return [
        *required_permissions(
            signature, {"HTTP_HOST": "localhost", "PATH_INFO": "/", "REQUEST_METHOD": "POST", **environ}, body
        )
    ]


def form(service: str, action: str, **parameters: str) -> list[Required]:
    return questions(
        service,
        urlencode(
            {"Action": action, **{key.replace("_", "."): value for key, value in parameters.items()}}
        ).encode(),
    )


def of_parameter(name: str, **request: Any) -> list[Required]:
    return questions("ssm", json.dumps(request).encode(), HTTP_X_AMZ_TARGET=f"AmazonSSM.{name}")


def s3(method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> list[Required]:
    return questions("s3", body, REQUEST_METHOD=method, PATH_INFO=path, QUERY_STRING=query, **headers)


@pytest.mark.parametrize(
    ("name", "request_", "expected"),
    [
        ("GetParameter", {"Name": "/a/b"}, [Required("ssm:GetParameter", f"{SSM}:{ACCOUNT}:parameter/a/b")]),
        (
            "GetParameter",
            {"Name": "/aws/service/ami"},
            [Required("ssm:GetParameter", f"{SSM}::parameter/aws/service/ami")],
        ),
        (
            "GetParameters",
            {"Names": ["a", "/b"]},
            [Required("ssm:GetParameters", f"{SSM}:{ACCOUNT}:parameter/{name}") for name in "ab"],
        ),
        (
            "GetParametersByPath",
            {"Path": "/a"},
            [Required("ssm:GetParametersByPath", f"{SSM}:{ACCOUNT}:parameter/a")],
        ),
        (
            "ListTagsForResource",
            {"ResourceId": "/a"},
            [Required("ssm:ListTagsForResource", f"{SSM}:{ACCOUNT}:parameter/a")],
        ),
        ("DescribeParameters", {}, [Required("ssm:DescribeParameters")]),
        (
            "PutParameter",
            {"Name": "/a", "Tags": []},
            [Required("ssm:PutParameter", f"{SSM}:{ACCOUNT}:parameter/a")],
        ),
        (
            "PutParameter",
            {"Name": "/a", "Tags": [{}]},
            [
                Required(f"ssm:{action}", f"{SSM}:{ACCOUNT}:parameter/a")
                for action in ("PutParameter", "AddTagsToResource")
            ],
        ),
    ],
)
def test_parameters_are_named_and_aws_own_belong_to_no_account(name, request_, expected):
    assert of_parameter(name, **request_) == expected


def tagged(kind: str, value: str, number: int = 1) -> dict[str, str]:
    of = f"TagSpecification_{number}"
    return {f"{of}_ResourceType": kind, f"{of}_Tag_1_Key": "stack", f"{of}_Tag_1_Value": value}


@mock_aws
def test_a_machine_is_asked_for_with_all_that_it_is_made_of():
    tags = {**tagged("instance", "pr-7"), **tagged("volume", "dev", 2)}
    asked_for = form(
        "ec2",
        "RunInstances",
        ImageId="ami-1",
        SubnetId="subnet-1",
        SecurityGroupId_1="sg-1",
        KeyName="k",
        **tags,
    )
    made = [each for each in asked_for if each.action == "ec2:RunInstances"]
    assert [
        (each.resource.rpartition(":")[2], each.context.get("aws:RequestTag/stack")) for each in made
    ] == [
        ("image/ami-1", "dev"),
        ("key-pair/k", "dev"),
        ("security-group/sg-1", "dev"),
        ("subnet/subnet-1", "dev"),
        ("instance/*", "pr-7"),
        ("network-interface/*", None),
        ("volume/*", "dev"),
    ]
    assert asked_for[0].resource == f"arn:aws:ec2:{REGION}::image/ami-1"


@mock_aws
def test_a_network_card_of_a_launch_brings_its_places_and_is_not_made_when_it_is_there():
    card = {"NetworkInterface_1_SubnetId": "subnet-1", "NetworkInterface_1_SecurityGroupId_1": "sg-1"}
    resources = [each.resource.rpartition(":")[2] for each in form("ec2", "RunInstances", **card)]
    assert resources == [
        "security-group/sg-1",
        "subnet/subnet-1",
        "instance/*",
        "network-interface/*",
        "volume/*",
    ]
    there = [
        each.resource.rpartition(":")[2]
        for each in form("ec2", "RunInstances", NetworkInterface_1_NetworkInterfaceId="eni-1")
    ]
    assert there == ["network-interface/eni-1", "instance/*", "volume/*"]


@mock_aws
def test_a_role_shows_the_boundary_that_it_has_or_is_to_get():
    arn = f"{IAM}:policy/b"
    assert [each.context for each in form("iam", "CreateRole", RoleName="r", PermissionsBoundary=arn)] == [
        {"iam:PermissionsBoundary": arn}
    ]
    iam_backends[ACCOUNT]["aws"].create_role("r", "{}", "/", arn, None, [], None)
    assert [each.context for each in form("iam", "PutRolePolicy", RoleName="r")] == [
        {"iam:PermissionsBoundary": arn}
    ]
    assert [each.context for each in form("iam", "GetRole", RoleName="r")] == [{}]


@mock_aws
def test_the_key_of_a_parameter_is_asked_for_through_systems_manager_alone():
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    via = {
        "kms:ViaService": f"ssm.{REGION}.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": f"{SSM}:{ACCOUNT}:parameter/a",
    }
    assert of_parameter("PutParameter", Name="/a", Type="SecureString", KeyId="1")[1:] == [
        Required("kms:Encrypt", key, via)
    ]
    ssm_backends[ACCOUNT][REGION].put_parameter(
        "/a", "", "v", "SecureString", "", key, False, [], "text", None, None
    )
    assert of_parameter("GetParameters", Names=["/a"], WithDecryption=True)[1:] == [
        Required("kms:Decrypt", key, via)
    ]
    assert len(of_parameter("GetParameter", Name="/a")) == 1
    assert len(of_parameter("PutParameter", Name="/a", Type="SecureString")) == 1, (
        "AWS's own key lets in every principal of the account"
    )
    assert questions("kms", b'{"KeyId": "1"}', HTTP_X_AMZ_TARGET="TrentService.Decrypt") == [
        Required("kms:Decrypt", key)
    ]


@mock_aws
def test_a_machine_with_a_role_needs_leave_to_hand_it_over():
    iam = iam_backends[ACCOUNT]["aws"]
    iam.create_role("r", "{}", "/", None, None, [], None)
    iam.create_instance_profile("p", "/", [])
    iam.add_role_to_instance_profile("p", "r")
    assert form("ec2", "RunInstances", IamInstanceProfile_Name="p")[-1] == Required(
        "iam:PassRole", f"{IAM}:role/r", {"iam:PassedToService": "ec2.amazonaws.com"}
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (("GET", "/"), [Required("s3:ListAllMyBuckets")]),
        (("GET", "/b", "list-type=2"), [Required("s3:ListBucket", "arn:aws:s3:::b")]),
        (("GET", "/b", "tagging"), [Required("s3:GetBucketTagging", "arn:aws:s3:::b")]),
        (("PUT", "/b"), [Required("s3:CreateBucket", "arn:aws:s3:::b")]),
        (("PUT", "/b/k/l"), [Required("s3:PutObject", "arn:aws:s3:::b/k/l")]),
        (("HEAD", "/b/k"), [Required("s3:GetObject", "arn:aws:s3:::b/k")]),
        (("GET", "/b/k", "tagging="), [Required("s3:GetObjectTagging", "arn:aws:s3:::b/k")]),
        (
            (
                "POST",
                "/b",
                "delete",
                b"<Delete><Object><Key>k</Key></Object><Object><Key>l</Key></Object></Delete>",
            ),
            [Required("s3:DeleteObject", f"arn:aws:s3:::b/{key}") for key in "kl"],
        ),
        (("PATCH", "/b"), [Required("s3:unknown", "arn:aws:s3:::b")]),
    ],
)
def test_s3_calls_by_method_place_and_query(call, expected):
    assert s3(*call) == expected


def test_a_bucket_may_stand_in_the_host_and_tags_of_an_object_in_a_header():
    assert s3("PUT", "/k", HTTP_HOST=f"b.s3.{REGION}.amazonaws.com", HTTP_X_AMZ_TAGGING="a=b") == [
        Required("s3:PutObject", "arn:aws:s3:::b/k"),
        Required("s3:PutObjectTagging", "arn:aws:s3:::b/k"),
    ]
