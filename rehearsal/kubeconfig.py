"""Keep the published administrator's kubeconfig in the file that `kubectl` of a rehearsal reads."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import join_parameters
from infra.config import naming
from rehearsal.files import write_atomically

POLL_SECONDS = 0.5


@contextmanager
def followed(ssm: Any, stack: str, path: Path) -> Generator[None]:
    """Write the stack's kubeconfig to `path` whenever it changes, and remove it with the stack, during the
    block.

    `ssm` is a boto3 client. So `kubectl` works in a shell after `pulumi up` without a further command.
    """
    ended = threading.Event()
    parameter = naming.Names(stack=stack).parameter(join_parameters.KUBECONFIG)

    def follow() -> None:
        while not ended.wait(POLL_SECONDS):
            try:
                write(_published(ssm, parameter), path)
            except (BotoCoreError, ClientError):
                # The fake cloud is busy or has been stopped; poll again.
                continue

    thread = threading.Thread(target=follow, name="kubeconfig", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _published(ssm: Any, parameter: str) -> str:
    """Return the kubeconfig, or an empty text while the stack or its control plane has none."""
    try:
        value = ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"]
        return str(json.loads(value)["kubeconfig"])
    except (ssm.exceptions.ParameterNotFound, ValueError):
        return ""


def write(text: str, path: Path) -> None:
    """Replace the file in one step, readable by its owner alone; an empty text removes it."""
    if not text:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_text() != text:
        write_atomically(path, text, mode=0o600)
