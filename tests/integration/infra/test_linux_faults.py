"""A Linux machine in a bad state: full disks, lost power, silent services, an image of another
node. Real bash.
"""

import configparser
import json
import subprocess

import pytest

from infra.node import userdata
from tests.integration.infra.test_linux_boot import BEGUN, BOOT, COMMANDS, COMMON, INPUTS, machine
from tests.integration.security import sandbox
from tests.integration.security.sandbox import Sandbox
from tests.integration.security.test_hostile_shell import JOIN, inputs

__all__ = ["machine"]
OWN = "i-0123456789abcdef0"
CONFIG = 'token: "@TOKEN@"\nhash: "@CA_HASH@"\n'
CONTROL_PLANE = (userdata.SCRIPTS / "linux/control-plane.sh").read_text().rpartition("case ")[0]
WORKER = (userdata.SCRIPTS / "linux/worker.sh").read_text().rpartition("main\n")[0]
FAILS = BOOT.replace("phase ready 15 step", "phase download 11 fails")


def failing(body):
    """A boot whose second phase does this."""
    return FAILS.replace("main() {", f"fails() {{ {body}; }}\nmain() {{", 1)


# --- reports


def test_a_failure_before_the_first_phase_is_reported(machine):
    """The metadata service is silent: an id is not to be had, and the report goes without one
    (infra/node/report.py).
    """
    done = machine(BOOT, COMMANDS + "metadata() { echo 'curl: (28) timed out' >&2; return 28; }\n")
    (last,) = machine.reports()
    assert done.returncode == 10
    assert (last["instance"], last["phase"], last["result"]) == ("", "prepare", "failed")
    assert last["detail"], "a failure has a reason"


def test_a_disk_that_takes_no_file_does_not_take_the_report_with_it(machine):
    """A folder in the place of the file refuses to be written, as a full disk does."""
    (machine.folder / "phases").mkdir()
    machine("FREE=12\n" + failing("die 'cannot write'"))
    last = machine.reports()[-1]
    assert (last["phase"], last["result"], last["detail"]) == (
        "download",
        "failed",
        "cannot write; the disk is full",
    )
    assert list(last["phases"]) == ["prepare", "download"]


# "You can't specify a value that's wrapped in double brackets" (Systems Manager API reference, PutParameter,
# Value), nor bytes that are no UTF-8 (JSON), nor more than 4,096 of them. The stand-in for SSM refuses these,
# as the real one does.
STRICT = """
put_parameter() {
  python3 -c 'import json, sys
text = sys.stdin.read()
json.loads(text)["detail"].encode()
sys.exit("ValidationException" if "{{" in text or len(text) > 4096 else print(text))' >>"${STATE}/reports"
}
"""


@pytest.mark.parametrize("reason", ["template: {{.Name}} and {{{x}}}", "caf\\xe9"])
def test_no_reason_makes_a_report_that_is_refused(machine, reason):
    machine(failing(f"die $'{reason}'"), COMMANDS + STRICT)
    last = machine.reports()[-1]
    assert (last["phase"], last["result"]) == ("download", "failed")
    assert last["detail"].startswith(reason[:3])


@pytest.mark.parametrize("letter", ["é", '"', "\\\\", "\U0001f600"])
def test_a_reason_that_json_makes_long_still_fits_into_a_parameter(machine, letter):
    """JSON writes six bytes for a letter outside of ASCII, twelve for one outside of its first plane."""
    machine(failing(f"die '{letter * 1500}'"), COMMANDS + STRICT)
    last = machine.reports()[-1]
    assert (last["phase"], last["result"]) == ("download", "failed")
    assert len(last["detail"]) >= 150


# kubernetes v1.35.8, cmd/kubeadm/app/preflight/checks.go, Error and RunChecks.
PREFLIGHT = (
    r"""error execution phase preflight: [preflight] Some fatal errors occurred:
	[ERROR CRI]: could not connect to the container runtime
	[ERROR Port-10250]: Port 10250 is in use
	[ERROR FileAvailable--etc-kubernetes-pki-ca.crt]: /etc/kubernetes/pki/ca.crt already exists
	[ERROR NumCPU]: the number of available CPUs 1 is less than the required 2
[preflight] If you know what you are doing, you can make a check non-fatal """
    r"""with `--ignore-preflight-errors=...`
error: the checks failed
To see the stack trace of this error execute with --v=5 or higher"""
)


def test_all_errors_of_kubeadms_checks_are_told_and_not_the_last_three_lines(machine):
    machine(f"joins() {{ cat <<'TEXT'\n{PREFLIGHT}\nTEXT\nfalse; }}\n{BEGUN}\nattempt 1 joins\n")
    detail = machine.reports()[-1]["detail"]
    assert [
        name for name in ("CRI", "Port-10250", "FileAvailable", "NumCPU") if f"[ERROR {name}" not in detail
    ] == []
    assert "If you know" not in detail


# --- waits

# Time passes by `sleep`, and a request that is not answered takes its --max-time.
CLOCK = """
sleep() { SECONDS=$((SECONDS + 10 * ${1%.*})); echo "${SECONDS}" >>"${STATE}/clock"; }
curl() { SECONDS=$((SECONDS + 5)); echo "curl: (22) The requested URL returned error: 401" >&2; return 22; }
"""


def test_a_worker_waits_for_a_join_document_within_bounds_and_says_what_was_there(machine):
    script = f'CONTROL_PLANE_ID=i-cp\n{WORKER}\n{BEGUN}\nkubeadm_join; echo "rc=$?"\n'
    old = json.dumps({"instance": "i-earlier"})
    done = machine(f"set +o errexit\n{script}", f"{COMMANDS}{CLOCK}get_parameter() {{ echo '{old}'; }}\n")
    assert (
        "error: no join document of i-cp within 10 minutes: it is not published yet, or is of another"
        in done.stderr
    )
    assert done.stdout.endswith("rc=1\n")
    assert 600 <= int((machine.folder / "clock").read_text().split()[-1]) < 700


# An Elastic IP that comes while the machine boots: metadata shows the first address, then none, then the
# last; what was begun before is cut.
ADDRESSES = """
metadata() {
  asked=$(($(cat "${STATE}/asked" 2>/dev/null || echo 0) + 1)); echo "${asked}" >"${STATE}/asked"
  case $1 in
  instance-id) echo i-1 ;;
  public-ipv4)
    [ "${asked}" -lt 4 ] && echo 203.0.113.9 || { [ "${asked}" -ge 6 ] || return 22; echo 198.51.100.7; } ;;
  esac
}
prepare() { :; }
download() {
  [ "$(metadata public-ipv4)" = 198.51.100.7 ] || die 'curl: (28) the connection is silent'
  echo whole >>"${STATE}/downloads"
}
containerd_service() { :; }; init() { :; }; publish() { :; }; node_ready() { :; }
"""


def test_nothing_is_downloaded_before_the_address_that_stays(machine):
    """EC2 cuts every connection of the address that it takes back."""
    done = machine(f"PUBLIC_IP=198.51.100.7\n{CONTROL_PLANE}\n{ADDRESSES}\nmain\n")
    assert (done.returncode, (machine.folder / "downloads").read_text()) == (0, "whole\n"), (
        done.stdout + done.stderr
    )


def test_an_address_that_never_comes_does_not_end_the_boot(machine):
    """Then it is as it was: the first address works, too."""
    never = (
        ADDRESSES.replace("-ge 6", "-ge 600")
        .replace("-lt 4", "-lt 2")
        .replace("download() {\n", "download() {\nreturn 0\n")
    )
    done = machine(f"PUBLIC_IP=198.51.100.7\n{CONTROL_PLANE}\n{never}{CLOCK}\nmain\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (machine.folder / "clock").read_text().count("\n") == 60


def test_the_wait_for_ready_ends_in_its_time_with_what_the_api_said(machine):
    (machine.folder / "kubernetes").mkdir()
    (machine.folder / "kubernetes/kubelet.conf").write_text("    server: https://10.0.0.10:6443\n")
    script = (
        f'{BEGUN}\nPHASE=ready PHASE_EXIT=15\ntrap \'code=$?; set +e; echo "after ${{SECONDS}}"; '
        f"(exit ${{code}}); on_exit' EXIT\nnode_ready\n"
    )
    done = machine(script, COMMANDS + CLOCK)
    assert 900 <= int(done.stdout.split("after ")[1].split()[0]) < 930
    assert "returned error: 401" in machine.reports()[-1]["detail"]


READY = """
curl() {
  SECONDS=$((SECONDS + 5))
  if grep --quiet 'restart kubelet' "${STATE}/calls"; then echo '%s'; return; fi
  echo "curl: (22) The requested URL returned error: 404" >&2
  return 22
}
"""


def test_a_node_that_was_deleted_is_made_again(machine):
    """The kubelet makes its Node at its own start alone (kubernetes v1.35.8, kubelet_node_status.go)."""
    (machine.folder / "kubernetes").mkdir()
    (machine.folder / "kubernetes/kubelet.conf").write_text("    server: https://10.0.0.10:6443\n")
    (machine.folder / "calls").touch()
    done = machine(f"{BEGUN}\nnode_ready\n", COMMANDS + CLOCK + READY % sandbox.NODE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.calls().count("systemctl restart kubelet.service") == 1


def test_a_repeated_task_that_hangs_is_ended_so_that_the_next_can_run(tmp_path):
    """A oneshot service has no limit of its own (systemd.service, TimeoutStartSec)."""
    done, place = whole("control-plane", tmp_path)
    units = place.root / "etc/systemd/system"
    limits = {}
    for name in ("boot", "publish", "forget"):
        unit = configparser.ConfigParser()
        unit.read(units / f"microcosm-{name}.service")
        limits[name] = unit["Service"].get("TimeoutStartSec")
    assert limits == {"boot": "14400", "publish": "600", "forget": "600"}
    assert done.code == 0


# --- what power loss or a full disk leaves


def test_the_nodes_script_is_replaced_whole_or_not_at_all(tmp_path):
    """A boot that is taken up again runs it: half of it would end the machine in silence.

    The limit is the full disk.
    """
    own, new = tmp_path / "own.sh", tmp_path / "new.sh"
    own.write_text("#!/bin/bash\necho the old one\n")
    new.write_text("#!/bin/bash\n" + "# a longer one\n" * 500)
    body = COMMON.replace("/usr/local/sbin/microcosm-node", str(own)).replace(
        "/etc/systemd/system", str(tmp_path)
    )
    text = "\n".join(
        [
            *(f"{name}={value}" for name, value in INPUTS.items()),
            body,
            "systemctl() { :; }",
            "trap '' XFSZ",
            "ulimit -f 2",
        ]
    )
    (tmp_path / "runs.sh").write_text(f"{text}\nrepeat publish x\n{'# padding' * 1000}\n")
    done = subprocess.run(["bash", tmp_path / "runs.sh"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode != 0
    assert own.read_text() == "#!/bin/bash\necho the old one\n"


def kubeadm_fails(place):
    path = place.folder / "bin/kubeadm"
    path.write_text(f'{sandbox.RECORD}[ "$1" != join ] || {{ cat "$3" >"${{RECORD}}/join.yaml"; exit 1; }}\n')


def test_a_token_does_not_stay_behind_a_join_that_failed(tmp_path):
    done, place = whole("worker", tmp_path, prepare=kubeadm_fails)
    assert done.code == 13
    assert JOIN["token"] in done.kept("join.yaml")
    assert not (place.root / "run/microcosm-join.yaml").exists()


def test_a_join_document_that_lacks_a_field_is_no_reason_to_join_without_it(tmp_path):
    """`until` makes bash pass over the failure of what it calls."""
    done, _ = whole(
        "worker", tmp_path, answer={key: value for key, value in JOIN.items() if key != "caCertHash"}
    )
    assert done.code == 13
    assert [call for call in done.calls("kubeadm") if call[0] == "join"] == []


# --- a missing value


def test_a_cluster_is_not_made_without_an_address(machine):
    script = (
        f'PUBLIC_IP=x\n{CONTROL_PLANE}\n{BEGUN}\nkubeadm() {{ echo "kubeadm $1" >>"${{STATE}}/calls"; '
        f"}}\nmake_cluster\n"
    )
    done = machine(script, COMMANDS + "metadata() { return 22; }\n")
    assert done.returncode != 0
    assert not (machine.folder / "calls").exists(), "kubeadm init was called"


def test_a_join_document_is_not_published_without_the_hash_of_the_ca(machine):
    """Of nothing there is a hash as well; every worker would refuse the API server."""
    commands = (
        COMMANDS
        + "kubeadm() { echo abcdef.0123456789abcdef; }\nkubectl() { echo x; }\nopenssl() { return 1; }\n"
    )
    done = machine(f"PUBLIC_IP=x\n{CONTROL_PLANE}\nINSTANCE_ID=i-1\npublish_join\n", commands)
    assert done.returncode != 0
    assert not (machine.folder / "reports").exists()


# --- a state that came with an image


def whole(role, folder, *, state=(), answer=JOIN, prepare=None, arguments=()):
    """A whole run of the rendered user-data on a machine that has these files in /var/lib/microcosm."""
    place = Sandbox(folder)
    kept = place.root / "var/lib/microcosm"
    for name, text in dict(state).items():
        kept.mkdir(parents=True, exist_ok=True)
        (kept / name).write_text(text)
    if prepare:
        prepare(place)
    return place.run(
        lambda: userdata.linux(
            role, inputs(role) | {"KUBEADM_CONFIG": CONFIG}, expires="expiry" in arguments
        ),
        answer,
        *arguments,
    ), place


def joins(done):
    return [call[0] for call in done.calls("kubeadm") if call[0] in ("join", "reset")]


def with_a_cluster(place):
    (place.root / "etc/kubernetes/kubelet.conf").write_text("server: https://10.9.9.9:6443\n")


def test_the_marks_of_another_machine_count_for_nothing(tmp_path):
    """Made into an image, a node has its cluster with it; this one is to join another."""
    done, place = whole(
        "worker", tmp_path, state={"instance": "i-0other", "joined": ""}, prepare=with_a_cluster
    )
    assert (done.code, joins(done)) == (0, ["reset", "join"]), done.output
    assert (place.root / "var/lib/microcosm/instance").read_text().strip() == OWN


def test_the_marks_of_this_machine_count(tmp_path):
    done, _ = whole("worker", tmp_path, state={"instance": OWN, "joined": ""}, prepare=with_a_cluster)
    assert (done.code, joins(done)) == (0, [])


@pytest.mark.parametrize(("instance", "calls"), [("i-0other", []), (OWN, [["poweroff"]])])
def test_a_timer_that_came_with_an_image_does_not_end_the_machine(tmp_path, instance, calls):
    """Its end is that of the stack from which the image was made."""
    over = {"expiresAt": "2020-01-31T18:00:00+01:00", "graceMinutes": 60}
    done, _ = whole(
        "worker",
        tmp_path,
        state={"instance": instance, "expiry": "1500000000"},
        answer=over,
        arguments=["expiry"],
    )
    assert (done.code, done.calls("systemctl")) == (0, calls)


def test_a_containerd_that_runs_already_reads_the_files_of_now(tmp_path):
    """That of an image has the image's configuration, and a mirror that this stack does not use."""

    def mirrored(place):
        hosts = place.root / "etc/containerd/certs.d/_default/hosts.toml"
        hosts.parent.mkdir(parents=True)
        hosts.write_text('[host."http://old.example"]\n')

    place = Sandbox(tmp_path)
    mirrored(place)
    done = place.run(lambda: userdata.linux("worker", inputs("worker") | {"REGISTRY_MIRROR": ""}), JOIN)
    assert ["restart", "containerd.service"] in done.calls("systemctl")
    assert not (place.root / "etc/containerd/certs.d/_default/hosts.toml").exists()
