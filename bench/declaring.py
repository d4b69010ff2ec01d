"""`python -m bench.declaring sdks|sdks-uncollected|program`: one interpreter imports or declares, and tells how much memory it had at most.

The monitor is Pulumi's own mocks: what is measured is Python, not the engine.
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
# A class of each SDK module that the declared kinds come from: the SDKs import a module when it is first asked for something.
CLASSES = {
    "pulumi_aws": ("ec2.Instance", "iam.Role", "s3.Bucket", "ssm.Parameter", "vpc.SecurityGroupIngressRule"),
    "pulumi_kubernetes": ("apps.v1.DaemonSet", "core.v1.Service", "policy.v1.PodDisruptionBudget", "rbac.v1.ClusterRole"),
}
ANSWERS: dict[str, dict[str, Any]] = {
    "aws:index/getRegion:getRegion": {"region": "eu-west-1"},
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "123456789012"},
    "aws:index/getPartition:getPartition": {"partition": "aws"},
    "aws:ssm/getParameter:getParameter": {"value": "ami-0123456789abcdef0"},
}
CONFIG = {"microcosm:adminCidrs": '["203.0.113.7/32"]'}


class Preview(mocks.Mocks):
    """A first preview: nothing has an id yet."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return "", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return ANSWERS[args.token], []


def sdks() -> None:
    for package, names in CLASSES.items():
        for name in names:
            attrgetter(name)(importlib.import_module(package))


def sdks_uncollected() -> None:
    """As the program does it: without the garbage collector."""
    gc.disable()
    sdks()


def program() -> None:
    """Runs the program to the end of all that it registers."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(Preview(), "microcosm", "bench", preview=True)
    pulumi.runtime.set_all_config(CONFIG, [])

    def run() -> None:
        runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__")

    loop.run_until_complete(stack.run_pulumi_func(run))


def peak_mib() -> float:
    """The most memory that this program had at a time; unlike ru_maxrss without what its parent had when it was forked."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


WORK: dict[str, Callable[[], None]] = {"sdks": sdks, "sdks-uncollected": sdks_uncollected, "program": program}

if __name__ == "__main__":
    WORK[sys.argv[1]]()
    json.dump({"peak": peak_mib()}, sys.stdout)
