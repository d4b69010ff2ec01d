"""Test the files that the machine host writes."""

from pathlib import Path

import pytest

from rehearsal.hosts import host


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
