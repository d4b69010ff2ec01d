"""Answer a repeated EC2 call with the same client token as the first call; moto ignores tokens.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html. The SDKs add a token to RunInstances
and CreateRouteTable and reuse it in their retries. CreateVpc, CreateSubnet or AllocateAddress have none: a
repetition creates a second object, in AWS as here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from wsgiref.types import WSGIApplication

from rehearsal.fake_aws.calls import call_of

SUCCESS = "200"


class ClientTokens:
    """Stores the answers to calls with a token. It runs under the cloud's lock, one request at a time."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._answers: dict[tuple[str, str, str], tuple[tuple[Any, ...], list[bytes]]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        call = (
            call_of(environ, environ["wsgi.input"].getvalue())
            if b"ClientToken=" in environ["wsgi.input"].getvalue()
            else None
        )
        if call is None or not call.token:
            return self._application(environ, start_response)
        known = (call.caller, call.action, call.token)
        if known not in self._answers:
            head: list[tuple[Any, ...]] = []

            def note(*words: Any) -> Any:
                """Record the status. moto returns its bodies and never calls WSGI's `write`."""
                head.append(words)

            body = list(self._application(environ, note))
            if not str(head[0][0]).startswith(SUCCESS):
                start_response(*head[0])
                return body
            self._answers[known] = (head[0], body)
        words, body = self._answers[known]
        start_response(*words)
        return body
