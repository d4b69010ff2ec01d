"""Run Linux user-data in bash, with a folder in place of / and recording stand-ins for programs that change
a machine.

The scripts of userdata/ run unchanged, except for their absolute paths, which lead into the folder. python3,
sed, awk and others are the machine's own, as are `touch` and the shell builtins, so a value that bash ran
could do anything.
"""

import base64
import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from infra.node import userdata

ROOT_OF_A_PATH = re.compile(r"(?<![\w./}])/(?=(etc|var|run|opt|usr/local|proc)[/\s])")
# Paths that no script may reach on the machine that runs the tests, except for the interpreter of the first
# line.
FOREIGN = re.compile(
    r"(?<![\w./}])/(etc|var|run|opt|usr|proc|sys|boot|root|home|lib|bin|sbin|mnt|srv|tmp)\b(?!/bin/env bash)"
)
OWN_PROGRAMS = [
    *("awk", "bash", "cat", "chmod", "cmp", "cp", "cut", "date", "df", "env"),
    *("find", "flock", "grep", "head", "install", "mkdir", "mv", "rm", "sed"),
    *("seq", "sha256sum", "sync", "tail", "tee", "timeout", "touch", "tr", "uniq"),
]
NODE = json.dumps({"status": {"conditions": [{"type": "Ready", "status": "True", "message": "fine"}]}})
CREDENTIALS = json.dumps(
    {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "the-secret-key", "Token": "the-session-token"}
)
DOWNLOAD = b"what a mirror serves"

# Record each call: its arguments, ended by NUL, and its input.
RECORD = """#!/usr/bin/env bash
name=${0##*/}
printf '%s\\0' "$@" >"${RECORD}/${name}.$$"
"""
STAND_INS = {
    "curl": RECORD
    + r"""
url=${*: -1}
outputs=()
while [ $# -gt 0 ]; do
  case $1 in
  --config) cat "$2" >/dev/null ;;
  --output) outputs+=("$2") ;;
  --data-binary) cat >"${RECORD}/request.$$" ;;
  esac
  shift
done
for output in "${outputs[@]}"; do printf %s "${DOWNLOAD}" >"${output}"; done
[ "${#outputs[@]}" -eq 0 ] || exit 0
case ${url} in
*/api/token) printf token ;;
*/instance-id) printf i-0123456789abcdef0 ;;
*/public-ipv4) printf %s "${PUBLIC_ADDRESS}" ;;
*/local-ipv4) printf 10.0.0.9 ;;
*/security-credentials/) printf role ;;
*/security-credentials/role) printf %s "${CREDENTIALS}" ;;
*/api/v1/nodes/*) printf %s "${NODE}" ;;
*) cat "${ANSWER}" ;;
esac
""",
    "kubeadm": RECORD
    + r"""
case $1 in
init | join)
  cat "$3" >"${RECORD}/$1.yaml"
  mkdir -p "${ROOT}/etc/kubernetes"
  for name in kubelet admin; do
    printf 'server: https://10.0.0.9:6443\n' >"${ROOT}/etc/kubernetes/${name}.conf"
  done
  ;;
token) printf 'abcdef.0123456789abcdef\n' ;;
kubeconfig) printf 'a kubeconfig\n' ;;
esac
""",
    # pkey reads its key from the pipe, as the real one does: the writer must not lose its reader.
    "openssl": RECORD + '[ "$1" != pkey ] || cat >/dev/null\nprintf key\n',
    **dict.fromkeys(("ctr", "swapoff", "sysctl", "systemctl", "tar"), RECORD),
    "sleep": "#!/usr/bin/env bash\n",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """The result of a run."""

    folder: Path
    code: int
    output: str

    def calls(self, program: str) -> list[list[str]]:
        """Return the arguments of every call of a stand-in."""
        return [
            _text(path).split("\0")[:-1]
            for path in sorted((self.folder / "record").glob(f"{program}.*"))
            if path.suffix != ".yaml"
        ]

    def written(self) -> list[dict[str, str]]:
        """Return the parameters that were written to Systems Manager."""
        asked = [path.read_text() for path in sorted((self.folder / "record").glob("request.*"))]
        return [json.loads(text) for text in asked if '"Overwrite": true' in text]

    def read(self) -> set[str]:
        """Return the names of the parameters that were read."""
        asked = [path.read_text() for path in sorted((self.folder / "record").glob("request.*"))]
        return {json.loads(text)["Name"] for text in asked if '"Overwrite": true' not in text}

    def kept(self, name: str) -> str:
        return _text(self.folder / "record" / name)

    def file(self, path: str) -> str:
        """Return the content of a file of the machine."""
        return _text(self.folder / "root" / path.lstrip("/"))


def _text(path: Path) -> str:
    """Read a file with its line ends unchanged."""
    return path.read_bytes().decode()


class Sandbox:
    """One machine's folder.

    Hostile values try to create `canary` in the working directory; `address` is public.
    """

    def __init__(self, folder: Path, address: str = "198.51.100.7") -> None:
        self.folder, self.root, self.address = folder, folder / "root", address
        for part in (
            "etc",
            "proc/sys/net/bridge",
            "usr/local/sbin",
            "usr/local/bin",
            "run",
            "etc/modules-load.d",
            "etc/sysctl.d",
        ):
            (self.root / part).mkdir(parents=True)
        for part in ("etc/kubernetes/pki", "etc/systemd/system", "var/lib/kubelet/pki"):
            (self.root / part).mkdir(parents=True)
        (self.root / "etc/fstab").touch()
        (folder / "record").mkdir()
        (folder / "work").mkdir()
        self._programs()
        self._scripts()

    @property
    def canary(self) -> Path:
        return self.folder / "work" / "executed"

    def run(self, render: Callable[[], str], answer: dict[str, str], *arguments: str) -> Run:
        """Render user-data (base64) from this machine's scripts and run it; `answer` is the value of every
        parameter.
        """
        with mock.patch.object(userdata, "SCRIPTS", self.folder / "userdata"):
            raw = base64.b64decode(render())
        script = self.folder / "user-data.sh"
        script.write_bytes(gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw)
        (self.folder / "answer.json").write_text(json.dumps({"Parameter": {"Value": json.dumps(answer)}}))
        done = subprocess.run(
            ["bash", script, *arguments],
            cwd=self.folder / "work",
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        return Run(folder=self.folder, code=done.returncode, output=done.stdout.decode(errors="replace"))

    def _environment(self) -> dict[str, str]:
        places = {
            "ROOT": self.root,
            "RECORD": self.folder / "record",
            "ANSWER": self.folder / "answer.json",
            "HOME": self.folder,
        }
        fixed = {
            "PUBLIC_ADDRESS": self.address,
            "PATH": str(self.folder / "bin"),
            "LC_ALL": "C.UTF-8",
            "CREDENTIALS": CREDENTIALS,
            "NODE": NODE,
            "DOWNLOAD": DOWNLOAD.decode(),
        }
        return fixed | {name: str(path) for name, path in places.items()}

    def _programs(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir()
        for name in OWN_PROGRAMS:
            found = shutil.which(name)
            assert found, f"{name} is not on PATH"
            (programs / name).symlink_to(found)
        # Python starts three times as fast without site-packages.
        stand_ins = STAND_INS | {"python3": f'{RECORD}exec {sys.executable} -I -S "$@"\n'}
        for name, text in stand_ins.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    def _scripts(self) -> None:
        shutil.copytree(userdata.SCRIPTS, self.folder / "userdata")
        for path in (self.folder / "userdata/linux").glob("*.sh"):
            text = ROOT_OF_A_PATH.sub(lambda _: f"{self.root}/", path.read_text())
            left = FOREIGN.search(text.replace(str(self.root), "ROOT"))
            assert not left, f"{path.name} would reach {left[0]} of this machine"
            path.write_text(text)
