"""The Linux user-data under failures and lost power, run by a real bash with the machine's
commands replaced.
"""

import json
import subprocess

import pytest

from infra.node import userdata

COMMON = "".join((userdata.SCRIPTS / "linux" / f"{part}.sh").read_text() for part in userdata.LINUX_PARTS)
INPUTS = dict.fromkeys(
    ["STACK", "REGION", "KUBERNETES_VERSION", "ARTIFACTS", "PAUSE_IMAGE", "KUBEADM_CONFIG"], "x"
) | {"NODE_NAME": "linux-0"}
# The commands that need a machine. Every call goes to a log; `curl` and `kubeadm` play what the test wrote
# for them.
COMMANDS = """
systemctl() { echo "systemctl $*" >>"${STATE}/calls"; }
sync() { [ "$1" != --file-system ] || echo "sync $1" >>"${STATE}/calls"; }
sleep() { echo "sleep $*" >>"${STATE}/calls"; }
metadata() { echo i-1; }
aws_signature() { :; }
repeat() { echo "repeat $1" >>"${STATE}/calls"; }
put_parameter() { cat >>"${STATE}/reports"; echo >>"${STATE}/reports"; }
df() { echo "${FREE:-9999999}"; }
"""


@pytest.fixture
def machine(tmp_path):
    """Runs a script after common.sh; the folder is the machine's /var/lib/microcosm."""

    def run(script: str, commands: str = COMMANDS) -> subprocess.CompletedProcess[str]:
        body = COMMON.replace("/var/lib/microcosm", str(tmp_path)).replace(
            "/etc/kubernetes", f"{tmp_path}/kubernetes"
        )
        (tmp_path / "instance").write_text("i-1")
        text = "\n".join([*(f"{name}={value}" for name, value in INPUTS.items()), body, commands, script])
        return subprocess.run(
            ["bash"],
            input=text,
            encoding="utf-8",
            errors="replace",
            capture_output=True,
            cwd=tmp_path,
            timeout=60,
        )

    run.folder = tmp_path
    run.calls = lambda: (tmp_path / "calls").read_text().split("\n")[:-1]
    run.reports = lambda: [
        json.loads(line) for line in (tmp_path / "reports").read_text().split("\n") if line
    ]
    return run


BOOT = (
    'step() { echo done >>"${STATE}/steps"; }\nmain() { begin; phase prepare 10 step; phase ready 15 '
    "step; finish; }\nmain\n"
)


def test_the_timer_that_takes_the_boot_up_again_is_there_before_anything_can_fail(machine):
    assert machine(BOOT).returncode == 0
    sync = "sync --file-system"
    assert machine.calls() == ["repeat boot", sync, sync, "systemctl disable --now microcosm-boot.timer"]
    assert [(r["phase"], r["result"]) for r in machine.reports()][-1] == ("ready", "ok")


def test_a_boot_that_failed_keeps_its_timer_and_says_why(machine):
    done = machine(
        BOOT.replace("phase ready 15 step", "phase download 11 fails").replace(
            "main() {", "fails() { die 'no such file'; }\nmain() {"
        )
    )
    assert done.returncode == 11
    assert not [call for call in machine.calls() if "disable" in call]
    last = machine.reports()[-1]
    assert (last["phase"], last["result"], last["detail"]) == ("download", "failed", "no such file")


def test_a_full_disk_is_named(machine):
    machine(
        "FREE=12\n"
        + BOOT.replace("phase ready 15 step", "phase download 11 fails").replace(
            "main() {", "fails() { die 'cannot write'; }\nmain() {"
        )
    )
    assert machine.reports()[-1]["detail"] == "cannot write; the disk is full"


def test_two_boots_at_once_are_one(machine):
    """The timer runs while cloud-init's own run is under way."""
    done = machine('mkdir -p "${STATE}"; exec 8>"${STATE}/lock"; flock 8; (' + BOOT + ")")
    assert done.returncode == 0
    assert not (machine.folder / "steps").exists()


def test_phases_of_a_boot_that_lost_its_power_do_not_mix_with_the_next(machine):
    (machine.folder / "phases").write_text("prepare 1 2\ninit 3")
    machine(BOOT)
    assert list(machine.reports()[-1]["phases"]) == ["prepare", "ready"]


def test_what_is_done_once_is_done_once_and_what_was_cut_off_is_begun_anew(machine):
    script = 'work() { echo work >>"${STATE}/calls"; [ ! -f "${STATE}/cut" ]; }\nonce joined work\n'
    (machine.folder / "cut").touch()
    assert machine(script).returncode != 0
    (machine.folder / "cut").unlink()
    for _ in range(2):
        assert machine(script).returncode == 0
    sync = "sync --file-system"
    assert machine.calls() == ["work", "work", sync, sync], (
        "the work reaches the disk before the mark, and the mark before its use"
    )


def test_an_attempt_is_repeated_as_often_as_it_says_and_tells_of_errors_alone(machine):
    script = (
        'joins() { echo "W1125 warning"; echo "error: a Node exists"; echo "error: a Node exists"; '
        "false; }\nPHASE_EXIT=13\nattempt 3 joins\n"
    )
    done = machine(BEGUN + script)
    assert done.returncode == 13
    assert machine.calls() == ["sleep 20", "sleep 20"]
    assert "FAILED in phase prepare: joins failed: error: a Node exists" in done.stdout
    said = "joins failed: error: a Node exists"
    assert {(report["result"], report["detail"]) for report in machine.reports()} == {
        ("running", said),
        ("failed", said),
    }


def test_an_attempt_that_succeeds_later_is_no_failure(machine):
    script = (
        'joins() { echo x >>"${STATE}/tries"; [ "$(wc -l <"${STATE}/tries")" = 2 ]; }\nattempt 6 '
        "joins && echo joined\n"
    )
    done = machine(BEGUN + script)
    assert done.stdout.splitlines()[-1] == "joined"


# What stands in a boot before its first phase.
BEGUN = "INSTANCE_ID=i-1\ntrap on_exit EXIT\n"
CURL = """
curl() {
  cat >/dev/null
  echo asked >>"${STATE}/calls"
  if [ "$(grep --count asked "${STATE}/calls")" -lt "${ANSWERS_AFTER}" ]; then
    echo '{"__type": "ThrottlingException"}'; return 22
  fi
  echo '{"Parameter": {"Value": "v"}}'
}
"""


def test_a_refused_call_is_signed_and_asked_again_and_its_refusals_stay_out_of_the_answer(machine):
    done = machine("ANSWERS_AFTER=3\nget_parameter join\n", COMMANDS + CURL)
    assert done.stdout == "v\n"
    assert done.stderr.count("GetParameter was refused") == 2


def test_patience_ends(machine):
    done = machine(
        "PATIENCE=0\nANSWERS_AFTER=99\nssm GetParameter <<<'{}' || echo gave up\n", COMMANDS + CURL
    )
    assert done.stdout == "gave up\n"


def test_a_cluster_that_kubeadm_had_begun_is_cleared_away_and_a_fresh_machine_is_left_alone(machine):
    script = 'kubeadm() { echo "kubeadm $*" >>"${STATE}/calls"; }\n: >"${STATE}/calls"\nclear_kubeadm\n'
    machine(script)
    assert machine.calls() == []
    (machine.folder / "kubernetes/manifests").mkdir(parents=True)
    machine(script)
    assert machine.calls() == [], "kubeadm reset leaves folders"
    (machine.folder / "kubernetes/bootstrap-kubelet.conf").write_text("")
    machine(script)
    assert machine.calls() == ["kubeadm reset --force"], (
        "a join writes it, with its token, before there is a pki"
    )


NODES = """control-plane   Ready                         control-plane   9d
linux-0         NotReady                      <none>          9d
linux-1         NotReady,SchedulingDisabled   <none>          9d
by-hand         NotReady                      <none>          9d
windows-0       Ready                         <none>          9d"""
# `ssm` knows the parameters of these and of no others.
DECLARED = ("control-plane", "linux-0", "windows-0")
CLUSTER = """
kubectl() {
  # It waits for an API that does not answer, without a limit unless it is given one (kubectl --help,
  # --request-timeout).
  case $1 in --request-timeout=*) shift ;; *) command sleep 60 ;; esac
  case $1 in
  get) echo "${NODES}" ;;
  *) echo "kubectl $*" >>"${STATE}/calls" ;;
  esac
}
ssm() {
  echo "ssm $1" >>"${STATE}/calls"
  python3 -c 'import json, sys
names = json.load(sys.stdin)["Names"]
missing = [name for name in names if name.rpartition("/")[2] not in sys.argv[1:]]
print(json.dumps({"InvalidParameters": missing}))' ${DECLARED}
}
"""


@pytest.fixture
def control_plane(machine):
    """Run what the control plane's timer runs; the nodes in `known` had a parameter at an earlier time."""

    def run(cluster: str = CLUSTER, declared=DECLARED, known=()) -> subprocess.CompletedProcess[str]:
        (machine.folder / "known").mkdir(exist_ok=True)
        for node in known:
            (machine.folder / "known" / node).touch()
        (machine.folder / "calls").write_text("")
        script = (userdata.SCRIPTS / "linux" / "control-plane.sh").read_text()
        return machine(
            f"set -- "
            f"forget\nPUBLIC_IP=x\nNODES='{NODES}'\nDECLARED='{' '.join(declared)}'\n{cluster}\n{script}"
        )

    run.forgotten = lambda: [call for call in machine.calls() if call.startswith("kubectl")]
    run.asked = lambda: machine.calls().count("ssm GetParameters")
    return run


def test_a_node_whose_machine_was_taken_out_of_the_stack_is_forgotten_and_one_that_is_down_is_not(
    control_plane,
):
    done = control_plane(known=["linux-0", "linux-1"])
    assert done.returncode == 0, done.stderr
    assert control_plane.forgotten() == ["kubectl delete node linux-1"]


def test_a_node_that_somebody_has_joined_by_hand_is_left_alone(control_plane):
    control_plane()
    assert control_plane.forgotten() == []


def test_a_node_is_known_from_the_first_look_at_it_and_not_asked_about_while_it_is_ready(control_plane):
    control_plane(declared=(*DECLARED, "linux-1"))
    assert control_plane.asked() == 5
    control_plane()
    assert control_plane.forgotten() == ["kubectl delete node linux-1"]
    assert control_plane.asked() == 3, "those that are not Ready"


def test_no_node_is_forgotten_while_systems_manager_does_not_answer(control_plane):
    done = control_plane(CLUSTER.replace("python3 -c", "return 1; python3 -c"), known=["linux-1"])
    assert done.returncode != 0
    assert control_plane.forgotten() == []


def test_no_node_is_forgotten_while_the_api_does_not_answer(control_plane):
    done = control_plane(CLUSTER.replace('get) echo "${NODES}"', "get) return 1"), known=["linux-1"])
    assert done.returncode != 0
    assert control_plane.forgotten() == []
    assert control_plane.asked() == 0, "a node without a name has no parameter"
