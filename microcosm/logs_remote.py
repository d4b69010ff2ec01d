"""Runs a command on a machine through Systems Manager and brings back what it said, or the reason why it could not."""

import base64
import binascii
import gzip
import shlex
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential

from . import logs_redact
from .fleet import Machine

ASSETS = Path(__file__).resolve().parent / "assets"
# "The first 24,000 characters written by the plugin to stdout" (SSM API, GetCommandInvocation); some are the size's.
PACKED_LIMIT = 23_900
DELIVERY_SECONDS = 30  # the least that SendCommand takes
EXECUTION_SECONDS = 120
PATIENCE_SECONDS = DELIVERY_SECONDS + EXECUTION_SECONDS + 30.0
UNENDED = ("Pending", "InProgress", "Delayed", "Cancelling")
UNDELIVERED = ("DeliveryTimedOut", "Undeliverable", "Terminated", "AccessDenied")
NO_AGENT = (
    "the machine's SSM agent is not connected: it needs minutes after a start, and on Windows it loses the way when the "
    "route to 169.254.169.254 is missing"
)
DOCUMENTS = {"linux": "AWS-RunShellScript", "windows": "AWS-RunPowerShellScript"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a machine answered: text, or a problem. `size` is that of the whole, of which the text may be the end.

    `reached` is false when the command never came to the machine, so that no other would.
    """

    text: str = ""
    size: int = 0
    problem: str = ""
    reached: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """One machine, asked through an SSM client; a test passes its own sleep."""

    ssm: Any
    machine: Machine
    patience: float = PATIENCE_SECONDS
    sleep: Callable[[float], None] = time.sleep

    def ask(self, command: str) -> Said:
        """Run the command there and wait for its end."""
        try:
            return self._result(self._wait(self._send(command)))
        except self.ssm.exceptions.InvalidInstanceId:
            return Said(problem=NO_AGENT, reached=False)
        except ClientError as answer:
            return Said(problem=f"{answer.operation_name}: {answer.response['Error']['Code']}: {answer.response['Error']['Message']}", reached=False)
        except BotoCoreError as problem:
            return Said(problem=str(problem), reached=False)
        except RetryError:
            return Said(problem=f"no answer within {self.patience:.0f} s; {NO_AGENT}", reached=False)

    def _send(self, command: str) -> str:
        sent = self.ssm.send_command(
            InstanceIds=[self.machine.instance],
            DocumentName=DOCUMENTS[self.machine.family],
            Comment="microcosm logs",
            TimeoutSeconds=DELIVERY_SECONDS,
            Parameters={"commands": [script(self.machine.family, command)], "executionTimeout": [str(EXECUTION_SECONDS)]},
        )
        return str(sent["Command"]["CommandId"])

    def _wait(self, command_id: str) -> Mapping[str, Any]:
        retrying = Retrying(
            retry=retry_if_result(lambda invocation: invocation is None or invocation["Status"] in UNENDED),
            stop=stop_after_delay(self.patience),
            wait=wait_exponential(multiplier=0.5, max=5),
            sleep=self.sleep,
        )
        return cast(Mapping[str, Any], retrying(self._invocation, command_id))

    def _invocation(self, command_id: str) -> Mapping[str, Any] | None:
        try:
            return self.ssm.get_command_invocation(CommandId=command_id, InstanceId=self.machine.instance)
        except self.ssm.exceptions.InvocationDoesNotExist:
            return None  # so it is for a moment after the command was sent

    def _result(self, invocation: Mapping[str, Any]) -> Said:
        said = unpacked(str(invocation["StandardOutputContent"]))
        if said.problem and invocation["Status"] != "Success":
            details = str(invocation.get("StatusDetails") or invocation["Status"])
            error = " ".join(str(invocation.get("StandardErrorContent", "")).split())[:300]
            reached = details.replace(" ", "") not in UNDELIVERED
            return Said(problem=f"Run Command ended with {details}{f': {error}' if error else ''}", reached=reached)
        return said


def script(family: str, command: str) -> str:
    """What the machine runs: the inputs as quoted assignments, and the file of assets/ byte for byte."""
    if family == "windows":
        pairs = ", ".join(f"@({_literal(pattern)}, {_literal(instead)})" for pattern, instead in logs_redact.for_dotnet())
        return f"$Command = {{\n{command}\n}}\n$Redactions = @({pairs})\n$PackedLimit = {PACKED_LIMIT}\n{(ASSETS / 'logs.ps1').read_text()}"
    shebang, body = (ASSETS / "logs.sh").read_text().split("\n", 1)
    inputs = {"COMMAND": command, "REDACT": logs_redact.for_python(), "PACKED_LIMIT": str(PACKED_LIMIT)}
    return "\n".join([shebang, *(f"{name}={shlex.quote(value)}" for name, value in inputs.items()), body])


def _literal(text: str) -> str:
    """A PowerShell literal, in which nothing is expanded."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def unpacked(output: str) -> Said:
    """The text out of what logs.sh and logs.ps1 print; anything else is told as what it is."""
    words = output.split()
    if not words:
        return Said(problem="Run Command reports success and no output")
    size, packed = words[0], "".join(words[1:])
    if not size.isdecimal():
        return Said(problem=f"the answer cannot be read: {output.strip()[:120]!r}")
    try:
        raw = gzip.decompress(base64.b64decode(packed, validate=True)) if packed else b""
    except (binascii.Error, zlib.error, OSError, EOFError) as problem:
        return Said(problem=f"the answer came incomplete ({problem})")
    return Said(text=raw.decode("utf-8", "replace"), size=int(size))
