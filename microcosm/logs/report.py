"""Report a bundle: the verdict, known symptoms and index.txt."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..access import machine as access
from .bundle import Bundle, BundleFile
from .redact import redact


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """A pattern in a log that has one known cause."""

    pattern: str
    cause: str


# The verdict names the first match, so a cause stands before its consequences. The texts are those of
# userdata/, kubeadm, kubelet, containerd and HNS.
SYMPTOMS = (
    Symptom(
        pattern=r"the bill of materials says|does not have the sum",
        cause="a download has another checksum than the bill of materials",
    ),
    Symptom(pattern=r"[Nn]o space left on device|not enough space on the disk", cause="the disk is full"),
    Symptom(
        pattern=r"certificate has expired or is not yet valid",
        cause="the machine's clock is wrong, or a certificate has expired",
    ),
    Symptom(
        pattern=r"couldn't validate the identity of the API Server",
        cause="the join token has expired, or is of another cluster",
    ),
    Symptom(
        pattern=r"wrong diskette",
        cause="HNS trips over a network of an earlier boot, which the flannel phase resets",
    ),
    Symptom(
        pattern=r"container operating system does not match the host",
        cause="an image is of another Windows build than the node",
    ),
    Symptom(
        pattern=r":6443: (connect: connection refused|i/o timeout)|:6443: connectex",
        cause="the API server is not reached on port 6443",
    ),
    Symptom(
        pattern=r"ImagePullBackOff|ErrImagePull|failed to pull (and unpack )?image",
        cause="an image cannot be pulled",
    ),
    Symptom(
        pattern=r"cni plugin not initialized|[Nn]etworkPluginNotReady",
        cause="there is no pod network yet: flanneld has not come up",
    ),
)


def verdict(bundle: Bundle) -> str:
    """Summarize in one line what is wrong with the machine."""
    machine = bundle.machine
    clauses = [f"{machine.node} ({machine.instance}) {_state(bundle)}", *_symptoms(bundle.files)[:1]]
    if bundle.missing:
        clauses.append(f"{len(bundle.missing)} of {len(bundle.files)} files are missing")
    return "; ".join(clauses)


def _state(bundle: Bundle) -> str:
    report = bundle.report
    if bundle.machine.state != access.RUNNING:
        return f"is {bundle.machine.state}"
    if report is None:
        return "is running and has reported nothing: read console.txt"
    detail = f": {redact(report.detail)}" if report.detail else ""
    words = {
        "failed": f"failed in phase {report.phase}",
        "running": f"is in phase {report.phase}",
        "ok": "reports that it is ready",
    }
    return words[report.result] + detail


def _symptoms(files: Sequence[BundleFile]) -> list[str]:
    """List known causes, each with the file that contains its pattern."""
    return [
        f"{symptom.cause} ({entry.file})"
        for symptom in SYMPTOMS
        for entry in [next((entry for entry in files if re.search(symptom.pattern, entry.text)), None)]
        if entry
    ]


def document(bundle: Bundle, path: str) -> dict[str, Any]:
    """Return the bundle as JSON, without the texts, which are in the files."""
    return {
        "node": bundle.machine.node,
        "instance": bundle.machine.instance,
        "os": bundle.machine.os,
        "path": path,
        "verdict": verdict(bundle),
        "symptoms": _symptoms(bundle.files),
        "parts": [
            {key: value for key, value in asdict(entry).items() if key != "text"} for entry in bundle.files
        ],
    }


def index(bundle: Bundle, when: str) -> str:
    """Render index.txt: the verdict, the content of each file, and the missing files with their reasons."""
    machine = bundle.machine
    symptoms = [f"  - {symptom}" for symptom in _symptoms(bundle.files)]
    lines = [
        verdict(bundle),
        "",
        f"{machine.node}: {machine.os}, {machine.type}, {machine.instance}, {machine.state}; collected "
        f"{when}",
    ]
    lines += ["", "known symptoms", *symptoms] if symptoms else []
    lines += [
        "",
        "files",
        *(f"  {entry.file:<18} {_extent(entry)}{entry.what}" for entry in bundle.files if not entry.problem),
    ]
    lines += ["", "missing", *_missing(bundle)] if bundle.missing else []
    warning = "Recognised tokens, keys and passwords are cut out; check the files before you pass them on."
    return "\n".join([*lines, "", warning, ""])


def _missing(bundle: Bundle) -> Iterator[str]:
    """List each reason once, with the files that are missing for it."""
    for reason in dict.fromkeys(entry.problem for entry in bundle.missing):
        yield f"  {', '.join(entry.file for entry in bundle.missing if entry.problem == reason)}: {reason}"


def _extent(entry: BundleFile) -> str:
    got = len(entry.text.encode())
    return f"the last {got} of {entry.size} bytes: " if got < entry.size else ""
