"""Compile CCAuth with its Mono host, once per content, and return the command that serves it.

It stands in for IIS: WCF is Mono's here, not Microsoft's. The service's source is the one that ships.
"""

import hashlib
import os
import subprocess
from pathlib import Path

from rehearsal.windows_node.errors import StandinError

# mono-mcs brings the runtime, the other package WCF: 48 packages, 42 MB unpacked.
DEBIAN_PACKAGES = ("mono-mcs", "libmono-system-servicemodel-web4.0-cil")

# ASP.NET's compiler on the Windows node accepts C# 5, so newer syntax must fail here too.
_COMPILE = (
    "mcs",
    "-langversion:5",
    "-warnaserror",
    "-r:System.ServiceModel",
    "-r:System.ServiceModel.Web",
    "-r:System.Configuration",
)
_HOST_SOURCE = Path(__file__).with_name("CcAuthHost.cs")


class CompileError(StandinError):
    """ASP.NET would not compile the service's source or its host."""


def build(source: Path, out_dir: Path) -> Path:
    """Return an executable made from `source` (CCAuth.cs); compile it unless `out_dir` has it."""
    executable = out_dir / f"ccauth-{_content_hash(source, _HOST_SOURCE)}.exe"
    if not executable.exists():
        out_dir.mkdir(parents=True, exist_ok=True)
        _compile(source, executable)
    return executable


def command(exe: Path, url: str) -> list[str]:
    """Return the command that serves `url`, as in http://10.244.2.10:80/ccauth.svc (the host is an IP
    address).
    """
    return ["mono", str(exe), url]


def _content_hash(*sources: Path) -> str:
    digest = hashlib.sha256(" ".join(_COMPILE).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _compile(source: Path, executable: Path) -> None:
    unfinished = executable.with_suffix(f".{os.getpid()}.part")
    arguments = [*_COMPILE, f"-out:{unfinished}", str(source), str(_HOST_SOURCE)]
    try:
        run = subprocess.run(arguments, capture_output=True, text=True)
    except FileNotFoundError:
        raise CompileError(f"mcs is not installed: apt-get install {' '.join(DEBIAN_PACKAGES)}") from None
    if run.returncode != 0:
        raise CompileError(f"{source} does not compile as C# 5:\n{(run.stdout + run.stderr).strip()}")
    unfinished.replace(executable)
