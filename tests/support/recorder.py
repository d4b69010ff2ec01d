"""Which IAM actions the calls to a fake cloud need: WSGI middleware that puts down what IAM is asked, and hands the call on."""

import io
from collections.abc import Iterable
from typing import Any

from rehearsal.cloud.asked import asked
from rehearsal.cloud.signature import Signature


class Recorder:
    """`actions` holds every action that any call needed."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.actions: set[str] = set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if signature := Signature.of(environ):
            self.actions.update(question.action for question in asked(signature, environ, body))
        return self._application(environ, start_response)
