"""The health of a preview in the list."""

from datetime import UTC, datetime, timedelta

import pytest

from microcosm.preview import list as preview_list
from microcosm.preview.model import Preview
from microcosm.timeline.model import Timeline
from tests.support.stories import all_ready, built, machine, report, stuck

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
JOINING = built(9, [machine("linux-0")], [report("linux-0", ("join", 1, None))])


@pytest.mark.parametrize(
    ("seen", "left", "health"),
    [
        (all_ready(), timedelta(hours=1), "ready"),
        (JOINING, timedelta(hours=1), "0 of 1 ready"),
        (stuck(), timedelta(hours=1), "failed: linux-0 in download"),
        (built(9, [], []), timedelta(hours=1), "no machines"),
        (all_ready(), timedelta(minutes=-1), "expired"),
        (all_ready(), -preview_list.GRACE - timedelta(minutes=1), "expired, its machines have ended"),
    ],
)
def test_the_health_is_the_worst_that_is_known(seen: Timeline, left: timedelta, health: str) -> None:
    assert preview_list._health(seen, Preview(pr=7, expires=NOW + left), NOW) == health
