from decimal import Decimal

import pytest
from tests.fakes.venue_rest import ONE, Rest, make_floor, served

from fanfold.venue.floor import Floor
from fanfold.venue.trading.values import Changes, EquityPoint

PATH = "/v2/account/portfolio/history"
MINUTE = 60_000_000_000
DAY = 1_440 * MINUTE


def floor_with(points: dict[int, int]) -> Floor:
    """A floor whose account had such equity, by minutes before now."""
    floor = make_floor()
    now = floor.market.now
    floor.journal.commit(
        Changes(
            seq=0,
            ts=0,
            equity=tuple(
                EquityPoint(
                    ts=now - back * MINUTE,
                    account=ONE,
                    equity=Decimal(value),
                    session_day=(now - back * MINUTE) // DAY,
                )
                for back, value in points.items()
            ),
        ),
        now,
    )
    return floor


def test_a_new_account_shows_what_it_has() -> None:
    async def work(rest: Rest) -> None:
        shown = await rest.good("GET", PATH)
        assert shown["timeframe"] == "1D"
        assert (shown["equity"], shown["profit_loss"]) == ([100_000.0], [0.0])
        assert (shown["base_value"], shown["profit_loss_pct"]) == (100_000.0, [0.0])

    served(work)


def test_a_window_shows_its_last_point_against_the_base() -> None:
    # Now is 10:30 in New York; the first point is on the day before, the base.
    floor = floor_with({1_100: 50_000, 10: 60_000, 8: 61_000, 3: 55_000})

    async def work(rest: Rest) -> None:
        shown = await rest.good("GET", f"{PATH}?start=2026-06-09T12:00:00Z&timeframe=5Min")
        assert shown["base_value"] == 50_000.0
        assert shown["equity"] == [60_000.0, 61_000.0, 100_000.0]
        assert shown["profit_loss"] == [10_000.0, 11_000.0, 50_000.0]
        assert shown["profit_loss_pct"] == [0.2, 0.22, 1.0]
        assert len(shown["timestamp"]) == 3
        assert all(stamp % 300 == 0 for stamp in shown["timestamp"])

    served(work, floor=floor)


def test_profit_begins_anew_each_day_unless_told_otherwise() -> None:
    floor = floor_with({1_441: 40_000, 1_440: 50_000, 1: 60_000})

    async def work(rest: Rest) -> None:
        query = f"{PATH}?period=2D&timeframe=1Min"
        shown = await rest.good("GET", query)
        assert shown["profit_loss"] == [0.0, 10_000.0, 10_000.0, 50_000.0]
        shown = await rest.good("GET", f"{query}&pnl_reset=no_reset")
        assert shown["profit_loss"] == [0.0, 10_000.0, 20_000.0, 60_000.0]

    served(work, floor=floor)


def test_hours_outside_the_session_are_shown_on_demand() -> None:
    floor = floor_with({120: 40_000, 600: 30_000, 1: 60_000})

    async def work(rest: Rest) -> None:
        query = f"{PATH}?period=1D&timeframe=1Min"
        assert len((await rest.good("GET", query))["equity"]) == 2
        extended = f"{query}&intraday_reporting=extended_hours"
        assert len((await rest.good("GET", extended))["equity"]) == 3
        assert len((await rest.good("GET", f"{query}&extended_hours=True"))["equity"]) == 3
        continuous = f"{query}&intraday_reporting=continuous"
        assert len((await rest.good("GET", continuous))["equity"]) == 4

    served(work, floor=floor)


@pytest.mark.parametrize(
    ("query", "timeframe"),
    [
        ("", "1D"),
        ("period=1D", "1Min"),
        ("period=2W", "15Min"),
        ("period=1A", "1D"),
        ("period=1M&timeframe=1h", "1H"),
        ("start=2026-06-08&period=1D", "1Min"),
        ("end=2026-06-08&period=3M", "1D"),
    ],
)
def test_windows_are_as_long_as_the_period_wants(query: str, timeframe: str) -> None:
    async def work(rest: Rest) -> None:
        assert (await rest.good("GET", f"{PATH}?{query}"))["timeframe"] == timeframe

    served(work)


@pytest.mark.parametrize(
    "query",
    [
        "period=1X",
        "period=0D",
        "period=9999A",
        "timeframe=2Min",
        "period=1M&timeframe=1Min",
        "period=1D&start=2026-06-08&end=2026-06-09",
        "start=2026-06-09&end=2026-06-08",
        "start=later",
    ],
)
def test_a_wrong_question_for_a_history_is_refused(query: str) -> None:
    async def work(rest: Rest) -> None:
        status, content, _ = await rest.ask("GET", f"{PATH}?{query}")
        assert (status, content["code"]) == (422, 40010001)

    served(work)
