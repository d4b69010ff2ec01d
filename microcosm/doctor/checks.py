"""Whether `pulumi up` could work here and now: a table of checks, each a small function, asked side by side.

PASS means that it was looked at and is right. What could not be looked at is a WARN with the reason, never a
PASS.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from infra.config.account import Settings
from infra.config.model import StackConfig

from ..aws.session import Session
from ..errors import OperatorError
from ..explain import explain
from ..pulumi_cli.target import Target

PARALLEL = 8
# Clients are made before the checks run side by side: making one is not safe in threads, using one is.
SERVICES = ("sts", "ec2", "ssm", "service-quotas", "s3", "pricing", "kms")


class Level(StrEnum):
    """How bad it is."""

    PASS = "PASS"  # noqa: S105, a verdict and no password
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The finding of a check; the detail says also what to do."""

    level: Level
    detail: str


def passed(detail: str) -> Verdict:
    return Verdict(level=Level.PASS, detail=detail)


def warned(detail: str) -> Verdict:
    return Verdict(level=Level.WARN, detail=detail)


def failed(detail: str) -> Verdict:
    return Verdict(level=Level.FAIL, detail=detail)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """The stack as its file declares it; without a valid configuration there are its problems."""

    path: Path
    config: StackConfig | None
    problems: tuple[str, ...] = ()

    @property
    def valid(self) -> StackConfig:
        """The configuration, for checks that are made only when there is one."""
        assert self.config is not None
        return self.config


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """The world beside AWS; a test passes its own."""

    environ: Mapping[str, str]
    which: Callable[[str], str | None]
    # Runs a program: its exit code and what it printed.
    run: Callable[[Sequence[str]], tuple[int, str]]
    # The address from which this computer reaches the Internet; OperatorError says why it is not known.
    address: Callable[[], str]
    # The account of Pulumi's state, which may be another than the stack's.
    state_session: Callable[[Settings], Session]
    # The stack's account in a region that no account can disable.
    home_session: Callable[[], Session]


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """All that checks look at."""

    target: Target
    session: Session
    stack: Stack
    outside: Outside

    def client(self, service: str) -> Any:
        return self.session.client(service)


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One question. It is asked only when what it needs is there."""

    name: str
    what: str
    look: Callable[[Patient], Verdict]
    needs_account: bool = False
    needs_config: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """The answers in the order of the table."""

    target: Target
    findings: tuple[tuple[Check, Verdict], ...] = field(default=())

    def count(self, level: Level) -> int:
        return sum(verdict.level is level for _, verdict in self.findings)

    @property
    def ok(self) -> bool:
        return not self.count(Level.FAIL)


def diagnose(patient: Patient, account: Check, checks: Sequence[Check]) -> Diagnosis:
    """Ask for the account first, since most checks depend on it, then everything else side by side."""
    for service in SERVICES:
        patient.client(service)
    first = _answer(account, patient)
    known = first.level is not Level.FAIL
    with ThreadPoolExecutor(PARALLEL) as pool:
        verdicts = list(pool.map(lambda check: _ask(check, patient, known), checks))
    return Diagnosis(target=patient.target, findings=((account, first), *zip(checks, verdicts, strict=True)))


def _ask(check: Check, patient: Patient, account_known: bool) -> Verdict:
    if check.needs_account and not account_known:
        return warned("not looked at: there is no account to look into")
    if check.needs_config and patient.stack.config is None:
        return warned("not looked at: the configuration is not valid")
    return _answer(check, patient)


def _answer(check: Check, patient: Patient) -> Verdict:
    try:
        return check.look(patient)
    except (ClientError, BotoCoreError, OperatorError) as problem:
        return warned(f"not looked at: {explain(problem) or problem}")
    except ResponseParserError:
        return warned(
            "not looked at: the service's answer is not AWS's (a fake cloud that does not have it?)"
        )
