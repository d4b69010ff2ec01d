"""Render the timeline for a terminal (coloured bars), for a log (aligned text) and as JSON."""

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..output import STYLES, aligned, duration
from . import stuck
from .critical_path import PathSegment, critical_path
from .model import BOOT, NodeTimeline, Span, State, Timeline

PLAIN_WIDTH = 60
# One letter and one colour per phase; unknown phases use OTHER.
MARKS = {
    BOOT: ("b", "grey50"), "prepare": ("p", "grey70"), "feature": ("f", "grey70"), "reboot": ("r", "grey50"),
    "download": ("d", "dodger_blue2"), "containerd": ("c", "cyan"), "prepare-node": ("n", "cyan"),
    "init": ("i", "medium_purple"),
    "join": ("j", "medium_purple"), "publish": ("u", "magenta"), "flannel": ("l", "dark_orange"),
    "kube-proxy": ("k", "yellow3"),
    "ready": ("R", "green3"),
}  # fmt: skip
OTHER = ("x", "white")
FAILED_COLOUR = "red3"
ENGINE_COLOUR = "steel_blue"


def headline(timeline: Timeline) -> str:
    """Summarize the progress in one line."""
    ready = sum(node.state is State.READY for node in timeline.nodes)
    total = duration(timeline.end - timeline.start)
    return f"{timeline.stack} in {timeline.region}: {ready} of {len(timeline.nodes)} machines ready, {total}"


def phases_text(node: NodeTimeline, now: float) -> str:
    """List a node's phases with their durations."""
    return "  ".join(
        f"{span.name} {duration(span.seconds(now))}{'' if span.end else '...'}" for span in node.spans
    )


def path_sentence(timeline: Timeline) -> list[str]:
    """Describe the critical path in one line, or return no line if there is none."""
    words: list[str] = []
    where = ""
    for segment in critical_path(timeline):
        place = segment.where if segment.where != where else ""
        words.append(f"{place} {segment.name} {duration(segment.seconds)}".strip())
        where = segment.where
    return [f"critical path: {' > '.join(words)}"] * bool(words)


def plain(timeline: Timeline) -> str:
    """Render the timeline as text without colours, one machine a line."""
    scale = _Scale(timeline, PLAIN_WIDTH)
    header = ["MACHINE", "STATE", "TOTAL", "TIME", "PHASES"]
    engine_rows = [
        [f"pulumi: {span.name}", "", duration(span.seconds(timeline.now)), scale.letters([span], "="), ""]
        for span in timeline.engine_spans
    ]
    nodes = [
        [
            node.label,
            node.state.value,
            _total(node, timeline),
            scale.letters(node.spans),
            phases_text(node, timeline.now),
        ]
        for node in timeline.nodes
    ]
    issues = [f"! {stuck.sentence(issue)}" for issue in stuck.issues(timeline)]
    return "\n".join(
        [headline(timeline), aligned([header, *engine_rows, *nodes]), *path_sentence(timeline), *issues]
    )


def rich(timeline: Timeline, width: int) -> RenderableType:
    """Render the timeline with coloured bars, scaled to the terminal's width."""
    labels = max((len(node.label) for node in timeline.nodes), default=0)
    bar_width = min(max(width - labels - 60, 20), 100)
    rest = max(width - labels - bar_width - 26, 8)
    scale = _Scale(timeline, bar_width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("machine", "state", "total", "", "now in"):
        table.add_column(column, no_wrap=True, justify="right" if column == "total" else "left")
    for span in timeline.engine_spans:
        took = duration(span.seconds(timeline.now))
        table.add_row(
            Text(span.name, "dim"),
            Text("pulumi", "dim"),
            Text(took, "dim"),
            scale.blocks([span], ENGINE_COLOUR),
            "",
        )
    for node in timeline.nodes:
        state = Text(node.state.value, STYLES.get(node.state.value, ""))
        now_in = "" if node.state is State.READY else f"{node.phase} {node.detail}".strip()
        table.add_row(
            node.label, state, _total(node, timeline), scale.blocks(node.spans), Text(_cut(now_in, rest))
        )
    issues = [
        Text(f"! {stuck.sentence(issue)}", "bold red" if issue.failed else "yellow")
        for issue in stuck.issues(timeline)
    ]
    path = [Text(line, "dim") for line in path_sentence(timeline)]
    return Group(Text(headline(timeline), "bold"), table, _legend(timeline), *path, *issues)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def show(timeline: Timeline, console: Console) -> None:
    """Print coloured bars to a terminal, otherwise plain text."""
    if console.is_terminal:
        console.print(rich(timeline, console.width))
    else:
        print(plain(timeline), flush=True)


def _total(node: NodeTimeline, timeline: Timeline) -> str:
    return "" if node.start is None else duration((node.end or timeline.now) - node.start)


def _legend(timeline: Timeline) -> Text:
    names = dict.fromkeys(span.name for node in timeline.nodes for span in node.spans)
    parts = [Text.assemble(("█ ", MARKS.get(name, OTHER)[1]), f"{name}  ") for name in names]
    return Text.assemble(*parts)


class _Scale:
    """Map times to the columns of a bar."""

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
    """Return the timeline as JSON; seconds are counted from `start`, a Unix time."""
    return {
        "stack": timeline.stack,
        "region": timeline.region,
        "start": timeline.start,
        "seconds": round(timeline.end - timeline.start, 1),
        "criticalPath": [_segment_document(segment, timeline) for segment in critical_path(timeline)],
        "ready": timeline.ready,
        "failed": timeline.failed,
        "machines": [_node_document(node, timeline) for node in timeline.nodes],
        "pulumi": [_span_document(span, timeline) for span in timeline.engine_spans],
        "stuck": [
            {
                "machine": t.node,
                "phase": t.phase,
                "seconds": round(t.seconds, 1),
                "failed": t.failed,
                "detail": t.detail,
            }
            for t in stuck.issues(timeline)
        ],
    }


def _node_document(node: NodeTimeline, timeline: Timeline) -> dict[str, Any]:
    return {
        "machine": node.name,
        "os": node.os,
        "instance": node.instance,
        "state": node.state.value,
        "phase": node.phase,
        "detail": node.detail,
        "standIn": node.stand_in,
        "phases": [_span_document(span, timeline) for span in node.spans],
    }


def _segment_document(segment: PathSegment, timeline: Timeline) -> dict[str, Any]:
    return {
        "where": segment.where,
        "name": segment.name,
        "start": round(segment.start - timeline.start, 1),
        "end": round(segment.end - timeline.start, 1),
    }


def _span_document(span: Span, timeline: Timeline) -> dict[str, Any]:
    return {
        "name": span.name,
        "start": round(span.start - timeline.start, 1),
        "end": None if span.end is None else round(span.end - timeline.start, 1),
        "failed": span.failed,
    }
