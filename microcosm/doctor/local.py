"""Check the configuration and this computer: versions, adminCidrs, state backend, programs."""

import ipaddress
import os
import re
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import yaml
from botocore.exceptions import ClientError

from infra.config import versions
from infra.config.limits import RULES_QUOTA

from ..access import session as access_session
from ..errors import OperatorError
from ..pulumi_cli.target import PROJECT_FILE
from . import price
from .checks import Check, Patient, Verdict, failed, passed, warned
from .stack import planned, systems

# RFC 5737: ranges that stand in examples, as in the Pulumi.dev.yaml of this project, and are nobody's.
EXAMPLES = tuple(map(ipaddress.IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
# Wider than what any one office or provider gives its people.
WIDE_PREFIX = 16
PULUMI = "https://www.pulumi.com/docs/install/"
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def _configuration(patient: Patient) -> Verdict:
    stack = patient.stack
    if stack.config is None:
        return failed(f"{stack.path.name}: {'; '.join(stack.problems)}")
    kinds = Counter(f"{machine.type} {machine.os.name}" for machine in planned(stack.config))
    summary = f"{stack.path.name}: {', '.join(f'{count} x {kind}' for kind, count in kinds.items())}"
    # How many rules a group takes in this account is a check of its own.
    remarks = [remark for remark in stack.config.limits if RULES_QUOTA not in remark]
    return warned("; ".join([summary, *remarks])) if remarks else passed(summary)


def _versions(patient: Patient) -> Verdict:
    config = patient.stack.valid
    kubernetes = versions.KUBERNETES_VERSIONS[config.kubernetes_version]
    pairs = {system.name: versions.support(system, config.kubernetes_version) for system in systems(config)}
    if weak := [support.note for support in pairs.values() if support.level != "supported"]:
        return warned("; ".join(weak))
    return passed(f"Kubernetes {kubernetes.version}, containerd {kubernetes.containerd}, {', '.join(pairs)}")


def _admin_cidrs(patient: Patient) -> Verdict:
    ranges = [ipaddress.IPv4Network(cidr) for cidr in patient.stack.valid.admin_cidrs]
    if examples := [str(cidr) for cidr in ranges if any(cidr.subnet_of(example) for example in EXAMPLES)]:
        return failed(
            f"{', '.join(examples)} is a range of examples, nobody's address: put your own into adminCidrs"
        )
    try:
        address: ipaddress.IPv4Address | None = ipaddress.IPv4Address(patient.outside.address())
        reason = ""
    except (OperatorError, ValueError) as problem:
        address, reason = None, str(problem)
    remarks = [*_remarks(ranges)]
    if address is None:
        return warned(
            "; ".join(
                [
                    *remarks,
                    f"whether your own address is in {', '.join(map(str, ranges))} is not known: {reason}",
                ]
            )
        )
    if not any(address in cidr for cidr in ranges):
        return failed(
            f"your address {address} is not in {', '.join(map(str, ranges))}: `pulumi up` could not reach "
            f"the API; add {address}/32"
        )
    return (
        warned("; ".join(remarks))
        if remarks
        else passed(f"{', '.join(map(str, ranges))} with your address {address}")
    )


def _remarks(ranges: list[ipaddress.IPv4Network]) -> Iterator[str]:
    for cidr in ranges:
        if cidr.prefixlen < WIDE_PREFIX and not cidr.is_private:
            yield (
                f"{cidr} lets {cidr.num_addresses} addresses at the API, the NodePorts and RDP: narrow "
                f"it if you can"
            )
        if cidr.is_private:
            yield f"{cidr} is a private range, from which nothing comes over the Internet"


def _backend(patient: Patient) -> Verdict:
    url = patient.outside.environ.get("PULUMI_BACKEND_URL") or _project_backend(patient.stack.path.parent)
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        return _bucket(patient, url)
    if scheme == "file":
        return _folder(url)
    if patient.outside.which("pulumi") is None:
        return warned(
            "not looked at: only the Pulumi CLI knows the backend that was logged in to, and it is not there"
        )
    code, said = patient.outside.run(["pulumi", "whoami", "--non-interactive"])
    where = url or "the backend that `pulumi login` chose"
    return (
        passed(f"{where}, as {said.strip()}")
        if code == 0
        else failed(f"{where}: {_first_line(said)}; run `pulumi login`")
    )


def _project_backend(folder: Path) -> str:
    path = folder / PROJECT_FILE
    document: Any = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    backend: Any = cast(dict[str, Any], document).get("backend") if isinstance(document, dict) else None
    return str(cast(dict[str, Any], backend).get("url", "")) if isinstance(backend, dict) else ""


def _bucket(patient: Patient, url: str) -> Verdict:
    """`s3://bucket/prefix?region=...&profile=...`, as Pulumi takes it: with that profile or the
    environment, not with the stack's account.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    if "endpoint" in options and not patient.outside.environ.get("AWS_ENDPOINT_URL"):
        return warned(f"not looked at: {url} is at an endpoint of its own")
    try:
        profile = {"profile": options["profile"][-1]} if "profile" in options else {}
        patient.outside.state_session(profile).client("s3").head_bucket(Bucket=parts.netloc)
    except ClientError as answer:
        code = answer.response["Error"]["Code"]
        if code in ("404", "NoSuchBucket"):
            return failed(f"there is no bucket {parts.netloc!r}: make it, or correct PULUMI_BACKEND_URL")
        if code in ("403", "AccessDenied"):
            return failed(
                f"bucket {parts.netloc!r} refuses these credentials: Pulumi could not keep its state there"
            )
        raise
    return passed(f"bucket {parts.netloc}")


def _folder(url: str) -> Verdict:
    """`file://~` and `file:///path`."""
    parts = urlsplit(url)
    folder = Path(unquote(parts.netloc + parts.path)).expanduser()
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return failed(
            f"{folder} is not a folder that can be written to: make it, or correct PULUMI_BACKEND_URL"
        )
    return passed(f"{folder}, known to this computer alone")


def _pulumi(patient: Patient) -> Verdict:
    if patient.outside.which("pulumi") is None:
        return failed(f"the Pulumi CLI is not on PATH: {PULUMI}")
    code, said = patient.outside.run(["pulumi", "version"])
    found, wanted = _VERSION.search(said), version("pulumi")
    if code or not found:
        return failed(f"`pulumi version` ended with {code}: {_first_line(said)}; install it again: {PULUMI}")
    if _numbers(found[0]) < _numbers(wanted):
        return warned(f"{found[0]} is older than the program's SDK {wanted}: update it, {PULUMI}")
    return passed(found[0])


def _numbers(text: str) -> tuple[int, ...]:
    found = _VERSION.match(text)
    return tuple(map(int, found.groups())) if found else ()


def _sessions(patient: Patient) -> Verdict:
    if missing := access_session.missing_programs(patient.outside.which):
        return warned(f"`microcosm shell` and `rdp` will not work without {' and '.join(missing)}")
    return passed(", ".join(access_session.PROGRAMS))


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it said nothing")


CONFIGURATION = Check(name="configuration", what="is valid", look=_configuration)
CHECKS = (
    Check(name="versions", what="are supported together", look=_versions, needs_config=True),
    Check(name="adminCidrs", what="hold your address", look=_admin_cidrs, needs_config=True),
    Check(name="state", what="the backend is reachable", look=_backend),
    Check(name="pulumi", what="the CLI is there", look=_pulumi),
    Check(name="sessions", what="programs for shell and rdp", look=_sessions),
    price.CHECK,
)
