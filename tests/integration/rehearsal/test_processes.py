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


def test_a_foreign_process_with_the_recorded_id_is_never_touched(sleeper):
    foreign = processes.Daemon(name="room", pid=sleeper.pid, mark="rehearsal.hosts")
    assert not foreign.is_running
    foreign.stop()
    assert sleeper.is_running, "an id that was used again must not be ended"
    sleeper.stop()


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
