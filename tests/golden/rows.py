"""One golden file a row of the matrix: an operating system with a Kubernetes version, and all that a node of
it is made of.

The rows of the default version are whole; every other file holds the lines in which its row differs from the
whole one of its system's family. Sizes and sums are in a table of their own, sizes.txt, which every change of
a script changes. What a Windows node has on its disk is what the script itself writes, run by PowerShell on a
model of Windows (tests/windows); without PowerShell those sections are neither rendered nor compared.
"""

import difflib
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.config import model as config
from infra.config import operating_systems, versions
from infra.config.model import StackConfig
from infra.config.versions import DEFAULT_KUBERNETES
from infra.node import script_inputs
from infra.node.userdata import RAW_LIMIT_BYTES
from tests import golden
from tests.windows import pester

FOLDER = golden.FOLDER / "matrix-rows"
WHOLE = {"linux": "ubuntu-24.04", "windows": "windows-2019"}
# Raw bytes that stay free for longer names, labels and mirrors. Windows has its script in S3. A Linux
# machine carries all of it, and compressed when it no longer fits (docs/adr/0004).
ROOM_BYTES = {"windows": 4096, "linux": 512}
NODE_FILES = (
    "C:\\Program Files\\containerd\\config.toml",
    "C:\\k\\StartKubelet.ps1",
    "C:\\k\\net-conf.json",
    "C:\\etc\\cni\\net.d\\10-flannel.conflist",
)
NODE_SECTIONS = ("=== registry", "=== file ", "=== service ", "=== images pulled ahead")
LINUX, WINDOWS = {"name": "linux", "os": "ubuntu-24.04"}, {"name": "windows"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One that can be built."""

    os: str
    version: str

    @property
    def system(self) -> operating_systems.OperatingSystem:
        return operating_systems.OPERATING_SYSTEMS[self.os]

    @property
    def name(self) -> str:
        return f"{self.os}-kubernetes-{self.version}"

    @property
    def base(self) -> "Row":
        """The row whose file is whole."""
        return Row(os=WHOLE[self.system.family], version=DEFAULT_KUBERNETES)

    @property
    def stack(self) -> StackConfig:
        pools = [LINUX, WINDOWS | {"os": self.os}] if self.system.family == "windows" else [LINUX]
        values = {"adminCidrs": ["203.0.113.7/32"], "kubernetesVersion": self.version, "nodePools": pools}
        return config.parse(values | {"workloads": self.system.family == "windows"}, stack="dev")


ROWS = [
    Row(os=system.name, version=version)
    for system in operating_systems.OPERATING_SYSTEMS.values()
    for version in versions.KUBERNETES_VERSIONS
    if versions.support(system, version).level != "unsupported"
]


def user_data(row: Row) -> dict[str, bytes]:
    """Return the user-data of each machine of the row's system, before base64."""
    worker = golden.worker_user_data(row.stack, row.stack.node_pools[-1])
    if row.system.family == "windows":
        return {"windows": worker.encode()}
    plane = script_inputs.control_plane(row.stack, region=golden.REGION, public_ip=golden.PUBLIC_IP)
    return {"control-plane": golden.raw(plane), "linux": worker.encode()}


def rendered(row: Row) -> str:
    """The text of the row's file."""
    text = whole(row)
    return (
        text
        if row == row.base
        else f"{heading(row)}The lines in which it differs from "
        f"{row.base.name}.txt:\n\n{_differing(whole(row.base), text)}"
    )


def expected(row: Row) -> str:
    """The row's file; without PowerShell, less what only a run of the script can tell."""
    text = _text_of(FOLDER / f"{row.name}.txt")
    return text if pester.PWSH else without_node(text)


def expected_sizes() -> str:
    return _text_of(FOLDER / "sizes.txt")


def _text_of(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def update() -> None:
    """Makes the files what is rendered now; a row that is gone loses its file."""
    for path in set(FOLDER.glob("*.txt")) - {FOLDER / f"{row.name}.txt" for row in ROWS}:
        path.unlink()
    (FOLDER / "sizes.txt").write_text(sizes())
    for row in ROWS:
        (FOLDER / f"{row.name}.txt").write_text(rendered(row))


def sizes() -> str:
    """Bytes that EC2 counts, and a sum that stands for every one of them, of the scripts too."""
    lines = [
        f"{row.name:32} {machine:13} {len(raw):6} of {RAW_LIMIT_BYTES}  {hashlib.sha256(raw).hexdigest()}"
        for row in ROWS
        for machine, raw in user_data(row).items()
    ]
    return "\n".join(lines) + "\n"


def heading(row: Row) -> str:
    support = versions.support(row.system, row.version)
    return f"{row.system.title} with Kubernetes {row.version}: {support.level}\n"


@cache
def whole(row: Row) -> str:
    sections = {"row": _row(row)}
    for machine, raw in user_data(row).items():
        sections[f"user-data of {machine}"] = _wrapped(golden.elided(raw.decode()))
    if row.system.family == "windows" and pester.PWSH:
        sections |= _node(row)
    return heading(row) + "".join(f"\n=== {title}\n{text.rstrip()}\n" for title, text in sections.items())


def _row(row: Row) -> str:
    system, kubernetes = row.system, versions.KUBERNETES_VERSIONS[row.version]
    facts = {
        "AMI parameter": system.ami_parameter,
        "launch agent": system.launch_agent,
        "build": system.build,
        "containerd": kubernetes.containerd,
        "sandbox image": kubernetes.pause_image,
        "WCF image": system.wcf_image,
        "IIS image": system.iis_image,
        "machine": f"{system.default_instance_type}, {system.default_disk_gb} GiB",
    }
    return "".join(f"{name}: {fact}\n" for name, fact in facts.items() if fact)


def _wrapped(text: str) -> str:
    """A download a line, so that a difference shows which."""
    return text.replace("}; '", "};\n    '").replace(" https://", "\n    https://")


def _node(row: Row) -> dict[str, str]:
    """The files, services and settings of a node whose script has come to its end."""
    walk = pester.walks()[row.name]
    services = {
        name: "".join(f"{key} = {value}\n" for key, value in sorted(settings.items()))
        for name, settings in walk.services.items()
    }
    own = sorted((key, value) for key, value in walk.registry.items() if value.startswith("DWord "))
    return {
        "registry": "".join(f"{key} = {value}\n" for key, value in own),
        **{f"file {path}": walk.files[path].replace("\r\n", "\n") for path in NODE_FILES},
        **{
            f"service {name}": text.replace(" --", "\n    --")
            for name, text in sorted(services.items())
            if text
        },
        "images pulled ahead": "".join(
            line.rsplit(" ", 1)[1] + "\n" for line in walk.log if line.startswith("start ctr.exe")
        ),
    }


def without_node(text: str) -> str:
    """The text of a row's file less the sections that only a run of the script can tell."""
    head, *sections = re.split(r"(?m)^(?==== )", text)
    return (
        "".join([head, *(section for section in sections if not section.startswith(NODE_SECTIONS))]).rstrip(
            "\n"
        )
        + "\n"
    )


def _differing(before: str, after: str) -> str:
    """The lines that are only in one of them, below the titles of their sections."""
    lines: list[str] = []
    title = ""
    for line in difflib.ndiff(before.splitlines()[1:], after.splitlines()[1:]):
        if line.startswith("  === "):
            title = line[2:]
        elif line[0] in "+-":
            lines += [f"\n{title}"] * bool(title) + [line]
            title = ""
    return "\n".join(lines).lstrip() + "\n"
