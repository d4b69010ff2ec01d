"""Search for what is left of a stack: by tag, by VPC, by path, by recorded ids, and by what those lead to.

A check that could not look is never taken for "nothing there": the audit is then incomplete and fails.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from infra.config.naming import STACK_TAG, Names

from ..aws.inventory import KINDS
from ..aws.prices import Cost, monthly
from ..aws.resources import Item, Kind
from ..aws.session import Session
from ..errors import OperatorError
from ..pulumi_cli.target import Target
from .record import Record

# A stack is first seen some time after its first disk was made.
SLACK_SECONDS = 900


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Whose objects are looked for."""

    target: Target
    record: Record | None = None
    vpcs: frozenset[str] = frozenset()

    @property
    def known_ids(self) -> frozenset[str]:
        return self.vpcs | (self.record.all_ids if self.record else frozenset())


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """An object that is left, why it counts as this stack's, and what it costs."""

    item: Item
    evidence: str
    cost: Cost
    # Only the time and place speak for it: reported, never deleted.
    suspect: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Where the audit looked, how many objects it saw there, or why it could not look."""

    kind: str
    where: str
    seen: int = 0
    refused: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """The result; `clean` only when every check looked and nothing was found."""

    scope: Scope
    account: str
    at: float
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]

    @property
    def complete(self) -> bool:
        return not any(check.refused for check in self.checks)

    @property
    def clean(self) -> bool:
        return self.complete and not self.findings


def audit(session: Session, scope: Scope, now: float, kinds: Sequence[Kind] = KINDS) -> Audit:
    """Look everywhere and say what is left."""
    account = str(session.client("sts").get_caller_identity()["Account"])
    items: list[Item] = []
    checks: list[Check] = []
    for kind in kinds:
        found, check = _look(session, scope.target.stack, kind)
        items += found
        checks.append(check)
    return Audit(
        scope=scope, account=account, at=now, findings=tuple(attribute(items, scope)), checks=tuple(checks)
    )


def _look(session: Session, stack: str, kind: Kind) -> tuple[list[Item], Check]:
    try:
        found = list(kind.list(session, stack))
        return found, Check(kind=kind.name, where=kind.where, seen=len(found))
    except ClientError as answer:
        reason = f"{answer.response['Error']['Code']}: {answer.response['Error']['Message']}"
    except OperatorError as problem:
        reason = str(problem)
    return [], Check(kind=kind.name, where=kind.where, refused=reason)


def attribute(items: Iterable[Item], scope: Scope) -> list[Finding]:
    """Which objects are this stack's: those with direct evidence, then what belongs to them, and so on."""
    remaining = list(items)
    known = set(scope.known_ids)
    findings: list[Finding] = []
    while proven := [(item, evidence) for item in remaining if (evidence := _evidence(item, scope, known))]:
        findings += [_finding(item, evidence, scope) for item, evidence in proven]
        known |= {item.id for item, _ in proven}
        remaining = [item for item in remaining if item.id not in known]
    suspects = [
        _finding(item, why, scope, suspect=True) for item in remaining if (why := _suspicion(item, scope))
    ]
    return [*findings, *suspects]


def _evidence(item: Item, scope: Scope, known: set[str]) -> str:
    if item.has_tag_of(scope.target.stack):
        return f"tag {STACK_TAG}"
    if STACK_TAG in item.tags:
        # Another stack's, and it says so: that two share a VPC or a volume's past does not make it ours.
        return ""
    if item.id.startswith(f"{Names(stack=scope.target.stack).parameter()}/"):
        return "under the stack's path"
    if item.was_born_as(scope.target.stack):
        return "named as the stack's"
    if scope.record and item.id in scope.record.ids.get(item.kind, frozenset()):
        return "recorded"
    if item.id in scope.vpcs:
        return "named by --vpc"
    owners = sorted(item.belongs_to & known)
    return f"belongs to {owners[0]}" if owners else ""


def _suspicion(item: Item, scope: Scope) -> str:
    """A disk that the stack did not make and that has its tag; or one without, made where it lived and
    after it was first seen.
    """
    if item.inherits_tag and item.tags.get(STACK_TAG) == scope.target.stack:
        return "suspect: has the tag, and no launch of the stack made it"
    record = scope.record
    if item.kind != "volume" or item.belongs_to or STACK_TAG in item.tags or record is None:
        return ""
    if item.created is None or record.first_seen is None or item.zone not in record.zones:
        return ""
    suspicious = item.created >= record.first_seen - SLACK_SECONDS
    return f"suspect: claimed by no tag, made in {item.zone} since the stack began" if suspicious else ""


def _finding(item: Item, evidence: str, scope: Scope, suspect: bool = False) -> Finding:
    return Finding(
        item=item, evidence=evidence, cost=monthly(item.sku, item.units, scope.target.region), suspect=suspect
    )


def record_of(result: Audit) -> Record:
    """Return the living stack's ids, to be remembered for the next audit."""
    certain = [finding.item for finding in result.findings if not finding.suspect]
    kinds = {item.kind for item in certain}
    created = [item.created for item in certain if item.created is not None]
    return Record(
        ids={kind: frozenset(item.id for item in certain if item.kind == kind) for kind in kinds},
        zones=frozenset(item.zone for item in certain if item.zone),
        first_seen=min([*created, result.at]) if certain else None,
        last_seen=result.at if certain else None,
    )
