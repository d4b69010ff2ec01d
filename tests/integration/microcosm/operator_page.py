"""Generate docs/guide/operator.md: its tables from the commands' options, its outputs by running the
commands.

`python -m tests.integration.microcosm.operator_page` writes the page; test_operator_page.py fails if that
would change it. The commands run in this process against a fake account (moto), which the page's `scene`
marks change. Ids, times and ports are the same in every run. Each scene replaces the calls that moto does not
support.

Marks in the page:  <!-- scene: NAME -->   change the account to this scene
                    <!-- about: NAME -->   up to `<!-- end -->`: the command's description and options
                    <!-- run: COMMAND -->  up to `<!-- end -->`: the command's output
"""

import base64
import contextlib
import functools
import hashlib
import io
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from moto import mock_aws
from moto.ec2.models import ec2_backends

from infra.config.model import PROJECT
from microcosm import cli, options
from microcosm import repair as repair_command
from microcosm.access import session as access_session
from microcosm.audit import search as audit
from microcosm.doctor import command as doctor_command
from microcosm.logs import remote as logs_remote
from microcosm.logs.remote import CommandOutput
from microcosm.output import note
from microcosm.pulumi_cli.target import Target
from microcosm.smoke import command as smoke_command
from microcosm.timeline import watch as timeline_watch
from rehearsal.fake_aws.moto_patches import images
from rehearsal.fake_aws.moto_patches.corrections import VOLUME_PATCHES
from tests.support import price_answers
from tests.unit.microcosm.test_smoke import SILENCE, send_all

from .conftest import REGION, SESSION, STACK_TAG, Cloud
from .doctor.patient import ACCOUNT, ADDRESS, sizes
from .fake_stacks import FakeStacks, Stack
from .fake_stacks import context as fake_context
from .overlay import Overlay
from .test_access import pem
from .test_kubeconfig import rendezvous

PAGE = PROJECT / "docs" / "guide" / "operator.md"
MARK = re.compile(
    r"<!-- (?:(scene): ([^\n]*?) -->\n|(about|run): ([^\n]*?) -->\n.*?<!-- end -->\n)", re.DOTALL
)
LAUNCHED = 1_795_600_000
BROKEN_POD = """apiVersion: v1
kind: Pod
metadata: {name: legacy}
spec:
  hostNetwork: true
  nodeSelector: {kubernetes.io/os: windows}
  containers: [{name: web, image: mcr.microsoft.com/windows/servercore/iis:windowsservercore-ltsc2022}]
"""
# How long each phase takes in the scenes, in seconds from the launch of its machine.
LINUX = {"prepare": 41, "download": 12, "containerd": 5}
CONTROL_PLANE = LINUX | {"init": 48, "publish": 3, "ready": 31}
WINDOWS = {
    "feature": 190,
    "reboot": 95,
    "download": 64,
    "containerd": 21,
    "prepare-node": 33,
    "join": 41,
    "flannel": 58,
    "kube-proxy": 9,
    "ready": 6,
}
FLANNEL_STUCK = 55 * 60
QUOTAS = {"L-1216C47A": 32, "L-F678F1CE": 5, "L-0EA8095F": 60}


class World:
    """The fake account and this computer, as the scenes change them."""

    def __init__(self, cloud: Cloud, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.cloud, self.home, self.patch = cloud, home, patch
        self.instances: dict[str, str] = {}
        # Whether the scenes set the time that commands see; without, what they print of it is made the same
        # in every run.
        self.has_clock = False
        self.key = generate_private_key(65537, 2048)

    def launch(self, node: str, system: str, after: int, **where: str) -> None:
        """A machine started so many seconds after the first."""
        instance = self.cloud.machine(node, system, KeyName="ops", **where)
        ec2_backends[ACCOUNT][REGION].get_instance(instance).launch_time = _moment(LAUNCHED + after)
        self.instances[node] = instance

    def report(
        self, node: str, start: int, phases: Mapping[str, int], result: str = "ok", detail: str = ""
    ) -> None:
        """Its report: phases one after the other; the last one goes on unless all is well."""
        moment, told = LAUNCHED + start, dict[str, dict[str, int | None]]()
        for phase, seconds in phases.items():
            told[phase] = {"start": moment, "end": moment + seconds}
            moment += seconds
        last = [*phases][-1]
        if result == "running":
            told[last]["end"] = None
        said = {
            "instance": self.instances[node],
            "node": node,
            "phase": last,
            "result": result,
            "detail": detail,
            "phases": told,
        }
        self.cloud.parameter(f"status/{node}", json.dumps(said))

    def now(self, seconds: float) -> None:
        """The clock, in seconds after the first launch."""
        clock = timeline_watch.Clock(now=lambda: LAUNCHED + seconds)
        self.patch.setattr(timeline_watch, "poll", functools.partial(POLL, clock=clock))

    def machine_says(self, **logs: str) -> None:
        """Replace Run Command, which moto does not execute, by these logs, keyed by a word of the command."""

        def execute(remote: logs_remote.Remote, command: str) -> CommandOutput:
            text = next((text for word, text in logs.items() if word in command), "-- No entries --\n")
            return CommandOutput(text=text, size=len(text))

        self.patch.setattr(logs_remote.Remote, "execute", execute)

    def run(self, command: str) -> str:
        """Return the terminal's text for a command, with ids, paths and times that are the same in every
        run.
        """
        program, *arguments = shlex.split(command.replace("~", str(self.home)))
        assert program == "microcosm"
        terminal = io.StringIO()
        with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(terminal):
            code = self._exit_code(arguments)
        return self._steady(f"$ {command}\n{terminal.getvalue()}") + (f"# exit code {code}\n" if code else "")

    def _exit_code(self, arguments: list[str]) -> int:
        self.patch.setattr(sys, "argv", ["microcosm", *arguments])
        try:
            cli.main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    def _steady(self, text: str) -> str:
        names = {instance: node for node, instance in self.instances.items()}
        text = text.replace(str(self.home), "~").replace(str(PROJECT), ".")
        text = re.sub(
            r"\b(i|eipalloc|eni|vol|vpc|subnet|sg|rtb|igw)-[0-9a-f]{8,17}\b",
            lambda m: _id(m[1], names.get(m[0], m[1])),
            text,
        )
        if self.has_clock:
            return text
        text = re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-25T16:40:00Z", text)
        return re.sub(r"20\d{6}T\d{6}Z", "20261125T164000Z", text)


def _id(kind: str, of: str) -> str:
    """Return a plausible id that is the same in every run; a scene has at most one object of each kind."""
    return f"{kind}-0{hashlib.sha256(of.encode()).hexdigest()[:16]}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


# --- scenes ---


def an_account(world: World) -> None:
    """Start with an empty account. moto is slow at DescribeInstanceTypes and lacks the vCPU quota."""
    world.cloud.client("ec2").import_key_pair(KeyName="ops", PublicKeyMaterial=_public(world.key))
    world.cloud.client("s3").create_bucket(
        Bucket="acme-pulumi-state", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    images.publish(REGION, ACCOUNT)


def booting(world: World) -> None:
    """The Windows machine does not get over the flannel phase."""
    subnet = world.cloud.subnet(world.cloud.vpc())
    for node, system, after in (
        ("control-plane", "ubuntu-24.04", 0),
        ("linux-0", "ubuntu-24.04", 2),
        ("windows-0", "windows-2019", 2),
    ):
        world.launch(node, system, after, SubnetId=subnet)
    world.report("control-plane", 24, CONTROL_PLANE)
    world.report("linux-0", 26, LINUX | {"join": 66, "ready": 12})
    until = {phase: seconds for phase, seconds in WINDOWS.items() if phase not in ("kube-proxy", "ready")}
    world.report("windows-0", 210, until, "running", "no flanneld that is ready within 240 s: not so far")
    world.now(FLANNEL_STUCK)
    world.machine_says(flanneld=_LOG_OF_FLANNELD)


def ready(world: World) -> None:
    """Everything is up, and a cluster that answers stands in for Kubernetes."""
    world.report("windows-0", 210, WINDOWS)
    world.cloud.parameter("kubeconfig", rendezvous(world.instances["control-plane"]))
    world.now(12 * 60)
    world.patch.setattr(smoke_command, "run", lambda *_: send_all())


def service_broken(world: World) -> None:
    """The Service of CCAuth does not answer."""
    world.patch.setattr(smoke_command, "run", lambda *_: send_all(ccauth_service=SILENCE))


def answer_lost(world: World) -> None:
    """AWS has made a second VPC, and the engine never heard of it; the state knows all else of the stack."""
    everything = audit.audit(
        world.cloud.session, audit.Scope(target=Target(stack="dev", region=REGION)), 0.0
    ).findings
    resources = [
        {"type": "any", "urn": f"urn:pulumi:dev::microcosm::any::{each.item.id}", "id": each.item.id}
        for each in everything
    ]
    world.cloud.vpc()
    stacks = FakeStacks(backend="s3://acme-pulumi-state", stacks={"dev": Stack(resources=resources)})
    world.patch.setattr(
        repair_command, "_context", lambda: replace(fake_context(stacks, world.cloud.session), log=note)
    )


def destroyed(world: World) -> None:
    """All is gone but a disk and a parameter."""
    ec2 = world.cloud.client("ec2")
    for interface in ec2_backends[ACCOUNT][REGION].enis.values():
        interface.delete_on_termination = True  # as AWS has it; moto would keep them
    ec2.terminate_instances(InstanceIds=[*world.instances.values()])
    for subnet in ec2.describe_subnets(Filters=[{"Name": "tag:microcosm:stack", "Values": ["dev"]}])[
        "Subnets"
    ]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for vpc in ec2.describe_vpcs(Filters=[{"Name": "tag:microcosm:stack", "Values": ["dev"]}])["Vpcs"]:
        ec2.delete_vpc(VpcId=vpc["VpcId"])
    ssm = world.cloud.client("ssm")
    ssm.delete_parameters(
        Names=[*(f"/microcosm/dev/status/{node}" for node in world.instances), "/microcosm/dev/kubeconfig"]
    )
    disk = ec2.create_volume(
        AvailabilityZone=f"{REGION}a",
        Size=100,
        VolumeType="gp3",
        TagSpecifications=world.cloud.tags("volume"),
    )["VolumeId"]
    ec2_backends[ACCOUNT][REGION].volumes[
        disk
    ].snapshot_id = "snap-0123456789abcdef0"  # that of the image, of another account
    ssm.put_parameter(Name="/microcosm/dev/status/linux-1", Value="pending", Type="String", Tags=[STACK_TAG])


SCENES: Mapping[str, Callable[[World], None]] = {
    "an account": an_account,
    "booting": booting,
    "ready": ready,
    "a Service is broken": service_broken,
    "an answer was lost": answer_lost,
    "destroyed": destroyed,
}
_LOG_OF_FLANNELD = """\
I1125 16:12:03 vxlan_windows.go:213] Attempting to create HostComputeNetwork &{ flannel.4096 Overlay}
E1125 16:12:08 main.go:370] Error registering network: The wrong diskette is in the drive.
"""


def _public(key: Any) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


# --- the page ---


POLL = timeline_watch.poll


@contextmanager
def world(directory: Path) -> Iterator[World]:
    """The world before the first scene: an empty account, and a computer with a project and all programs."""
    with pytest.MonkeyPatch.context() as patch, mock_aws(), VOLUME_PATCHES.applied():
        found = World(Cloud(SESSION), directory, patch)
        encrypted = base64.b64encode(found.key.public_key().encrypt(b"nK4?wm(;Ze7d!Vb2", PKCS1v15())).decode()
        answers = {
            "ec2.describe_instance_types": sizes,
            "service-quotas.get_service_quota": lambda ServiceCode, QuotaCode: {
                "Quota": {"Value": QUOTAS[QuotaCode]}
            },
            "pricing.get_products": price_answers.get_products,
            "ec2.get_password_data": lambda InstanceId: {"PasswordData": encrypted},
        }
        session = Overlay(SESSION, answers)
        patch.setenv("HOME", str(directory))
        patch.setenv("PULUMI_BACKEND_URL", "s3://acme-pulumi-state")
        for name in ("AWS_ENDPOINT_URL", "KUBECONFIG", "MICROCOSM_DEBUG", "PULUMI_STACK", "XDG_STATE_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        patch.setattr(
            options,
            "connect",
            lambda stack, region, file=None: (Target(stack=stack or "dev", region=region or REGION), session),
        )
        patch.setattr(doctor_command, "caller_address", lambda environ: ADDRESS)
        patch.setattr(doctor_command, "run", lambda arguments: (0, version("pulumi")))
        patch.setattr(doctor_command.shutil, "which", lambda name: name)
        patch.setattr(access_session, "free_port", lambda: 51234)
        patch.setattr(access_session, "require_programs", lambda: None)
        patch.setattr(access_session, "run", lambda command: 0)
        _lay_out(directory, found)
        patch.chdir(directory)
        yield found


def _lay_out(directory: Path, found: World) -> None:
    """The files of this computer: the project with its own example configuration, a key, manifests."""
    (directory / "Pulumi.yaml").write_text("name: microcosm\nruntime: python\n")
    example = (PROJECT / "Pulumi.dev.yaml").read_text()
    (directory / "Pulumi.dev.yaml").write_text(f"{example}\n  microcosm:keyName: ops\n")
    (directory / ".ssh").mkdir()
    (directory / ".ssh" / "ops.pem").write_bytes(pem(found.key))
    (directory / "deploy").mkdir()
    (directory / "deploy" / "legacy.yaml").write_text(BROKEN_POD)


def render(text: str, found: World, scenes: Mapping[str, Callable[[World], None]] = SCENES) -> str:
    """The page with everything between marks made anew, in order."""

    def fresh(mark: re.Match[str]) -> str:
        kind, what = named(mark)
        if kind == "scene":
            scenes[what](found)
            return mark[0]
        body = about(what) if kind == "about" else f"```console\n{found.run(what)}```\n"
        return f"<!-- {kind}: {what} -->\n{body}<!-- end -->\n"

    return MARK.sub(fresh, text)


def named(mark: re.Match[str]) -> tuple[str, str]:
    """A mark's kind and what stands in it."""
    return mark[1] or mark[3], mark[2] or mark[4]


def about(name: str) -> str:
    """Render a command's description, and its options as a table."""
    command = _commands()[name]
    arguments = " ".join(
        _metavar(parameter) for parameter in command.params if parameter.param_type_name == "argument"
    )
    rows = [
        f"| {_spelling(parameter)} | {parameter.help} |"
        for parameter in command.params
        if parameter.param_type_name == "option"
    ]
    head = f"`microcosm {f'{name} {arguments}'.strip()}`\n\n{(command.help or '').strip()}\n"
    return "\n".join([head, "| option | |", "| --- | --- |", *rows, ""])


def _commands() -> Mapping[str, Any]:
    group: Any = typer.main.get_command(cli.app)
    return group.commands


def _metavar(parameter: Any) -> str:
    return parameter.metavar if parameter.required else f"[{parameter.metavar}]"


def _spelling(parameter: Any) -> str:
    spellings = [f"{name} {_value(parameter)}".strip() for name in parameter.opts]
    return ", ".join(f"`{spelling}`" for spelling in spellings)


def _value(parameter: Any) -> str:
    """Return the text after an option: nothing, its metavar, or the accepted words."""
    if parameter.is_flag:
        return ""
    accepted: Any = parameter.type_descriptor.annotation
    return parameter.metavar or ("/".join(accepted) if issubclass(accepted, StrEnum) else "NUMBER")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as everything:
        PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), everything), encoding="utf-8")
