"""A series from `up` to an empty account: until each command has gone through, with what a person would do
where it does not go on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rehearsal.fake_aws.inventory import Inventory
from rehearsal.scenarios.aws_faults.drive import Driver, Run
from rehearsal.scenarios.aws_faults.series import Series

# A chain of runs that does not end by then never will.
MOST_RUNS = 150


@dataclass
class Part:
    """The outcome of `up` or `destroy` in a series."""

    command: str
    # Key of every call that came, whatever the run.
    keys: list[str] = field(default_factory=list[str])
    # Key of each call that was failed -> service, action, and how many attempts were failed.
    failed: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    runs: int = 0
    repairs: int = 0
    went_through: bool = False

    def note(self, run: Run) -> None:
        self.runs += 1
        self.keys = sorted({*self.keys, *(call["key"] for call in run.calls)})
        for call in run.failed:
            known = self.failed.setdefault(
                call["key"], {"service": call["service"], "action": call["action"], "attempts": 0}
            )
            known["attempts"] += call["failed"]


@dataclass
class Result:
    """The outcome of a series; it has survived if nothing in it speaks against that."""

    series: str
    fault: str
    manner: str
    parts: list[Part] = field(default_factory=list[Part])
    pending_after_kill: list[str] = field(default_factory=list[str])
    # Objects beside the state after the `up` that went through, and in the account after the `destroy` that
    # did.
    strays: list[str] = field(default_factory=list[str])
    leaked: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])
    seconds: float = 0.0
    # The day, in UTC: a sweep that was broken off may go on on another.
    played: str = ""

    @property
    def survived(self) -> bool:
        return not self.problems and not self.left

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"survived": self.survived}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Result":
        values: dict[str, Any] = {name: value for name, value in document.items() if name != "survived"}
        values["parts"] = [Part(**part) for part in document["parts"]]
        return cls(**values)


def play(driver: Driver, series: Series, tell: Callable[[str], None]) -> Result:
    """Plays a series in a world without the stack, and leaves it so."""
    result = Result(series=series.name, fault=series.fault, manner=series.manner)
    driver.prepare(series)
    before = driver.world.inventory()
    if series.kill_at:
        _kill(driver, series, result)
    for command, check in (("up", _check_up), ("destroy", _check_destroy)):
        part = Part(command)
        result.parts.append(part)
        _until_through(driver, series, part, tell)
        if not part.went_through:
            result.problems.append(f"`{command}` did not go through: {_last_words(driver)}")
        check(driver, before, result)
    return result


def _kill(driver: Driver, series: Series, result: Result) -> None:
    run = driver.run_killed(series, "up")
    part = Part("up (killed)", went_through=True)
    part.note(run)
    result.parts.append(part)
    if not run.code:
        result.problems.append(f"`up` had ended before it made {series.kill_at} different calls")


def _until_through(driver: Driver, series: Series, part: Part, tell: Callable[[str], None]) -> None:
    """Runs the command until it succeeds with no call failed; where it fails of itself, repairs once and
    goes on.
    """
    repaired = False
    while part.runs < MOST_RUNS:
        run = _one(driver, series, part)
        part.note(run)
        tell(f"{part.command}, run {part.runs}: {len(part.failed)} calls failed so far")
        if run.code == 0 and (series.once or not run.failed):
            part.went_through = True
            return
        if run.failed:
            # The next run spares these.
            repaired = False
        elif repaired:
            return
        else:
            part.repairs += 1
            repaired = True
            driver.repair()


def _one(driver: Driver, series: Series, part: Part) -> Run:
    """After a kill nothing is in the way."""
    if series.kill_at:
        code, output = driver.plain(part.command)
        return Run(code=code, output=output, calls=())
    return driver.run(series, [*part.failed], part.command, *series.options)


def _check_up(driver: Driver, before: Inventory, result: Result) -> None:
    """Nothing is pending, nothing to do, and state and cloud agree both ways; strays are counted and left
    for `destroy`.
    """
    result.strays = driver.strays(before)
    _expect(driver, result, "up", "--expect-no-changes")
    _expect(driver, result, "refresh", "--expect-no-changes")
    if pending := driver.pending():
        result.problems.append(f"still pending after `up`: {', '.join(pending)}")


def _check_destroy(driver: Driver, before: Inventory, result: Result) -> None:
    result.leaked = driver.left(before)
    if result.leaked or driver.pending():
        driver.repair()
    result.left = driver.left(before)


def _expect(driver: Driver, result: Result, *words: str) -> None:
    code, output = driver.plain(*words)
    if code:
        result.problems.append(
            f"`pulumi {' '.join(words)}` after the `up` failed: {_errors(output.splitlines())}"
        )


def _last_words(driver: Driver) -> str:
    return _errors(driver.log[-1].splitlines())


def _errors(lines: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(line.strip() for line in lines if "error:" in line))[:600]
