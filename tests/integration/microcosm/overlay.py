"""A session whose clients answer some calls themselves, where moto lacks them or differs from AWS."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from microcosm.aws.session import Session

Answers = Mapping[str, Callable[..., Any]]


def refusal(operation: str, code: str, message: str = "no") -> ClientError:
    """Return boto3's exception for a refused call."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def raising(problem: Exception) -> Callable[..., Any]:
    """An answer that is a refusal."""

    def answer(**_: Any) -> Any:
        raise problem

    return answer


class Overlay:
    """`answers` by `service.operation`, e.g. `ec2.describe_images`; all else goes to the session below."""

    def __init__(self, below: Session, answers: Answers) -> None:
        self._below = below
        self._answers = answers

    def client(self, service_name: str) -> Any:
        own = {
            name.split(".")[1]: answer
            for name, answer in self._answers.items()
            if name.split(".")[0] == service_name
        }
        return _Client(self._below.client(service_name), own)


class _Client:
    def __init__(self, below: Any, own: Answers) -> None:
        self._below = below
        self._own = own

    def can_paginate(self, operation: str) -> bool:
        return operation not in self._own and self._below.can_paginate(operation)

    def __getattr__(self, name: str) -> Any:
        return self._own.get(name) or getattr(self._below, name)
