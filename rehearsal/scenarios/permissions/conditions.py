"""The trial of the conditions: each keeps a call out that would be let in without it, and lets in what a
preview needs.

What a preview needs is shown by the other trial: every command succeeds with all conditions in force.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from microcosm.preview import pipeline_policy
from microcosm.preview.pipeline_grants import Grant
from microcosm.preview.pipeline_unproven import UNPROVEN
from rehearsal.fake_aws import policy
from rehearsal.fake_aws.settings import ACCOUNT, STATE_BUCKET
from rehearsal.scenarios.permissions.attempts import UNBOUNDED_ROLE, Call, Stage, attempts
from rehearsal.scenarios.permissions.permission import GRANTS
from rehearsal.scenarios.permissions.scene import FOREIGN, OWN, TRUST, network

REFUSALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
PASS_ROLE, KEEP_ADDRESSES = "HandRoles", "KeepAddresses"


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator of the condition of a grant."""

    sid: str
    operator: str

    def __str__(self) -> str:
        return f"{self.operator} of {self.sid}"


def all_grants() -> tuple[Grant, ...]:
    return (*GRANTS, *UNPROVEN)


def conditions(grants: Sequence[Grant]) -> list[Condition]:
    return [Condition(grant.sid, operator) for grant in grants for operator in grant.condition or {}]


def without(condition: Condition, grants: Sequence[Grant]) -> list[Grant]:
    """The grants, one of them less one condition."""
    return [_loosened(grant, condition.operator) if grant.sid == condition.sid else grant for grant in grants]


def _loosened(grant: Grant, operator: str) -> Grant:
    left = {name: keys for name, keys in (grant.condition or {}).items() if name != operator}
    return replace(grant, condition=left or None)


@dataclass(frozen=True, slots=True)
class Intruder:
    """The session of the role, and the operator who changes the role's policy."""

    role: str
    operator: Mapping[str, Any]
    session: Mapping[str, Any]

    def stage(self) -> Stage:
        """Make what the attempts are about."""
        self.operator["iam"].create_role(RoleName=UNBOUNDED_ROLE, AssumeRolePolicyDocument=TRUST)
        return Stage(
            own=network(self.operator, OWN, "10.7.0.0/24"),
            foreign=network(self.operator, FOREIGN, "10.8.0.0/24"),
        )

    def problems(self, stage: Stage) -> Iterator[str]:
        """Say what is wrong with which condition; nothing if each holds what it should."""
        grants, rows = all_grants(), attempts(stage)
        for condition in conditions(grants):
            if condition.sid == PASS_ROLE:
                yield from _problems_of_pass_role(grants)
            elif condition.sid == KEEP_ADDRESSES:
                yield from self._problems_of_addresses(stage, grants)
            else:
                yield from self._problems_of(condition, grants, rows)

    def _problems_of(
        self, condition: Condition, grants: Sequence[Grant], rows: Mapping[tuple[str, str, str], list[Call]]
    ) -> Iterator[str]:
        (grant,) = [grant for grant in grants if grant.sid == condition.sid]
        calls = {
            action: rows.get((condition.sid, action, condition.operator), []) for action in grant.actions
        }
        yield from (f"{condition}: no attempt at {action}" for action, tried in calls.items() if not tried)
        for loose in (False, True):
            self._obey(without(condition, grants) if loose else grants)
            for call in [call for tried in calls.values() for call in tried]:
                if self._is_refused(call) == loose:
                    yield (
                        f"{condition}: {call[1]} "
                        f"{'is refused without it, too' if loose else 'is let in in spite of it'}: "
                        f"{call[2]}"
                    )

    def _problems_of_addresses(self, stage: Stage, grants: Sequence[Grant]) -> Iterator[str]:
        """The one grant that denies: without its condition it would also deny what a preview needs,
        without itself deny nothing.
        """
        own, foreign = (
            ("ec2", "disassociate_address", {"AssociationId": each.address_association, "DryRun": True})
            for each in (stage.own, stage.foreign)
        )
        gone = (
            "ec2",
            "disassociate_address",
            {"AssociationId": "eipassoc-0123456789abcdef0", "DryRun": True},
        )
        (condition,) = [each for each in conditions(grants) if each.sid == KEEP_ADDRESSES]
        whole, loose, none = (
            grants,
            without(condition, grants),
            [grant for grant in grants if grant.sid != KEEP_ADDRESSES],
        )
        for policy_, call, refused in (
            (whole, own, False),
            (whole, gone, False),
            (whole, foreign, True),
            (loose, own, True),
            (none, foreign, False),
        ):
            self._obey(policy_)
            if self._is_refused(call) != refused:
                yield f"{condition}: {call[2]['AssociationId']} should {'' if refused else 'not '}be refused"

    def _obey(self, grants: Sequence[Grant]) -> None:
        document = pipeline_policy.document(grants, ACCOUNT, STATE_BUCKET)
        self.operator["iam"].put_role_policy(
            RoleName=self.role, PolicyName="permissions", PolicyDocument=json.dumps(document)
        )

    def _is_refused(self, call: Call) -> bool:
        """By IAM; any other answer, an error of the service too, means that the call was let in."""
        service, operation, parameters = call
        try:
            getattr(self.session[service], operation)(**parameters)
        except ClientError as error:
            return error.response["Error"]["Code"] in REFUSALS
        return False


def _problems_of_pass_role(grants: Sequence[Grant]) -> Iterator[str]:
    """No call of the grants hands a role to another service, so the question itself is tried."""
    (condition,) = [each for each in conditions(grants) if each.sid == PASS_ROLE]
    question = (
        "iam:PassRole",
        f"arn:aws:iam::{ACCOUNT}:role/pr-7",
        {"iam:PassedToService": "lambda.amazonaws.com"},
    )
    for policy_, allowed in ((grants, False), (without(condition, grants), True)):
        if policy.allows([pipeline_policy.document(policy_, ACCOUNT, STATE_BUCKET)], *question) != allowed:
            yield f"{condition}: a role handed to Lambda should {'' if allowed else 'not '}be allowed"
