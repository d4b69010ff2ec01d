"""What the preview commands are given from outside: stacks, AWS, the time, who asks, and where to say what happens."""

import getpass
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from . import public_address
from .aws import Session, open_session
from .errors import OperatorError, UsageError
from .output import note
from .preview_stack import OnEvent, Stacks

ALTERNATIVE = "name the admitted ranges with --set adminCidrs='[\"203.0.113.7/32\"]'"
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9 _.:/=+@-]")


# What is being done (up, destroy), to which stack, in which account.
Watch = Callable[[str, str, Session], AbstractContextManager[OnEvent]]


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Everything that a test replaces."""

    stacks: Stacks
    session: Callable[[str], Session]
    now: Callable[[], datetime]
    say: Callable[[str], None]
    # Listens to the engine for as long as something is done to a stack, and shows how far it is.
    watch: Watch
    caller_address: Callable[[], str]
    environ: Mapping[str, str]
    sleep: Callable[[float], None] = time.sleep


def real_world(stacks: Stacks, now: datetime | None, watch: Watch) -> World:
    """This machine, this user, and the time unless another is given (a rehearsal moves the clock)."""
    return World(
        stacks=stacks,
        session=open_session,
        now=lambda: now or datetime.now(UTC),
        say=note,
        watch=watch,
        caller_address=caller_address,
        environ=os.environ,
    )


def caller_address() -> str:
    """Return this machine's public IPv4 address; UsageError names the option that replaces the look-up."""
    try:
        return public_address.look_up()
    except OperatorError as problem:
        raise UsageError(f"your public address is unknown: {problem}: {ALTERNATIVE}") from problem


def owner(environ: Mapping[str, str]) -> str:
    """Who asks: the person behind a workflow, else the user of this machine. Fit for a tag of AWS."""
    name = environ.get("GITHUB_ACTOR") or f"{getpass.getuser()}@{socket.gethostname()}"
    return _NOT_IN_A_TAG.sub("-", name)[:128]
