"""Golden user-data: a folder a case, with its stack.yaml and what the machines of that stack are told.

    python -m tests.golden             what is rendered now and differs from the files
    python -m tests.golden --update    renews the files; read the difference before it is committed

matrix-rows/ holds one file for each row of the compatibility matrix (rows.py).

A script of userdata/ that stands in the user-data (a shell script without its comments) is shown as one line,
`#:: userdata/linux/common.sh`: the files hold what the program adds, and stay short.
"""

import base64
import gzip
from pathlib import Path

import yaml

from infra.config import model as config
from infra.config.model import StackConfig
from infra.config.pools import NodePool
from infra.node import script_inputs
from infra.node.userdata import SCRIPTS, without_comments
from infra.script_bucket import StagedScript

FOLDER = Path(__file__).resolve().parent
CASES = sorted(path.parent.name for path in FOLDER.glob("*/stack.yaml"))
# What only AWS knows.
REGION, CONTROL_PLANE_ID, PUBLIC_IP = "eu-west-1", "i-0123456789abcdef0", "198.51.100.7"
SCRIPT = StagedScript(
    bucket="dev-scripts-1234567", key="windows-node-0123456789ab.ps1", sha256="0123456789abcdef" * 4
)


def stack(case: str) -> StackConfig:
    """The validated configuration of a case."""
    return config.parse(yaml.safe_load((FOLDER / case / "stack.yaml").read_text()), stack="dev")


def user_data(case: str) -> dict[str, str]:
    """The user-data of one machine of each kind as it runs there, by the name of its file."""
    found = stack(case)
    texts = {
        "expected-control-plane.sh": _text(
            script_inputs.control_plane(found, region=REGION, public_ip=PUBLIC_IP)
        )
    }
    for pool in reversed(found.node_pools):
        name = "expected-windows.ps1" if pool.os.family == "windows" else "expected-worker.sh"
        texts[name] = worker_user_data(found, pool)
    return texts


def rendered(case: str) -> dict[str, str]:
    """The same in the files' form."""
    return {name: elided(text) for name, text in user_data(case).items()}


def expected(case: str) -> dict[str, str]:
    """The files of a case."""
    return {path.name: path.read_text() for path in (FOLDER / case).glob("expected-*")}


def update(case: str) -> None:
    """Makes the files what is rendered now."""
    for path in (FOLDER / case).glob("expected-*"):
        path.unlink()
    for name, text in rendered(case).items():
        (FOLDER / case / name).write_text(text)


def elided(text: str) -> str:
    """The text with a line in the place of every script that stands in it unchanged."""
    for path in sorted(SCRIPTS.glob("*/*.*")):
        script = without_comments(path.read_text())
        # Of a script with a shebang, that line goes before the assignments.
        body = script.split("\n", 1)[1] if script.startswith("#!") else script
        text = text.replace(body.rstrip("\n") + "\n", f"#:: userdata/{path.parent.name}/{path.name}\n")
    return text


def worker_user_data(found: StackConfig, pool: NodePool) -> str:
    """As it runs on the pool's first machine."""
    script = SCRIPT if pool.os.family == "windows" else None
    text = script_inputs.worker(
        found, pool, pool.node_names[0], region=REGION, control_plane_id=CONTROL_PLANE_ID, script=script
    )
    return text if script else _text(text)


def raw(encoded: str) -> bytes:
    """Return the bytes that EC2 counts."""
    return base64.b64decode(encoded)


def _text(encoded: str) -> str:
    sent = raw(encoded)
    return (gzip.decompress(sent) if sent.startswith(b"\x1f\x8b") else sent).decode()
