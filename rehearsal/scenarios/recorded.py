"""Record which variants of the cluster were rehearsed, and when each was last green."""

import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from infra.config.model import FLANNEL_BACKENDS
from infra.config.versions import KUBERNETES_VERSIONS

from ..document import RELIABILITY, Section
from ..project import CHECKOUT
from ..variant import Variant

SECTION = Section(RELIABILITY, "rehearsed")
HEAD = (
    "| Kubernetes | Flannel | region | with | last green | commit | seconds |",
    "|---|---|---|---|---|---|---:|",
)
_PARTS = {"etcd": "etcd", "coredns": "CoreDNS", "containerd": "containerd"}


def keep(variant: Variant, versions: Mapping[str, str], seconds: float) -> None:
    """Put a run of the whole scenario, which was green, in the place of the same variant's last one."""
    parts = ", ".join(f"{title} {versions[name]}" for name, title in _PARTS.items())
    row = (
        variant.kubernetes,
        variant.backend,
        variant.region,
        parts,
        f"{datetime.now(UTC):%Y-%m-%d}",
        commit(),
        f"{seconds:.0f}",
    )
    rows = {cells[:3]: cells for cells in _rows(SECTION.read())} | {row[:3]: row}
    lines = [*HEAD, *(f"| {' | '.join(rows[key])} |" for key in sorted(rows))]
    if never := missing(rows):
        lines += ["", f"Never green yet: {', '.join(never)}."]
    SECTION.write("\n".join(lines))


def missing(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """List the pairs of a supported Kubernetes version and a backend that have no row, in any region."""
    there = {key[:2] for key in rows}
    return [
        f"{version} {backend}"
        for version in KUBERNETES_VERSIONS
        for backend in FLANNEL_BACKENDS
        if (version, backend) not in there
    ]


def _rows(table: str) -> list[tuple[str, ...]]:
    lines = [line for line in table.splitlines() if line.startswith("| ") and line not in HEAD]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def commit() -> str:
    """Return the newest commit of main that the checkout holds; a plus stands for changes beside it,
    committed or not (docs/ aside).
    """
    head = _git("rev-parse", "HEAD")
    shared = _git("merge-base", "HEAD", "main") if _git("branch", "--list", "main") else head
    changed = shared != head or _git("status", "--porcelain", "--", ".", ":!docs")
    return f"{_git('rev-parse', '--short=10', shared)}{'+' if changed else ''}"


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.strip()
