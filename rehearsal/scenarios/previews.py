"""Rehearse previews of pull requests: two at once, an extension, a reaper, and runs that are killed.

The operator's command does everything, on the real engine, with its state in the fake cloud's S3.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.config import expiry
from infra.config.naming import CONTROL_PLANE, NODE_TAG, STACK_TAG, Names

from ..session import ADMIN_CIDRS, IGNORED_PREFLIGHT
from ..waiting import poll
from . import checks
from .checks import CheckFailed
from .life import Run, Step

SHORT, LONG, KILLED = 101, 102, 103
# Points at which a run is killed: the first progress line that names the part, and the command that recovers.
KILL_POINTS = (("Network", "up"), ("NodePool", "up"), ("Flannel", "down"))
KILL_SECONDS = 300.0
LINUX_NODES = (CONTROL_PLANE, "linux-0")
END_SECONDS = 90.0
# Seconds into the part: its resources are being created and are not in the state yet.
INTO_THE_PART = 0.4


def two_at_once(run: Run) -> str:
    run.before = checks.listing(run.session)
    with ThreadPoolExecutor(max_workers=2) as pool:
        documents = [*pool.map(lambda entry: _up(run, *entry), ((SHORT, "1h"), (LONG, "1h")))]
    for document in documents:
        run.outputs[document["stack"]] = document
        price = f"${document['usdAnHour']:.2f} an hour"
        run.say(f"{document['stack']}: {document['url']}, {price}, ends {document['expires']}")
    answers = [checks.page_authorizes(document["url"]) for document in documents]
    return f"both up, their pages show {' and '.join(answers)}"


def listed(run: Run) -> str:
    rows = {row["stack"]: row for row in json.loads(preview(run, "list", "--json"))}
    run.say(preview(run, "list"))
    if {name: row["health"] for name, row in rows.items()} != {f"pr-{SHORT}": "ready", f"pr-{LONG}": "ready"}:
        raise CheckFailed(f"`preview list` does not show two ready previews: {rows}")
    return "two previews, both ready"


def extended(run: Run) -> str:
    """Extend one preview; check that its expiry parameter has the new end and the other has not."""
    later = json.loads(preview(run, "extend", "--pr", str(LONG), "--by", "10h", "--json"))["expires"]
    ends = {pr: published_end(run, pr) for pr in (SHORT, LONG)}
    if ends != {SHORT: _document(run, SHORT)["expires"], LONG: later}:
        raise CheckFailed(f"the expiry parameters are {ends}; pr-{LONG} should end at {later}")
    return f"pr-{LONG} ends at {later}, as its parameter says"


def reaped(run: Run) -> str:
    """Reap 90 minutes later; check that only the preview that was not extended has expired."""
    now = datetime.fromisoformat(_document(run, SHORT)["expires"]) + timedelta(minutes=30)
    outcomes = json.loads(preview(run, "reap", "--json", "--now", now.isoformat()))
    if [(outcome["stack"], outcome["result"]) for outcome in outcomes] != [(f"pr-{SHORT}", "destroyed")]:
        raise CheckFailed(f"the reaper should have destroyed pr-{SHORT} alone, but did {outcomes}")
    answer = checks.page_authorizes(_document(run, LONG)["url"])
    return f"pr-{SHORT} destroyed ({outcomes[0]['why']}); the page of pr-{LONG} still shows {answer}"


def ended_by_timers(run: Run) -> str:
    """Set the expiry in the past and start the machines' timers, which must end the machines without a
    reaper.
    """
    name = Names(stack=f"pr-{LONG}").parameter(expiry.PARAMETER)
    over = (datetime.now(UTC) - timedelta(minutes=expiry.GRACE_MINUTES + 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    run.session.client("ssm").put_parameter(
        Name=name, Value=expiry.document(over), Type="String", Overwrite=True
    )
    for node in LINUX_NODES:
        timer = checks.in_machine(
            run.session, node, "systemctl", "is-active", "microcosm-expiry.timer"
        ).strip()
        checks.in_machine(run.session, node, "systemctl", "start", "--no-block", "microcosm-expiry.service")
        run.say(f"{node}: microcosm-expiry.timer is {timer}")
    poll(lambda: not _linux_machines(run), END_SECONDS, every=1)
    if living := _linux_machines(run):
        raise CheckFailed(f"{', '.join(living)} should have ended an hour after {over}")
    return f"{' and '.join(LINUX_NODES)} shut themselves down and are terminated"


def _linux_machines(run: Run) -> list[str]:
    """Return the Linux instances of the extended preview that are not terminated."""
    filters = [
        {"Name": f"tag:{STACK_TAG}", "Values": [f"pr-{LONG}"]},
        {"Name": f"tag:{NODE_TAG}", "Values": [*LINUX_NODES]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    found = run.session.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return [instance["InstanceId"] for reservation in found for instance in reservation["Instances"]]


def other_down(run: Run) -> str:
    preview(run, "down", "--pr", str(LONG))
    return nothing_left(run)


def killed(run: Run) -> str:
    """Kill one preview three times; the next command must recover each time."""
    run.before = run.before or checks.listing(run.session)
    recovered = [text for point, command in KILL_POINTS for text in _kill_and_recover(run, point, command)]
    return f"{'; '.join(recovered)}; {nothing_left(run)}"


def _kill_and_recover(run: Run, point: str, command: str) -> Iterator[str]:
    _kill_at(run, point)
    if command == "down":
        preview(run, "down", "--pr", str(KILLED))
        yield f"killed in {point}, then down"
    else:
        yield f"killed in {point}"


STEPS = (
    Step("previews up", "two previews at once, with their workloads", two_at_once),
    Step("previews listed", "both are ready", listed),
    Step("extend", "one of them lives longer", extended),
    Step("reap", "after the other's end the reaper destroys it alone", reaped),
    Step(
        "machine floor",
        "the other expires without a reaper: its machines shut themselves down",
        ended_by_timers,
    ),
    Step("preview down", "down removes the rest of it", other_down),
    Step("killed runs", "kill -9 in network, instances and Kubernetes layer; the next run recovers", killed),
)


def _settings(run: Run) -> dict[str, Any]:
    """Return the configuration of a user with a mirror, and adminCidrs, because there is no Internet to look
    up the address.
    """
    room = run.session.room
    return {
        "adminCidrs": json.dumps(ADMIN_CIDRS),
        "artifactMirror": room["mirror"],
        "registryMirror": room["registry"],
        "bom": run.session.supplies.bom,
        "ignorePreflightErrors": json.dumps(IGNORED_PREFLIGHT),
        "readyTimeoutMinutes": 8,
    }


def up_command(run: Run, pr: int, ttl: str | None) -> list[str]:
    settings = [part for key, value in _settings(run).items() for part in ("--set", f"{key}={value}")]
    lifetime = ["--ttl", ttl] if ttl else []
    return ["up", "--pr", str(pr), *lifetime, "--json", *settings]


def _up(run: Run, pr: int, ttl: str) -> dict[str, Any]:
    return json.loads(preview(run, *up_command(run, pr, ttl)))


def preview(run: Run, *arguments: str) -> str:
    """Return the output of `microcosm preview`; CheckFailed has all of it after any exit code but 0."""
    done = subprocess.run(
        _command(arguments),
        cwd=run.session.project,
        env=run.session.environment,
        text=True,
        capture_output=True,
    )
    if done.returncode:
        command = f"microcosm preview {' '.join(arguments[:3])}"
        raise CheckFailed(f"`{command}` exited with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "microcosm", "preview", *arguments]


def _document(run: Run, pr: int) -> dict[str, Any]:
    return run.outputs[f"pr-{pr}"]


def published_end(run: Run, pr: int) -> str:
    name = Names(stack=f"pr-{pr}").parameter(expiry.PARAMETER)
    return json.loads(run.session.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])["expiresAt"]


def nothing_left(run: Run) -> str:
    left = json.loads(preview(run, "list", "--json"))
    if left:
        raise CheckFailed(f"`preview list` still shows {left}")
    return checks.nothing_left(run.session, run.before, run.say)


def _kill_at(run: Run, part: str) -> None:
    """Start `up`, wait until it works on a part of the stack, and kill it with all processes that it
    started.
    """
    log = run.session.state / "logs" / f"killed-in-{part}.log"
    with log.open("wb") as output:
        command = _command(up_command(run, KILLED, "1h"))
        process = subprocess.Popen(
            command,
            cwd=run.session.project,
            env=run.session.environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    poll(lambda: f"{part}: started" in log.read_text() or process.poll() is not None, KILL_SECONDS)
    if f"{part}: started" not in log.read_text() or process.poll() is not None:
        _kill_session(process.pid)
        raise CheckFailed(f"`preview up` did not come to {part}:\n{log.read_text()[-3000:]}")
    time.sleep(INTO_THE_PART)
    _kill_session(process.pid)
    process.wait()
    run.say(log.read_text().rstrip() + f"\n  (killed in {part})")


def _kill_session(leader: int) -> None:
    """Kill all processes of the session.

    Pulumi starts its plugins in process groups, but not sessions, of their own.
    """
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == leader:
                os.kill(int(path.name), signal.SIGKILL)
        except ProcessLookupError:
            continue
