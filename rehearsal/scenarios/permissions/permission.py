"""One permission of the pipeline's policy, and the policy without it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from microcosm.preview import pipeline_policy
from microcosm.preview.pipeline_grants import Grant
from microcosm.preview.pipeline_unproven import UNPROVEN
from rehearsal.errors import RehearsalError
from rehearsal.fake_aws import policy
from rehearsal.fake_aws.asked_ec2 import Required
from rehearsal.fake_aws.authorisation import ALWAYS_ALLOWED
from rehearsal.fake_aws.settings import ACCOUNT, KMS_KEY, STATE_BUCKET
from rehearsal.simulated.world import REGION

# The policy that bounds the roles of the trial's preview, which the operator makes, and the account's key for
# its documents.
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/previews"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KMS_KEY}"
GRANTS = pipeline_policy.proven(BOUNDARY, KEY)


@dataclass(frozen=True, slots=True)
class Permission:
    """An action, as one grant allows it."""

    sid: str
    action: str

    def __str__(self) -> str:
        return f"{self.action} ({self.sid})"


def all_permissions(grants: Sequence[Grant] = GRANTS) -> list[Permission]:
    """List the permissions of the grants; those that deny are tried with their condition
    (rehearsal/scenarios/permissions/conditions.py).
    """
    return [
        Permission(grant.sid, action)
        for grant in grants
        if grant.effect == "Allow"
        for action in grant.actions
    ]


def without(missing: Permission | None, grants: Sequence[Grant] = GRANTS) -> list[Grant]:
    """The grants less one action of one of them; a grant of nothing else goes with it."""
    left = [
        replace(grant, actions=tuple(a for a in grant.actions if Permission(grant.sid, a) != missing))
        for grant in grants
    ]
    return [grant for grant in left if grant.actions]


def document(missing: Permission | None = None) -> dict[str, Any]:
    """The whole policy of the role in the fake cloud's account, less one permission."""
    return pipeline_policy.document([*without(missing), *UNPROVEN], ACCOUNT, STATE_BUCKET)


def needed(questions: Iterable[Required], grants: Sequence[Grant] = GRANTS) -> set[Permission]:
    """The permissions without which some question would be denied: those that alone allow it.

    Every question must have one.
    """
    statements = [(grant, pipeline_policy.document([grant], ACCOUNT, STATE_BUCKET)) for grant in grants]
    found: set[Permission] = set()
    for question in questions:
        allowing = [
            grant.sid
            for grant, statement in statements
            if policy.allows([statement], question.action, question.resource, question.context)
        ]
        if not allowing and question.action not in ALWAYS_ALLOWED:
            raise RehearsalError(
                f"{question.action} on {question.resource} is asked for, and no proven grant of "
                f"microcosm/preview/pipeline_grants.py allows it"
            )
        if len(allowing) == 1:
            found.add(Permission(allowing[0], question.action))
    return found
