"""A machine for the start script: PowerShell on Linux, and stand-ins that write down how they are called.

The exit codes are the programs' own: net stop of a service that does not run is 2, sc query prints the state
and both codes.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microcosm.image import start
from tests.windows.pester import PWSH

SYSTEM = ("net.exe", "reg.exe", "sc.exe", "tzutil.exe", "certutil.exe", "inetsrv/appcmd.exe")
# It writes one line of its name and its words, without those that are values.
PROGRAM = """#!/bin/sh
{{
  printf '%s' "$(basename "$0")"; for word in "$@"; do printf ' %s' "$word"; done; printf '\\n'
}} >> "{calls}"
{more}
"""
STOPPED = """[ "$1" = query ] && printf 'SERVICE_NAME: x\\n STATE              : 1  STOPPED\\n'
[ "$1" = query ] && printf ' WIN32_EXIT_CODE    : {win32}  (0x0)\\n
 SERVICE_EXIT_CODE  : {own}  (0x0)\\n'
exit 0"""
FACTS: dict[str, Any] = {
    "kind": "iis",
    "folder": "C:\\inetpub\\wwwroot",
    "home": "inetpub/wwwroot",
    "program": "",
    "arguments": [],
    "config": "inetpub/wwwroot/web.config",
    "root": "/",
    **dict.fromkeys(("x86", "classic", "netTcp", "metadataFromHost"), False),
    **{
        key: []
        for key in ("applications", "folders", "registry", "eventSources", "services", "set", "unlock")
    },
}


@dataclass
class Machine:
    """A folder that stands for drive C:."""

    drive: Path

    def __post_init__(self) -> None:
        for name in SYSTEM:
            self.program(f"windows/System32/{name}")
        self.program("ServiceMonitor.exe", "exit 0")

    def program(self, name: str, more: str = "exit 0") -> None:
        path = self.drive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PROGRAM.format(calls=self.drive / "calls", more=more))
        path.chmod(0o755)

    def file(self, name: str, data: str | bytes) -> Path:
        path = self.drive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def start(self, variables: dict[str, str] | None = None, **facts: Any) -> tuple[int, str]:
        """Run the script as it ships; return its exit code and what it printed."""
        for name, data in start.scripts().items():
            self.file(f"microcosm/{name}", data)
        script = self.drive / "microcosm/start.ps1"
        self.file("microcosm/app.json", json.dumps({**FACTS, **facts}))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.drive),
            "windir": str(self.drive / "windows"),
            **(variables or {}),
        }
        command = [
            str(PWSH),
            "-NoProfile",
            "-File",
            str(script),
            "-Drive",
            f"{self.drive}/",
            "-PollSeconds",
            "0",
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    @property
    def calls(self) -> list[str]:
        path = self.drive / "calls"
        return path.read_text().replace(str(self.drive), "C:").splitlines() if path.exists() else []
