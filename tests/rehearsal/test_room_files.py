"""What the room writes down, and what it makes of it again."""

import json
from pathlib import Path

import pytest

from rehearsal.room import disk, host
from rehearsal.room.errors import RoomError
from rehearsal.room.layout import Layout
from rehearsal.room.record import Recorder, RoomRecord, machine_of, read

from .room_values import an_instance

RECORD: RoomRecord = {
    "pid": 1,
    "mirror": "m",
    "registry": "r",
    "ca": "c",
    "machines": {
        "i-0": {"node": "linux-0", "ip": "10.0.0.4", "netns": "n", "leader": 7, "os": "linux"},
        "i-1": {"node": "linux-1", "ip": "10.0.0.5", "netns": "n", "leader": None, "os": "linux"},
    },
}


def test_rooms_in_different_folders_share_no_name(tmp_path: Path) -> None:
    one, other = Layout(tmp_path / "one"), Layout(tmp_path / "other")
    assert one.namespace("vpc-1") != other.namespace("vpc-1")
    assert one.namespace("vpc-1") == Layout(tmp_path / "one").namespace("vpc-1"), "a later run must find what a killed one left"


def test_the_record_is_replaced_whole_and_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "room.json"
    recorder = Recorder(path)
    recorder.write(RECORD)
    inode = path.stat().st_ino
    recorder.write(RECORD)
    assert path.stat().st_ino == inode
    recorder.write({**RECORD, "pid": 2})
    assert json.loads(path.read_text())["pid"] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["room.json"]


def test_a_machine_is_found_by_node_or_instance_while_it_runs() -> None:
    assert machine_of(RECORD, "linux-0") == machine_of(RECORD, "i-0")
    with pytest.raises(RoomError, match="linux-1: no such machine is running; running are: linux-0"):
        machine_of(RECORD, "linux-1")


def test_looking_into_a_room_that_does_not_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RoomError, match="no room is running in"):
        read(Layout(tmp_path))


def test_a_fresh_disk_holds_what_the_base_image_cannot_know(tmp_path: Path) -> None:
    base = tmp_path / "base"
    bundle = base / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("public CAs\n")
    paths = Layout(tmp_path).machine("i-0")
    disk.prepare(paths, an_instance(), base, b"room CA\n")
    files = {str(file.relative_to(paths.upper)): file.read_text() for file in paths.upper.rglob("*") if file.is_file()}
    assert files["etc/hostname"] == "ip-10-0-16-4\n"
    assert files["etc/resolv.conf"] == "nameserver 10.0.0.2\nsearch eu-west-1.compute.internal\n"
    assert files["etc/ssl/certs/ca-certificates.crt"] == "public CAs\nroom CA\n"
    assert len(files["etc/machine-id"]) == 33
    assert {folder.name for folder in (paths.folder / "data").iterdir()} == {"containerd", "kubelet", "etcd"}


def test_logs_are_moved_out_of_a_disk(tmp_path: Path) -> None:
    paths = Layout(tmp_path).machine("i-0")
    (paths.upper / "var/log").mkdir(parents=True)
    (paths.upper / "var/log/cloud-init.log").write_text("x")
    paths.console.write_text("booted")
    disk.keep_logs(paths, tmp_path / "logs")
    assert (tmp_path / "logs/console.log").read_text() == "booted"
    assert (tmp_path / "logs/var-log/cloud-init.log").exists()


def test_kernel_settings_are_raised_but_never_lowered_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"net/netfilter/nf_conntrack_max": 262144, "fs/inotify/max_user_instances": 128, "fs/inotify/max_user_watches": 9999999}
    for key, value in settings.items():
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_text(str(value))
    monkeypatch.setattr(host, "_SYSCTLS", tmp_path)
    monkeypatch.setattr(host, "os", type("Os", (), {"cpu_count": staticmethod(lambda: 2)}))

    def now() -> list[int]:
        return [int((tmp_path / key).read_text()) for key in settings]

    host.adjust(tmp_path / "saved")
    assert now() == [131072, 8192, 9999999], "kube-proxy wants its own number, the others only enough"
    host.restore(tmp_path / "saved")
    assert now() == list(settings.values())
    assert not (tmp_path / "saved").exists()


def test_a_kernel_without_a_setting_goes_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_SYSCTLS", tmp_path / "empty")
    host.adjust(tmp_path / "saved")
    host.restore(tmp_path / "saved")


@pytest.mark.parametrize(("cpus", "entries"), [(1, 131072), (4, 131072), (16, 524288)])
def test_the_conntrack_table_has_the_size_that_kube_proxy_computes(cpus: int, entries: int) -> None:
    assert host.conntrack_max(cpus) == entries
