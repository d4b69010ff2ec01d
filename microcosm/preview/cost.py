"""Compute a preview's cost per hour from its objects in the account."""

from dataclasses import dataclass
from datetime import timedelta

from ..audit import search as audit
from ..aws import prices
from ..aws.inventory import KINDS
from ..aws.session import Session
from ..pulumi_cli.target import Target

# Other kinds are free while a preview lives; skip them to save API calls.
COSTLY = ("instance", "elastic IP", "volume")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """US dollars an hour; `partial` if a price is unknown, `exact` if the table has this region."""

    usd: float
    partial: bool
    exact: bool

    def over(self, time: timedelta) -> str:
        return self._text(self.usd * time.total_seconds() / 3600)

    def __str__(self) -> str:
        return self._text(self.usd)

    def _text(self, usd: float) -> str:
        return f"{'at least ' if self.partial else ''}{'' if self.exact or not usd else '~'}${usd:.2f}"


def rate(session: Session, target: Target, now: float) -> Rate:
    """Return the hourly price of the objects with the stack's tag."""
    kinds = [kind for kind in KINDS if kind.name in COSTLY]
    findings = audit.audit(session, audit.Scope(target=target), now, kinds).findings
    costs = [finding.cost for finding in findings if not finding.suspect]
    monthly = sum(cost.usd for cost in costs if cost.usd is not None)
    return Rate(
        usd=monthly / prices.HOURS_A_MONTH,
        partial=any(cost.usd is None for cost in costs),
        exact=all(cost.exact or not cost.usd for cost in costs),
    )
