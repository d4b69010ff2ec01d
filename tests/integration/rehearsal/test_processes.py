"""Test how long-running processes are started, recorded, recognised and ended."""

import os
import subprocess
import sys

import pytest

from rehearsal import processes

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper(tmp_path):
    daemon = processes.start("sleeper", SLEEPER, environment=os.environ, log=tmp_path / "log")
    yield daemon
    daemon.kill()


def test_a_daemon_is_recognised_after_a_restart_and_ended_by_its_id(sleeper, tmp_path):
    processes.record([sleeper], tmp_path / "daemons.json")
    (found,) = processes.recorded(tmp_path / "daemons.json")
    assert found == sleeper
    found.stop()
    assert not found.is_running
    assert processes.recorded(tmp_path / "daemons.json") == []


def test_a_daemon_is_recognised_as_soon_as_it_is_started(tmp_path):
    for _ in range(20):
        daemon = processes.start("sleeper", SLEEPER, environment=os.environ, log=tmp_path / "log")
        assert daemon.is_running
        daemon.kill()
        assert not daemon.is_alive


def test_a_foreign_process_with_the_recorded_id_is_never_touched(sleeper):
    foreign = processes.Daemon(name="room", pid=sleeper.pid, mark="rehearsal.hosts")
    assert not foreign.is_running
    foreign.stop()
    assert sleeper.is_running, "an id that was used again must not be ended"
    sleeper.stop()


def test_a_daemon_that_dies_before_it_is_ready_shows_the_end_of_its_log(tmp_path):
    log = tmp_path / "log"
    daemon = processes.start(
        "cloud",
        [sys.executable, "-c", "print('no port'); raise SystemExit(1)"],
        environment=os.environ,
        log=log,
    )
    with pytest.raises(RuntimeError, match="cloud did not become ready"):
        processes.wait_for_file(tmp_path / "never.json", daemon, log, 10)
    assert "no port" in log.read_text()


def test_what_was_started_for_a_run_is_found_by_its_environment(tmp_path):
    mine = processes.start(
        "mine", SLEEPER, environment={**os.environ, "PULUMI_HOME": str(tmp_path)}, log=tmp_path / "log"
    )
    other = processes.start(
        "other", SLEEPER, environment={**os.environ, "PULUMI_HOME": f"{tmp_path}-other"}, log=tmp_path / "log"
    )
    processes.end_of(f"PULUMI_HOME={tmp_path}")
    assert not mine.is_alive
    assert other.is_alive, "a process of another run is not ours"
    other.stop()


def test_a_process_that_gets_sigterm_first_ends_what_its_blocks_have_started(tmp_path):
    """`kill` without a word, or a CI that runs out of time, must not leave servers behind."""
    program = (
        "import contextlib, subprocess, sys, time\n"
        "from rehearsal import processes\n"
        "processes.end_on_sigterm()\n"
        "with contextlib.closing(type('Stack', (), {'close': lambda self: print('ended', flush=True)})()):\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        assert process.stdout.read() == "ended\n"
        assert process.wait(10) == 143


@pytest.mark.parametrize(
    "command",
    [
        "rehearsal.__main__",
        "rehearsal.scenarios.permissions.__main__",
        "rehearsal.scenarios.aws_faults.__main__",
    ],
)
def test_commands_that_start_servers_end_by_sigterm_in_order(command):
    program = (
        "import os, runpy, signal, sys, typer\n"
        "typer.Typer.__call__ = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
        "typer.run = lambda *_: os.kill(os.getpid(), signal.SIGTERM)\n"
        f"runpy.run_module({command!r}, run_name='__main__')\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 143
