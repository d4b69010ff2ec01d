"""The figures that the measurements compute from their samples."""

import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bench import bringup, engine, provider, scale
from bench.calls import Call, Calls
from bench.samples import BenchError
from infra.config.naming import NODE_TAG
from infra.node.report import PhaseTimes, Report
from rehearsal.fake_aws.rates import Rate


def test_only_the_bare_control_plane_is_spoken_for_by_nobody():
    record = [{"inputs": {"tags": {NODE_TAG: node, "Name": node}}} for node in ("control-plane", "linux-0")]
    assert [sorted(entry["inputs"]["tags"]) for entry in engine.unspoken(record)] == [
        ["Name"],
        ["Name", NODE_TAG],
    ]


def test_a_burst_comes_before_the_rate():
    assert [scale.at_least(number, Rate(5, 2)) for number in (3, 5, 6, 101)] == [0, 0, 1, 48]


def test_limits_count_what_the_machines_write_too():
    rows = scale.limits(Counter({"ssm:PutParameter": 104, "ec2:RunInstances": 101}))
    assert ["ssm:PutParameter", "104", "3 a second", "34 s"] in rows
    assert rows[-1][0] == "reports of the machines"
    assert int(rows[-1][1]) > 500


def test_the_phases_of_an_up_are_told_by_its_calls():
    made = [
        (10, "sts:GetCallerIdentity"),
        (12, "ec2:RunInstances"),
        (15, "ec2:RunInstances"),
        (19, "ssm:GetParametersByPath"),
    ]
    assert list(scale.phases(Calls(made=[Call(*call) for call in made]), 12.0).values()) == [2, 5, 9, 12.0]


def reported(**phases):
    times = tuple(PhaseTimes(name=name, start=start, end=end) for name, (start, end) in phases.items())
    return Report(node="n", instance="i-1", phase="ready", result="ok", phases=times)


def test_a_bring_up_is_parted_where_kubeadm_begins():
    reports = {
        "control-plane": reported(init=(110, 120), ready=(120, 123)),
        "linux-0": reported(join=(105, 125), ready=(125, 126)),
    }
    assert bringup.spans(reports, 100.0) == (10.0, 16)


def test_a_bring_up_is_compared_with_and_without_what_comes_before_kubeadm():
    first = bringup.Round(
        before=10, program=bringup.Span(15, 6), plain=bringup.Span(10, 3), configured=bringup.Span(8, 2)
    )
    second = bringup.Round(
        before=10, program=bringup.Span(18, 8), plain=bringup.Span(12, 4), configured=bringup.Span(9, 2)
    )
    text = bringup.report([first, second])
    assert "until both nodes are Ready, least | 15.0 | 10.0 | **1.50** | 8.0 | 1.88 |" in text
    assert "from launch until both nodes are Ready, least | 25.0 | 20.0 | **1.25** | 18.0 | 1.39 |" in text
    assert "the worker's join, once it can, median | 7.0 | 3.5 | **2.00** | 2.0 | 3.50 |" in text


def test_a_join_is_counted_from_when_worker_and_document_are_both_there():
    reports = {"linux-0": reported(join=(105, 125))}
    assert bringup.join_span(reports, 121.5) == 3.5
    assert bringup.join_span(reports, 90.0) == 20


@pytest.fixture
def plugin(tmp_path):
    """A provider that takes a tenth of a second and some memory before it says its port."""
    program = tmp_path / provider.NAME
    program.write_text(
        f"#!{sys.executable}\nimport time\ntime.sleep(0.1)\nkept = bytearray(30_000_000)\nprint(40000, "
        f"flush=True)\ntime.sleep(60)\n"
    )
    program.chmod(0o755)
    return program


def test_a_provider_has_started_when_it_says_its_port(plugin):
    sample = provider.start(plugin)
    assert sample.wall > 0.1
    assert sample.peak > 28


def test_a_provider_that_says_no_port_is_no_figure(tmp_path):
    with pytest.raises(BenchError, match="says '' instead of a port"):
        provider.start(Path("/bin/true"))


def test_the_memory_of_a_provider_is_seen_while_a_command_runs(tmp_path):
    # The name of the program is what counts, as with a plugin; a script has its interpreter's.
    program = tmp_path / provider.NAME
    shutil.copy("/bin/sleep", program)
    with (
        provider.watched("/mine") as most,
        subprocess.Popen([program, "60"], env={"PULUMI_HOME": "/mine"}) as process,
    ):
        try:
            deadline = time.monotonic() + 10
            while not most() and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            process.kill()
    assert most() > 0
