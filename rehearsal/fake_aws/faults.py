"""Fail chosen calls of one caller on purpose, in one of FAULTS' ways: a WSGI layer in front of the fake
cloud.

PUT CONTROL sets a plan, GET CONTROL returns its results. Without a plan no call fails or is counted.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from wsgiref.types import WSGIApplication

from rehearsal.fake_aws.calls import Call, call_of
from rehearsal.fake_aws.error_answers import error_answer

CONTROL = "/microcosm-faults"
# A client would wait a minute before it gives up, and then finds the same closed connection.
HANG_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A kind of failure. `happens`: the call takes effect; `error`: the kind of answer, if any."""

    name: str
    means: str
    happens: bool
    error: str = ""
    hang_seconds: float = 0.0


FAULTS = {
    fault.name: fault
    for fault in (
        Fault(name="internal-error", means="answered with 500 and not done", happens=False, error="internal"),
        Fault(name="throttle", means="refused for being one call too many", happens=False, error="throttle"),
        Fault(
            name="timeout",
            means="done, but the connection hangs and is closed",
            happens=True,
            hang_seconds=HANG_SECONDS,
        ),
        Fault(name="lost-reply", means="done, but the connection is reset at once", happens=True),
    )
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The calls to fail: those of `caller` whose key is not in `spare`, at most `limit` keys, once each or
    always.

    With `changes`, calls that only read never fail. A call that fails once is identified by its key, one that
    always fails by its shape: otherwise an object that is created again, because a call about it failed,
    would fail for ever.
    """

    caller: str
    fault: str
    always: bool = False
    changes: bool = False
    limit: int | None = None
    spare: frozenset[str] = frozenset()
    services: frozenset[str] | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Plan:
        sets: dict[str, Any] = {"spare": frozenset(document.get("spare") or ())}
        if document.get("services") is not None:
            sets["services"] = frozenset(document["services"])
        return cls(**{**document, **sets})


@dataclass
class Journal:
    """The results of a plan: how often each call came and failed."""

    plan: Plan
    seen: Counter[Call] = field(default_factory=Counter["Call"])
    failed: Counter[str] = field(default_factory=Counter[str])
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def verdict(self, call: Call) -> Fault | None:
        """Count the call; return its fault, if it fails."""
        plan = self.plan
        if call.caller != plan.caller:
            return None
        key = self.key(call)
        with self._lock:
            self.seen[call] += 1
            if (
                key in plan.spare
                or (plan.changes and not call.changes)
                or (plan.services is not None and call.service not in plan.services)
            ):
                return None
            if key not in self.failed and plan.limit is not None and len(self.failed) >= plan.limit:
                return None
            if key in self.failed and not plan.always:
                return None
            self.failed[key] += 1
        return FAULTS[plan.fault]

    def key(self, call: Call) -> str:
        return call.shape if self.plan.always else call.key

    def document(self) -> list[dict[str, Any]]:
        with self._lock:
            calls: dict[str, dict[str, Any]] = {}
            for call, times in self.seen.items():
                key = self.key(call)
                entry = calls.setdefault(
                    key, {**asdict(call), "key": key, "seen": 0, "failed": self.failed[key]}
                )
                entry["seen"] += times
        return list(calls.values())


class Faults:
    """The layer. It is outside the lock around moto, so that a hanging call delays no other."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._journal: Journal | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == CONTROL:
            return self._control(environ, start_response)
        journal = self._journal
        if journal is None:
            return self._application(environ, start_response)
        call = call_of(environ, environ["wsgi.input"].getvalue())
        fault = call and journal.verdict(call)
        if call is None or fault is None:
            return self._application(environ, start_response)
        if fault.error:
            return error_answer(call.service, fault.error, f"{fault.name}, on purpose", start_response)
        list(self._application(environ, lambda *_: _nobody_hears))
        time.sleep(fault.hang_seconds)
        _cut(environ["werkzeug.socket"])
        start_response("500 Nobody Hears This", [])
        return []

    def _control(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Replace the plan on PUT (null: no plan) and start a new journal; answer with the journal so far."""
        results = self._journal.document() if self._journal else []
        if environ["REQUEST_METHOD"] == "PUT":
            plan = json.loads(environ["wsgi.input"].getvalue())
            self._journal = Journal(Plan.of(plan)) if plan else None
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(results).encode()]


def _nobody_hears(_: bytes) -> None:
    """Ignore the body of an answer that is not sent."""


def _cut(connection: socket.socket) -> None:
    """Reset the connection, so that the client does not read an empty answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)
