"""The critical path: who waited for whom, stretch by stretch."""

import json

import pytest

from microcosm.timeline.critical_path import critical_path
from microcosm.timeline.html import page
from microcosm.timeline.model import Span
from microcosm.timeline.text import document, path_sentence, plain
from tests.support.stories import START, all_ready, built, machine, report, stuck


def ready(join_end: float = 45, engine_spans=(), linux_ready: float = 60):
    return built(
        100,
        [machine("control-plane", 5), machine("linux-0", 7)],
        [
            report(
                "control-plane",
                ("prepare", 10, 12),
                ("init", 12, 40),
                ("publish", 40, 43),
                ("ready", 43, 50),
                result="ok",
            ),
            report(
                "linux-0",
                ("prepare", 12, 13),
                ("join", 13, join_end),
                ("ready", join_end, linux_ready),
                result="ok",
            ),
        ],
        engine_spans,
    )


def segments(timeline) -> list[tuple[str, str, float, float]]:
    return [
        (segment.where, segment.name, segment.start - START, segment.end - START)
        for segment in critical_path(timeline)
    ]


def test_a_join_that_waited_is_bound_by_the_control_plane():
    assert segments(ready()) == [
        ("control-plane", "boot", 5, 10),
        ("control-plane", "prepare", 10, 12),
        ("control-plane", "init", 12, 40),
        ("control-plane", "publish", 40, 43),
        ("linux-0", "join", 43, 45),
        ("linux-0", "ready", 45, 60),
    ]


def test_a_join_needs_only_what_is_published_first():
    assert segments(ready(join_end=42))[2:4] == [
        ("control-plane", "init", 12, 40),
        ("linux-0", "join", 40, 42),
    ]


def test_a_worker_that_came_late_is_bound_by_itself():
    timeline = built(
        100,
        [machine("control-plane"), machine("windows-0")],
        [
            report("control-plane", ("init", 5, 20), ("publish", 20, 21), ("ready", 21, 22), result="ok"),
            report("windows-0", ("feature", 30, 60), ("join", 60, 62), ("ready", 62, 70), result="ok"),
        ],
    )
    assert [where for where, *_ in segments(timeline)] == ["windows-0"] * 4


def test_the_pod_network_is_what_a_node_waits_for_when_pulumi_tells_of_it():
    engine_spans = [
        Span(name="Network", start=START, end=START + 4),
        Span(name="Flannel", start=START + 44, end=START + 55),
    ]
    assert segments(ready(engine_spans=engine_spans))[-5:] == [
        ("control-plane", "init", 12, 40),
        ("control-plane", "publish", 40, 43),
        ("control-plane", "ready", 43, 44),
        ("pulumi", "Flannel", 44, 55),
        ("linux-0", "ready", 55, 60),
    ]
    assert segments(ready(engine_spans=engine_spans))[0] == ("pulumi", "until launch", 0, 5)


@pytest.mark.parametrize(
    "timeline",
    [
        ready(),
        ready(join_end=42),
        all_ready(),
        ready(engine_spans=[Span(name="Flannel", start=START, end=START + 99)]),
    ],
)
def test_a_path_has_neither_gap_nor_overlap_and_reaches_from_start_to_end(timeline):
    path = critical_path(timeline)
    assert [segment.end for segment in path[:-1]] == [segment.start for segment in path[1:]]
    assert path[0].start == timeline.start
    assert path[-1].end == timeline.last.end
    assert all(segment.seconds > 0 for segment in path)


def test_there_is_no_path_before_everything_is_ready():
    assert critical_path(stuck()) == ()
    assert "critical path" not in plain(stuck())
    assert "class=waited" not in page(stuck())


def test_it_is_shown_in_every_form():
    sentence = (
        "critical path: control-plane boot 5s > prepare 2s > init 28s > publish 3s > linux-0 join "
        "2s > ready 15s"
    )
    assert path_sentence(ready()) == [sentence]
    assert sentence in plain(ready())
    assert sentence.replace(">", "&gt;") in page(ready())
    assert page(ready()).count("class=waited") == 6
    assert json.loads(json.dumps(document(ready())))["criticalPath"][-1] == {
        "where": "linux-0",
        "name": "ready",
        "start": 40.0,
        "end": 55.0,
    }
