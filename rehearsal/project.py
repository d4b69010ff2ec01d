"""A folder in which plain `pulumi` works against a fake cloud: the checkout's own program by links, a stack's
configuration, an environment.

Whoever drives the engine without AWS does it through this: the rehearsal, the faked machines, the sweeps and
the tests.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import processes
from .errors import CommandFailed
from .fake_aws.process import Cloud

CHECKOUT = Path(__file__).resolve().parent.parent
# Stand-ins for the plugins that the engine looks for on PATH.
PLUGINS = CHECKOUT / "rehearsal" / "bin"
# The checkout's own files, unchanged: the rehearsal adds nothing but a stack configuration.
PROGRAM = ("Pulumi.yaml", "__main__.py", "infra", "userdata", "workloads", "bom")
PASSPHRASE = "rehearsal"  # noqa: S105 - of a stack that lives in a fake cloud
PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment that leads to no AWS account, no Pulumi backend and no proxy: no call may leave the
    machine.
    """
    return {
        k: v
        for k, v in environment.items()
        if not k.startswith(("AWS_", "PULUMI_")) and k.lower() not in PROXIES
    }


def environment(cloud: Cloud, home: Path, programs: Iterable[Path] = ()) -> dict[str, str]:
    """The environment of a user of this cloud; `home` is the engine's own folder, `programs` come first on
    PATH.
    """
    # Programs that were downloaded have Pulumi's own language host, which goes before the stand-in.
    path = [*programs, PLUGINS, Path(sys.executable).parent]
    return (
        without_aws(os.environ)
        | cloud.environment()
        | {
            "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
            "PYTHONPATH": str(CHECKOUT),
            "PULUMI_HOME": str(home),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """One stack of a program. The values of `configure` are the program's own, without `microcosm:`."""

    folder: Path
    environment: Mapping[str, str]
    stack: str
    region: str

    @classmethod
    def lay_out(cls, folder: Path, *, environment: Mapping[str, str], stack: str, region: str) -> "Project":
        """Links to the checkout's program, and a stack that is there but not configured yet."""
        folder.mkdir()
        for name in PROGRAM:
            (folder / name).symlink_to(CHECKOUT / name)
        # Pulumi's own language host insists on what Pulumi.yaml calls `virtualenv` (pulumi 3.260.0,
        # toolchain/pip.go, ValidateVenv).
        (folder / ".venv").symlink_to(sys.prefix)
        project = cls(folder=folder, environment=environment, stack=stack, region=region)
        project.run("pulumi", "stack", "init", stack)
        return project

    def configure(self, values: Mapping[str, object], provider: Mapping[str, object] | None = None) -> None:
        """Replace the stack's configuration; `provider` is that of the aws provider, besides the region."""
        path = self.folder / f"Pulumi.{self.stack}.yaml"
        # `pulumi stack init` wrote the salt of the stack's secrets there.
        content: dict[str, Any] = (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}
        provided = {f"aws:{key}": value for key, value in (provider or {}).items()}
        config = (
            {"aws:region": self.region}
            | provided
            | {f"microcosm:{key}": value for key, value in values.items()}
        )
        path.write_text(yaml.safe_dump(content | {"config": config}, sort_keys=False))

    def run(self, *command: str, check: bool = True, tell: Callable[[str], None] | None = None) -> str:
        """A command of the operator, and what it printed, each line of which goes to `tell`; CommandFailed
        shows it when it fails.
        """
        code, text = self.attempt(*command, tell=tell)
        if code and check:
            raise CommandFailed(f"`{' '.join(command)}` failed with {code}:\n{text}")
        return text

    def attempt(self, *command: str, tell: Callable[[str], None] | None = None) -> tuple[int, str]:
        """The exit code of a command, and all that it printed."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=dict(self.environment),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the rehearsal, which then ends the command with all that it started.
            start_new_session=True,
        )
        assert process.stdout
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line)
                if tell:
                    tell(line.rstrip())
        except BaseException:
            processes.end_of(f"PULUMI_HOME={self.environment['PULUMI_HOME']}")
            raise
        return process.wait(), "".join(lines)

    def output(self, *command: str) -> str:
        """Return a command's standard output alone; CommandFailed shows its complaint when it
        fails.
        """
        done = subprocess.run(
            command, cwd=self.folder, env=dict(self.environment), text=True, capture_output=True
        )
        if done.returncode:
            raise CommandFailed(
                f"`{' '.join(command)}` failed with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout
