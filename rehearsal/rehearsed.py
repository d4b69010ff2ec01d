"""Which variants of the cluster were rehearsed, and when each was last green: a table that the runs themselves write."""

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from infra import matrix

from .project import CHECKOUT
from .variant import Variant

DOCUMENT = CHECKOUT / "docs" / "reliability.md"
BEGIN, END = "<!-- rehearsed: begin -->", "<!-- rehearsed: end -->"
HEAD = ("| Kubernetes | Flannel | region | with | last green | commit | seconds |", "|---|---|---|---|---|---|---:|")
_PARTS = {"etcd": "etcd", "coredns": "CoreDNS", "containerd": "containerd"}


def keep(variant: Variant, versions: Mapping[str, str], seconds: float, document: Path = DOCUMENT) -> None:
    """Put a run of the whole scenario, which was green, in the place of the same variant's last one."""
    text = document.read_text()
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    parts = ", ".join(f"{title} {versions[name]}" for name, title in _PARTS.items())
    row = (variant.kubernetes, variant.backend, variant.region, parts, f"{datetime.now(UTC):%Y-%m-%d}", commit(), f"{seconds:.0f}")
    rows = {cells[:3]: cells for cells in _rows(table)} | {row[:3]: row}
    lines = [BEGIN, *HEAD, *(f"| {' | '.join(rows[key])} |" for key in sorted(rows)), END]
    document.write_text(before + "\n".join(lines) + after)


def missing(document: Path = DOCUMENT) -> list[str]:
    """Say which Kubernetes versions of infra/matrix.py have no green run in the table with a backend."""
    there = {cells[:2] for cells in _rows(document.read_text().partition(BEGIN)[2].partition(END)[0])}
    return [f"{version} {backend}" for version in matrix.KUBERNETES_VERSIONS for backend in ("vxlan", "host-gw") if (version, backend) not in there]


def _rows(table: str) -> list[tuple[str, ...]]:
    lines = [line for line in table.splitlines() if line.startswith("| ") and line not in HEAD]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def commit() -> str:
    """Return the newest commit of main that the checkout holds; a plus stands for changes beside it, committed or not (docs/ aside)."""
    head = _git("rev-parse", "HEAD")
    shared = _git("merge-base", "HEAD", "main") if _git("branch", "--list", "main") else head
    changed = shared != head or _git("status", "--porcelain", "--", ".", ":!docs")
    return f"{_git('rev-parse', '--short=10', shared)}{'+' if changed else ''}"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.strip()
