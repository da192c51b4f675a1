import pytest
from tests.fakes.venue_rest import Rest, served

BUY = {"symbol": "AAPL", "qty": 4, "side": "buy", "type": "market", "time_in_force": "day"}
COIN = {"symbol": "BTC/USD", "qty": "0.5", "side": "buy", "type": "market", "time_in_force": "gtc"}


def test_a_position_is_found_by_all_its_names() -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/v2/orders", COIN)
        shown = await rest.good("GET", "/v2/positions/BTC/USD")
        asset = await rest.good("GET", "/v2/assets/BTCUSD")
        assert shown["symbol"] == "BTCUSD"
        assert (shown["asset_class"], shown["side"], shown["exchange"]) == (
            "crypto",
            "long",
            "CRYPTO",
        )
        for name in ("BTC%2FUSD", "BTCUSD", asset["id"]):
            assert await rest.good("GET", f"/v2/positions/{name}") == shown
        assert await rest.good("GET", "/v2/positions") == [shown]

    served(work)


def test_all_numbers_of_a_position_are_texts() -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/v2/orders", BUY)
        (shown,) = await rest.good("GET", "/v2/positions")
        assert (shown["qty"], shown["avg_entry_price"]) == ("4", "100.01")
        assert (shown["cost_basis"], shown["market_value"]) == ("400.04", "400")
        assert shown["unrealized_pl"] == "-0.04"
        assert not any(
            isinstance(value, int | float) for value in shown.values() if value is not True
        )

    served(work)


@pytest.mark.parametrize(
    ("query", "left"), [("", None), ("?qty=1", "3"), ("?percentage=25", "3"), ("?qty=4", None)]
)
def test_a_position_is_closed_wholly_or_in_part(query: str, left: str | None) -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/v2/orders", BUY)
        order = await rest.good("DELETE", f"/v2/positions/AAPL{query}")
        assert (order["side"], order["type"]) == ("sell", "market")
        status, content, _ = await rest.ask("GET", "/v2/positions/AAPL")
        if left is None:
            assert (status, content["message"]) == (404, "position does not exist")
        else:
            assert content["qty"] == left

    served(work)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("AAPL?qty=1&percentage=1", 422),
        ("AAPL?qty=x", 422),
        ("AAPL?qty=-1", 422),
        ("AAPL?qty=1e99", 422),
        ("AAPL?percentage=101", 422),
        ("MSFT", 404),
        ("NOPE", 404),
    ],
)
def test_a_position_that_cannot_be_closed_is_kept(path: str, status: int) -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/v2/orders", BUY)
        found, content, _ = await rest.ask("DELETE", f"/v2/positions/{path}")
        assert found == status
        assert content["message"]
        assert (await rest.good("GET", "/v2/positions/AAPL"))["qty"] == "4"

    served(work)


def test_all_positions_are_closed_if_no_order_holds_them() -> None:
    target = {**BUY, "side": "sell", "type": "limit", "limit_price": 120}

    async def work(rest: Rest) -> None:
        await rest.good("POST", "/v2/orders", BUY)
        await rest.good("POST", "/v2/orders", COIN)
        await rest.good("POST", "/v2/orders", target)
        status, rows, _ = await rest.ask("DELETE", "/v2/positions")
        assert (status, [row["symbol"] for row in rows]) == (207, ["AAPL", "BTCUSD"])
        assert [row["status"] for row in rows] == [403, 200]
        assert rows[0]["body"]["code"] == 40310000
        assert rows[1]["body"]["side"] == "sell"
        _, rows, _ = await rest.ask("DELETE", "/v2/positions?cancel_orders=True")
        assert [row["status"] for row in rows] == [200]
        assert await rest.good("GET", "/v2/positions") == []

    served(work)
