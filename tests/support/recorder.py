"""Which IAM actions the calls to a fake cloud need: WSGI middleware that reads each request and hands it on."""

import io
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

# The name that a request is signed for, where IAM has another.
PREFIXES = {"tagging": "tag"}
BUCKET = {"GET": "s3:ListBucket", "HEAD": "s3:ListBucket", "PUT": "s3:CreateBucket", "DELETE": "s3:DeleteBucket"}
TAGGING = {"GET": "s3:GetBucketTagging", "PUT": "s3:PutBucketTagging"}
OBJECT = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}


class Recorder:
    """`actions` holds pairs of an action and, for S3, its bucket."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.actions: set[tuple[str, str]] = set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if length := int(environ.get("CONTENT_LENGTH") or 0):
            body = environ["wsgi.input"].read(length)
            environ["wsgi.input"] = io.BytesIO(body)
        else:
            body = b""
        if "Credential=" in environ.get("HTTP_AUTHORIZATION", ""):
            self.actions.add(_asked(environ, body))
        return self._application(environ, start_response)


def _asked(environ: dict[str, Any], body: bytes) -> tuple[str, str]:
    service = environ["HTTP_AUTHORIZATION"].split("Credential=")[1].split("/")[3]
    if service == "s3":
        return _s3(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
    target = environ.get("HTTP_X_AMZ_TARGET")
    name = target.rpartition(".")[2] if target else parse_qs(body.decode())["Action"][0]
    return f"{PREFIXES.get(service, service)}:{name}", ""


def _s3(method: str, path: str, query: str) -> tuple[str, str]:
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket:
        return "s3:ListAllMyBuckets", ""
    if key:
        return OBJECT[method], bucket
    return (TAGGING if "tagging" in parse_qs(query, keep_blank_values=True) else BUCKET)[method], bucket
