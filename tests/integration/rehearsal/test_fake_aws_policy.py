"""Test the evaluation of policies and signatures, without a cloud."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.fake_aws import policy
from rehearsal.fake_aws.signature import Signature

HOST = "ssm.eu-west-1.amazonaws.com"
STATEMENT = {
    "Effect": "Allow",
    "Action": "ssm:GetParameter",
    "Resource": "arn:aws:ssm:*:1:parameter/dev/join",
}
JOIN = "arn:aws:ssm:eu-west-1:1:parameter/dev/join"


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([], False),
        ([STATEMENT], True),
        ([{**STATEMENT, "Action": ["SSM:getparameter"]}], True),
        ([{**STATEMENT, "Action": "ssm:Get*"}], True),
        ([{**STATEMENT, "Action": "ssm:GetParameters"}], False),
        ([{**STATEMENT, "Resource": JOIN.upper()}], False),
        ([{**STATEMENT, "Resource": "arn:aws:ssm:eu-west-?:1:parameter/dev/*"}], True),
        ([{**STATEMENT, "Resource": "arn.aws.ssm.eu-west-1.1.parameter/dev/join"}], False),
        ([STATEMENT, {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::*"}], False),
        ([STATEMENT, {"Effect": "Deny", "NotAction": "ssm:*", "Resource": "*"}], True),
        ([{**STATEMENT, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}], False),
        ([STATEMENT, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {}}}], False),
    ],
)
def test_policies_are_evaluated_as_iam_does(statements, allowed):
    assert policy.allows([{"Statement": statements}], "ssm:GetParameter", JOIN) is allowed


TAGGED = {
    **STATEMENT,
    "Condition": {
        "StringLike": {"aws:ResourceTag/stack": ["pr-*", "x"]},
        "StringEquals": {"ec2:CreateAction": "CreateVpc"},
    },
}


@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        ({"aws:ResourceTag/stack": "pr-7", "ec2:CreateAction": "CreateVpc"}, True),
        ({"aws:ResourceTag/stack": "pr-7", "ec2:CreateAction": "CreateVpcs"}, False),
        ({"aws:ResourceTag/stack": "prod", "ec2:CreateAction": "CreateVpc"}, False),
        ({"aws:ResourceTag/stack": "pr-7"}, False),
        ({}, False),
    ],
)
def test_every_condition_must_hold_and_a_key_that_a_call_lacks_holds_none(context, allowed):
    assert policy.allows([{"Statement": [TAGGED]}], "ssm:GetParameter", JOIN, context) is allowed
    denied = {**TAGGED, "Effect": "Deny"}
    assert (
        policy.allows([{"Statement": [STATEMENT, denied]}], "ssm:GetParameter", JOIN, context) is not allowed
    )


@pytest.mark.parametrize(("context", "denied"), [({"t": "pr-7"}, False), ({"t": "dev"}, True), ({}, True)])
def test_a_negated_operator_holds_where_the_call_lacks_the_key(context, denied):
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotLike": {"t": "pr-*"}}}
    assert policy.allows([{"Statement": [STATEMENT, deny]}], "ssm:GetParameter", JOIN, context) is not denied


# --- signatures -------------------------------------------------------------------------------------------


def signed(body: bytes, key: str, secret: str) -> dict[str, Any]:
    """Return a request that the SDK has signed."""
    sdk = AWSRequest(
        "POST", f"https://{HOST}/", data=body, headers={"Content-Type": "application/x-amz-json-1.1"}
    )
    SigV4Auth(Credentials(key, secret), "ssm", "eu-west-1").add_auth(sdk)
    headers = {"Host": HOST, **dict(sdk.headers.items())}
    named = {name.upper().replace("-", "_"): value for name, value in headers.items()}
    environ = {name if name == "CONTENT_TYPE" else f"HTTP_{name}": value for name, value in named.items()}
    return {"REQUEST_METHOD": "POST", "PATH_INFO": "/", **environ}


@given(body=st.binary(max_size=64), secret=st.from_regex(r"[A-Za-z0-9/+]{8,40}", fullmatch=True))
def test_what_the_sdk_signs_is_accepted_and_no_other_body_or_secret_is(body, secret):
    environ = signed(body, "ASIAEXAMPLE", secret)
    signature = Signature.of(environ)

    assert signature.is_of(secret, environ, body)
    assert not signature.is_of(f"{secret}x", environ, body)
    assert not signature.is_of(secret, environ, body + b"x")
    assert not replace(signature, value=hashlib.sha256(body).hexdigest()).is_of(secret, environ, body)


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + "0" * 64]
)
def test_other_authorization_is_no_signature(header):
    assert Signature.of({"HTTP_AUTHORIZATION": header}) is None
