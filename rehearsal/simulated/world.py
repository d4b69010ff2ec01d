"""Combine a fake cloud, simulated machines and a project folder, so that the real engine runs the program
without root.
"""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from rehearsal import project
from rehearsal.fake_aws import inventory
from rehearsal.fake_aws.process import CREDENTIALS, Cloud, running_cloud
from rehearsal.project import Project
from rehearsal.simulated.api import KubernetesApi
from rehearsal.simulated.machines import SimulatedMachines, simulated_machines
from rehearsal.simulated.servers import running_api

REGION = "eu-west-1"
STACK = "simulated"
# The default configuration of a stack. Loopback stands for the operator's network.
CONFIG: Mapping[str, object] = {"adminCidrs": ["127.0.0.0/8"], "readyTimeoutMinutes": 1}
CHANGES = ("up", "destroy", "refresh")


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The parts of a simulated world."""

    cloud: Cloud
    api: KubernetesApi
    machines: SimulatedMachines
    stack: Project

    def pulumi(self, command: str, *options: str, check: bool = True) -> str:
        """Run a `pulumi` command of the stack; `up`, `destroy` and `refresh` ask no question."""
        yes = ("--yes", "--skip-preview") if command in CHANGES else ()
        try:
            return self.stack.run(
                "pulumi",
                command,
                *yes,
                *options,
                "--stack",
                self.stack.stack,
                "--non-interactive",
                check=check,
            )
        finally:
            self.machines.check()

    def configure(self, **values: object) -> None:
        """Write the stack's configuration: CONFIG with these changes."""
        self.stack.configure({**CONFIG, **values})

    def session(self) -> Any:
        """Return a boto3 session with the operator's keys; its clients need the cloud's endpoint."""
        return boto3.Session(
            CREDENTIALS["AWS_ACCESS_KEY_ID"],
            CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=self.cloud.region,
        )

    def inventory(self) -> inventory.Inventory:
        """List all resources of the fake cloud."""
        return inventory.list_everything(self.session(), self.cloud.endpoint)


@contextmanager
def simulated_world(
    folder: Path, programs: Path | None = None, *, stack: str = STACK, enforce_iam: bool = False
) -> Generator[World]:
    """Open a simulated world in an existing folder; `programs` holds the engine and the Kubernetes servers,
    else they are on PATH.
    """
    folder = folder.resolve()
    with ExitStack() as parts:
        cloud = parts.enter_context(running_cloud(folder / "cloud", REGION, enforce_iam=enforce_iam))
        api = parts.enter_context(running_api(folder / "kubernetes", programs))
        machines = parts.enter_context(simulated_machines(cloud, api))
        home = folder / "pulumi"
        environment = project.environment(cloud, home, [programs] if programs else []) | {
            "HOME": str(folder),
            "NO_COLOR": "1",
            "KUBECONFIG": str(api.folder / "kubeconfig"),
        }
        laid_out = Project.lay_out(folder / "project", environment=environment, stack=stack, region=REGION)
        world = World(cloud=cloud, api=api, machines=machines, stack=laid_out)
        world.configure()
        yield world
