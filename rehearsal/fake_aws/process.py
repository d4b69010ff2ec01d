"""Start and stop the fake cloud as a process, and return the settings of its clients."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rehearsal
from rehearsal.fake_aws.settings import READY_FILE
from rehearsal.waiting import poll

CHECKOUT = Path(rehearsal.__file__).parents[1]

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
# moto accepts any key; these exist nowhere else.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAREHEARSALONLY000", "AWS_SECRET_ACCESS_KEY": "rehearsal-only"}


class CloudError(RuntimeError):
    """The fake cloud did not start."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running fake cloud."""

    endpoint: str
    region: str
    bucket: str
    pid: int

    @classmethod
    def at(cls, state: Path) -> Cloud:
        return cls(**json.loads((state / READY_FILE).read_text()))

    @property
    def backend_url(self) -> str:
        """Return the URL of Pulumi's S3 backend in this cloud."""
        host = self.endpoint.removeprefix("http://")
        return (
            f"s3://{self.bucket}?region={self.region}&endpoint={host}&disableSSL=true&s3ForcePathStyle=true"
        )

    def environment(self) -> dict[str, str]:
        """Return the environment with which AWS and Pulumi clients use this cloud and nothing else."""
        return CREDENTIALS | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            # moto's S3 answers have no checksums, and Go's SDK prints a warning for each.
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "PULUMI_BACKEND_URL": self.backend_url,
        }


@contextmanager
def running_cloud(
    state: Path, region: str, *, enforce_iam: bool = False, rates: bool = False
) -> Generator[Cloud]:
    """Run the fake cloud during the block; its log is `cloud.log` in the state folder."""
    state = state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    (state / READY_FILE).unlink(missing_ok=True)
    command = [sys.executable, "-m", "rehearsal.fake_aws", "--state", str(state), "--region", region]
    command += ["--enforce-iam"] if enforce_iam else []
    command += ["--rates"] if rates else []
    log = state / "cloud.log"
    with log.open("ab") as output:
        # In its own session: Ctrl-C in the terminal must not end the cloud during a destroy.
        process = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=CHECKOUT, start_new_session=True
        )
    try:
        yield _ready(process, state, log)
    finally:
        _stop(process)


def _ready(process: subprocess.Popen[bytes], state: Path, log: Path) -> Cloud:
    ready = state / READY_FILE
    poll(lambda: process.poll() is not None or ready.exists(), START_TIMEOUT)
    if process.returncode is not None:
        raise CloudError(
            f"the fake cloud stopped with code {process.returncode} before it was ready; see {log}"
        )
    if ready.exists():
        return Cloud.at(state)
    raise CloudError(f"the fake cloud was not ready after {START_TIMEOUT:.0f} s; see {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
