"""Sessions that a plan knows grow with each start, and those it knew stay as they were."""

import pytest

from fanfold.domain.period import day_of
from fanfold.domain.sessions import DAY_NS
from fanfold.workflows.live.past import AHEAD_DAYS, sessions_around, sessions_until


@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
def test_a_later_start_knows_more_sessions_and_changes_none(calendar: str) -> None:
    first = day_of("2012-03-07", "start") * DAY_NS
    known = sessions_around(first, first, calendar)
    later = first + 300 * DAY_NS
    longer = sessions_until({calendar: known}, later)[calendar]
    assert longer[: len(known)] == known
    days = [one.day for one in longer]
    assert days == sorted(set(days))
    assert longer[-1].close_ts > later + (AHEAD_DAYS - 10) * DAY_NS
    assert [one.day for one in sessions_around(first, later, calendar)] == days


def test_the_same_day_adds_nothing() -> None:
    first = day_of("2012-03-07", "start") * DAY_NS
    known = {"XNYS": sessions_around(first, first, "XNYS")}
    assert sessions_until(known, first) == known
