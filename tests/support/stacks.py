"""The stacks of the whole-program tests: the committed Pulumi.dev.yaml and variants of it."""

import functools
import json
from collections.abc import Mapping
from typing import Any
from unittest import mock

import yaml

from infra import kubernetes_api, readiness
from infra.config import model as config
from infra.node.diagnosis import Instance
from infra.node.report import Report
from tests.support.engine import PROJECT, Deployment, deploy

KUBECONFIG = "the administrator's kubeconfig"
MODES = ("preview", "up")
OTHER_RANGES = {"vpcCidr": "172.20.0.0/18", "podCidr": "172.16.0.0/16", "serviceCidr": "172.30.0.0/16"}
MANY_POOLS = [
    {"name": "linux", "os": "ubuntu-24.04", "count": 3, "instanceType": "m7i.large", "diskSizeGb": 50},
    {
        "name": "ci",
        "os": "ubuntu-24.04",
        "count": 2,
        "labels": {"team": "payments"},
        "taints": ["dedicated=ci:NoSchedule"],
    },
    {"name": "later", "os": "windows-2022", "count": 0},
    {"name": "windows", "os": "windows-2019", "count": 2},
    {"name": "windows-new", "os": "windows-2025", "count": 1, "diskSizeGb": 200},
]
BOUNDARY = "arn:aws:iam::123456789012:policy/boundaries/previews"
KEY = "6c0f3d4e-1b2a-4c5d-8e9f-0a1b2c3d4e5f"
# The differences from the committed file.
STACKS: dict[str, dict[str, Any]] = {
    "committed": {},
    "host-gw": {"flannelBackend": "host-gw", **OTHER_RANGES},
    "many-pools": {
        "nodePools": MANY_POOLS,
        "availabilityZones": ["eu-west-1a", "eu-west-1b"],
        "adminCidrs": ["203.0.113.7/32", "198.51.100.0/24"],
        "keyName": "the key",
    },
    "that-ends": {
        "owner": "an engineer",
        "expiresAt": "2027-01-31T18:00:00Z",
        "permissionsBoundary": BOUNDARY,
        "kmsKeyId": KEY,
    },
    "no-windows": {"nodePools": [{"name": "linux", "os": "ubuntu-24.04", "count": 1}], "workloads": False},
    "no-nodes": {"nodePools": [{"name": "windows", "os": "windows-2022", "count": 0}], "workloads": False},
}


class ReadyCloud:
    """AWS with every machine ready; the ids are those of `engine.Answers`."""

    def __init__(self, region: str, settings: object) -> None:
        assert region == "eu-west-1", "the gate must look where the machines are"

    def parameter(self, name: str) -> str:
        stack = name.split("/")[2]
        return json.dumps({"instance": f"{stack}-control-plane-id", "kubeconfig": KUBECONFIG})

    def report(self, node: str, parameter: str) -> Report:
        return _ready(parameter.split("/")[2], node)

    def reports(self, path: str) -> Mapping[str, Report]:
        return _EveryReport(path.split("/")[2])

    def instances(self, stack: str) -> Mapping[str, Instance]:
        return _EveryInstance()

    def console_output(self, instance_id: str) -> str:
        return ""

    def api_is_ready(self, kubeconfig: str) -> bool:
        return kubeconfig == KUBECONFIG

    def kubernetes(self, kubeconfig: str) -> kubernetes_api.Read:
        assert kubeconfig == KUBECONFIG
        counters = {"availableReplicas": 2, "desiredNumberScheduled": 2, "numberAvailable": 2}
        return lambda path: {"status": counters}


class _EveryInstance(dict[str, Instance]):
    """Returns a running instance for any id."""

    def get(self, instance_id: str, default: Any = None) -> Instance:
        return Instance(state="running", launched=0, family="linux")


class _EveryReport(dict[str, Report]):
    """Returns a report for any node."""

    def __init__(self, stack: str) -> None:
        self._stack = stack

    def get(self, node: str, default: Any = None) -> Report:
        return _ready(self._stack, node)


def _ready(stack: str, node: str) -> Report:
    return Report(node=node, instance=f"{stack}-{node}-id", phase="ready", result="ok")


def committed() -> dict[str, Any]:
    """Return the configuration in Pulumi.dev.yaml by its full keys."""
    return yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text())["config"]


def raw(changes: Mapping[str, Any]) -> dict[str, str]:
    """Return the committed configuration with changes, as Pulumi passes it: text, and JSON for structures."""
    values = committed() | {f"microcosm:{key}": value for key, value in changes.items()}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def parsed(stack: str = "committed", **changes: Any) -> config.StackConfig:
    """Return the validated configuration of a stack of this module, with more changes."""
    prefix = "microcosm:"
    values = raw(STACKS[stack] | changes)
    return config.parse(
        {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)},
        stack="dev",
    )


def run(changes: Mapping[str, Any], *, preview: bool = False, stack_name: str = "dev") -> Deployment:
    """Deploy the unchanged __main__.py with the committed configuration and some changes."""
    with mock.patch.object(readiness, "AmazonCloud", ReadyCloud):
        return deploy(config=raw(changes), preview=preview, stack_name=stack_name)


@functools.cache
def deployed(stack: str, mode: str, /) -> Deployment:
    """Deploy one of STACKS in one of MODES, once for all tests; tests must not change the result."""
    return run(STACKS[stack], preview=mode == "preview")
