"""The timeline as one self-contained page: a Gantt chart, the figures behind it, no request to anywhere."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template

from .output import duration
from .timeline import READY, Lane, Span, State, Timeline, usual_seconds
from .timeline_path import PULUMI, critical_path
from .timeline_text import document, headline, path_sentence, sentence

# In the order in which phases come; pages list them so.
HUES = {
    "boot": "#8795a6", "feature": "#7d6b55", "reboot": "#a3869a", "prepare": "#54697c", "download": "#2f6fe4", "containerd": "#0e93ad",
    "prepare-node": "#0f766e", "init": "#7c4ddb", "join": "#5457d6", "publish": "#b83fc4", "flannel": "#d97706", "kube-proxy": "#a8750b",
    READY: "#1c9a4b",
}  # fmt: skip
OTHER_HUE = "#64748b"
DECLARED_HUE = "#7d93ab"
TICK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
MOST_TICKS = 9


def page(timeline: Timeline, refresh_seconds: int | None = None) -> str:
    """The whole page; one that is still being written asks the browser to read it again."""
    view = _View(timeline)
    return Template(_asset("timeline.html")).substitute(
        title=escape(headline(timeline)),
        refresh="" if refresh_seconds is None else f'<meta http-equiv="refresh" content="{refresh_seconds}">',
        style=_asset("timeline.css"),
        script=_asset("timeline.js"),
        # A "</script>" inside a detail must not end the block.
        data=json.dumps(document(timeline)).replace("<", "\\u003c"),
        stack=escape(timeline.stack),
        origin="the first launch" if not timeline.declared else "the first resource",
        **view.parts(),
    )


def _asset(name: str) -> str:
    return files("microcosm").joinpath("assets", name).read_text(encoding="utf-8")


class _View:
    """The fragments of the page; positions are shares of the whole time."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._whole = max(timeline.end - timeline.start, 1.0)
        self._ticks = _ticks(self._whole)
        self._path = critical_path(timeline)

    def parts(self) -> dict[str, str]:
        timeline = self._timeline
        verdict = "ready" if timeline.ready else "failed" if timeline.failed else "running"
        return {
            "meta": escape(f"{timeline.region} · started {_moment(timeline.start)} · as of {_moment(timeline.now)}"),
            "verdict_class": verdict,
            "verdict": {"ready": "all ready", "failed": "failed", "running": "in progress"}[verdict],
            "facts": "".join(f"<dl class=fact><dt>{escape(a)}</dt><dd>{escape(b)}</dd><small>{escape(c)}</small></dl>" for a, b, c in self._facts()),
            "troubles": "".join(f'<p class="trouble{" failed" if t.failed else ""}">{escape(sentence(t))}</p>' for t in timeline.troubles),
            "ticks": "".join(f'<span class=tick style="left:{self._share(s):.3f}%">{_tick_label(s)}</span>' for s in self._ticks),
            "declared": "".join(map(self._declared, timeline.declared)),
            "lanes": "".join(map(self._lane, timeline.lanes)),
            "legend": "".join(f'<li><i style="--hue:{HUES.get(name, OTHER_HUE)}"></i>{escape(name)}</li>' for name in self._phases())
            + "<li><i class=line></i>critical path</li>" * bool(self._path),
            "path": "".join(f"<p class=path>{escape(line)}</p>" for line in path_sentence(timeline)),
            "table": self._table(),
            "footer": escape(self._footer()),
        }

    def _share(self, seconds: float) -> float:
        return min(max(100 * seconds / self._whole, 0.0), 100.0)

    def _facts(self) -> Iterator[tuple[str, str, str]]:
        timeline = self._timeline
        missing = [lane.label for lane in timeline.lanes if lane.state is not State.READY]
        since = "from the first resource" if timeline.declared else "from the first launch"
        yield ("Time to ready" if timeline.ready else "Time so far"), duration(timeline.end - timeline.start), since
        yield "Machines ready", f"{len(timeline.lanes) - len(missing)} of {len(timeline.lanes)}", ", ".join(missing) or "none is missing"
        if timeline.ready and timeline.last and timeline.last.start is not None and timeline.last.end is not None:
            yield "Last to arrive", timeline.last.label, f"{duration(timeline.last.end - timeline.last.start)} after its launch"
        if timeline.longest:
            lane, span = timeline.longest
            yield "Longest phase", f"{span.name} {duration(span.seconds(timeline.now))}", f"on {lane.label}"

    def _phases(self) -> list[str]:
        seen = dict.fromkeys(span.name for lane in self._timeline.lanes for span in lane.spans)
        return [*(name for name in HUES if name in seen), *(name for name in seen if name not in HUES)]

    def _grid(self) -> str:
        return "".join(f'<span class=grid style="left:{self._share(seconds):.3f}%"></span>' for seconds in self._ticks)

    def _declared(self, span: Span) -> str:
        tip = f"Pulumi: {span.name}\n{self._when(span)}"
        bar = self._bar(span, DECLARED_HUE, "", tip)
        took = duration(span.seconds(self._timeline.now))
        track = f"<div class=track>{self._grid()}{bar}{self._waited_for(PULUMI, span.name)}</div>"
        return f'<div class="row part"><div class=who>{escape(span.name)}</div>{track}<div class=total>{took}</div></div>'

    def _lane(self, lane: Lane) -> str:
        bars = "".join(self._phase_bar(lane, span) for span in lane.spans)
        ends = self._flag(lane) if lane.state is State.READY else ""
        who = f"<b>{escape(lane.node)}{'<span class=badge>stand-in</span>' if lane.stand_in else ''}</b>"
        what = " · ".join(filter(None, (lane.os, lane.instance))) or lane.detail
        total = "-" if lane.start is None else duration((lane.end or self._timeline.now) - lane.start)
        return (
            f'<div class=row><div class=who>{who}<small title="{escape(what)}">{escape(what)}</small></div>'
            f"<div class=track>{self._grid()}{bars}{self._waited_for(lane.label)}{ends}</div>"
            f'<div class="total {lane.state.name.lower()}">{escape(total)}</div></div>'
        )

    def _phase_bar(self, lane: Lane, span: Span) -> str:
        tip = f"{lane.label}: {span.name}\n{self._when(span)}"
        if span.seconds(self._timeline.now) > usual_seconds(lane.family, span.name):
            tip += f"\nlonger than usual (under {duration(usual_seconds(lane.family, span.name))})"
        if span.name == lane.phase and lane.detail:
            tip += f"\n{lane.detail}"
        return self._bar(span, HUES.get(span.name, OTHER_HUE), span.name, tip)

    def _bar(self, span: Span, hue: str, label: str, tip: str) -> str:
        left = self._share(span.start - self._timeline.start)
        width = self._share((span.end or self._timeline.end) - self._timeline.start) - left
        kind = "bar failed" if span.failed else "bar going" if span.end is None else "bar"
        return (
            f'<div class="{kind}" tabindex=0 style="left:{left:.3f}%;width:{max(width, 0):.3f}%;--hue:{hue}" '
            f'data-label="{escape(label)}" data-tip="{escape(tip)}" aria-label="{escape(tip)}">{escape(label)}</div>'
        )

    def _waited_for(self, where: str, name: str | None = None) -> str:
        """The stretches of a lane that are on the critical path."""
        legs = [leg for leg in self._path if leg.where == where and name in (None, leg.name)]
        marks = [(self._share(leg.start - self._timeline.start), self._share(leg.end - leg.start)) for leg in legs]
        return "".join(f'<span class=waited style="left:{left:.3f}%;width:{width:.3f}%"></span>' for left, width in marks)

    def _flag(self, lane: Lane) -> str:
        return f'<span class=flag style="left:{self._share((lane.end or 0) - self._timeline.start):.3f}%"></span>'

    def _when(self, span: Span) -> str:
        begun = duration(span.start - self._timeline.start)
        took = duration(span.seconds(self._timeline.now))
        return f"{took}{' so far' if span.end is None else ''}, begun at {begun} ({_moment(span.start)})"

    def _table(self) -> str:
        timeline, phases = self._timeline, self._phases()
        longest = max((span.seconds(timeline.now) for lane in timeline.lanes for span in lane.spans), default=1) or 1
        head = "".join(f"<th>{escape(name)}</th>" for name in ("machine", *phases, "total"))
        body = "".join(self._table_row(lane, phases, longest) for lane in timeline.lanes)
        return f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"

    def _table_row(self, lane: Lane, phases: Sequence[str], longest: float) -> str:
        now = self._timeline.now
        spent = {span.name: span.seconds(now) for span in lane.spans}
        cells = "".join(
            f'<td style="--share:{spent[name] / longest:.3f}">{duration(spent[name])}</td>' if name in spent else "<td></td>" for name in phases
        )
        total = "" if lane.start is None else duration((lane.end or now) - lane.start)
        return f"<tr><td>{escape(lane.label)}</td>{cells}<td>{total}</td></tr>"

    def _footer(self) -> str:
        stand_ins = [lane.node for lane in self._timeline.lanes if lane.stand_in]
        said = f" {', '.join(stand_ins)}: a stand-in, not a real Windows machine; its times say nothing of one." if stand_ins else ""
        return f"From the machines' own reports in /microcosm/{self._timeline.stack}/status and their launch times.{said}"


def _ticks(whole: float) -> list[int]:
    step = next((step for step in TICK_STEPS if whole / step <= MOST_TICKS), TICK_STEPS[-1])
    return list(range(0, int(whole) + 1, step))


def _tick_label(seconds: int) -> str:
    return f"{seconds}s" if seconds < 60 else f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds // 60}:{seconds % 60:02d}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
