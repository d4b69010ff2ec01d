"""Send requests from a Windows pod: exec runs PowerShell in the CCAuth container of a Windows node.

A probe pod of its own would have to pull a Windows image for minutes; the server core image of CCAuth already
has PowerShell.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from infra.node.quoting import powershell

from .probe import BODY_CHARACTERS, Answer, Request, failure_of

# The URL is an argument of the script block and never a part of its text. In Windows PowerShell 5.1 an HTTP
# error status is an exception that carries the response; the content is bytes unless its type is that of a
# text.
SCRIPT = (
    "& { param($Url, $Seconds) $ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; "
    "try { $r = Invoke-WebRequest -UseBasicParsing -TimeoutSec $Seconds -Uri $Url; "
    "$body = $r.Content; if ($body -is [byte[]]) { $body = [Text.Encoding]::UTF8.GetString($body) }; "
    "@{ status = [int]$r.StatusCode; body = [string]$body } | ConvertTo-Json -Compress } "
    "catch { $s = $_.Exception.Response.StatusCode; "
    "if ($s) { @{ status = [int]$s; body = '' } | ConvertTo-Json -Compress } "
    "else { @{ failure = [string]$_.Exception.Message } | ConvertTo-Json -Compress } } }"
)


class Exec(Protocol):
    """The call of the Kubernetes API that runs a program in a container."""

    def exec_in_pod(self, namespace: str, pod: str, command: Sequence[str], seconds: float) -> str:
        """Run the program and return its output."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FromWindowsPod:
    """Sends requests from one running pod on Windows."""

    pods: Exec
    namespace: str
    pod: str
    timeout_seconds: int = 15

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._get(request) for request in requests]

    def _get(self, request: Request) -> Answer:
        program = command(request.target, self.timeout_seconds)
        # PowerShell itself takes seconds to start in a container.
        return parse(self.pods.exec_in_pod(self.namespace, self.pod, program, self.timeout_seconds + 60))


def command(url: str, seconds: int) -> list[str]:
    """Return the program and its arguments."""
    script = f"{SCRIPT} -Url {powershell(url)} -Seconds {seconds}"
    return ["powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script]


def parse(output: str) -> Answer:
    """Decode the one line of JSON that the script prints."""
    line = next((line for line in reversed(output.strip().splitlines()) if line.startswith("{")), "")
    try:
        document: dict[str, Any] = json.loads(line)
    except ValueError:
        return Answer(failure=failure_of(output), detail=output.strip()[-200:])
    if "failure" in document:
        return Answer(failure=failure_of(str(document["failure"])), detail=str(document["failure"]))
    return Answer(status=int(document["status"]), body=str(document["body"])[:BODY_CHARACTERS])
