from typing import Any

import pytest
from tests.fakes.venue_rest import OTHER, Rest, served

BUY = {"symbol": "AAPL", "qty": 2, "side": "buy", "type": "market", "time_in_force": "day"}
REST = {**BUY, "type": "limit", "limit_price": "90.00"}
BRACKET = {
    **REST,
    "order_class": "bracket",
    "take_profit": {"limit_price": 110.0},
    "stop_loss": {"stop_price": 80.0},
}
NONE = "00000000-0000-4000-8000-000000000000"


def test_an_order_is_answered_as_accepted_and_shown_as_filled() -> None:
    async def work(rest: Rest) -> None:
        given = await rest.good("POST", "/v2/orders", {**BUY, "client_order_id": "mine"})
        assert given["status"] == "pending_new"
        assert (given["order_class"], given["legs"]) == ("", None)
        assert given["type"] == given["order_type"] == "market"
        assert (given["qty"], given["filled_qty"], given["notional"]) == ("2", "0", None)
        shown = await rest.good("GET", f"/v2/orders/{given['id']}")
        named = await rest.good("GET", "/v2/orders:by_client_order_id?client_order_id=mine")
        assert shown == named
        assert (shown["status"], shown["filled_qty"]) == ("filled", "2")
        assert shown["filled_avg_price"] == "100.01"
        assert shown["filled_at"].endswith("Z")

    served(work)


def test_names_of_orders_are_unique_for_the_account_alone() -> None:
    async def work(rest: Rest) -> None:
        named = {**REST, "client_order_id": "mine"}
        order = await rest.good("POST", "/v2/orders", named)
        assert (await rest.ask("DELETE", f"/v2/orders/{order['id']}"))[:2] == (204, "")
        status, content, _ = await rest.ask("POST", "/v2/orders", named)
        assert (status, content["code"]) == (422, 40010001)
        assert content["message"] == "client_order_id must be unique"
        await rest.good("POST", "/v2/orders", named, keys=OTHER)

    served(work)


def test_orders_of_others_are_not_there() -> None:
    async def work(rest: Rest) -> None:
        order = await rest.good("POST", "/v2/orders", {**REST, "client_order_id": "mine"})
        path = f"/v2/orders/{order['id']}"
        for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"qty": 3})):
            status, content, _ = await rest.ask(method, path, body, keys=OTHER)
            assert (status, content["code"]) == (404, 40410000)
            assert content["message"] == f"order not found for {order['id']}"
        path = "/v2/orders:by_client_order_id?client_order_id=mine"
        assert (await rest.ask("GET", path, keys=OTHER))[0] == 404
        assert await rest.good("GET", "/v2/orders?status=all", keys=OTHER) == []

    served(work)


def test_legs_are_rows_or_lie_under_their_order() -> None:
    async def work(rest: Rest) -> None:
        given = await rest.good("POST", "/v2/orders", BRACKET)
        assert [leg["status"] for leg in given["legs"]] == ["held", "held"]
        names = {given["id"], *(leg["id"] for leg in given["legs"])}
        rows = await rest.good("GET", "/v2/orders")
        assert {row["id"] for row in rows} == names
        assert all(row["legs"] is None for row in rows)
        (nested,) = await rest.good("GET", "/v2/orders?nested=True")
        assert {leg["id"] for leg in nested["legs"]} == names - {given["id"]}
        path = f"/v2/orders/{given['id']}"
        assert (await rest.good("GET", path))["legs"] is None
        assert len((await rest.good("GET", path + "?nested=TRUE"))["legs"]) == 2

    served(work)


def test_a_list_is_filtered_and_ordered() -> None:
    async def work(rest: Rest) -> None:
        first = await rest.good("POST", "/v2/orders", BUY)
        second = await rest.good("POST", "/v2/orders", REST)
        third = await rest.good("POST", "/v2/orders", {**REST, "symbol": "MSFT"})

        async def ids(query: str) -> list[str]:
            return [one["id"] for one in await rest.good("GET", f"/v2/orders?{query}")]

        assert await ids("") == [third["id"], second["id"]]
        assert await ids("direction=asc") == [second["id"], third["id"]]
        assert await ids("status=closed") == [first["id"]]
        assert await ids("status=all&limit=1") == [third["id"]]
        assert await ids("status=all&symbols=AAPL%2CNONE") == [second["id"], first["id"]]
        assert await ids("status=all&side=sell") == []
        assert await ids(f"status=all&after_order_id={second['id']}") == [third["id"]]
        assert await ids(f"status=all&before_order_id={second['id']}") == [first["id"]]
        assert await ids("status=all&asset_class=crypto") == []
        assert await ids("status=all&until=2026-06-09T00%3A00%3A00%2B00%3A00") == []
        assert len(await ids("status=all&after=2026-06-09")) == 3

    served(work)


@pytest.mark.parametrize(
    "query", ["status=some", "limit=0", "limit=501", "limit=x", "after=now", "nested=maybe"]
)
def test_a_query_that_is_none_is_refused_by_name(query: str) -> None:
    async def work(rest: Rest) -> None:
        status, content, _ = await rest.ask("GET", f"/v2/orders?{query}")
        assert (status, content["code"]) == (422, 40010001)
        assert content["message"].startswith(query.partition("=")[0])

    served(work)


def test_a_replaced_order_leads_to_its_successor() -> None:
    async def work(rest: Rest) -> None:
        old = await rest.good("POST", "/v2/orders", REST)
        new = await rest.good("PATCH", f"/v2/orders/{old['id']}", {"limit_price": 91, "qty": 3})
        assert new["id"] != old["id"]
        assert (new["replaces"], new["limit_price"], new["qty"]) == (old["id"], "91", "3")
        shown = await rest.good("GET", f"/v2/orders/{old['id']}")
        assert (shown["status"], shown["replaced_by"]) == ("replaced", new["id"])

    served(work)


def test_all_orders_are_cancelled_one_by_one() -> None:
    async def work(rest: Rest) -> None:
        placed = [await rest.good("POST", "/v2/orders", REST) for _ in range(2)]
        status, content, _ = await rest.ask("DELETE", "/v2/orders")
        assert status == 207
        assert content == [{"id": one["id"], "status": 200} for one in placed]
        assert await rest.good("GET", "/v2/orders") == []
        code, refused, _ = await rest.ask("DELETE", f"/v2/orders/{placed[0]['id']}")
        assert (code, refused["code"]) == (422, 42210000)

    served(work)


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"symbol": "NOPE"}, 422, 42210000, 'asset "NOPE" not found'),
        ({"qty": -1}, 422, 40010001, "qty must be > 0"),
        ({"qty": 10**6}, 403, 40310000, "insufficient buying power"),
        ({"type": "limit"}, 422, 40010001, "limit orders require a limit price"),
        ({"time_in_force": "never"}, 422, 40010001, "invalid time_in_force"),
        ({"notional": 5}, 422, 40010001, "only one of qty or notional is accepted"),
    ],
)
def test_a_refused_order_is_nowhere(
    change: dict[str, Any], status: int, code: int, words: str
) -> None:
    async def work(rest: Rest) -> None:
        found, content, _ = await rest.ask("POST", "/v2/orders", {**BUY, **change})
        assert (found, content["code"], content["message"]) == (status, code, words)
        assert await rest.good("GET", "/v2/orders?status=all") == []

    served(work)


def test_an_unknown_order_is_not_found() -> None:
    async def work(rest: Rest) -> None:
        for named in (NONE, "nonsense", "%00", "ü"):
            for method in ("GET", "DELETE", "PATCH"):
                status, content, _ = await rest.ask(method, f"/v2/orders/{named}")
                assert (status, content["code"]) == (404, 40410000)
        assert (await rest.ask("GET", "/v2/orders:by_client_order_id"))[0] == 422

    served(work)
