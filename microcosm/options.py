"""Options that commands share, and the target and session that they select."""

from pathlib import Path
from typing import Annotated

import typer

from .aws.session import Session, open_session
from .pulumi_cli.target import Target, account_settings, resolve, stack_file

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        help="The stack; by default PULUMI_STACK, or the only `Pulumi.<stack>.yaml` of this project.",
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="NAME",
        help="The AWS region; by default aws:region of the stack's file, then AWS_REGION.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        metavar="FILE",
        help="A kubeconfig file; by default the one that the control plane has published.",
    ),
]


def connect(stack: str | None, region: str | None, file: Path | None = None) -> tuple[Target, Session]:
    """Find the stack and open a session of the account that Pulumi uses for it.

    `file` is the stack's file, by default the project's.
    """
    target = resolve(stack, region)
    return target, open_session(target.region, account_settings(file or stack_file(target.stack)))
