"""Record the --help of the pinned Windows binaries, for machines without Wine.

`python -m rehearsal.wine help` writes the texts from the binaries under Wine; with `--kubernetes` those of
another supported version. They differ from the texts of the Linux binaries: only kubelet.exe has
--windows-priorityclass, and it has no flags for cgroups.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.wine import flags
from rehearsal.wine.computer import WineHost

FOLDER = Path(__file__).parents[2] / "tests/windows/help"
_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """One program's help; `of` is its tool in the table of rehearsal/build/toolchain.py."""

    program: str
    of: str
    arguments: tuple[str, ...] = ("--help",)

    def name(self, versions: Mapping[str, str]) -> str:
        return f"{self.program}-{versions[self.of]}.txt"


TEXTS = (
    Text(program="kubeadm", of="kubernetes", arguments=("join", "--help")),
    Text(program="kubelet", of="kubernetes"),
    Text(program="kube-proxy", of="kubernetes"),
    Text(program="flanneld", of="flannel"),
)


def record(wine_host: WineHost, versions: Mapping[str, str], folder: Path) -> list[Path]:
    """Write the texts of the programs in these versions; texts of other versions stay."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_record_one(wine_host, text, folder / text.name(versions)) for text in TEXTS]


def _record_one(wine_host: WineHost, text: Text, path: Path) -> Path:
    lines = wine_host.run(f"{text.program}.exe", text.arguments, _SECONDS).splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    return path


def known_flags(program: str, versions: Mapping[str, str], folder: Path = FOLDER) -> dict[str, flags.Flag]:
    """Return the flags of the pinned version of a program, from its recorded text."""
    text = next(text for text in TEXTS if text.program == program)
    return flags.read((folder / text.name(versions)).read_text())
