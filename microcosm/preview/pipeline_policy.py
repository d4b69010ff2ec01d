"""Render a CI pipeline's role as IAM documents: its permissions, its trust, and the boundary of the roles it
makes. The tables of permissions are in pipeline_grants.py and pipeline_unproven.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.config import patterns

from ..errors import UsageError
from .pipeline_grants import PARAMETERS, PROVEN, SCRIPTS, Grant, bounded, documents_key
from .pipeline_unproven import UNPROVEN

GITHUB = "token.actions.githubusercontent.com"
# Anything else would be read as a part of an ARN or of a pattern.
ACCEPTED = {
    "--account": (re.compile(r"[0-9]{12}", re.ASCII), "12 digits"),
    "--state-bucket": (re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"), "the name of an S3 bucket"),
    "--permissions-boundary": (patterns.POLICY_ARN, "the ARN of an IAM policy"),
    "--kms-key": (
        patterns.KEY_ARN,
        "the ARN of a KMS key, e.g. "
        "arn:aws:kms:eu-west-1:123456789012:key/6c0f3d4e-1b2a-4c5d-8e9f-0a1b2c3d4e5f",
    ),
    "--repo": (re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", re.ASCII), "owner/name"),
    "--owner-id": (re.compile(r"[1-9][0-9]*", re.ASCII), "a number"),
    "--repo-id": (re.compile(r"[1-9][0-9]*", re.ASCII), "a number"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A repository on GitHub and the ids that its tokens carry; without ids its tokens still name it
    alone.
    """

    name: str
    owner_id: str | None = None
    id: str | None = None
    by_name: bool = False

    @property
    def subject(self) -> str:
        """Render the beginning of the `sub` claim, which is `repo:OWNER@OWNER_ID/NAME@ID`, or
        `repo:OWNER/NAME` on older repositories.

        GitHub adds the ids on each repository that was created, renamed or transferred since 2026-07-15, or
        whose owner asked for it:
        https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
        """
        owner, name = self.name.split("/")
        return f"repo:{self.name}" if self.by_name else f"repo:{owner}@{self.owner_id}/{name}@{self.id}"


def refuse_misuse(
    account: str,
    state_bucket: str,
    repository: Repository,
    boundary: str | None = None,
    kms_key: str | None = None,
) -> None:
    """Refuse values that would mean something else in a policy, and a repository with neither ids nor the
    older form of the claim.
    """
    values = (account, state_bucket, boundary, kms_key, repository.name, repository.owner_id, repository.id)
    for (option, (pattern, accepted)), value in zip(ACCEPTED.items(), values, strict=True):
        if value is not None and not pattern.fullmatch(value):
            raise UsageError(f"{option} is {value!r}: accepted is {accepted}")
    given = [value is not None for value in (repository.owner_id, repository.id)]
    # Both forms in one policy would let in the next owner of the name.
    if any(given) if repository.by_name else not all(given):
        raise UsageError(
            f"give --owner-id and --repo-id, which `gh api repos/{repository.name} --jq '.owner.id, .id'` "
            f"prints; or --subject-by-name alone, "
            "if the repository's tokens carry no ids (created before 2026-07-15, neither renamed nor "
            "transferred since, not opted in)"
        )


def permissions(
    account: str, state_bucket: str, boundary: str | None = None, kms_key: str | None = None
) -> dict[str, Any]:
    """Render the policy document of the role; with a boundary it makes and fills only roles that carry
    that one.
    """
    return document((*proven(boundary, kms_key), *UNPROVEN), account, state_bucket)


def proven(boundary: str | None = None, kms_key: str | None = None) -> tuple[Grant, ...]:
    """The grants that `make permissions` tries, with what the boundary and the key of the documents add."""
    grants = tuple(each for grant in PROVEN for each in bounded(grant, boundary)) if boundary else PROVEN
    return (*grants, documents_key(kms_key)) if kms_key else grants


def boundary_of_nodes(account: str, kms_key: str | None = None) -> dict[str, Any]:
    """Render the policy that bounds the roles of previews: all that a node of any preview may do, and no
    more.
    """
    # Pulumi's SDK takes longer to import than the command takes to run.
    from infra import iam

    nodes = [
        Grant(
            sid="Parameters",
            why="",
            actions=("ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter"),
            resources=PARAMETERS,
        ),
        Grant(
            sid="Script",
            why="",
            actions=("s3:GetObject",),
            resources=tuple(f"{bucket}/*" for bucket in SCRIPTS),
        ),
        Grant(sid="SessionManager", why="", actions=iam.SESSION_MANAGER),
        *([documents_key(kms_key)] if kms_key else []),
    ]
    return document(nodes, account, "")


def document(grants: Sequence[Grant], account: str, state_bucket: str) -> dict[str, Any]:
    """A policy document of these grants."""
    places = {"@ACCOUNT@": account, "@STATE@": state_bucket}
    return {"Version": "2012-10-17", "Statement": [_statement(grant, places) for grant in grants]}


def _statement(grant: Grant, places: Mapping[str, str]) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": grant.sid,
        "Effect": grant.effect,
        "Action": [*grant.actions],
        "Resource": [_filled(resource, places) for resource in grant.resources],
    }
    return statement | ({"Condition": grant.condition} if grant.condition else {})


def _filled(text: str, places: Mapping[str, str]) -> str:
    for place, value in places.items():
        text = text.replace(place, value)
    return text


def trust(account: str, repository: Repository, environment: str = "preview") -> dict[str, Any]:
    """Render the trust policy: jobs of one environment of one repository take the role, by GitHub's own
    tokens.
    """
    conditions = {
        f"{GITHUB}:aud": "sts.amazonaws.com",
        f"{GITHUB}:sub": f"{repository.subject}:environment:{environment}",
    }
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"},
        # No pattern: a wildcard would also match an environment whose name imitates the rest of the claim.
        "Condition": {"StringEquals": conditions},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
