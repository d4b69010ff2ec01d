"""Requests from a Windows pod: PowerShell, run by exec in the CCAuth container of a real Windows node.

There is no small Windows image that could serve as a probe (the smallest would be pulled for minutes), and the server
core image of CCAuth has PowerShell.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .probe import BODY_CHARACTERS, Answer, Request, failure_of

# The URL is an argument of the script block, never a part of its text. Windows PowerShell 5.1: an HTTP error status is
# an exception that carries the response; the content is bytes unless the answer has the type of a text.
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
    """What is needed of the Kubernetes API to run a program in a container."""

    def exec_in_pod(self, namespace: str, pod: str, command: Sequence[str], seconds: float) -> str:
        """Run it and return what it printed."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FromWindowsPod:
    """Requests from one running pod on Windows."""

    pods: Exec
    namespace: str
    pod: str
    timeout_seconds: int = 15

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        return [self._get(request) for request in requests]

    def _get(self, request: Request) -> Answer:
        # PowerShell itself takes seconds to start in a container.
        output = self.pods.exec_in_pod(self.namespace, self.pod, command(request.target, self.timeout_seconds), self.timeout_seconds + 60)
        return parse(output)


def command(url: str, seconds: int) -> list[str]:
    """The program and its arguments; single quotes are doubled, as PowerShell's literal strings want it."""
    literal = url.replace("'", "''")
    return ["powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", f"{SCRIPT} -Url '{literal}' -Seconds {seconds}"]


def parse(output: str) -> Answer:
    """The answer out of the one line of JSON that the script prints."""
    line = next((line for line in reversed(output.strip().splitlines()) if line.startswith("{")), "")
    try:
        document: dict[str, Any] = json.loads(line)
    except ValueError:
        return Answer(failure=failure_of(output), detail=output.strip()[-200:])
    if "failure" in document:
        return Answer(failure=failure_of(str(document["failure"])), detail=str(document["failure"]))
    return Answer(status=int(document["status"]), body=str(document["body"])[:BODY_CHARACTERS])
