"""Build machines and reports from short lines, for the tests of timelines."""

from collections.abc import Sequence

from infra.node.report import PhaseTimes, Report
from microcosm.aws.machines import Machine
from microcosm.timeline import model as timeline
from microcosm.timeline.model import Span, Timeline

START = 1_000_000.0


def machine(node: str, launched: float = 0, state: str = "running") -> Machine:
    """A machine launched so many seconds after START."""
    system = "windows-2019" if node.startswith("windows") else "ubuntu-24.04"
    return Machine(node=node, os=system, instance=f"i-{node}", state=state, launched=START + launched)


def report(
    node: str, *phases: tuple[str, float, float | None], result: str = "running", detail: str = ""
) -> Report:
    """A report whose last phase is the present one; times are seconds after START."""
    times = tuple(
        PhaseTimes(name=name, start=START + start, end=None if end is None else START + end)
        for name, start, end in phases
    )
    return Report(
        node=node, instance=f"i-{node}", phase=phases[-1][0], result=result, detail=detail, phases=times
    )


def built(
    now: float, machines: Sequence[Machine], reports: Sequence[Report], engine_spans: Sequence[Span] = ()
) -> Timeline:
    """The timeline at so many seconds after START."""
    said = {item.node: item for item in reports}
    return timeline.build(
        stack="dev",
        region="eu-west-1",
        now=START + now,
        machines=machines,
        reports=said,
        engine_spans=engine_spans,
    )


def all_ready() -> Timeline:
    """A control plane and a Windows stand-in, both ready."""
    return built(
        100,
        [machine("control-plane"), machine("windows-0", 5)],
        [
            report("control-plane", ("prepare", 10, 12), ("init", 12, 40), ("ready", 40, 41), result="ok"),
            report("windows-0", ("feature", 20, 50), ("ready", 50, 60), result="ok", detail="stand-in: held"),
        ],
    )


def stuck() -> Timeline:
    """One machine failed, one hangs in a download."""
    return built(
        1000,
        [machine("linux-0"), machine("windows-0")],
        [
            report(
                "linux-0",
                ("prepare", 10, 12),
                ("download", 12, 20),
                result="failed",
                detail="kubelet: wrong sha256",
            ),
            report("windows-0", ("feature", 100, 200), ("download", 200, None), detail="attempt </script> 4"),
        ],
    )
