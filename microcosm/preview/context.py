"""Define the environment of the preview commands: stacks, AWS, the clock, the user and the log."""

import getpass
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.config import account

from .. import public_address
from ..aws.session import Session, open_session
from ..errors import OperatorError, UsageError
from ..output import note
from ..pulumi_cli.target import account_settings, stack_file
from .stack import OnEvent, Stacks

ALTERNATIVE = "name the admitted ranges with --set adminCidrs='[\"203.0.113.7/32\"]'"
_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9 _.:/=+@-]")


# Arguments: operation (up, destroy), stack, session.
Watch = Callable[[str, str, Session], AbstractContextManager[OnEvent]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The environment of a preview command; tests replace it."""

    stacks: Stacks
    session: Callable[[str], Session]
    now: Callable[[], datetime]
    log: Callable[[str], None]
    # Receives the engine's events during an operation and shows the progress.
    watch: Watch
    caller_address: Callable[[], str]
    environ: Mapping[str, str]
    sleep: Callable[[float], None] = time.sleep

    def session_of(self, stack: str, region: str) -> Session:
        """Open the session of a preview; UsageError if Pulumi would use another account for it.

        A preview uses the credentials of the environment. What its file says of an account is only gone after
        the next `up`, and a destroy or an audit before that would be about two different accounts.
        """
        file = stack_file(stack)
        if chosen := account_settings(file):
            keys = ", ".join(f"{account.PREFIX}{name}" for name in chosen)
            raise UsageError(
                f"{file} sets {keys}: a preview uses the credentials of the environment; remove it, or set "
                f"AWS_PROFILE"
            )
        return self.session(region)


def default_context(stacks: Stacks, now: datetime | None, watch: Watch) -> Context:
    """Return the real environment; `now` replaces the clock in a rehearsal."""
    return Context(
        stacks=stacks,
        session=open_session,
        now=lambda: now or datetime.now(UTC),
        log=note,
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
    """Return the owner for an AWS tag: the actor of a workflow, else the user of this machine."""
    name = environ.get("GITHUB_ACTOR") or f"{getpass.getuser()}@{socket.gethostname()}"
    return _NOT_IN_A_TAG.sub("-", name)[:128]
