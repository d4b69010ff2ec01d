"""Render the timeline as one self-contained HTML page: a Gantt chart and its figures, no network access."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template

from infra.node.report import READY

from ..output import duration
from . import stuck
from .critical_path import PULUMI, critical_path
from .model import NodeTimeline, Span, State, Timeline
from .text import document, headline, path_sentence

# The order is that of the phases; the page lists them in it.
HUES = {
    "boot": "#8795a6", "feature": "#7d6b55", "reboot": "#a3869a", "prepare": "#54697c", "download": "#2f6fe4",
    "containerd": "#0e93ad",
    "prepare-node": "#0f766e", "init": "#7c4ddb", "join": "#5457d6", "publish": "#b83fc4",
    "flannel": "#d97706", "kube-proxy": "#a8750b",
    READY: "#1c9a4b",
}  # fmt: skip
OTHER_HUE = "#64748b"
ENGINE_HUE = "#7d93ab"
TICK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
MOST_TICKS = 9


def page(timeline: Timeline, refresh_seconds: int | None = None) -> str:
    """Render the page; with `refresh_seconds` the browser reloads it while the file is still written."""
    view = _View(timeline)
    return Template(_asset("timeline.html")).substitute(
        title=escape(headline(timeline)),
        refresh="" if refresh_seconds is None else f'<meta http-equiv="refresh" content="{refresh_seconds}">',
        style=_asset("timeline.css"),
        script=_asset("timeline.js"),
        # Without this escape a "</script>" inside a detail would end the block.
        data=json.dumps(document(timeline)).replace("<", "\\u003c"),
        stack=escape(timeline.stack),
        origin="the first launch" if not timeline.engine_spans else "the first resource",
        **view.parts(),
    )


def _asset(name: str) -> str:
    return files("microcosm.timeline").joinpath("assets", name).read_text(encoding="utf-8")


class _View:
    """Render the fragments of the page; positions are percentages of the whole duration."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._whole = max(timeline.end - timeline.start, 1.0)
        self._ticks = _ticks(self._whole)
        self._path = critical_path(timeline)

    def parts(self) -> dict[str, str]:
        timeline = self._timeline
        verdict = "ready" if timeline.ready else "failed" if timeline.failed else "running"
        return {
            "meta": escape(
                f"{timeline.region} · started {_moment(timeline.start)} · as of {_moment(timeline.now)}"
            ),
            "verdict_class": verdict,
            "verdict": {"ready": "all ready", "failed": "failed", "running": "in progress"}[verdict],
            "facts": "".join(
                f"<dl class=fact><dt>{escape(a)}</dt><dd>{escape(b)}</dd><small>{escape(c)}</small></dl>"
                for a, b, c in self._facts()
            ),
            "issues": "".join(
                f'<p class="issue{" failed" if t.failed else ""}">{escape(stuck.sentence(t))}</p>'
                for t in stuck.issues(timeline)
            ),
            "ticks": "".join(
                f'<span class=tick style="left:{self._share(s):.3f}%">{_tick_label(s)}</span>'
                for s in self._ticks
            ),
            "engine": "".join(map(self._engine_row, timeline.engine_spans)),
            "nodes": "".join(map(self._node_timeline, timeline.nodes)),
            "legend": "".join(
                f'<li><i style="--hue:{HUES.get(name, OTHER_HUE)}"></i>{escape(name)}</li>'
                for name in self._phases()
            )
            + "<li><i class=line></i>critical path</li>" * bool(self._path),
            "path": "".join(f"<p class=path>{escape(line)}</p>" for line in path_sentence(timeline)),
            "table": self._table(),
            "footer": escape(self._footer()),
        }

    def _share(self, seconds: float) -> float:
        return min(max(100 * seconds / self._whole, 0.0), 100.0)

    def _facts(self) -> Iterator[tuple[str, str, str]]:
        timeline = self._timeline
        missing = [node.label for node in timeline.nodes if node.state is not State.READY]
        since = "from the first resource" if timeline.engine_spans else "from the first launch"
        yield (
            ("Time to ready" if timeline.ready else "Time so far"),
            duration(timeline.end - timeline.start),
            since,
        )
        yield (
            "Machines ready",
            f"{len(timeline.nodes) - len(missing)} of {len(timeline.nodes)}",
            ", ".join(missing) or "all of them",
        )
        if (
            timeline.ready
            and timeline.last
            and timeline.last.start is not None
            and timeline.last.end is not None
        ):
            yield (
                "Last to arrive",
                timeline.last.label,
                f"{duration(timeline.last.end - timeline.last.start)} after its launch",
            )
        if timeline.longest:
            node, span = timeline.longest
            yield "Longest phase", f"{span.name} {duration(span.seconds(timeline.now))}", f"on {node.label}"

    def _phases(self) -> list[str]:
        seen = dict.fromkeys(span.name for node in self._timeline.nodes for span in node.spans)
        return [*(name for name in HUES if name in seen), *(name for name in seen if name not in HUES)]

    def _grid(self) -> str:
        return "".join(
            f'<span class=grid style="left:{self._share(seconds):.3f}%"></span>' for seconds in self._ticks
        )

    def _engine_row(self, span: Span) -> str:
        tip = f"Pulumi: {span.name}\n{self._when(span)}"
        bar = self._bar(span, ENGINE_HUE, "", tip)
        took = duration(span.seconds(self._timeline.now))
        track = f"<div class=track>{self._grid()}{bar}{self._waited_for(PULUMI, span.name)}</div>"
        return (
            f'<div class="row part"><div class=who>{escape(span.name)}</div>{track}<div '
            f"class=total>{took}</div></div>"
        )

    def _node_timeline(self, node: NodeTimeline) -> str:
        bars = "".join(self._phase_bar(node, span) for span in node.spans)
        ends = self._flag(node) if node.state is State.READY else ""
        who = f"<b>{escape(node.name)}{'<span class=badge>stand-in</span>' if node.stand_in else ''}</b>"
        what = " · ".join(filter(None, (node.os, node.instance))) or node.detail
        total = "-" if node.start is None else duration((node.end or self._timeline.now) - node.start)
        return (
            f'<div class=row><div class=who>{who}<small title="{escape(what)}">{escape(what)}</small></div>'
            f"<div class=track>{self._grid()}{bars}{self._waited_for(node.label)}{ends}</div>"
            f'<div class="total {node.state.name.lower()}">{escape(total)}</div></div>'
        )

    def _phase_bar(self, node: NodeTimeline, span: Span) -> str:
        tip = f"{node.label}: {span.name}\n{self._when(span)}"
        if span.seconds(self._timeline.now) > stuck.usual_seconds(node.family, span.name):
            tip += f"\nlonger than usual (under {duration(stuck.usual_seconds(node.family, span.name))})"
        if span.name == node.phase and node.detail:
            tip += f"\n{node.detail}"
        return self._bar(span, HUES.get(span.name, OTHER_HUE), span.name, tip)

    def _bar(self, span: Span, hue: str, label: str, tip: str) -> str:
        left = self._share(span.start - self._timeline.start)
        width = self._share((span.end or self._timeline.end) - self._timeline.start) - left
        kind = "bar failed" if span.failed else "bar going" if span.end is None else "bar"
        return (
            f'<div class="{kind}" tabindex=0 style="left:{left:.3f}%;width:{max(width, 0):.3f}%;--hue:{hue}" '
            f'data-label="{escape(label)}" data-tip="{escape(tip)}" '
            f'aria-label="{escape(tip)}">{escape(label)}</div>'
        )

    def _waited_for(self, where: str, name: str | None = None) -> str:
        """Mark the parts of a row that are on the critical path."""
        segments = [
            segment for segment in self._path if segment.where == where and name in (None, segment.name)
        ]
        marks = [
            (self._share(segment.start - self._timeline.start), self._share(segment.end - segment.start))
            for segment in segments
        ]
        return "".join(
            f'<span class=waited style="left:{left:.3f}%;width:{width:.3f}%"></span>' for left, width in marks
        )

    def _flag(self, node: NodeTimeline) -> str:
        return (
            f"<span class=flag "
            f'style="left:{self._share((node.end or 0) - self._timeline.start):.3f}%"></span>'
        )

    def _when(self, span: Span) -> str:
        begun = duration(span.start - self._timeline.start)
        took = duration(span.seconds(self._timeline.now))
        return f"{took}{' so far' if span.end is None else ''}, begun at {begun} ({_moment(span.start)})"

    def _table(self) -> str:
        timeline, phases = self._timeline, self._phases()
        longest = (
            max((span.seconds(timeline.now) for node in timeline.nodes for span in node.spans), default=1)
            or 1
        )
        head = "".join(f"<th>{escape(name)}</th>" for name in ("machine", *phases, "total"))
        body = "".join(self._table_row(node, phases, longest) for node in timeline.nodes)
        return f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"

    def _table_row(self, node: NodeTimeline, phases: Sequence[str], longest: float) -> str:
        now = self._timeline.now
        spent = {span.name: span.seconds(now) for span in node.spans}
        cells = "".join(
            f'<td style="--share:{spent[name] / longest:.3f}">{duration(spent[name])}</td>'
            if name in spent
            else "<td></td>"
            for name in phases
        )
        total = "" if node.start is None else duration((node.end or now) - node.start)
        return f"<tr><td>{escape(node.label)}</td>{cells}<td>{total}</td></tr>"

    def _footer(self) -> str:
        stand_ins = [node.name for node in self._timeline.nodes if node.stand_in]
        warning = (
            f" {', '.join(stand_ins)}: a stand-in, not a real Windows machine; its times do not apply to one."
            if stand_ins
            else ""
        )
        return (
            f"Sources: the machines' reports in /microcosm/{self._timeline.stack}/status and their "
            f"launch times.{warning}"
        )


def _ticks(whole: float) -> list[int]:
    step = next((step for step in TICK_STEPS if whole / step <= MOST_TICKS), TICK_STEPS[-1])
    return list(range(0, int(whole) + 1, step))


def _tick_label(seconds: int) -> str:
    return (
        f"{seconds}s"
        if seconds < 60
        else f"{seconds // 60}m"
        if seconds % 60 == 0
        else f"{seconds // 60}:{seconds % 60:02d}"
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
