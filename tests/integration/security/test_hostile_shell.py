"""Run the whole Linux user-data with values that look like commands: none runs, and accepted values arrive
unchanged.
"""

import hashlib
import json
import stat
import tomllib

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.config import model as config
from infra.config import patterns
from infra.node import quoting, script_inputs, userdata
from tests.support.config_cases import ADMINS
from tests.support.hostile import ODD, SHELL

from . import sandbox
from .sandbox import DOWNLOAD, Run, Sandbox

CONTROL_PLANE_ID, PUBLIC_IP = "i-0123456789abcdef0", "198.51.100.7"
JOIN = {
    "instance": CONTROL_PLANE_ID,
    "endpoint": "10.0.0.9:6443",
    "token": "abcdef.0123456789abcdef",
    "caCertHash": "sha256:0",
}
KMS_KEY = "6c0f3d4e-1b2a-4c5d-8e9f-0a1b2c3d4e5f"
SUM = hashlib.sha256(DOWNLOAD).hexdigest()
OWN = {
    "worker": {"CONTROL_PLANE_ID": CONTROL_PLANE_ID},
    "control-plane": {"PUBLIC_IP": PUBLIC_IP, "KMS_KEY": KMS_KEY},
}
# Every kind of quote, bracket and end of a document in one value; bash values hold no NUL.
EVERYTHING = "".join([*SHELL, *ODD])
ROLES = ("worker", "control-plane")


def inputs(role: str, **changed: str) -> dict[str, str]:
    artifacts = "\n".join(
        f"{name} https://example.org/{name} {SUM}" for name in script_inputs.LINUX_DOWNLOADS
    )
    usual = {
        "STACK": "dev",
        "REGION": "eu-west-1",
        "NODE_NAME": "node-0",
        "KUBERNETES_VERSION": "1.35.8",
        "ARTIFACTS": artifacts,
        "PAUSE_IMAGE": "registry.k8s.io/pause:3.10.2",
        "PREPULL_IMAGES": "a:1 b:2",
        "REGISTRY_MIRROR": "",
        "KUBEADM_CONFIG": "{}",
    }
    return {**usual, **OWN[role], **changed}


def run_raw(folder, role: str, **changed: str) -> Run:
    """Run user-data with inputs that bypass every check of infra/config/model.py."""
    machine = Sandbox(folder, changed.get("PUBLIC_IP", PUBLIC_IP))
    done = machine.run(lambda: userdata.linux(role, inputs(role, **changed)), JOIN)
    assert not machine.canary.exists(), f"a value was run:\n{done.output}"
    return done


def test_a_value_that_is_run_would_be_noticed(tmp_path):
    """Prove that the test detects an executed value, with a renderer that does not quote."""
    machine = Sandbox(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quoting.shlex, "quote", lambda text: f'"{text}"')
        machine.run(lambda: userdata.linux("worker", inputs("worker", NODE_NAME="$(touch executed)")), JOIN)
    assert machine.canary.exists()


@pytest.mark.parametrize("role", ROLES)
def test_no_value_of_any_input_is_run_and_texts_arrive_as_they_are(tmp_path, role):
    """The second line of defence: values that the configuration refuses."""
    document = userdata.kubeadm_join(
        node_name=EVERYTHING,
        family="linux",
        labels={"a": EVERYTHING},
        taints=[f"k={EVERYTHING}:NoSchedule"],
        ignore_preflight_errors=[EVERYTHING],
    )
    tokens_kept = document.replace("@", "(at)")
    done = run_raw(
        tmp_path,
        role,
        NODE_NAME=EVERYTHING,
        REGISTRY_MIRROR=EVERYTHING,
        KUBERNETES_VERSION=EVERYTHING,
        KUBEADM_CONFIG=tokens_kept,
    )
    assert done.code == 0, done.output
    kept = done.kept("join.yaml" if role == "worker" else "init.yaml")
    assert kept.rstrip("\n") == tokens_kept.rstrip("\n")
    registration = yaml.safe_load(kept)["nodeRegistration"]
    assert registration["name"] == EVERYTHING.replace("@", "(at)")
    assert EVERYTHING in done.file("/etc/containerd/certs.d/_default/hosts.toml")
    reports = [
        json.loads(each["Value"])
        for each in done.written()
        if each["Name"] == f"/microcosm/dev/status/{EVERYTHING}"
    ]
    assert {report["node"] for report in reports} == {EVERYTHING}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*inputs("worker"), "PUBLIC_IP", "KMS_KEY"])
@pytest.mark.parametrize("value", SHELL, ids=range(len(SHELL)))
def test_no_value_of_one_input_is_run(tmp_path, name, value):
    """One input at a time: a script that stops at the first would hide its use of the second."""
    if name == "CONTROL_PLANE_ID":
        pytest.skip("an instance's id is AWS' own, and a worker waits for a document of it")
    run_raw(tmp_path, "control-plane" if name in OWN["control-plane"] else "worker", **{name: value})


# --- what the configuration accepts


def bill_of_materials(folder, address: str) -> str:
    """A bill of materials for the stand-in mirror, which serves the same to all."""
    path = folder / "bom.json"
    entry = {"url": address, "sha256": SUM, "version": "2.2.7"}
    platforms = {
        config.bom.PLATFORMS[family]: dict.fromkeys(names, entry)
        for family, names in config.bom.NEEDED.items()
    }
    path.write_text(json.dumps({"kubernetes": "1.35.8", **platforms}))
    return str(path)


def accepted(
    folder, *, labels: dict[str, str], taints: list[str], mirror: str, address: str
) -> config.StackConfig:
    values = {
        **ADMINS,
        "nodePools": [{"name": "a-b", "labels": labels, "taints": taints}],
        "registryMirror": mirror,
        "artifactMirror": mirror,
        "bom": bill_of_materials(folder, address),
        "ignorePreflightErrors": ["NumCPU", "Mem"],
        "expiresAt": "2027-01-31T18:00:00+01:00",
        "owner": "it's/me@example.org".replace("'", "-"),
        "keyName": "$(touch executed) 'key' \"key\"",
        "workloads": False,
    }
    return config.parse(values, stack="a-1")


def check_worker(folder, *, labels: dict[str, str], taints: list[str], mirror: str, address: str) -> None:
    stack = accepted(folder, labels=labels, taints=taints, mirror=mirror, address=address)
    machine = Sandbox(folder)
    done = machine.run(
        lambda: script_inputs.worker(
            stack, stack.node_pools[0], "a-b-0", region="eu-west-1", control_plane_id=CONTROL_PLANE_ID
        ),
        JOIN,
    )
    assert done.code == 0, done.output
    assert not machine.canary.exists()
    registration = yaml.safe_load(done.kept("join.yaml"))["nodeRegistration"]
    (argument,) = registration["kubeletExtraArgs"] or [{"value": ""}]
    assert dict(pair.split("=") for pair in argument["value"].split(",") if pair) == labels
    assert [f"{t['key']}={t['value']}:{t['effect']}" for t in registration["taints"]] == taints
    assert registration["ignorePreflightErrors"] == ["NumCPU", "Mem"]
    assert registration["name"] == "a-b-0"
    hosts = tomllib.loads(done.file("/etc/containerd/certs.d/_default/hosts.toml"))["host"]
    assert hosts == {mirror: {"capabilities": ["pull", "resolve"]}}
    (download,) = [call for call in done.calls("curl") if "--output" in call]
    assert [url for url in download if url.startswith(mirror)] == [
        f"{mirror}/{address.split('://')[1]}"
    ] * len(script_inputs.LINUX_DOWNLOADS)
    assert "--globoff" in download, "a bracket in an address is no pattern"
    assert {each["Name"] for each in done.written()} == {"/microcosm/a-1/status/a-b-0"}
    assert done.read() == {"/microcosm/a-1/join"}


def test_the_strangest_values_that_are_accepted_arrive_where_they_are_used(tmp_path):
    check_worker(
        tmp_path,
        labels={"a.b-c/D_e.f": "x_Y.z-1", "null": "", "y": "1e3"},
        taints=["k.example.org/on=0x1:NoExecute", "null=:NoSchedule"],
        mirror="http://mirror.example:8443/~a/b_c-d:e",
        address="https://example.org/$(touch)%20executed;'&&!(a)*[1-3]?x=#@,+",
    )


LABEL_PARTS = st.from_regex(patterns.LABEL, fullmatch=True).map(lambda pair: tuple(pair.split("=")))


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    labels=st.lists(LABEL_PARTS, max_size=3).map(dict),
    taints=st.lists(
        st.from_regex(patterns.TAINT, fullmatch=True).filter(lambda t: "=" in t),
        max_size=2,
        unique_by=lambda t: t.split("=")[0],
    ),
    mirror=st.from_regex(patterns.URL, fullmatch=True),
    address=st.from_regex(config.bom._URL, fullmatch=True),
)
def test_whatever_is_accepted_arrives_where_it_is_used(tmp_path_factory, labels, taints, mirror, address):
    check_worker(
        tmp_path_factory.mktemp("machine"), labels=labels, taints=taints, mirror=mirror, address=address
    )


def test_the_end_of_the_stack_is_read_from_its_own_parameter_and_decides(tmp_path):
    """`systemctl poweroff` when it is over, and not before."""
    stack = accepted(tmp_path, labels={}, taints=[], mirror="http://m", address="https://example.org/a")
    pool = stack.node_pools[0]
    machine = Sandbox(tmp_path)
    (machine.root / "var/lib/microcosm").mkdir(parents=True)
    (machine.root / "var/lib/microcosm/instance").write_text("i-0123456789abcdef0")

    def look(ends: str) -> list[list[str]]:
        done = machine.run(
            lambda: script_inputs.worker(
                stack, pool, "a-b-0", region="eu-west-1", control_plane_id=CONTROL_PLANE_ID
            ),
            {"expiresAt": ends, "graceMinutes": 60},
            "expiry",
        )
        assert done.code == 0, done.output
        assert done.read() == {"/microcosm/a-1/expiry"}
        return done.calls("systemctl")

    assert look("2999-01-31T18:00:00+01:00") == []
    assert look("2020-01-31T18:00:00+01:00") == [["poweroff"]]


# --- secrets


@pytest.mark.parametrize("role", ROLES)
def test_no_secret_of_the_cluster_stands_on_a_command_line_or_in_the_log(tmp_path, role):
    """All users of the machine read command lines, all who may see the console read the log."""
    machine = Sandbox(tmp_path)
    done = machine.run(lambda: userdata.linux(role, inputs(role)), JOIN)
    assert done.code == 0, done.output
    secrets = [JOIN["token"], "a kubeconfig", *json.loads(sandbox.CREDENTIALS).values()]
    programs = [*sandbox.STAND_INS, "python3"]
    said = [done.output, *("\0".join(call) for program in programs for call in done.calls(program))]
    said += [json.dumps(each) for each in done.written() if "/status/" in each["Name"]]
    assert [secret for secret in secrets if any(secret in text for text in said)] == []
    published = {
        each["Name"].rpartition("/")[2]: each["Type"]
        for each in done.written()
        if "/status/" not in each["Name"]
    }
    assert published == (
        dict.fromkeys(("join", "kubeconfig", "windows-network"), "SecureString")
        if role == "control-plane"
        else {}
    )
    keys = {each.get("KeyId") for each in done.written() if each["Type"] == "SecureString"}
    assert keys == ({KMS_KEY} if role == "control-plane" else set()), (
        "without it the value would be AWS's own key's again"
    )
    assert not any("KeyId" in each for each in done.written() if each["Type"] == "String")
    assert stat.S_IMODE((machine.root / "var/lib/microcosm").stat().st_mode) == 0o700
    assert not (machine.root / "run/microcosm-join.yaml").exists(), "the token is gone with its use"
