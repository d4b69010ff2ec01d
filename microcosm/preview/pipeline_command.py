"""`microcosm preview ci-policy`: print the policies of the pipeline that makes previews."""

from typing import Annotated

import typer

from ..output import print_json
from . import pipeline_policy


def policy(
    account: Annotated[str, typer.Option(metavar="ID", help="The previews' AWS account.")],
    state_bucket: Annotated[
        str, typer.Option("--state-bucket", metavar="NAME", help="The bucket of Pulumi's state.")
    ],
    repository: Annotated[
        str, typer.Option("--repo", metavar="OWNER/NAME", help="The repository on GitHub.")
    ],
    owner_id: Annotated[
        str | None, typer.Option("--owner-id", metavar="ID", help="The owner's id on GitHub.")
    ] = None,
    repo_id: Annotated[
        str | None, typer.Option("--repo-id", metavar="ID", help="The repository's id on GitHub.")
    ] = None,
    boundary: Annotated[
        str | None,
        typer.Option(
            "--permissions-boundary",
            metavar="ARN",
            help="The policy that bounds the previews' roles; also set it in `up`.",
        ),
    ] = None,
    kms_key: Annotated[
        str | None,
        typer.Option(
            "--kms-key",
            metavar="ARN",
            help="Your key for the previews' documents; also set kmsKeyId in `up`.",
        ),
    ] = None,
    by_name: Annotated[
        bool,
        typer.Option(
            "--subject-by-name", help="The tokens carry no ids (repositories from before 2026-07-15)."
        ),
    ] = False,
) -> None:
    """Print the pipeline's role as JSON: its `permissions`, and its `trust` policy, by which GitHub's jobs
    assume it.

    With --permissions-boundary also the `boundary`: what that policy has to allow for the roles of previews
    to work, and no more.

    `gh api repos/OWNER/NAME --jq '.owner.id, .id'` prints the two ids.

    Example: `microcosm preview ci-policy --account 123456789012 --state-bucket previews --repo octo/app
    --owner-id 583231 --repo-id 1296269`
    """
    repo = pipeline_policy.Repository(name=repository, owner_id=owner_id, id=repo_id, by_name=by_name)
    pipeline_policy.refuse_misuse(account, state_bucket, repo, boundary, kms_key)
    permissions = pipeline_policy.permissions(account, state_bucket, boundary, kms_key)
    documents = {"permissions": permissions, "trust": pipeline_policy.trust(account, repo)}
    print_json(
        documents | ({"boundary": pipeline_policy.boundary_of_nodes(account, kms_key)} if boundary else {})
    )
