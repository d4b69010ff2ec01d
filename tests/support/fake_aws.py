"""Run the fake cloud in the test process: moto with the rehearsal's patches."""

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import boto3
from moto import mock_aws
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.moto_api._internal import moto_api_backend

from rehearsal.fake_aws import server
from rehearsal.fake_aws.process import CREDENTIALS, Cloud
from rehearsal.fake_aws.settings import LOOPBACK, STATE_BUCKET

REGION = "eu-west-1"
MANAGED_POLICY = "AmazonSSMManagedInstanceCore"
_AWS_POLICIES = json.loads(aws_managed_policies_data)


@contextlib.contextmanager
def _strict_moto(machines: Path) -> Iterator[None]:
    """Apply the rehearsal's patches, and load one of AWS's managed policies.

    moto builds every partition of AWS at its start and end; with all 1,300 policies that takes seconds.
    """
    environment = CREDENTIALS | {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    policies = mock.patch(
        "moto.iam.models.aws_managed_policies_data",
        json.dumps({MANAGED_POLICY: _AWS_POLICIES[MANAGED_POLICY]}),
    )
    with mock.patch.dict(os.environ, environment), server.patched_moto(machines), policies:
        os.environ.pop("AWS_ENDPOINT_URL", None)
        yield


@contextlib.contextmanager
def fake_aws(machines: Path) -> Iterator[boto3.Session]:
    """Yield a session for an account that has only AWS's images; boto3's calls never leave the process."""
    with _strict_moto(machines), mock_aws():
        server.fill(REGION)
        yield boto3.Session(region_name=REGION)


@contextlib.contextmanager
def served_aws(machines: Path) -> Iterator[Cloud]:
    """Serve the same account in a thread of this process, and enforce the policies of instance roles."""
    with _strict_moto(machines):
        moto_api_backend.reset()
        running = server.serve(server.Options(state=machines.parent, region=REGION, enforce_iam=True))
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield Cloud(
            endpoint=f"http://{LOOPBACK}:{running.server_port}",
            region=REGION,
            bucket=STATE_BUCKET,
            pid=os.getpid(),
        )
        running.shutdown()
        thread.join()
        running.server_close()
