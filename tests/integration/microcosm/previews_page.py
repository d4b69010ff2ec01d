"""Generate docs/guide/previews.md by running the commands, as operator_page.py does for the other page.

`python -m tests.integration.microcosm.previews_page` writes the page; test_previews_page.py fails if that
would change it. Pulumi is a stand-in in memory, which launches and terminates machines in a fake account
(moto) as the program would.
"""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from moto.ec2.models import ec2_backends

from infra.config.model import PROJECT
from microcosm.output import note
from microcosm.preview import command as preview_cli

from . import operator_page
from .conftest import REGION, SESSION, Cloud
from .doctor.patient import ACCOUNT
from .fake_stacks import NOW, FakeStacks, Stack
from .fake_stacks import context as fake_context
from .operator_page import World, _moment

PAGE = PROJECT / "docs" / "guide" / "previews.md"
MACHINES = {"control-plane": "ubuntu-24.04", "linux-0": "ubuntu-24.04", "windows-0": "windows-2019"}
OLDER = {
    "owner": "bob",
    "region": REGION,
    "created-at": "2026-11-25T10:00:00Z",
    "expires-at": "2026-11-25T18:00:00Z",
}
EVENING = NOW + timedelta(hours=7, minutes=30)


def two_pull_requests(world: World) -> None:
    """Bob's preview is two hours old; it is noon."""
    stacks = FakeStacks(backend="s3://my-previews", on_destroy=_end)
    stacks.on_up = functools.partial(_launch, stacks)
    stacks.stacks["pr-6"] = Stack(tags={f"microcosm:{key}": value for key, value in OLDER.items()})
    _launch(stacks, "pr-6", hours=-2)
    world.has_clock = True
    world.commands = lambda now: replace(fake_context(stacks, world.cloud.session, now=now), log=note)
    _clock(world, NOW)


def evening(world: World) -> None:
    """Bob's preview has reached its end."""
    _clock(world, EVENING)


SCENES: Mapping[str, Callable[[World], None]] = {"two pull requests": two_pull_requests, "evening": evening}


def _clock(world: World, now: datetime) -> None:
    world.patch.setattr(preview_cli, "_context", lambda _: world.commands(now))


def _launch(stacks: FakeStacks, stack: str, hours: float = 0) -> None:
    cloud, launched = Cloud(SESSION, stack), (NOW + timedelta(hours=hours)).timestamp()
    for node, system in MACHINES.items():
        instance = cloud.machine(node, system)
        ec2_backends[ACCOUNT][REGION].get_instance(instance).launch_time = _moment(launched)
        stacks.of(stack).resources.append(
            {
                "type": "aws:ec2/instance:Instance",
                "urn": f"urn:pulumi:{stack}::microcosm::::{node}",
                "id": instance,
            }
        )
        report = {
            "instance": instance,
            "node": node,
            "phase": "ready",
            "result": "ok",
            "detail": "",
            "phases": {},
        }
        cloud.parameter(f"status/{node}", json.dumps(report))


def _end(stack: str) -> None:
    cloud = Cloud(SESSION, stack)
    ec2, ssm = cloud.client("ec2"), cloud.client("ssm")
    for interface in ec2_backends[ACCOUNT][REGION].enis.values():
        interface.delete_on_termination = True  # as AWS has it; moto would keep them
    mine = ec2.describe_instances(Filters=[{"Name": "tag:microcosm:stack", "Values": [stack]}])[
        "Reservations"
    ]
    ec2.terminate_instances(
        InstanceIds=[machine["InstanceId"] for each in mine for machine in each["Instances"]]
    )
    ssm.delete_parameters(Names=[f"/microcosm/{stack}/status/{node}" for node in MACHINES])


render = functools.partial(operator_page.render, scenes=SCENES)

if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder, operator_page.world(Path(folder)) as everything:
        PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), everything), encoding="utf-8")
