"""Test the files that the machine host writes."""

from pathlib import Path

import pytest

from rehearsal.hosts import host
from rehearsal.hosts.errors import MachineHostError
from rehearsal.hosts.layout import Layout
from rehearsal.hosts.record import HostRecord, read

RECORD: HostRecord = {
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
    assert one.namespace("vpc-1") == Layout(tmp_path / "one").namespace("vpc-1"), (
        "a later run must find what a killed one left"
    )


def test_looking_into_a_room_that_does_not_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(MachineHostError, match="no machine host is running in"):
        read(Layout(tmp_path))


def test_kernel_settings_are_raised_but_never_lowered_and_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "net/netfilter/nf_conntrack_max": 262144,
        "fs/inotify/max_user_instances": 128,
        "fs/inotify/max_user_watches": 9999999,
    }
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
