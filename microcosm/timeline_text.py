"""The timeline for a terminal (bars in colours) and for a log (aligned text), and as a JSON document."""

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from .output import STYLES, aligned, duration
from .timeline import BOOT, Lane, Span, State, Timeline, Trouble
from .timeline_path import Leg, critical_path

PLAIN_WIDTH = 60
# One letter and one colour a phase; phases that no list knows get the last pair.
MARKS = {
    BOOT: ("b", "grey50"), "prepare": ("p", "grey70"), "feature": ("f", "grey70"), "reboot": ("r", "grey50"),
    "download": ("d", "dodger_blue2"), "containerd": ("c", "cyan"), "prepare-node": ("n", "cyan"), "init": ("i", "medium_purple"),
    "join": ("j", "medium_purple"), "publish": ("u", "magenta"), "flannel": ("l", "dark_orange"), "kube-proxy": ("k", "yellow3"),
    "ready": ("R", "green3"),
}  # fmt: skip
OTHER = ("x", "white")
FAILED_COLOUR = "red3"
DECLARED_COLOUR = "steel_blue"


def sentence(trouble: Trouble) -> str:
    """Where it is stuck, as one line: machine, phase, for how long, what it said."""
    verb, since = ("failed in", "after") if trouble.failed else ("is stuck in", "for")
    usually = "" if trouble.failed else f" (usually under {duration(trouble.usual)})"
    said = f": {trouble.detail}" if trouble.detail else ""
    return f"{trouble.node} {verb} {trouble.phase} {since} {duration(trouble.seconds)}{usually}{said}"


def headline(timeline: Timeline) -> str:
    """How far it is, in one line."""
    ready = sum(lane.state is State.READY for lane in timeline.lanes)
    total = duration(timeline.end - timeline.start)
    return f"{timeline.stack} in {timeline.region}: {ready} of {len(timeline.lanes)} machines ready, {total}"


def phases_text(lane: Lane, now: float) -> str:
    """The phases of a lane with how long each took."""
    return "  ".join(f"{span.name} {duration(span.seconds(now))}{'' if span.end else '...'}" for span in lane.spans)


def path_sentence(timeline: Timeline) -> list[str]:
    """The critical path in one line, a machine's name once for its phases in a row; none while there is no path."""
    words: list[str] = []
    where = ""
    for leg in critical_path(timeline):
        words.append(f"{leg.where if leg.where != where else ''} {leg.name} {duration(leg.seconds)}".strip())
        where = leg.where
    return [f"critical path: {' > '.join(words)}"] * bool(words)


def plain(timeline: Timeline) -> str:
    """The whole timeline as text without colours, one machine a line."""
    scale = _Scale(timeline, PLAIN_WIDTH)
    header = ["MACHINE", "STATE", "TOTAL", "TIME", "PHASES"]
    declared = [[f"pulumi: {span.name}", "", duration(span.seconds(timeline.now)), scale.letters([span], "="), ""] for span in timeline.declared]
    lanes = [
        [lane.label, lane.state.value, _total(lane, timeline), scale.letters(lane.spans), phases_text(lane, timeline.now)] for lane in timeline.lanes
    ]
    troubles = [f"! {sentence(trouble)}" for trouble in timeline.troubles]
    return "\n".join([headline(timeline), aligned([header, *declared, *lanes]), *path_sentence(timeline), *troubles])


def rich(timeline: Timeline, width: int) -> RenderableType:
    """The whole timeline with coloured bars, as wide as the terminal allows."""
    labels = max((len(lane.label) for lane in timeline.lanes), default=0)
    bar_width = min(max(width - labels - 60, 20), 100)
    rest = max(width - labels - bar_width - 26, 8)
    scale = _Scale(timeline, bar_width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("machine", "state", "total", "", "now in"):
        table.add_column(column, no_wrap=True, justify="right" if column == "total" else "left")
    for span in timeline.declared:
        took = duration(span.seconds(timeline.now))
        table.add_row(Text(span.name, "dim"), Text("pulumi", "dim"), Text(took, "dim"), scale.blocks([span], DECLARED_COLOUR), "")
    for lane in timeline.lanes:
        state = Text(lane.state.value, STYLES.get(lane.state.value, ""))
        now_in = "" if lane.state is State.READY else f"{lane.phase} {lane.detail}".strip()
        table.add_row(lane.label, state, _total(lane, timeline), scale.blocks(lane.spans), Text(_cut(now_in, rest)))
    troubles = [Text(f"! {sentence(trouble)}", "bold red" if trouble.failed else "yellow") for trouble in timeline.troubles]
    path = [Text(line, "dim") for line in path_sentence(timeline)]
    return Group(Text(headline(timeline), "bold"), table, _legend(timeline), *path, *troubles)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def show(timeline: Timeline, console: Console) -> None:
    """Print the form that suits where it goes."""
    if console.is_terminal:
        console.print(rich(timeline, console.width))
    else:
        print(plain(timeline), flush=True)


def _total(lane: Lane, timeline: Timeline) -> str:
    return "" if lane.start is None else duration((lane.end or timeline.now) - lane.start)


def _legend(timeline: Timeline) -> Text:
    names = dict.fromkeys(span.name for lane in timeline.lanes for span in lane.spans)
    parts = [Text.assemble(("█ ", MARKS.get(name, OTHER)[1]), f"{name}  ") for name in names]
    return Text.assemble(*parts)


class _Scale:
    """Maps times to the columns of a bar."""

    def __init__(self, timeline: Timeline, width: int) -> None:
        self._timeline = timeline
        self._width = width
        self._seconds_a_column = max(timeline.end - timeline.start, 1.0) / width

    def _columns(self, span: Span) -> range:
        start = int((span.start - self._timeline.start) / self._seconds_a_column)
        end = int(((span.end or self._timeline.end) - self._timeline.start) / self._seconds_a_column)
        first = min(max(start, 0), self._width - 1)
        return range(first, min(max(end, first + 1), self._width))

    def letters(self, spans: tuple[Span, ...] | list[Span], mark: str | None = None) -> str:
        cells = ["."] * self._width
        for span in spans:
            for column in self._columns(span):
                cells[column] = "!" if span.failed else mark or MARKS.get(span.name, OTHER)[0]
        return "".join(cells)

    def blocks(self, spans: tuple[Span, ...] | list[Span], colour: str | None = None) -> Text:
        styles = ["grey23"] * self._width
        for span in spans:
            for column in self._columns(span):
                styles[column] = FAILED_COLOUR if span.failed else colour or MARKS.get(span.name, OTHER)[1]
        return Text.assemble(*(("·" if style == "grey23" else "█", style) for style in styles))


def document(timeline: Timeline) -> dict[str, Any]:
    """The timeline for a program; seconds are counted from `start`, a Unix time."""
    return {
        "stack": timeline.stack,
        "region": timeline.region,
        "start": timeline.start,
        "seconds": round(timeline.end - timeline.start, 1),
        "criticalPath": [_leg_document(leg, timeline) for leg in critical_path(timeline)],
        "ready": timeline.ready,
        "failed": timeline.failed,
        "machines": [_lane_document(lane, timeline) for lane in timeline.lanes],
        "pulumi": [_span_document(span, timeline) for span in timeline.declared],
        "stuck": [
            {"machine": t.node, "phase": t.phase, "seconds": round(t.seconds, 1), "failed": t.failed, "detail": t.detail} for t in timeline.troubles
        ],
    }


def _lane_document(lane: Lane, timeline: Timeline) -> dict[str, Any]:
    return {
        "machine": lane.node,
        "os": lane.os,
        "instance": lane.instance,
        "state": lane.state.value,
        "phase": lane.phase,
        "detail": lane.detail,
        "standIn": lane.stand_in,
        "phases": [_span_document(span, timeline) for span in lane.spans],
    }


def _leg_document(leg: Leg, timeline: Timeline) -> dict[str, Any]:
    return {"where": leg.where, "name": leg.name, "start": round(leg.start - timeline.start, 1), "end": round(leg.end - timeline.start, 1)}


def _span_document(span: Span, timeline: Timeline) -> dict[str, Any]:
    return {
        "name": span.name,
        "start": round(span.start - timeline.start, 1),
        "end": None if span.end is None else round(span.end - timeline.start, 1),
        "failed": span.failed,
    }
