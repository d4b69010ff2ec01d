"""Run a command on a machine through Systems Manager and return its output, or the reason why there is
none.
"""

import base64
import binascii
import gzip
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential

from infra.node.quoting import powershell, with_assignments

from ..aws.machines import Machine
from . import redact

ASSETS = Path(__file__).resolve().parent / "assets"
# "The first 24,000 characters written by the plugin to stdout" (SSM API, GetCommandInvocation). The
# difference is room for the line with the size.
PACKED_LIMIT = 23_900
DELIVERY_SECONDS = 30  # the minimum that SendCommand accepts
EXECUTION_SECONDS = 120
PATIENCE_SECONDS = DELIVERY_SECONDS + EXECUTION_SECONDS + 30.0
UNENDED = ("Pending", "InProgress", "Delayed", "Cancelling")
UNDELIVERED = ("DeliveryTimedOut", "Undeliverable", "Terminated", "AccessDenied")
NO_AGENT = (
    "the machine's SSM agent is not connected: it needs minutes after a start, and on Windows it loses its "
    "connection "
    "if the route to 169.254.169.254 is missing"
)
DOCUMENTS = {"linux": "AWS-RunShellScript", "windows": "AWS-RunPowerShellScript"}


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandOutput:
    """The output of a command on a machine, or a problem.

    `size` is that of the whole output; `text` may be its end only. `reached` is False if the command did not
    arrive at the machine, so that no other would.
    """

    text: str = ""
    size: int = 0
    problem: str = ""
    reached: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """Runs commands on one machine through an SSM client; a test passes its own sleep."""

    ssm: Any
    machine: Machine
    patience: float = PATIENCE_SECONDS
    sleep: Callable[[float], None] = time.sleep

    def execute(self, command: str) -> CommandOutput:
        """Run the command and wait for its end."""
        try:
            return self._result(self._wait(self._send(command)))
        except self.ssm.exceptions.InvalidInstanceId:
            return CommandOutput(problem=NO_AGENT, reached=False)
        except ClientError as answer:
            error = answer.response["Error"]
            problem = f"{answer.operation_name}: {error['Code']}: {error['Message']}"
            return CommandOutput(problem=problem, reached=False)
        except BotoCoreError as problem:
            return CommandOutput(problem=str(problem), reached=False)
        except RetryError:
            return CommandOutput(problem=f"no answer within {self.patience:.0f} s; {NO_AGENT}", reached=False)

    def _send(self, command: str) -> str:
        sent = self.ssm.send_command(
            InstanceIds=[self.machine.instance],
            DocumentName=DOCUMENTS[self.machine.family],
            Comment="microcosm logs",
            TimeoutSeconds=DELIVERY_SECONDS,
            Parameters={
                "commands": [script(self.machine.family, command)],
                "executionTimeout": [str(EXECUTION_SECONDS)],
            },
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
            return None  # SSM does not know the invocation until a moment after SendCommand

    def _result(self, invocation: Mapping[str, Any]) -> CommandOutput:
        output = unpack(str(invocation["StandardOutputContent"]))
        if output.problem and invocation["Status"] != "Success":
            details = str(invocation.get("StatusDetails") or invocation["Status"])
            error = " ".join(str(invocation.get("StandardErrorContent", "")).split())[:300]
            reached = details.replace(" ", "") not in UNDELIVERED
            return CommandOutput(
                problem=f"Run Command ended with {details}{f': {error}' if error else ''}", reached=reached
            )
        return output


def script(family: str, command: str) -> str:
    """Return the script to run: quoted assignments of the inputs, then the file of assets/ unchanged."""
    if family == "windows":
        body = (ASSETS / "logs.ps1").read_text()
        redactions = ", ".join(powershell(pair) for pair in redact.for_dotnet())
        return (
            f"$Command = {{\n{command}\n}}\n$Redactions = @({redactions})\n$PackedLimit = "
            f"{PACKED_LIMIT}\n{body}"
        )
    inputs = {"COMMAND": command, "REDACT": redact.for_python(), "PACKED_LIMIT": str(PACKED_LIMIT)}
    return with_assignments((ASSETS / "logs.sh").read_text(), inputs)


def unpack(output: str) -> CommandOutput:
    """Decode the output of logs.sh and logs.ps1; describe any other output as a problem."""
    words = output.split()
    if not words:
        return CommandOutput(problem="Run Command reports success and no output")
    size, packed = words[0], "".join(words[1:])
    if not size.isdecimal():
        return CommandOutput(problem=f"the answer cannot be read: {output.strip()[:120]!r}")
    try:
        raw = gzip.decompress(base64.b64decode(packed, validate=True)) if packed else b""
    except (binascii.Error, zlib.error, OSError, EOFError) as problem:
        return CommandOutput(problem=f"the answer came incomplete ({problem})")
    return CommandOutput(text=raw.decode("utf-8", "replace"), size=int(size))
