"""Write the PowerShell of the product into a folder, as machines get it: python -m tests.windows.product
FOLDER.
"""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.node import userdata
from microcosm.logs import remote
from microcosm.logs.sources import SOURCES
from microcosm.smoke import windows_exec
from rehearsal.windows_node.powershell import assignments, script_of
from tests import golden
from tests.golden import rows
from tests.support import hostile

PROJECT = Path(__file__).resolve().parents[2]
# Runs of the node's script whose results Python tests read, beside one a row of the matrix: changes of the
# inputs.
WALKS: dict[str, dict[str, Any]] = {
    "vxlan": {"RegistryMirror": "http://10.0.0.9:5000"},
    "host-gw": {"FlannelBackend": "host-gw"},
    "containerd 1": {"ContainerdVersion": "1.7.34"},
    "containerd 2.3": {"KubernetesVersion": "1.36.4", "ContainerdVersion": "2.3.4"},
}
REDACTED = "kubectl --token abcdef.0123456789abcdef"


def write(folder: Path) -> None:
    """Write all of it; what stands there already is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in texts():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (folder / "walks.json").write_text(json.dumps(walks()))
    (folder / "hostile.json").write_text(json.dumps([*hostile_values()]))


def texts() -> Iterator[tuple[str, str]]:
    """The scripts, and where each goes."""
    yield "node.ps1", userdata.windows_script()
    for source in sorted((userdata.SCRIPTS / "windows").glob("*.ps1")):
        yield f"files/{source.name}", source.read_text()
    yield "bootstrap.ps1", (userdata.SCRIPTS / "windows/bootstrap.ps1").read_text()
    yield "start.ps1", (PROJECT / "workloads/ccauth/start.ps1").read_text()
    yield "files/start.ps1", (PROJECT / "workloads/ccauth/start.ps1").read_text()
    yield "files/logs.ps1", (PROJECT / "microcosm/logs/assets/logs.ps1").read_text()
    yield "windows_exec.ps1", windows_exec.SCRIPT
    for source in SOURCES["windows"]:
        yield f"logs/{source.file}.ps1", remote.script("windows", source.command)
    yield (
        "logs-sample.ps1",
        remote.script("windows", f"'{REDACTED}'; 'harmless'; Show-File 'C:\\nowhere.log'"),
    )
    for case in golden.CASES:
        if text := golden.user_data(case).get("expected-windows.ps1"):
            yield f"userdata/{case}.ps1", script_of(text)


def walks() -> dict[str, dict[str, Any]]:
    """The inputs and the build of each run."""
    found = {name: {"inputs": inputs, "build": 17763} for name, inputs in WALKS.items()}
    for row in rows.ROWS:
        if row.system.family == "windows":
            found[row.name] = {"inputs": row_inputs(row), "build": int(row.system.build.rsplit(".", 1)[1])}
    return found


def row_inputs(row: rows.Row) -> Mapping[str, Any]:
    """Return the inputs of the node's script, as they stand in the row's user-data."""
    inputs = assignments(script_of(rows.user_data(row)["windows"].decode()))
    return {name: value for name, value in inputs.items() if not name.startswith("Script")}


def hostile_values() -> Iterator[dict[str, Any]]:
    """Scripts with one hostile value each, in a text, a list and a table; PowerShell's own parser reads
    them back.
    """
    for text in hostile.ALL:
        if text.isascii() and len(text) < 1000 and not userdata._NOT_FOR_WINDOWS.search(text):
            given = {"Text": text, "List": [text, "x"], "Table": {text or "x": text}}
            yield {"value": text, "script": script_of(userdata.windows(given))}


if __name__ == "__main__":
    write(Path(sys.argv[1]))
