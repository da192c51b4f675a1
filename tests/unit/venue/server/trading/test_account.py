import pytest
from tests.fakes.venue_rest import ONE, OTHER, Rest, served

BUY = {"symbol": "AAPL", "qty": 4, "side": "buy", "type": "market", "time_in_force": "day"}


def test_an_account_shows_its_money_as_texts() -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/v2/orders", BUY)
        shown = await rest.good("GET", "/v2/account")
        assert (shown["id"], shown["status"], shown["currency"]) == (ONE, "ACTIVE", "USD")
        assert (shown["cash"], shown["equity"]) == ("99599.96", "99999.96")
        assert shown["portfolio_value"] == shown["equity"]
        assert shown["long_market_value"] == "400"
        assert shown["last_equity"] == "100000"
        assert shown["balance_asof"] == "2026-06-08"
        assert shown["multiplier"] == "4"
        assert shown["shorting_enabled"] is True
        assert "daytrade_count" not in shown

    served(work)


def test_settings_are_changed_and_null_changes_nothing() -> None:
    path = "/v2/account/configurations"

    async def work(rest: Rest) -> None:
        before = await rest.good("GET", path)
        after = await rest.good("PATCH", path, {"no_shorting": True, "dtbp_check": None})
        assert after == {**before, "no_shorting": True}
        assert await rest.good("GET", path) == after
        assert await rest.good("GET", path, keys=OTHER) == before
        status, content, _ = await rest.ask("PATCH", path, {"no_shorting": "perhaps"})
        assert (status, content["code"]) == (422, 40010001)

    served(work)


def test_activities_are_paged_by_the_last_name() -> None:
    path = "/v2/account/activities"

    async def work(rest: Rest) -> None:
        for _ in range(3):
            await rest.good("POST", "/v2/orders", BUY)
        all_ = await rest.good("GET", path)
        assert [one["cum_qty"] for one in all_] == ["4"] * 3
        assert {one["activity_type"] for one in all_} == {"FILL"}
        first = await rest.good("GET", f"{path}?page_size=2")
        rest_of = await rest.good("GET", f"{path}?page_size=2&page_token={first[-1]['id']}")
        assert first + rest_of == all_
        assert await rest.good("GET", f"{path}/FILL?direction=asc") == all_[::-1]
        assert await rest.good("GET", f"{path}/FEE") == []
        assert await rest.good("GET", f"{path}?category=non_trade_activity") == []
        assert await rest.good("GET", f"{path}?category=trade_activity") == all_
        assert await rest.good("GET", f"{path}?date=2026-06-09") == all_
        assert await rest.good("GET", f"{path}?date=2026-06-10") == []
        assert await rest.good("GET", path, keys=OTHER) == []

    served(work)


@pytest.mark.parametrize(
    "path",
    [
        "?page_size=101",
        "?category=other",
        "?date=2026-06-09&after=2026-06-09",
        "?category=trade_activity&activity_types=FILL",
        "/FILL?activity_types=FEE",
        "?after=someday",
    ],
)
def test_a_wrong_question_for_activities_is_refused(path: str) -> None:
    async def work(rest: Rest) -> None:
        status, content, _ = await rest.ask("GET", f"/v2/account/activities{path}")
        assert (status, content["code"]) == (422, 40010001)

    served(work)
