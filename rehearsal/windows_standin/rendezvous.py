"""Waiting for what the control plane publishes, and believing only that."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from rehearsal.windows_standin.errors import InputError, StandinError

_PLACEHOLDER = "pending"
_POLL_SECONDS = 2.0


def wait_for_document(
    read: Callable[[], str],
    *,
    control_plane: str,
    timeout_seconds: float,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, Any]:
    """The document of this very control plane; placeholders, those of another one and expired ones are waited out."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        document, problem = _look(read, control_plane)
        if document is not None:
            return document
        if time.monotonic() >= deadline:
            raise InputError(f"no document of control plane {control_plane} within {timeout_seconds:.0f} s; last seen: {problem}")
        sleep(_POLL_SECONDS)


def _look(read: Callable[[], str], control_plane: str) -> tuple[dict[str, Any] | None, str]:
    try:
        return believed(read(), control_plane, now=datetime.now(UTC))
    except (StandinError, OSError) as error:
        return None, str(error)


def believed(value: str, control_plane: str, *, now: datetime) -> tuple[dict[str, Any] | None, str]:
    """The document, or None and what stands there instead."""
    if value == _PLACEHOLDER:
        return None, f"the placeholder `{_PLACEHOLDER}`"
    try:
        parsed: object = json.loads(value)
    except ValueError:
        return None, "text that is not JSON"
    if not isinstance(parsed, dict):
        return None, "JSON that is not an object"
    document = cast(dict[str, Any], parsed)
    if document.get("instance") != control_plane:
        return None, f"a document of {document.get('instance')}"
    if "expires" in document and datetime.fromisoformat(document["expires"]) <= now:
        return None, f"a document that has expired at {document['expires']}"
    return document, ""
