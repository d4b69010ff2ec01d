"""A gate with a cloud and a clock of the test's own."""

import json

from infra.config.naming import Names
from infra.node.diagnosis import Instance
from infra.node.report import parse
from infra.readiness import Gate

CP, WORKER = "i-cp", "i-worker"
KUBECONFIG = json.dumps({"instance": CP, "kubeconfig": "the kubeconfig"})


def report(instance, phase, result="running", detail=""):
    return json.dumps(
        {"instance": instance, "node": "n", "phase": phase, "result": result, "detail": detail, "phases": {}}
    )


LAUNCHED, WRITTEN = 500.0, 600.0


class AllRunning(dict):
    """EC2's states of instances of which none has ended."""

    def get(self, instance, default=None):
        return "running"


class AllListed(dict):
    """Instances in these states, as EC2 lists them; a Windows machine's id begins with i-win."""

    def __init__(self, states):
        self._states = states

    def get(self, instance, default=None):
        family = "windows" if instance.startswith("i-win") else "linux"
        state = self._states.get(instance)
        return Instance(state=state, launched=LAUNCHED, family=family) if state else default


class FakeCloud:
    """Plays a list of (kubeconfig parameter, status parameters), one a look; the last stays."""

    def __init__(self, *looks, api_ready=True, states=None, written=WRITTEN):
        self.looks, self.api_ready, self.states, self.written = (
            list(looks),
            api_ready,
            states or AllRunning(),
            written,
        )
        self.calls = []

    def _now(self):
        return self.looks[0]

    def parameter(self, name):
        self.calls.append(name)
        assert name == "/microcosm/dev/kubeconfig"
        return self._now()[0]

    def report(self, node, parameter):
        self.calls.append(parameter)
        assert (node, parameter) == ("control-plane", "/microcosm/dev/status/control-plane")
        return parse(node, self._next_reports().get(node, "pending"), self.written)

    def reports(self, path):
        self.calls.append(path)
        assert path == "/microcosm/dev/status"
        return {node: parse(node, text, self.written) for node, text in self._next_reports().items()}

    def _next_reports(self):
        reports = self._now()[1]
        if len(self.looks) > 1:
            self.looks.pop(0)
        return reports

    def instances(self, stack):
        assert stack == "dev"
        return AllListed(self.states)

    def console_output(self, instance_id):
        return f"console of {instance_id}"

    def api_is_ready(self, kubeconfig):
        return self.api_ready


def gate(cloud, *, wait=True, minutes=1, tell=lambda text: None):
    ticks = iter(range(0, 10_000, 10))
    return Gate(
        names=Names(stack="dev"),
        cloud=cloud,
        timeout_minutes=minutes,
        wait=wait,
        clock=lambda: next(ticks),
        tell=tell,
    )
