"""Every problem of the outside world is one sentence that says what to do."""

import pytest
from botocore import exceptions as aws
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError

from microcosm.errors import OperatorError, UsageError
from microcosm.explain import explain


def client_error(code: str) -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": "Said so."}}, "DescribeInstances")


@pytest.mark.parametrize(
    ("problem", "words", "exit_code"),
    [
        (UsageError("wrong"), "wrong", 2),
        (client_error("ExpiredToken"), "have expired: renew them", 1),
        (client_error("ExpiredTokenException"), "have expired: renew them", 1),
        (client_error("RequestExpired"), "have expired: renew them", 1),
        (client_error("AuthFailure"), "does not accept the credentials", 1),
        (
            client_error("UnrecognizedClientException"),
            "a region that the account has not enabled refuses them too",
            1,
        ),
        (client_error("OptInRequired"), "the account has not enabled this region or service (Said so)", 1),
        (
            client_error("UnauthorizedOperation"),
            "AWS refused DescribeInstances: Said so; the credentials in use need",
            1,
        ),
        (client_error("Throttling"), "AWS answered DescribeInstances with Throttling: Said so", 1),
        (aws.NoCredentialsError(), "no AWS credentials were found", 1),
        (aws.ProfileNotFound(profile="x"), "check AWS_PROFILE", 1),
        (aws.EndpointConnectionError(endpoint_url="http://x"), "AWS_ENDPOINT_URL", 1),
        (
            ApiException(status=403, reason="Forbidden"),
            "the kubeconfig is of another cluster or lacks the permission",
            1,
        ),
        (ApiException(status=500, reason="Oops"), "answered 500: Oops", 1),
        (MaxRetryError(None, "/", "boom"), "adminCidrs contains your address", 1),  # type: ignore[arg-type]
        (FileNotFoundError(2, "No such file", "x.json"), "x.json", 2),
    ],
)
def test_known_problems(problem: Exception, words: str, exit_code: int) -> None:
    """One line, and the right exit code."""
    told = explain(problem)
    assert isinstance(told, OperatorError)
    assert words in str(told)
    assert told.exit_code == exit_code
    assert "\n" not in str(told)


def test_an_unknown_problem_is_not_explained_away() -> None:
    """It is a defect and must look like one."""
    assert explain(ZeroDivisionError()) is None
