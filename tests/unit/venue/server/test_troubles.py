import asyncio

import pytest
from aiohttp import ClientConnectionError
from tests.fakes.venue_rest import Rest, served

BUY = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}


async def order_count(rest: Rest) -> int:
    return len(await rest.good("GET", "/v2/orders?status=all"))


def posts(**fault: object) -> dict[str, object]:
    return {"method": "POST", "path": "/v2/orders", **fault}


@pytest.mark.parametrize(
    ("kind", "acted"), [("rest_drop_before", False), ("rest_drop_after", True)]
)
def test_an_answer_is_lost_before_or_after_its_order(kind: str, acted: bool) -> None:  # noqa: FBT001
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/_venue/faults", posts(kind=kind))
        with pytest.raises(ClientConnectionError):
            await rest.ask("POST", "/v2/orders", BUY)
        assert await order_count(rest) == int(acted)

    served(work)


@pytest.mark.parametrize(
    ("kind", "acted"), [("rest_timeout_before", False), ("rest_timeout_after", True)]
)
def test_an_answer_never_comes_before_or_after_its_order(kind: str, acted: bool) -> None:  # noqa: FBT001
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/_venue/faults", posts(kind=kind))
        asked = asyncio.create_task(rest.ask("POST", "/v2/orders", BUY))
        assert not (await asyncio.wait([asked], timeout=0.2))[0]
        async with asyncio.timeout(60.0):
            while acted and not await order_count(rest):
                pass  # a slow day
        assert await order_count(rest) == int(acted)
        assert not asked.done()
        asked.cancel()

    served(work)


def test_an_order_is_taken_and_504_is_said() -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/_venue/faults", posts(kind="rest_504_after", count=1))
        assert (await rest.ask("POST", "/v2/orders", BUY))[0] == 504
        assert (await rest.ask("POST", "/v2/orders", BUY))[0] == 200
        assert await order_count(rest) == 2

    served(work)


def test_too_many_requests_are_said_without_headers() -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/_venue/faults", {"kind": "rate_limit", "headers": False})
        status, _, headers = await rest.ask("GET", "/v2/clock")
        assert status == 429
        assert not any(name.startswith("X-RateLimit") for name in headers)
        await rest.good("GET", "/_venue/status")

    served(work)


def test_a_page_is_answered_instead_of_json() -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/_venue/faults", {"kind": "html", "status": 502})
        status, content, headers = await rest.ask("GET", "/v2/account")
        assert status == 502
        assert headers["Content-Type"].startswith("text/html")
        assert "<" in content

    served(work)


def test_the_clock_that_is_told_is_off() -> None:
    async def work(rest: Rest) -> None:
        await rest.good("POST", "/_venue/faults", {"kind": "clock_skew", "skew_s": 90.5})
        told = await rest.good("GET", "/v2/clock")
        assert told["timestamp"] == "2026-06-09T10:31:30.5-04:00"

    served(work)
