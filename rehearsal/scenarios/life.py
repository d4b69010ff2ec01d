"""The life of a cluster as a list of steps, each of which proves something and says what it saw."""

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..fake_aws.inventory import Inventory
from ..session import STACK, Session
from ..wine import check as wine
from . import checks, pod_networks, secret_checks


@dataclass(slots=True)
class Run:
    """The state that the steps of one scenario hand on."""

    session: Session
    say: Callable[[str], None]
    tell: Callable[[str], None]
    before: Inventory = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    # Texts to print last: the timeline, the smoke results, the audit.
    closing: list[str] = field(default_factory=list[str])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    ready_seconds: float = 0.0
    # The duration of `pulumi up`: until all nodes are Ready and cluster DNS answers.
    up_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a user does, and the check that it did what it should."""

    name: str
    does: str
    act: Callable[[Run], str]


def preview(run: Run) -> str:
    run.before = checks.listing(run.session)
    return _summary(run.session.run("pulumi", "preview", "--stack", STACK, tell=run.tell))


def up(run: Run) -> str:
    started = time.time()
    text = _summary(
        run.session.run("pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, tell=run.tell)
    )
    run.up_seconds = time.time() - started
    answers = checks.dns_answers(run.session)
    read_outputs(run)
    run.closing.append(checks.operator(run.session, "timeline"))
    run.ready_seconds = checks.seconds_until_ready(run.session, started)
    checks.operator(run.session, "audit", "--remember")
    return (
        f"{text}; all nodes Ready after {run.ready_seconds:.0f} s, `up` ended after "
        f"{run.up_seconds:.0f} s; {answers}"
    )


def read_outputs(run: Run) -> None:
    run.outputs = json.loads(
        run.session.output("pulumi", "stack", "output", "--json", "--show-secrets", "--stack", STACK)
    )


def nodes(run: Run) -> str:
    listing = run.session.output("kubectl", "get", "nodes", "--output", "wide")
    run.say(listing)
    found = checks.nodes_are_ready(run.session)
    return f"{len(found)} nodes Ready; {pod_networks.check(run.session)}"


def smoke(run: Run) -> str:
    page = run.outputs["pageUrl"]
    run.closing.append(
        checks.operator(run.session, "smoke", "--kubeconfig", str(run.session.kubeconfig), "--page-url", page)
    )
    return f"{page} shows {checks.page_authorizes(page)}"


def secrets(run: Run) -> str:
    return secret_checks.no_secret_in_the_open(run.session)


def metadata(run: Run) -> str:
    return secret_checks.no_credentials_for_pods(run.session, "linux-0")


def windows_binaries(run: Run) -> str:
    return wine.check(run.session)


def unchanged_up(run: Run) -> str:
    return _summary(
        run.session.run(
            "pulumi", "up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", STACK, tell=run.tell
        )
    )


def refresh(run: Run) -> str:
    return _summary(
        run.session.run(
            "pulumi",
            "refresh",
            "--yes",
            "--skip-preview",
            "--expect-no-changes",
            "--stack",
            STACK,
            tell=run.tell,
        )
    )


def scale(run: Run) -> str:
    pools = [
        {"name": "linux", "os": "ubuntu-24.04", "count": 2},
        {"name": "windows", "os": "windows-2019", "count": 1},
    ]
    run.session.write_config(nodePools=pools)
    text = _summary(
        run.session.run("pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, tell=run.tell)
    )
    found = checks.nodes_are_ready(run.session)
    if "linux-1" not in found:
        raise checks.CheckFailed(f"linux-1 did not join; Ready are {', '.join(found)}")
    return f"{text}; {len(found)} nodes Ready"


def pod_network(run: Run) -> str:
    return checks.every_pod_met_a_lease(run.session)


def destroy(run: Run) -> str:
    return _summary(
        run.session.run("pulumi", "destroy", "--yes", "--skip-preview", "--stack", STACK, tell=run.tell)
    )


def audit(run: Run) -> str:
    run.say(checks.operator(run.session, "audit"))
    left = checks.nothing_left(run.session, run.before, run.say)
    run.closing.append(left)
    return left


def bad_checksum(run: Run) -> str:
    """Spoils the sum of one download and expects `up` to name machine, phase, file and both sums."""
    bom = json.loads(run.session.supplies.bom.read_text())
    wanted = hashlib.sha256(b"another kubelet").hexdigest()
    actual = bom["linux/amd64"]["kubelet"]["sha256"]
    bom["linux/amd64"]["kubelet"]["sha256"] = wanted
    spoiled = run.session.state / "bom-with-a-bad-sum.json"
    spoiled.write_text(json.dumps(bom))
    run.session.write_config(bom=str(spoiled))
    message = run.session.run(
        "pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, check=False, tell=run.tell
    )
    for part in ("control-plane", "phase download", "kubelet", wanted, actual):
        if part not in message:
            raise checks.CheckFailed(f"`up` with a bad sum of kubelet does not say {part!r}:\n{message}")
    status = checks.cloud_init_status(run.session, "control-plane")
    return f"up stopped with: {_first_line_with('phase download', message)}; cloud-init: {status}"


LIFE = (
    Step("preview", "pulumi preview of the whole stack", preview),
    Step("up", "pulumi up", up),
    Step("nodes", "every node Ready, Flannel's network as Windows wants it", nodes),
    Step("smoke", "traffic between Linux, the Windows stand-in and the outside", smoke),
    Step("secrets", "no secret in user-data, outputs or plain state", secrets),
    Step("metadata", "no pod gets the credentials of its machine", metadata),
    Step(
        "Windows binaries",
        "kubeadm.exe, kubelet.exe, flanneld.exe and kube-proxy.exe with the user-data's own flags",
        windows_binaries,
    ),
    Step("up again", "pulumi up changes nothing", unchanged_up),
    Step("refresh", "pulumi refresh sees no drift", refresh),
    Step("scale", "Linux workers 1 -> 2", scale),
    Step("pod network", "no pod began before its node had a lease of Flannel", pod_network),
    Step("destroy", "pulumi destroy", destroy),
    Step("audit", "the fake cloud holds what it held before", audit),
)
UNTIL_UP = LIFE[:4]
BAD_CHECKSUM = (
    Step("preview", "pulumi preview of the whole stack", preview),
    Step("bad checksum", "a download whose sha256 is wrong stops its machine, and up says so", bad_checksum),
    *LIFE[-2:],
)
SCENARIOS: dict[str, tuple[Step, ...]] = {"life": LIFE, "until-up": UNTIL_UP, "bad-checksum": BAD_CHECKSUM}


def is_whole(steps: tuple[Step, ...]) -> bool:
    """Whether these steps prove all that the life of a cluster proves, however they begin
    (rehearsal/scenarios/linux_first.py).
    """
    return steps[2 - len(LIFE) :] == LIFE[2:]


def play(
    steps: tuple[Step, ...],
    run: Run,
    begins: Callable[[Step], None],
    ended: Callable[[Step, float, str], None],
) -> None:
    """Runs the steps in order and times each; the first that fails ends the scenario with its error, which
    notes the step.
    """
    for step in steps:
        begins(step)
        start = time.monotonic()
        try:
            text = step.act(run)
        except Exception as error:
            error.add_note(step.name)
            raise
        run.seconds[step.name] = time.monotonic() - start
        ended(step, run.seconds[step.name], text)


def _summary(pulumi_output: str) -> str:
    """Return Pulumi's own summary, e.g. `58 created`, out of its Resources block."""
    block = re.search(r"^Resources:\n((?: +.*\n)+)", pulumi_output, re.MULTILINE)
    return ", ".join(line.strip() for line in block[1].splitlines() if line.strip()) if block else "done"


def _first_line_with(part: str, text: str) -> str:
    return next(line.strip() for line in text.splitlines() if part in line)
