"""Run a fake cloud and the real engine for the length of a block, and stacks in it.

The stand-ins are those of the rehearsal.
"""

import json
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from rehearsal import processes
from rehearsal.build import ensure_programs
from rehearsal.fake_aws.process import Cloud, running_cloud
from rehearsal.project import CHECKOUT, PROGRAM, environment
from rehearsal.simulated.machines import simulated_machines
from rehearsal.simulated.servers import running_api

from .samples import Sample, measure

REGION = "eu-west-1"
BARE_PROGRAM = CHECKOUT / "bench" / "bare_program" / "__main__.py"
RECORD = "record.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A project folder and its one stack; every command is measured."""

    name: str
    project: Path
    environment: Mapping[str, str]

    def through(self, endpoint: str) -> "Stack":
        """Return the same stack with all its cloud calls, and the engine's state, sent to another
        endpoint.
        """
        direct, counted = (urlsplit(url).netloc for url in (self.environment["AWS_ENDPOINT_URL"], endpoint))
        backend = self.environment["PULUMI_BACKEND_URL"].replace(direct, counted)
        return replace(
            self,
            environment={**self.environment, "AWS_ENDPOINT_URL": endpoint, "PULUMI_BACKEND_URL": backend},
        )

    def pulumi(self, *arguments: str) -> Sample:
        return measure(
            ["pulumi", *arguments, "--stack", self.name, "--non-interactive"],
            cwd=self.project,
            environment=self.environment,
        )

    def preview(self) -> Sample:
        return self.pulumi("preview")

    def up(self) -> Sample:
        return self.pulumi("up", "--yes", "--skip-preview")

    def destroy(self) -> Sample:
        return self.pulumi("destroy", "--yes", "--skip-preview")

    def planned(self) -> list[dict[str, Any]]:
        """List the resources that a preview would create, as the engine would record them."""
        return [step["newState"] for step in json.loads(self.pulumi("preview", "--json").output)["steps"]]

    def kept(self) -> list[dict[str, Any]]:
        """List the resources of the state, with secrets in plain text."""
        return json.loads(self.pulumi("stack", "export", "--show-secrets").output)["deployment"]["resources"]

    def state_bytes(self) -> int:
        return len(self.pulumi("stack", "export").output.encode())


@dataclass(frozen=True, kw_only=True, slots=True)
class Workbench:
    """A running fake cloud, and the folder of its projects."""

    folder: Path
    cloud: Cloud
    programs: Path

    def program(self, name: str, linux: int = 1, windows: int = 1, **aws: object) -> Stack:
        """Create a stack of the program with these workers; `aws` configures the provider."""
        project = self.folder / name
        project.mkdir()
        for file in PROGRAM:
            (project / file).symlink_to(CHECKOUT / file)
        pools = [
            {"name": "linux", "os": "ubuntu-24.04", "count": linux},
            {"name": "windows", "os": "windows-2019", "count": windows},
        ]
        provider = {f"aws:{key}": value for key, value in aws.items()}
        return self._stack(
            project, {"microcosm:adminCidrs": ["127.0.0.0/8"], "microcosm:nodePools": pools, **provider}
        )

    def bare(self, name: str, record: list[dict[str, Any]]) -> Stack:
        """Create a stack of bare resources only."""
        project = self.folder / name
        project.mkdir()
        (project / "Pulumi.yaml").write_text("name: bare\nruntime: python\n")
        shutil.copy(BARE_PROGRAM, project)
        (project / RECORD).write_text(json.dumps(record, indent=1))
        return self._stack(project, {})

    def _stack(self, project: Path, config: Mapping[str, Any]) -> Stack:
        known = environment(self.cloud, self.folder / "pulumi", [self.programs]) | {"NO_COLOR": "1"}
        stack = Stack(name=project.name, project=project, environment=known)
        stack.pulumi("stack", "init")
        path = project / f"Pulumi.{stack.name}.yaml"
        # `pulumi stack init` has written the salt of the stack's secrets there.
        salt: dict[str, Any] = yaml.safe_load(path.read_text()) or {}
        path.write_text(yaml.safe_dump(salt | {"config": {"aws:region": REGION, **config}}, sort_keys=False))
        return stack


@contextmanager
def workbench(*, machines: bool = False, rates: bool = False) -> Generator[Workbench]:
    """Run the fake cloud in a temporary folder for the length of the block.

    `machines` simulates every instance; `rates` refuses calls that exceed AWS's rates.
    """
    programs = ensure_programs()
    with tempfile.TemporaryDirectory(prefix="microcosm-bench-") as name, ExitStack() as parts:
        folder = Path(name)
        cloud = parts.enter_context(running_cloud(folder / "cloud", REGION, rates=rates))
        if machines:
            api = parts.enter_context(running_api(folder / "kubernetes", programs))
            parts.enter_context(simulated_machines(cloud, api))
        # Ctrl-C may leave an engine and its plugins behind.
        parts.callback(processes.end_of, f"PULUMI_HOME={folder / 'pulumi'}")
        yield Workbench(folder=folder, cloud=cloud, programs=programs)
