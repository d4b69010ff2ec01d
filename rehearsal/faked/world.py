"""A fake cloud, faked machines and a project folder: all that the real engine needs to run the real program, in seconds, without root."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from rehearsal import project
from rehearsal.cloud import inventory
from rehearsal.cloud.process import CREDENTIALS, Cloud, running_cloud
from rehearsal.faked.api import KubernetesApi, running_api
from rehearsal.faked.machines import FakedMachines, faked_machines
from rehearsal.project import Project

REGION = "eu-west-1"
STACK = "faked"
# What a stack here is configured with, unless told otherwise; loopback stands for the operator's network.
CONFIG: Mapping[str, object] = {"adminCidrs": ["127.0.0.0/8"], "readyTimeoutMinutes": 1}
CHANGES = ("up", "destroy", "refresh")


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What an open one holds."""

    cloud: Cloud
    api: KubernetesApi
    machines: FakedMachines
    stack: Project

    def pulumi(self, command: str, *options: str, check: bool = True) -> str:
        """`pulumi up` or `destroy` without a question, or any other command of the stack."""
        yes = ("--yes", "--skip-preview") if command in CHANGES else ()
        try:
            return self.stack.run("pulumi", command, *yes, *options, "--stack", self.stack.stack, "--non-interactive", check=check)
        finally:
            self.machines.check()

    def configure(self, **values: object) -> None:
        """The stack's configuration: CONFIG, and what is told here."""
        self.stack.configure({**CONFIG, **values})

    def session(self) -> Any:
        """boto3 with the operator's made-up credentials; clients need the cloud's endpoint."""
        return boto3.Session(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"], region_name=self.cloud.region)

    def inventory(self) -> inventory.Inventory:
        """Everything that the fake cloud holds now."""
        return inventory.list_everything(self.session(), self.cloud.endpoint)


@contextmanager
def faked_world(folder: Path, programs: Path | None = None, *, stack: str = STACK, enforce_iam: bool = False) -> Generator[World]:
    """Opens one in a folder that is there; `programs` holds the engine and the Kubernetes servers, else they are on PATH."""
    folder = folder.resolve()
    with ExitStack() as parts:
        cloud = parts.enter_context(running_cloud(folder / "cloud", REGION, enforce_iam=enforce_iam))
        api = parts.enter_context(running_api(folder / "kubernetes", programs))
        machines = parts.enter_context(faked_machines(cloud, api))
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
