"""One rehearsal's surroundings: the fake cloud and the machine room up, a project folder and an environment
for plain `pulumi`.

Everything of a run is below STATE, so the next run finds what a killed one left and removes it first.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from . import processes, project
from .build import Supplies
from .errors import RehearsalError
from .fake_aws.process import CREDENTIALS, Cloud
from .processes import Daemon
from .project import CHECKOUT as PROJECT
from .project import Project
from .variant import DEFAULT, Variant

STATE = Path("/var/lib/microcosm/rehearsal")
LOCK = Path("/run/lock/microcosm-rehearsal")
STACK = "rehearsal"
READY_SECONDS = 60.0
# Loopback counts as the operator's network: the fake cloud's Elastic IPs are loopback addresses.
ADMIN_CIDRS = ["127.0.0.0/8"]
# kubeadm refuses, from 1.35 on, a host with cgroup v1, which the machines share; on a host with cgroup v2
# nothing is passed over.
IGNORED_PREFLIGHT = [] if Path("/sys/fs/cgroup/cgroup.controllers").exists() else ["SystemVerification"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A running fake cloud and machine room."""

    state: Path
    supplies: Supplies
    cloud: Cloud
    room: Mapping[str, Any]
    variant: Variant

    @property
    def endpoint(self) -> str:
        return self.cloud.endpoint

    @property
    def region(self) -> str:
        return self.cloud.region

    @property
    def project(self) -> Path:
        """The folder in which plain `pulumi` works: the program by links, and the stack's configuration."""
        return self.state / "project"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def stack(self) -> Project:
        return Project(folder=self.project, environment=self.environment, stack=STACK, region=self.region)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a user of this cloud."""
        return project.environment(self.cloud, self.state / "pulumi", [self.supplies.bin]) | {
            "KUBECONFIG": str(self.kubeconfig)
        }

    def client(self, service: str) -> Any:
        """A boto3 client of the fake cloud, with the operator's made-up credentials."""
        return self.boto3.client(service, endpoint_url=self.endpoint)

    @property
    def boto3(self) -> boto3.Session:
        return boto3.Session(
            region_name=self.region,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def run(self, *command: str, check: bool = True, tell: Callable[[str], None] | None = None) -> str:
        """A command of the operator, and what it printed, each line of which goes to `tell`; CommandFailed
        shows it when it fails.
        """
        return self.stack.run(*command, check=check, tell=tell)

    def output(self, *command: str) -> str:
        """Return a command's standard output alone; CommandFailed shows its complaint when it
        fails.
        """
        return self.stack.output(*command)

    def write_config(self, **changes: object) -> None:
        """The stack's configuration: what every user with a mirror would write."""
        config: dict[str, object] = {
            "adminCidrs": ADMIN_CIDRS,
            "kubernetesVersion": self.variant.kubernetes,
            "flannelBackend": self.variant.backend,
            "artifactMirror": self.room["mirror"],
            "registryMirror": self.room["registry"],
            "bom": str(self.supplies.bom),
            "ignorePreflightErrors": IGNORED_PREFLIGHT,
            "readyTimeoutMinutes": 5,
        }
        self.stack.configure(config | changes)


def require_root_on_linux() -> None:
    """Network namespaces and machines need both."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise RehearsalError(
            "the rehearsal makes network namespaces and boots machines: run it as root on Linux, e.g. `sudo "
            "make rehearse`"
        )


@contextmanager
def locked() -> Generator[None]:
    """One rehearsal at a time on a machine: a second would find the first's parts and take them for
    left-overs.
    """
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RehearsalError(
                "another rehearsal is running on this machine; wait for it, or end it with Ctrl-C"
            ) from None
        yield


def open_session(supplies: Supplies, state: Path = STATE, variant: Variant = DEFAULT) -> Session:
    """Starts the fake cloud and the machine room on a clean state folder."""
    close_session(state)
    (state / "logs").mkdir(parents=True)
    started: list[Daemon] = []
    try:
        _start_cloud(state, started, variant.region)
        cloud = Cloud.at(state)
        room = _start_room(state, started, cloud, supplies)
    except BaseException:
        close_session(state)
        raise
    variant.write(state)
    session = Session(state=state, supplies=supplies, cloud=cloud, room=room, variant=variant)
    _lay_out_project(session)
    return session


def kept_session(supplies: Callable[[str], Supplies], state: Path = STATE) -> Session | None:
    """The session that `KEEP=1` or a shell left up, if it is.

    `supplies` gives those of a Kubernetes version.
    """
    if len(processes.recorded(state / "daemons.json")) < len(DAEMONS):
        return None
    room, variant = json.loads((state / "room.json").read_text()), Variant.read(state)
    return Session(
        state=state, supplies=supplies(variant.kubernetes), cloud=Cloud.at(state), room=room, variant=variant
    )


DAEMONS = ("rehearsal.hosts", "rehearsal.fake_aws")


def close_session(state: Path = STATE) -> list[str]:
    """Ends what runs and removes what it made; the names of what was still running."""
    running = sorted(
        processes.recorded(state / "daemons.json"), key=lambda daemon: DAEMONS.index(daemon.mark)
    )
    for daemon in running:
        daemon.stop()
    # A `pulumi` that lived on, or a plugin of one, would go on filling the next run's cloud.
    processes.end_of(f"PULUMI_HOME={state / 'pulumi'}")
    if state.exists():
        # The room that was killed left machines behind: only its own code knows how to find and end them.
        subprocess.run(
            [sys.executable, "-m", "rehearsal.hosts", "clean", "--state", str(state)],
            cwd=PROJECT,
            check=True,
            capture_output=True,
        )
        shutil.rmtree(state)
    return [daemon.name for daemon in running]


def save_logs(session: Session, folder: Path) -> None:
    """Copy the logs of the parts and of every machine to where the next run will not remove them."""
    shutil.rmtree(folder, ignore_errors=True)
    # A machine's /var/log links into folders that went with it.
    shutil.copytree(session.state / "logs", folder, ignore_dangling_symlinks=True)
    for path in session.state.glob("machines/*/console.log"):
        shutil.copy(path, folder / f"{path.parent.name}.console.log")


def _start(
    name: str, arguments: Sequence[str], state: Path, started: list[Daemon], programs: Path | None = None
) -> tuple[Daemon, Path]:
    log = state / "logs" / f"{name.split('.')[1]}.log"
    environment = project.without_aws(os.environ)
    if programs:
        environment["PATH"] = os.pathsep.join([str(programs), environment["PATH"]])
    command = [sys.executable, "-m", name, "--state", str(state), *arguments]
    daemon = processes.start(name, command, environment=environment | {"PYTHONPATH": str(PROJECT)}, log=log)
    started.append(daemon)
    processes.record(started, state / "daemons.json")
    return daemon, log


def _start_cloud(state: Path, started: list[Daemon], region: str) -> None:
    daemon, log = _start(
        "rehearsal.fake_aws", ["--region", region, "--port", "0", "--enforce-iam"], state, started
    )
    processes.wait_for_file(state / "cloud.json", daemon, log, READY_SECONDS)


def _start_room(state: Path, started: list[Daemon], cloud: Cloud, supplies: Supplies) -> dict[str, Any]:
    arguments = [
        *("--region", cloud.region),
        *("--aws-endpoint", cloud.endpoint),
        *("--root", str(supplies.machine_root)),
        *("--artifacts", str(supplies.artifacts)),
        *("--registry", str(supplies.registry)),
    ]
    daemon, log = _start("rehearsal.hosts", arguments, state, started, programs=supplies.bin)
    return processes.wait_for_file(state / "room.json", daemon, log, READY_SECONDS)


def _lay_out_project(session: Session) -> None:
    Project.lay_out(session.project, environment=session.environment, stack=STACK, region=session.region)
    session.write_config()
