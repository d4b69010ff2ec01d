"""Rehearse an operator's own service: build its image from a folder and from an MSI, push, deploy, replace.

Real are `microcosm image`, the registry with its login, the manifests, the API server, the pull secret, the
Service and the C# of the image. Not real is Windows: the stand-in compiles that C# for Mono
(rehearsal/windows_node/own_image.py).
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from microcosm.image import bases

from ..session import save_logs
from . import checks, private_registry, windows_base
from .checks import CheckFailed
from .life import LIFE, Run, Step
from .private_registry import PASSWORD, USER, PrivateRegistry

NAME, PULL_SECRET = "greeting", "greeting-pull"
PATH = "/Greeting.svc/hello"
EXAMPLE = Path(__file__).parents[2] / "examples" / "legacy-wcf"
FIRST, SECOND, FROM_SECRET = "Hello from web.config", "Hello from the MSI", "Hello from the Secret"
CANARY = "canary-5c1e"
_ROLLOUT_SECONDS = 240
_ANSWER_SECONDS = 30.0
_registries: dict[Path, PrivateRegistry] = {}


def registry(run: Run) -> str:
    """Start the registry, relay it into the Windows machine, and give the cluster its login."""
    state = run.session.state
    started = private_registry.start(
        run.session.supplies.own_registry, state / "registry", state / "logs" / "registry.log"
    )
    _registries[state] = started
    machines = json.loads((state / "room.json").read_text())["machines"].values()
    for machine in machines:
        if machine["os"] == "windows":
            private_registry.relay_into(machine["netns"], started)
    login = [f"--docker-server={started.host}", f"--docker-username={USER}", f"--docker-password={PASSWORD}"]
    run.session.run("kubectl", "create", "secret", "docker-registry", PULL_SECRET, *login)
    patch = json.dumps({"imagePullSecrets": [{"name": PULL_SECRET}]})
    run.session.run("kubectl", "patch", "serviceaccount", "default", "--patch", patch)
    windows_base.write(state / "base", f"{bases.build('2019')}.1")
    return f"distribution at {started.host}, with a login"


def from_folder(run: Run) -> str:
    """Build and push the image of the example's folder, deploy it and read its answer."""
    reference = _build(run, EXAMPLE / "site", "1")
    manifests = _microcosm(run, "manifest", reference, "--name", NAME)
    path = run.session.state / "greeting.yaml"
    path.write_text(manifests)
    run.session.run("kubectl", "apply", "--filename", str(path))
    return f"{reference} answers {_answers(run, FIRST)}"


def from_msi(run: Run) -> str:
    """Build the MSI of a changed example, and replace the image; no other Deployment may change."""
    before = _generations(run)
    reference = _build(run, _msi(run.session.state / "msi"), "2")
    run.session.run("kubectl", "set", "image", f"deployment/{NAME}", f"{NAME}={reference}")
    answer = _answers(run, SECOND)
    changed = sorted(name for name, number in _generations(run).items() if before.get(name) != number)
    if changed != [f"default/{NAME}"]:
        seen = ", ".join(changed) or "none"
        raise CheckFailed(f"a second image should change default/{NAME} alone; changed are {seen}")
    return f"{reference} answers {answer}; of {len(before)} Deployments {changed[0]} changed"


def secret(run: Run) -> str:
    """Fill in the Secret of the manifests; the answer is the Secret's, and its password is in no log."""
    password = f"Server=orders-db;Password={CANARY}"
    patch = json.dumps({"stringData": {"APPSETTING_Greeting": FROM_SECRET, "CONNSTR_Orders": password}})
    run.session.run("kubectl", "patch", "secret", NAME, "--patch", patch)
    run.session.run("kubectl", "rollout", "restart", f"deployment/{NAME}")
    answer = _answers(run, FROM_SECRET)
    logs = run.session.state / "searched"
    # A copy of them all: the logs of machines are behind links.
    save_logs(run.session, logs)
    return f"APPSETTING_Greeting: {answer}; {_in_no_log(logs)}"


def _in_no_log(folder: Path) -> str:
    """Search the logs of machines, services and Pulumi for the password; CheckFailed where it is."""
    logs = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    found = [path.name for path in logs if CANARY.encode() in path.read_bytes()]
    if found or not logs:
        raise CheckFailed(
            f"the password of the Secret is in {', '.join(found) or 'no log, and there is none'}"
        )
    return f"its password is in none of {len(logs)} logs"


def remove(run: Run) -> str:
    run.session.run("kubectl", "delete", f"deployment/{NAME}", f"service/{NAME}", f"secret/{NAME}", "--wait")
    _registries.pop(run.session.state).end()
    return "the service and the registry are gone"


def _build(run: Run, source: Path, tag: str) -> str:
    """Push an image and return its reference with its digest."""
    to = f"{_registries[run.session.state].host}/{NAME}:{tag}"
    base = f"oci:{run.session.state / 'base'}"
    words = (str(source), "--to", to, "--base", base, "--health", PATH, "--push", "--json")
    return f"{to}@{json.loads(_microcosm(run, 'build', *words))['digest']}"


def _microcosm(run: Run, *words: str) -> str:
    """Run `microcosm image` as the operator, logged in to the registry; CheckFailed when it fails."""
    environment = run.session.environment | {"DOCKER_CONFIG": str(_registries[run.session.state].docker)}
    command = [sys.executable, "-m", "microcosm", "image", *words]
    place = run.session.project
    done = subprocess.run(command, cwd=place, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        typed = f"microcosm image {' '.join(words)}"
        raise CheckFailed(f"`{typed}` exited with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _msi(folder: Path) -> Path:
    """Make the example's MSI with another greeting in its web.config."""
    shutil.copytree(EXAMPLE, folder)
    config = folder / "site" / "web.config"
    config.write_text(config.read_text().replace(FIRST, SECOND))
    command = ("wixl", "--arch", "x64", "--output", "greeting.msi", "greeting.wxs")
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    if done.returncode:
        raise CheckFailed(f"`{' '.join(command)}` failed with {done.returncode}: {done.stderr}")
    return folder / "greeting.msi"


def _answers(run: Run, expected: str) -> str:
    """Wait for the rollout, then ask the Service from a Linux machine; CheckFailed for another answer."""
    limit = f"--timeout={_ROLLOUT_SECONDS}s"
    run.session.run("kubectl", "rollout", "status", f"deployment/{NAME}", limit, tell=run.tell)
    service = json.loads(run.session.output("kubectl", "get", "service", NAME, "--output", "json"))
    url = f"http://{service['spec']['clusterIP']}{PATH}"
    ask = ("curl", "--silent", "--show-error", "--max-time", "5", url)
    end, answer = time.monotonic() + _ANSWER_SECONDS, ""
    # A pod that ends is still an endpoint on some node for a moment.
    while time.monotonic() < end:
        answer = checks.in_machine(run.session, "linux-0", *ask)
        if answer == json.dumps(expected):
            return answer
        time.sleep(1)
    raise CheckFailed(f"{url} answers {answer!r}, not {expected!r}")


def _generations(run: Run) -> dict[str, int]:
    listing = run.session.output("kubectl", "get", "deployments", "--all-namespaces", "--output", "json")
    found = [one["metadata"] for one in json.loads(listing)["items"]]
    return {f"{one['namespace']}/{one['name']}": one["generation"] for one in found}


STEPS = (
    *LIFE[:2],
    Step("registry", "a registry with a login, for operator and nodes", registry),
    Step("folder", "an image of the example's folder: build, push, deploy", from_folder),
    Step("MSI", "an image of the example's MSI replaces it, and nothing else", from_msi),
    Step("Secret", "a setting from the Secret of the manifests", secret),
    Step("remove", "the service is removed", remove),
    *LIFE[-2:],
)
SCENARIOS: dict[str, tuple[Step, ...]] = {"own-image": STEPS}
