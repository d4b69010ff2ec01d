"""Run the patched moto server on loopback, with its own checks enabled and AWS's images published."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import moto.settings
from moto.kms.models import Key, kms_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

from rehearsal.fake_aws.authorisation import RoleSessions
from rehearsal.fake_aws.faults import Faults
from rehearsal.fake_aws.idempotency import ClientTokens
from rehearsal.fake_aws.moto_patches.corrections import (
    BEHAVIOUR_PATCHES,
    VOLUME_PATCHES,
    console_from,
    reboots_in,
)
from rehearsal.fake_aws.moto_patches.images import IMAGE_PATCHES
from rehearsal.fake_aws.moto_patches.machine_refusals import MACHINE_PATCHES
from rehearsal.fake_aws.moto_patches.network_refusals import NETWORK_PATCHES
from rehearsal.fake_aws.moto_patches.vpc_refusals import VPC_PATCHES
from rehearsal.fake_aws.rates import Rates
from rehearsal.fake_aws.settings import ACCOUNT, CLOCK_AHEAD, JOURNAL, KMS_KEY, LOOPBACK, STATE_BUCKET

# moto then refuses unknown images, instance types and key pairs.
CHECKS = ("ENABLE_AMI_VALIDATION", "ENABLE_KEYPAIR_VALIDATION", "EC2_ENABLE_INSTANCE_TYPE_VALIDATION")
# AWS's managed policies are loaded, its images are not: moto's 1,291, the newest of 2017, take most of a
# second.
SETTINGS = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}

Environ = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The inputs of a fake cloud."""

    state: Path
    region: str
    port: int = 0
    enforce_iam: bool = False
    rates: bool = False


class WholeBodies:
    """Read each request to its end first, so that a slow client delays no other and every layer can read the
    body.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        # A chunked body ends its stream; a request with neither length nor chunks has no body.
        length = () if environ.get("wsgi.input_terminated") else (int(environ.get("CONTENT_LENGTH") or 0),)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(*length))
        return self._application(environ, start_response)


class OneAtATime:
    """Let one request at a time into moto, whose backends are not thread-safe.

    Each answer's body becomes one piece.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        with self._lock:
            return [b"".join(self._application(environ, start_response))]


class QuietHandler(MotoRequestHandler):
    """Keep no access log, and send the head and the body of an answer together.

    The AWS SDK for Go closes a request's body when it has the head of the answer (smithy-go v1.28.9,
    transport/http/client.go). If net/http has not come to the end of that body yet, it closes the connection
    (Go 1.26, net/http/transport.go, writeLoop). The SDK then cannot read the rest of the answer, and repeats
    a call that was done: ParameterAlreadyExists. AWS answers too late for that. What has arrived with the
    head, the SDK has.
    """

    wbufsize = 64 * 1024

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def motos_own_checks() -> Generator[None]:
    """Enable the checks that moto has but does not use by default."""
    switches = {name: getattr(moto.settings, name) for name in CHECKS}
    variables = {name: value for name, value in os.environ.items() if name in SETTINGS}
    for name in CHECKS:
        setattr(moto.settings, name, True)
    os.environ.update(SETTINGS)
    try:
        yield
    finally:
        for name, value in switches.items():
            setattr(moto.settings, name, value)
        for name in SETTINGS:
            del os.environ[name]
        os.environ.update(variables)


@contextmanager
def patched_moto(machines: Path) -> Generator[None]:
    """Apply moto's own checks and this package's patches during the block."""
    with motos_own_checks(), ExitStack() as stack:
        # The behaviour patches are the innermost: a refused call never reaches them.
        behaviour, refusals = (
            (IMAGE_PATCHES, BEHAVIOUR_PATCHES, VOLUME_PATCHES),
            (NETWORK_PATCHES, VPC_PATCHES, MACHINE_PATCHES),
        )
        for book in (*behaviour, *refusals, console_from(machines), reboots_in(machines)):
            stack.enter_context(book.applied())
        yield


def fill(region: str) -> None:
    """Make what an account of a user has before the first stack: the bucket of Pulumi's state, and a key."""
    s3_backends[ACCOUNT]["aws"].create_bucket(STATE_BUCKET, region)
    key: Any = Key(
        policy=None,
        key_usage="ENCRYPT_DECRYPT",
        key_spec="SYMMETRIC_DEFAULT",
        description="",
        account_id=ACCOUNT,
        region=region,
    )
    key.id, key.arn = KMS_KEY, f"arn:aws:kms:{region}:{ACCOUNT}:key/{KMS_KEY}"
    kms_backends[ACCOUNT][region].keys[key.id] = key


def serve(options: Options) -> Any:
    """Return a listening server; the caller runs `serve_forever` inside `patched_moto`."""
    fill(options.region)
    application: WSGIApplication = DomainDispatcherApplication(create_backend_app)
    if options.enforce_iam:
        application = RoleSessions(application, options.state / JOURNAL, options.state / CLOCK_AHEAD)
    # From the inside out: a request passes the last layer first.
    application = OneAtATime(ClientTokens(application))
    if options.rates:
        application = Rates(application)
    application = WholeBodies(Faults(application))
    return make_server(LOOPBACK, options.port, application, threaded=True, request_handler=QuietHandler)
