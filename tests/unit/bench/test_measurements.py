"""The figures that the measurements compute from their samples."""

from collections import Counter

from bench import bringup, scale
from bench.calls import Call, Calls
from infra.node.report import PhaseTimes, Report


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
