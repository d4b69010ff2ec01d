"""The administrator's kubeconfig, kept where `kubectl` of a rehearsal looks for it: what the control plane has published."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import naming, rendezvous
from rehearsal.files import write_atomically

POLL_SECONDS = 0.5


@contextmanager
def followed(ssm: Any, stack: str, path: Path) -> Generator[None]:
    """Write the kubeconfig of a stack to `path` whenever it changes, and remove it with the stack, while the block runs.

    `ssm` is a boto3 client. A shell in which somebody runs `pulumi up` needs no further command before `kubectl`.
    """
    ended = threading.Event()
    parameter = naming.Names(stack=stack).parameter(rendezvous.KUBECONFIG)

    def follow() -> None:
        while not ended.wait(POLL_SECONDS):
            try:
                write(_published(ssm, parameter), path)
            except (BotoCoreError, ClientError):
                # The fake cloud is busy, or a step takes it away: the next look tells.
                continue

    thread = threading.Thread(target=follow, name="kubeconfig", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _published(ssm: Any, parameter: str) -> str:
    """Read the kubeconfig; nothing while the stack, or its control plane, has none."""
    try:
        value = ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"]
        return str(json.loads(value)["kubeconfig"])
    except (ssm.exceptions.ParameterNotFound, ValueError):
        return ""


def write(text: str, path: Path) -> None:
    """Put the text in place of the file's content at once, readable by its owner alone; no text removes the file."""
    if not text:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_text() != text:
        write_atomically(path, text, mode=0o600)
