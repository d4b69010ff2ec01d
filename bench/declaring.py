"""`python -m bench.declaring sdks|sdks-uncollected|program`: import or declare, and print the peak memory.

The monitor is Pulumi's own mocks: this measures Python and not the engine.
"""

import asyncio
import gc
import importlib
import json
import runpy
import sys
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, stack

PROJECT = Path(__file__).resolve().parent.parent
# One class of each SDK module that the program uses: the SDKs import a module on first access.
CLASSES = {
    "pulumi_aws": ("ec2.Instance", "iam.Role", "s3.Bucket", "ssm.Parameter", "vpc.SecurityGroupIngressRule"),
    "pulumi_kubernetes": (
        "apps.v1.DaemonSet",
        "core.v1.Service",
        "policy.v1.PodDisruptionBudget",
        "rbac.v1.ClusterRole",
    ),
}
ANSWERS: dict[str, dict[str, Any]] = {
    "aws:index/getRegion:getRegion": {"region": "eu-west-1"},
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "123456789012"},
    "aws:index/getPartition:getPartition": {"partition": "aws"},
    "aws:ssm/getParameter:getParameter": {"value": "ami-0123456789abcdef0"},
}
CONFIG = {"microcosm:adminCidrs": '["203.0.113.7/32"]'}


class Preview(mocks.Mocks):
    """A first preview: no resource has an id yet."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return "", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return ANSWERS[args.token], []


def sdks() -> None:
    for package, names in CLASSES.items():
        for name in names:
            attrgetter(name)(importlib.import_module(package))


def sdks_uncollected() -> None:
    """Import the SDKs without the garbage collector, as the program does."""
    gc.disable()
    sdks()


def program() -> None:
    """Run the program until all resources are registered."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(Preview(), "microcosm", "bench", preview=True)
    pulumi.runtime.set_all_config(CONFIG, [])

    def run() -> None:
        runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__")

    loop.run_until_complete(stack.run_pulumi_func(run))


def peak_mib() -> float:
    """Return the peak memory of this process; ru_maxrss would include the parent's at the fork."""
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024


WORK: dict[str, Callable[[], None]] = {"sdks": sdks, "sdks-uncollected": sdks_uncollected, "program": program}

if __name__ == "__main__":
    WORK[sys.argv[1]]()
    json.dump({"peak": peak_mib()}, sys.stdout)
