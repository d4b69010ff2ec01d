"""Drive a stack with the real Pulumi CLI, against a fake cloud, with the rehearsal's stand-in plugins."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import rehearsal
from rehearsal.fake_aws.process import Cloud
from tests.support.provider_plugin import plugin

BIN = Path(rehearsal.__file__).parent / "bin"
# `    + 43 created`, `    ~ 1 updated`, `    +-1 replaced`, `    38 changes. 5 unchanged`
_COUNT = re.compile(
    r"^ {4}(?:[-+~=]+ ?|\d+ changes\. )?(\d+) "
    r"(created|updated|deleted|replaced|unchanged|to create|to update|to replace)$",
    re.MULTILINE,
)


class Stack:
    def __init__(self, project: Path, cloud: Cloud) -> None:
        self.project = project
        self.environment = {
            "PATH": os.pathsep.join([str(BIN), str(plugin().parent), os.environ["PATH"]]),
            "HOME": str(project),
            "NO_COLOR": "1",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(project / ".pulumi"),
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **cloud.environment(),
        }
        self.run("stack", "init", "dev")

    def run(self, *arguments: str, code: int = 0) -> str:
        command = ["pulumi", *arguments, "--non-interactive"]
        done = subprocess.run(
            command,
            cwd=self.project,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode in ((0,) if code == 0 else range(1, 256)), (
            f"{' '.join(command)} answered {done.returncode}:\n{done.stdout}"
        )
        return done.stdout

    def change(self, operation: str, *options: str) -> dict[str, int]:
        """Run the operation and count its results."""
        return counts(
            self.run(operation, *(() if operation == "preview" else ("--yes", "--skip-preview")), *options)
        )


def counts(output: str) -> dict[str, int]:
    return {what: int(number) for number, what in _COUNT.findall(output)}


def project(folder: Path, program: str) -> Path:
    """Create a project with this program, named like its folder."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(f"name: {folder.name}\nruntime: python\n")
    (folder / "__main__.py").write_text(program)
    return folder


def is_there() -> bool:
    return shutil.which("pulumi") is not None
