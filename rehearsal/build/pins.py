"""`python -m rehearsal.build.pins 1.36.4`: pins the modules of a Kubernetes version, whose bill of materials
is there.

kubeadm's own source says which etcd and CoreDNS it runs, the bill of materials which containerd. The sums are
those that Go's checksum database vouches for.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rehearsal.build.artifacts import BOMS, LINUX
from rehearsal.build.errors import SuppliesError
from rehearsal.build.modules import KUBERNETES, beside_it, download, pins_of
from rehearsal.build.toolchain import CONTAINERD, COREDNS, ETCD

_CONSTANTS = "cmd/kubeadm/app/constants/constants.go"
_BY_KUBEADM = {ETCD: r'DefaultEtcdVersion = "([0-9.]+)-\d+"', COREDNS: r'CoreDNSVersion = "v([0-9.]+)"'}


def pin(kubernetes: str) -> Path:
    """Write go.mod and go.sum; the folder in which they are."""
    bom = BOMS / f"{kubernetes}.json"
    if not bom.is_file():
        raise SuppliesError(f"{bom} is missing: a version begins with its bill of materials")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "go.mod").write_text("module microcosm.local/pins\n")
        constants = (_source(scratch, KUBERNETES, kubernetes) / _CONSTANTS).read_text()
        wanted = {
            CONTAINERD: json.loads(bom.read_text())[LINUX]["containerd"]["version"],
            **{module: _found(pattern, constants) for module, pattern in _BY_KUBEADM.items()},
            KUBERNETES: kubernetes,
        }
        sums = sorted(
            {line for module, version in wanted.items() for line in _sums(scratch, module, version)}
        )
        newest = max(
            (_go(_source(scratch, module, version)) for module, version in wanted.items()), key=_numbers
        )
    folder = pins_of(kubernetes)
    folder.mkdir(parents=True, exist_ok=True)
    required = "".join(f"\t{module} v{version}\n" for module, version in sorted(wanted.items()))
    (folder / "go.mod").write_text(
        f"module microcosm.local/tools/kubernetes/{kubernetes}\n\ngo {newest}\n\nrequire (\n{required})\n"
    )
    (folder / "go.sum").write_text("".join(f"{line}\n" for line in sums))
    return folder


def _sums(scratch: Path, module: str, version: str) -> Iterator[str]:
    """The lines of go.sum for a module, and for those that its publisher builds from folders beside it."""
    yield from _lines(scratch, module, f"v{version}")
    source = _source(scratch, module, version)
    required = dict(re.findall(r"^\s+(\S+) (v\S+)", (source / "go.mod").read_text(), re.MULTILINE))
    for path, published in beside_it(source).items():
        if path in required:
            yield from _lines(scratch, path, published or required[path])


def _lines(scratch: Path, module: str, version: str) -> Iterator[str]:
    answer = download(scratch, f"{module}@{version}")
    yield f"{module} {version} {answer['Sum']}"
    yield f"{module} {version}/go.mod {answer['GoModSum']}"


def _source(scratch: Path, module: str, version: str) -> Path:
    return Path(download(scratch, f"{module}@v{version}")["Dir"])


def _go(source: Path) -> str:
    command = ["go", "mod", "edit", "-json", "go.mod"]
    return json.loads(subprocess.run(command, cwd=source, capture_output=True, check=True).stdout)["Go"]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if not match:
        raise SuppliesError(f"{_CONSTANTS} of this Kubernetes has no {pattern}")
    return match[1]


def main() -> None:
    try:
        (kubernetes,) = sys.argv[1:]
        print(pin(kubernetes))
    except (ValueError, SuppliesError) as error:
        sys.exit(f"error: {error}; usage: python -m rehearsal.build.pins VERSION")


if __name__ == "__main__":
    main()
