"""Measure 100 workers of both systems: AWS calls by kind, an account's rates, the state, the time.

The engine, the program and the Kubernetes API are real, the machines simulated. One `up` is counted without
throttling, another runs under the rates that AWS publishes (rehearsal/fake_aws/rates.py).
"""

import asyncio
import contextlib
import json
import math
import os
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

import boto3

from infra import join_parameters
from infra.config import naming
from infra.node.diagnosis import Instance
from infra.readiness import Gate
from infra.readiness_aws import AmazonCloud
from rehearsal.fake_aws.rates import OWN_RATES, PARAMETER_READS, PUT_PARAMETER, RATES_PATH, Rate
from rehearsal.simulated.machines import PHASES

from .calls import Calls, busiest_second, counted
from .document import table
from .samples import Sample
from .settings import Settings
from .workbench import REGION, Workbench, workbench

LINUX = WINDOWS = 50
WAITED_SECONDS = 30.0
WAITED_NODES = (100, 1000)
SHOWN = 12
# The official provider's default; boto3 makes three to five attempts (terraform-provider-aws,
# website/docs/index.html.markdown, max_retries).
ATTEMPTS = 25
RATES: Mapping[str, Rate] = {
    "ssm:PutParameter": PUT_PARAMETER,
    "ssm:GetParametersByPath": PARAMETER_READS,
    "ec2:RunInstances": OWN_RATES["RunInstances"],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Throttled:
    """An `up` under AWS's rates: its sample, and the refused calls of each bucket."""

    up: Sample
    refused: Mapping[str, int]


def run(settings: Settings) -> str:
    with workbench(machines=True) as bench:
        stack = bench.program("scale", linux=LINUX, windows=WINDOWS)
        settings.log("preview")
        with counted(bench.cloud.endpoint) as previewing:
            preview = stack.through(previewing.endpoint).preview()
        settings.log("up")
        with counted(bench.cloud.endpoint) as calls:
            up = stack.through(calls.endpoint).up()
        state = stack.state_bytes()
        settings.log("destroy")
        stack.destroy()
    throttled = _throttled(settings)
    with workbench() as bench:
        waits = {nodes: _waited(bench, nodes, settings) for nodes in WAITED_NODES}
    return report(preview, previewing, up, calls, state, throttled, waits)


def _throttled(settings: Settings) -> Throttled:
    """Run `up` under AWS's rates; check that the stack is complete and can be destroyed."""
    with workbench(machines=True, rates=True) as bench:
        settings.log("up under AWS's rates")
        stack = bench.program("throttled", linux=LINUX, windows=WINDOWS, maxRetries=ATTEMPTS)
        up = stack.up()
        with urllib.request.urlopen(bench.cloud.endpoint + RATES_PATH) as answer:  # noqa: S310 - our own
            refused = json.loads(answer.read())
        stack.pulumi("preview", "--expect-no-changes")
        settings.log("destroy under AWS's rates")
        stack.destroy()
    return Throttled(up=up, refused=refused)


class _OnlyReports(AmazonCloud):
    """A cloud without instances; the wait's EC2 calls, one in ten seconds, do not grow with the nodes."""

    def instances(self, stack: str) -> dict[str, Instance]:
        running = Instance(state="running", launched=0, family="linux")
        return {f"i-{index}": running for index in range(max(WAITED_NODES))}


def _waited(bench: Workbench, nodes: int, settings: Settings) -> tuple[Calls, float]:
    """Return the calls of a readiness wait for nodes of which none is ready, and its duration."""
    settings.log(f"waiting for {nodes} nodes")
    names = naming.Names(stack=f"wait-{nodes}")
    instances = {f"linux-{index}": f"i-{index}" for index in range(nodes)}
    with mock.patch.dict(os.environ, bench.cloud.environment()):
        ssm: Any = boto3.client("ssm", region_name=REGION)
        for node, instance in instances.items():
            report = json.dumps({"instance": instance, "phase": "join", "result": "running"})
            ssm.put_parameter(Name=names.parameter(join_parameters.STATUS, node), Value=report, Type="String")
        with (
            counted(bench.cloud.endpoint) as calls,
            mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": calls.endpoint}),
        ):
            gate = Gate(
                names=names,
                cloud=_OnlyReports(REGION, {}),
                timeout_minutes=60,
                wait=True,
                tell=lambda _: None,
            )
            with contextlib.suppress(TimeoutError):
                asyncio.run(asyncio.wait_for(gate.nodes(instances), WAITED_SECONDS))
    return calls, WAITED_SECONDS


def report(
    preview: Sample,
    previewing: Calls,
    up: Sample,
    calls: Calls,
    state: int,
    throttled: Throttled,
    waits: Mapping[int, tuple[Calls, float]],
) -> str:
    counts = calls.counts()
    written = [call.size for call in calls.made if call.action == "state:PUT"]
    runs = (("preview", preview, previewing), ("up", up, calls))
    return "\n".join(
        [
            f"{LINUX} Linux and {WINDOWS} Windows workers; the state is {state / 2**20:.1f} MiB, and is "
            f"written {len(written)} times in an `up`, "
            f"{sum(written) / 2**20:.0f} MiB in all.",
            "",
            table(
                ["", "wall s", "CPU s", "AWS calls"],
                [[name, f"{s.wall:.1f}", f"{s.cpu:.1f}", str(c.counts().total())] for name, s, c in runs],
            ),
            "",
            table(
                ["`up`, until", "after s"],
                [[name, f"{at:.1f}"] for name, at in phases(calls, up.wall).items()],
            ),
            "",
            table(
                ["calls of `up`", "number", "most in a second"],
                [
                    [action, str(number), str(busiest_second(calls.times(action)))]
                    for action, number in counts.most_common(SHOWN)
                ],
            ),
            "",
            *(waiting(nodes, made, seconds) for nodes, (made, seconds) in waits.items()),
            "",
            table(["against an account's rates", "calls", "rate", "takes at least"], limits(counts)),
            "",
            f"Under these rates `up` takes {throttled.up.wall / up.wall:.2f} times as long "
            f"({throttled.up.wall:.0f} s) and succeeds, `preview` then",
            f"finds nothing to change, and `destroy` succeeds. Refused and retried calls: "
            f"{refusals(throttled.refused)}.",
        ]
    )


def waiting(nodes: int, calls: Calls, seconds: float) -> str:
    busiest = busiest_second([call.at for call in calls.made])
    return (
        f"A gate that waits for {nodes} nodes makes {len(calls.made) / seconds:.1f} calls a second, "
        f"{busiest} in its busiest.  "
    )


def phases(calls: Calls, wall: float) -> dict[str, float]:
    """Return the seconds from the first call until each part is done."""
    start, launches, looks = (
        calls.made[0].at,
        calls.times("ec2:RunInstances"),
        calls.times("ssm:GetParametersByPath"),
    )
    return {
        "the control plane is launched": launches[0] - start,
        "the last worker is launched": launches[-1] - start,
        "every node is seen Ready": looks[-1] - start,
        "the workloads are there": wall,
    }


def limits(counts: Counter[str]) -> list[list[str]]:
    """Compare the counts with the published rates; each machine also reports once a phase and at its end."""
    reports = LINUX * (len(PHASES["linux"]) + 1) + WINDOWS * (len(PHASES["windows"]) + 1)
    wanted = [
        *((action, counts[action], action) for action in RATES),
        ("reports of the machines", reports, "ssm:PutParameter"),
    ]
    return [
        [name, str(number), f"{RATES[action].a_second:g} a second", f"{at_least(number, RATES[action])} s"]
        for name, number, action in wanted
    ]


def at_least(number: int, rate: Rate) -> int:
    """Return the seconds that a number of calls takes at a rate."""
    return math.ceil(max(0, number - rate.burst) / rate.a_second)


def refusals(refused: Mapping[str, int]) -> str:
    """List the refused calls, the most first."""
    return (
        ", ".join(f"{name} {number}" for name, number in sorted(refused.items(), key=lambda item: -item[1]))
        or "none"
    )
