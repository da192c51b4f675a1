import pytest
from tests.fakes.venue_rest import Rest, served


def test_assets_are_filtered() -> None:
    async def work(rest: Rest) -> None:
        async def symbols(query: str) -> list[str]:
            return [one["symbol"] for one in await rest.good("GET", f"/v2/assets?{query}")]

        assert await symbols("") == ["AAPL", "MSFT", "HTB", "NOFRAC"]
        assert await symbols("asset_class=crypto&status=active") == ["BTC/USD", "ETH/USD"]
        assert await symbols("status=inactive") == []
        assert await symbols("exchange=NYSE") == []
        assert await symbols("attributes=has_options") == []
        assert (await rest.ask("GET", "/v2/assets?status=odd"))[0] == 422

    served(work)


def test_an_asset_says_what_may_be_done_with_it() -> None:
    async def work(rest: Rest) -> None:
        shown = await rest.good("GET", "/v2/assets/HTB")
        assert (shown["class"], shown["status"]) == ("us_equity", "active")
        assert shown["borrow_status"] == "hard_to_borrow"
        assert shown["margin_requirement_long"] == "30"
        assert "min_order_size" not in shown
        coin = await rest.good("GET", f"/v2/assets/{shown['id']}")
        assert coin == shown
        assert (await rest.good("GET", "/v2/assets/BTC/USD"))["min_order_size"] == "0.000000001"
        status, content, _ = await rest.ask("GET", "/v2/assets/NOPE")
        assert (status, content["message"]) == (404, "asset not found for NOPE")

    served(work)


@pytest.mark.parametrize(
    ("phase", "is_open", "next_open", "next_close"),
    [
        ("pre", False, "2026-06-09T09:30:00-04:00", "2026-06-09T16:00:00-04:00"),
        ("regular", True, "2026-06-10T09:30:00-04:00", "2026-06-09T16:00:00-04:00"),
        ("closed", False, "2026-06-10T09:30:00-04:00", "2026-06-10T16:00:00-04:00"),
    ],
)
def test_the_clock_is_new_yorks(
    phase: str,
    is_open: bool,  # noqa: FBT001
    next_open: str,
    next_close: str,
) -> None:
    async def work(rest: Rest) -> None:
        rest.floor.market.now += 123  # type: ignore[misc]
        shown = await rest.good("GET", "/v2/clock")
        assert shown["timestamp"].endswith(":00.000000123-04:00")
        assert (shown["is_open"], shown["next_open"], shown["next_close"]) == (
            is_open,
            next_open,
            next_close,
        )

    served(work, phase=phase)


def test_the_calendar_knows_half_days_and_when_sales_settle() -> None:
    async def work(rest: Rest) -> None:
        rows = await rest.good("GET", "/v2/calendar?start=2013-11-27&end=2013-11-30")
        assert [(row["date"], row["close"]) for row in rows] == [
            ("2013-11-27", "16:00"),
            ("2013-11-29", "13:00"),
        ]
        assert rows[0]["settlement_date"] == "2013-12-03"
        assert (rows[0]["open"], rows[0]["session_open"]) == ("09:30", "0400")
        (row,) = await rest.good("GET", "/v2/calendar?start=2026-06-09&end=2026-06-09")
        assert row["settlement_date"] == "2026-06-10"
        query = "start=2026-06-10&end=2026-06-10&date_type=SETTLEMENT"
        assert await rest.good("GET", f"/v2/calendar?{query}") == [row]
        assert await rest.good("GET", "/v2/calendar?start=2026-06-09&end=2026-06-01") == []
        assert len(await rest.good("GET", "/v2/calendar")) > 12_000
        assert (await rest.ask("GET", "/v2/calendar?start=soon"))[0] == 422

    served(work)


def test_options_and_announcements_are_none() -> None:
    async def work(rest: Rest) -> None:
        shown = await rest.good("GET", "/v2/options/contracts?underlying_symbols=AAPL")
        assert shown == {"option_contracts": [], "next_page_token": None}
        assert await rest.good("GET", "/v2/corporate_actions/announcements") == []
        for path in ("options/contracts/X", "corporate_actions/announcements/X"):
            assert (await rest.ask("GET", f"/v2/{path}"))[0] == 404
        assert (await rest.ask("POST", "/v2/positions/X/exercise"))[0] == 404

    served(work)
