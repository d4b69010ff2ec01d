"""Wait for the documents that the control plane publishes, and accept no others."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from rehearsal.waiting import poll
from rehearsal.windows_node.errors import InputError, StandinError

_PLACEHOLDER = "pending"
_POLL_SECONDS = 2.0


def wait_for_document(
    read: Callable[[], str], *, control_plane: str, timeout_seconds: float
) -> dict[str, Any]:
    """Return the first unexpired document of this control plane; InputError names what stood there last."""
    problem = ""

    def look() -> dict[str, Any] | None:
        nonlocal problem
        try:
            document, problem = validated(read(), control_plane, now=datetime.now(UTC))
        except (StandinError, OSError) as error:
            document, problem = None, str(error)
        return document

    if document := poll(look, timeout_seconds, _POLL_SECONDS):
        return document
    raise InputError(
        f"no document of control plane {control_plane} within {timeout_seconds:.0f} s; last seen: {problem}"
    )


def validated(value: str, control_plane: str, *, now: datetime) -> tuple[dict[str, Any] | None, str]:
    """Return the document, or None and the reason why the value is not one of this control plane."""
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
