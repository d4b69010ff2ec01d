"""Text, page and document of a timeline."""

import io
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from microcosm.timeline import html as timeline_html
from microcosm.timeline import text as timeline_text
from microcosm.timeline.model import Span, Timeline
from tests.support.stories import START, all_ready, built, machine, report, stuck

SPANS = st.lists(
    st.tuples(
        st.sampled_from(["prepare", "download", "odd <b>"]),
        st.floats(-50, 5000),
        st.none() | st.floats(-50, 5000),
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Any timeline, with clocks that disagree."""
    said = [
        report(f"linux-{index}", *draw(SPANS), result=draw(st.sampled_from(["running", "ok", "failed"])))
        for index in range(draw(st.integers(0, 3)))
    ]
    engine_spans = [
        Span(
            name="Network",
            start=START + draw(st.floats(-9, 9)),
            end=draw(st.none() | st.floats(START, START + 99)),
        )
    ]
    return built(draw(st.floats(0, 6000)), [machine(item.node) for item in said], said, engine_spans)


@settings(max_examples=60, deadline=None)
@given(timelines())
def test_every_bar_stays_inside_the_chart(timeline: Timeline) -> None:
    """Clocks of machines differ; a bar that leaves the chart would hide others."""
    page = timeline_html.page(timeline)
    for left, width in re.findall(r'style="left:([-\d.]+)%;width:([-\d.]+)%', page):
        assert 0 <= float(left) <= 100
        assert float(width) >= 0
        assert float(left) + float(width) <= 100.01
    for line in timeline_text.plain(timeline).splitlines()[2:]:
        bar = re.search(r"[.=!a-zR]{60}", line)
        assert bar or line.startswith("! "), line
    json.dumps(timeline_text.document(timeline), allow_nan=False)


def test_a_page_asks_nothing_of_any_network() -> None:
    """It is opened from a CI artifact, years later, offline."""
    page = timeline_html.page(stuck())
    assert not re.search(r"""(src|href)\s*=|url\(|@import|fetch\(|https?://""", page)


def test_what_machines_say_cannot_become_markup() -> None:
    """A detail is text from a machine: in the page it stays text, in the data block it cannot end the
    block.
    """
    page = timeline_html.page(stuck())
    assert "attempt &lt;/script&gt; 4" in page
    assert "attempt </script>" not in page
    data = re.search(r'<script type="application/json" id="timeline">(.*?)</script>', page, re.DOTALL)
    assert data
    assert json.loads(data[1])["stuck"][1]["detail"] == "attempt </script> 4"


def test_a_stand_in_is_called_one_wherever_it_shows() -> None:
    """A reader must not mistake the rehearsal's Windows for Windows."""
    timeline = all_ready()
    page = timeline_html.page(timeline)
    assert "<span class=badge>stand-in</span>" in page
    assert "a stand-in, not a real Windows machine" in page
    assert "windows-0 (stand-in)" in timeline_text.plain(timeline)
    assert [node["standIn"] for node in timeline_text.document(timeline)["machines"]] == [False, True]


def test_only_a_page_still_being_written_reloads_itself() -> None:
    """A finished page is left alone by the browser."""
    assert 'http-equiv="refresh" content="3"' in timeline_html.page(stuck(), 3)
    assert 'http-equiv="refresh"' not in timeline_html.page(stuck())


def test_the_text_names_what_is_stuck_and_for_how_long() -> None:
    """The sentence a person came for."""
    text = timeline_text.plain(stuck())
    assert "! linux-0 failed in download after 8s: kubelet: wrong sha256" in text
    assert "! windows-0 is stuck in download for 13m 20s (usually under 7m 00s): attempt </script> 4" in text


def test_the_text_of_a_finished_bring_up() -> None:
    """One line a machine: state, total, bar, phases."""
    lines = timeline_text.plain(all_ready()).splitlines()
    assert lines[0] == "dev in eu-west-1: 2 of 2 machines ready, 1m 00s"
    assert re.fullmatch(
        r"control-plane +ready +41s +b+p+i+R\.+  boot 10s  prepare 2s  init 28s  ready 1s", lines[2]
    )


def test_a_terminal_gets_bars_that_fit_it() -> None:
    """No line is wider than the terminal, and none is lost."""
    console = Console(force_terminal=True, width=100, record=True, file=io.StringIO())
    timeline_text.show(stuck(), console)
    shown = console.export_text()
    assert "linux-0" in shown
    assert "is stuck in download" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_ticks_are_few_and_round() -> None:
    """Between one second and a day the axis stays readable."""
    for whole in (1, 7, 45, 90, 700, 5000, 86400):
        ticks = timeline_html._ticks(whole)
        assert 1 <= len(ticks) <= timeline_html.MOST_TICKS + 1, whole
