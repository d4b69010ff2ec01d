"""Translate exceptions of libraries into one sentence for the user: what happened, where, and what to do.

An exception without a translation is a defect of this program and is reported as one.
"""

from collections.abc import Callable, Mapping

from botocore import exceptions as aws

from .errors import OperatorError, UsageError

EXPIRED = (
    "the AWS credentials have expired: renew them (for example `aws sso login`) and run the command again"
)
UNKNOWN_KEYS = (
    "AWS does not accept the credentials: check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "and the account; "
    "a region that the account has not enabled refuses them too, and `microcosm doctor` says which it is"
)
NOT_ENABLED = (
    "the account has not enabled this region or service ({message}): enable it (`aws account "
    "enable-region`), or choose another region"
)
NO_KEYS = (
    "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "or run `aws sso login`"
)
REFUSED = "AWS refused {operation}: {message}; the credentials in use need that permission"

AWS_CODES: Mapping[str, str] = {
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "RequestExpired": EXPIRED,
    "InvalidClientTokenId": UNKNOWN_KEYS,
    "UnrecognizedClientException": UNKNOWN_KEYS,
    "AuthFailure": UNKNOWN_KEYS,
    "SignatureDoesNotMatch": UNKNOWN_KEYS,
    "OptInRequired": NOT_ENABLED,
    "AccessDenied": REFUSED,
    "AccessDeniedException": REFUSED,
    "UnauthorizedOperation": REFUSED,
}
AWS_KINDS: Mapping[type[Exception], str] = {
    aws.NoCredentialsError: NO_KEYS,
    aws.PartialCredentialsError: NO_KEYS,
    aws.TokenRetrievalError: EXPIRED,
    aws.SSOTokenLoadError: EXPIRED,
    aws.UnauthorizedSSOTokenError: EXPIRED,
    aws.ProfileNotFound: "{problem}: check AWS_PROFILE and ~/.aws/config",
    aws.InvalidRegionError: "{problem}: name a region such as eu-west-1 with --region",
    aws.EndpointConnectionError: "{problem}. Check the network, the region's name and AWS_ENDPOINT_URL",
    aws.ConnectTimeoutError: "{problem}. Check the network, the region's name and AWS_ENDPOINT_URL",
}


def explain(problem: Exception) -> OperatorError | None:
    """Translate an exception; None if it is unknown."""
    if isinstance(problem, OperatorError):
        return problem
    if isinstance(problem, aws.ClientError):
        return _client_error(problem)
    for kind, sentence in AWS_KINDS.items():
        if isinstance(problem, kind):
            return OperatorError(sentence.format(problem=problem))
    return _by_module(problem)


def _client_error(problem: aws.ClientError) -> OperatorError:
    error = problem.response["Error"]
    sentence = AWS_CODES.get(error["Code"], "AWS answered {operation} with {code}: {message}")
    message = error["Message"].rstrip(".")
    return OperatorError(
        sentence.format(operation=problem.operation_name, code=error["Code"], message=message)
    )


def _by_module(problem: Exception) -> OperatorError | None:
    """Translate exceptions by their module, so that the libraries themselves need not be imported."""
    module = type(problem).__module__.split(".")[0]
    explainers: Mapping[str, Callable[[Exception], OperatorError]] = {
        "kubernetes": _kubernetes,
        "urllib3": _unreachable,
        "websocket": _unreachable,
    }
    if explainer := explainers.get(module):
        return explainer(problem)
    return (
        UsageError(str(problem))
        if isinstance(problem, (FileNotFoundError, PermissionError, IsADirectoryError))
        else None
    )


def _kubernetes(problem: Exception) -> OperatorError:
    status, reason = getattr(problem, "status", None), getattr(problem, "reason", None) or problem
    if status in (401, 403):
        return OperatorError(
            f"the Kubernetes API refused the request ({status} {reason}): the kubeconfig is of another "
            f"cluster or lacks the permission"
        )
    return OperatorError(f"the Kubernetes API answered {status or 'with an error'}: {reason}")


def _unreachable(problem: Exception) -> OperatorError:
    pool, reason = getattr(problem, "pool", None), str(getattr(problem, "reason", None) or problem)
    where = f" at {pool.host}:{pool.port}" if pool else ""
    why = reason.rsplit(": ", 1)[-1]
    return OperatorError(
        f"the Kubernetes API{where} cannot be reached ({why}): check that the cluster is up and that "
        f"adminCidrs contains your address"
    )
