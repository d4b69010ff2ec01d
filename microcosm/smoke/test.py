"""Send traffic along every path between Linux, Windows and the outside, and name the broken hop.

A result from a stand-in is marked. A path without an origin to send from is "not run" and never a pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ..errors import OperatorError
from .ccauth_checks import RULES
from .cluster_view import ClusterView
from .paths import Origin, Path, all_paths
from .probe import Answer, Failure, Runner


class Verdict(StrEnum):
    OK = "pass"
    FAIL = "fail"
    NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of one path or rule."""

    group: str
    name: str
    verdict: Verdict
    origin: Origin | None = None
    got: str = ""
    wants: str = ""
    broken_hop: str = ""
    seconds: float = 0.0
    stand_in: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Smoke:
    """All results. A path that was not run fails the test unless a stand-in is the reason."""

    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        return all(
            result.verdict is Verdict.OK or (result.verdict is Verdict.NOT_RUN and result.stand_in)
            for result in self.results
        )


def run(view: ClusterView, page_url: str, runners: Mapping[Origin, Runner]) -> Smoke:
    """Test every path, then the card rules. An origin without a runner cannot be tested."""
    if missing := [app for app in (view.page, view.ccauth) if not app.endpoints]:
        found = (
            Result(
                group="workload",
                name=app.name,
                verdict=Verdict.FAIL,
                wants="a ready pod",
                broken_hop=app.waiting,
            )
            for app in missing
        )
        return Smoke(results=tuple(found))
    paths = all_paths(view, page_url)
    results = _results(paths, _answers(paths, runners), view.windows_stand_in)
    return Smoke(
        results=(*results, *_rules(page_url, results[-1], runners[Origin.OUTSIDE], view.windows_stand_in))
    )


def _answers(paths: Sequence[Path], runners: Mapping[Origin, Runner]) -> dict[str, Answer]:
    """Return the answer of each path that could be run; the requests of one origin are sent together."""
    answers: dict[str, Answer] = {}
    for origin, runner in runners.items():
        mine = [path for path in paths if path.origin is origin]
        answers |= {path.name: answer for path, answer in zip(mine, _sent(runner, mine), strict=True)}
    return answers


def _sent(runner: Runner, paths: Sequence[Path]) -> list[Answer]:
    """Send the requests of one origin.

    If it cannot send, that is the answer, and the others are still tried.
    """
    try:
        return runner.run([path.request for path in paths])
    except OperatorError as problem:
        return [Answer(failure=Failure.NOT_SENT, detail=str(problem))] * len(paths)


def _results(paths: Sequence[Path], answers: Mapping[str, Answer], stand_in: bool) -> list[Result]:
    broken: dict[str, str] = {}
    results: list[Result] = []
    for path in paths:
        result = _result(path, answers.get(path.name), broken, stand_in and path.needs_windows)
        if result.verdict is Verdict.FAIL:
            broken[path.name] = result.broken_hop
        results.append(result)
    return results


def _result(path: Path, answer: Answer | None, broken: Mapping[str, str], stand_in: bool) -> Result:
    result = Result(
        group="path",
        name=path.name,
        origin=path.origin,
        wants=path.wants,
        verdict=Verdict.NOT_RUN,
        stand_in=stand_in,
    )
    if answer is None:
        got = "a stand-in cannot send from Windows" if stand_in else "this origin cannot be tested from here"
        return replace(result, got=got)
    earlier = next(
        (f"{name}, already broken: {broken[name]}" for name in path.built_on if name in broken), ""
    )
    return _evaluated(result, answer, path.accepts(answer), earlier or path.broken_hop(answer))


def _rules(page_url: str, page_to_ccauth: Result, runner: Runner, stand_in: bool) -> list[Result]:
    """Test the card rules; skip them if the path to CCAuth is broken."""
    blank = Result(group="rule", name="", origin=Origin.OUTSIDE, verdict=Verdict.NOT_RUN, stand_in=stand_in)
    results = [replace(blank, name=rule.name, wants=rule.wants) for rule in RULES]
    if page_to_ccauth.verdict is not Verdict.OK:
        return [replace(result, got=f"{page_to_ccauth.name} is broken") for result in results]
    answers = runner.run([rule.request(page_url) for rule in RULES])
    return [
        _evaluated(result, answer, rule.accepts(answer), "CCAuth's own rule")
        for result, rule, answer in zip(results, RULES, answers, strict=True)
    ]


def _evaluated(result: Result, answer: Answer, passed: bool, hop: str) -> Result:
    verdict = Verdict.OK if passed else Verdict.FAIL
    return replace(
        result, verdict=verdict, got=str(answer), broken_hop="" if passed else hop, seconds=answer.seconds
    )
