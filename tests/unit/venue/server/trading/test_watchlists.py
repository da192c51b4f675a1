from typing import Any

import pytest
from tests.fakes.venue_rest import OTHER, Rest, served

from fanfold.venue.server.trading.watchlists import LISTS_MAX

PATH = "/v2/watchlists"


def names(shown: Any) -> list[str]:
    return [one["symbol"] for one in shown["assets"]]


def test_a_watchlist_lives_from_its_making_to_its_end() -> None:
    async def work(rest: Rest) -> None:
        made = await rest.good("POST", PATH, {"name": "mine", "symbols": ["MSFT", "BTC/USD"]})
        assert names(made) == ["MSFT", "BTC/USD"]
        one = f"{PATH}/{made['id']}"
        assert await rest.good("GET", one) == made
        (listed,) = await rest.good("GET", PATH)
        assert (listed["id"], "assets" in listed) == (made["id"], False)
        assert names(await rest.good("POST", one, {"symbol": "AAPL"})) == [
            "MSFT",
            "BTC/USD",
            "AAPL",
        ]
        assert names(await rest.good("DELETE", f"{one}/BTC/USD")) == ["MSFT", "AAPL"]
        changed = await rest.good("PUT", one, {"name": "new", "symbols": ["HTB"]})
        assert (changed["name"], names(changed)) == ("new", ["HTB"])
        assert names(await rest.good("PUT", one, {"name": "again"})) == ["HTB"]
        assert await rest.good("GET", PATH, keys=OTHER) == []
        assert (await rest.ask("GET", one, keys=OTHER))[0] == 404
        assert (await rest.ask("DELETE", one))[:2] == (204, "")
        assert (await rest.ask("DELETE", one))[0] == 404

    served(work)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": 1},
        {"name": "x" * 65},
        {"name": "taken"},
        {"name": "x", "symbols": "AAPL"},
        {"name": "x", "symbols": ["NOPE"]},
        {"name": "x", "symbols": [None]},
        {"name": "x", "symbols": ["AAPL"] * 1_001},
    ],
)
def test_a_wrong_watchlist_is_refused(body: Any) -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", PATH, {"name": "taken"})
        status, content, _ = await rest.ask("POST", PATH, body)
        assert status == 422
        assert content["message"]
        assert len(await rest.good("GET", PATH)) == 1

    served(work)


def test_an_account_has_so_many_watchlists_at_most() -> None:
    async def work(rest: Rest) -> None:
        for number in range(LISTS_MAX):
            await rest.good("POST", PATH, {"name": f"{number}"})
        assert (await rest.ask("POST", PATH, {"name": "more"}))[0] == 422

    served(work)
