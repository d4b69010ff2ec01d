"""`microcosm doctor`: asks every check and prints what they found."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from .. import options, public_address
from ..aws.session import open_session
from ..errors import OperatorError
from ..output import print_json
from ..pulumi_cli.target import account_settings

PROGRAM_SECONDS = 30
# A region that no account can disable (AWS Account Management, "Enable or disable AWS Regions").
ALWAYS_ON = "us-east-1"


def command(
    stack: options.Stack = None,
    region: options.Region = None,
    json: options.Json = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The stack's file; by default `Pulumi.<stack>.yaml` of this project.",
        ),
    ] = None,
) -> None:
    """Check before `pulumi up` whether it can work: account, quotas, images, versions, access, state, price.

    Changes nothing. A check that cannot be made is a WARN with the reason. Exit code 1 when anything is a
    FAIL.

    Example: `microcosm doctor --stack dev`
    """
    # The configuration's own validation needs Pulumi, which takes longer to import than other commands to
    # run.
    from . import account as doctor_account
    from . import checks as doctor
    from . import local as doctor_local
    from . import quota as doctor_quota
    from . import report as doctor_report
    from . import stack as doctor_stack

    name = stack or (doctor_stack.stack_of(config) if config else None)
    declared = doctor_stack.values(config).get("aws:region") if config else None
    target, session = options.connect(name, region or declared, config)
    path = config or doctor_stack.file_of(target.stack, Path.cwd())
    outside = doctor.Outside(
        environ=os.environ,
        which=shutil.which,
        run=run,
        address=lambda: caller_address(os.environ),
        state_session=lambda settings: open_session(target.region, settings),
        home_session=lambda: open_session(ALWAYS_ON, account_settings(path)),
    )
    patient = doctor.Patient(
        target=target, session=session, stack=doctor_stack.read(path, target.stack), outside=outside
    )
    checks = (doctor_local.CONFIGURATION, *doctor_account.CHECKS, *doctor_quota.CHECKS, *doctor_local.CHECKS)
    diagnosis = doctor.diagnose(patient, doctor_account.CREDENTIALS, checks)
    if json:
        print_json(doctor_report.document(diagnosis))
    else:
        doctor_report.show(diagnosis)
    raise typer.Exit(0 if diagnosis.ok else OperatorError.exit_code)


def run(arguments: Sequence[str]) -> tuple[int, str]:
    """A program's exit code and all that it printed; 127 when it is not there."""
    quiet = {"PULUMI_SKIP_UPDATE_CHECK": "true", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            arguments,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PROGRAM_SECONDS,
            check=False,
            env={**os.environ, **quiet},
        )
    except FileNotFoundError:
        return 127, f"{arguments[0]} is not on PATH"
    except subprocess.TimeoutExpired:
        return 124, f"{arguments[0]} gave no answer within {PROGRAM_SECONDS} s"
    return done.returncode, done.stdout


def caller_address(environ: Mapping[str, str]) -> str:
    """This computer's public address as AWS sees it.

    A fake cloud has no say in it, so it is not asked then.
    """
    if environ.get("AWS_ENDPOINT_URL"):
        raise OperatorError("AWS_ENDPOINT_URL is set, so the machines are not where AWS would see you from")
    return public_address.look_up()
