import base64
import io
import logging

import pytest
from tests.fakes.venue_rest import OTHER, OWN, Rest, make_floor, served

from fanfold.venue.server.requests import BODY_BYTES_MAX

MARKET_BUY = {
    "symbol": "AAPL",
    "qty": 1,
    "side": "buy",
    "type": "market",
    "time_in_force": "day",
}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"APCA-API-KEY-ID": "PKONE"},
        {"APCA-API-KEY-ID": "PKONE", "APCA-API-SECRET-KEY": "secret-two"},
        {"APCA-API-KEY-ID": "PKNONE", "APCA-API-SECRET-KEY": ""},
        {"APCA-API-KEY-ID": "", "APCA-API-SECRET-KEY": ""},
        {"Authorization": "Basic ???"},
        {"Authorization": "Bearer token"},
        {"Authorization": "Nonsense"},
        basic("PKONE:secret-two"),
        basic("PKONE"),
    ],
)
@pytest.mark.parametrize("path", ["/v2/account", "/nowhere", "/_venue/status", "/v2/events/trades"])
def test_nobody_passes_without_keys_of_an_account(keys: dict[str, str], path: str) -> None:
    async def work(rest: Rest) -> None:
        status, content, headers = await rest.ask("GET", path, keys=keys)
        assert (status, content["code"]) == (401, 40110000)
        assert content["message"].startswith("unauthorized.")
        assert ("WWW-Authenticate" in headers) == path.startswith("/_venue")

    served(work)


def test_keys_may_come_as_basic_authentication() -> None:
    async def work(rest: Rest) -> None:
        own = await rest.good("GET", "/v2/account", keys=basic("PKONE:secret-one"))
        other = await rest.good("GET", "/v2/account", keys=OTHER)
        assert own["account_number"] == "PA0"
        assert other["account_number"] == "PA1"

    served(work)


def test_a_token_is_told_which_keys_are_taken() -> None:
    async def work(rest: Rest) -> None:
        _, content, _ = await rest.ask("GET", "/v2/account", keys={"Authorization": "Bearer x"})
        assert "APCA-API-KEY-ID" in content["message"]

    served(work)


def test_an_upgrade_header_is_no_way_around_the_keys() -> None:
    async def work(rest: Rest) -> None:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        status, _, _ = await rest.ask("GET", "/v2/account", keys=headers)
        assert status == 401

    served(work)


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/", 404, "endpoint not found."),
        ("GET", "/v2", 404, "endpoint not found."),
        ("GET", "/v2/v2/clock", 404, "endpoint not found."),
        ("GET", "/v2/account/", 404, "endpoint not found."),
        ("DELETE", "/v2/account", 405, "method not allowed"),
        ("PUT", "/v2/orders", 405, "method not allowed"),
        ("PUT", "//v2/orders", 405, "method not allowed"),
        ("OPTIONS", "/v2/clock", 405, "method not allowed"),
    ],
)
def test_what_is_not_there_is_said_in_json(
    method: str, path: str, status: int, message: str
) -> None:
    async def work(rest: Rest) -> None:
        found, content, _ = await rest.ask(method, path)
        assert (found, content["message"]) == (status, message)

    served(work)


@pytest.mark.parametrize("path", ["//v2/clock", "/v2//clock", "///v2///clock//"])
def test_doubled_slashes_are_one(path: str) -> None:
    async def work(rest: Rest) -> None:
        assert (await rest.good("GET", path))["is_open"] is True

    served(work)


def test_doubled_slashes_keep_the_query_and_the_name() -> None:
    async def work(rest: Rest) -> None:
        coins = await rest.good("GET", "//v2/assets?asset_class=crypto")
        assert [one["symbol"] for one in coins] == ["BTC/USD", "ETH/USD"]
        assert (await rest.good("GET", "//v2/assets/BTC/USD"))["symbol"] == "BTC/USD"

    served(work)


def test_requests_of_an_account_are_rated_and_told() -> None:
    async def work(rest: Rest) -> None:
        left = []
        for _ in range(3):
            status, _, headers = await rest.ask("GET", "/v2/clock")
            assert (status, headers["X-RateLimit-Limit"]) == (200, "3")
            assert int(headers["X-RateLimit-Reset"]) > 1_700_000_000
            left.append(headers["X-RateLimit-Remaining"])
        assert left == ["2", "1", "0"]
        status, content, headers = await rest.ask("GET", "/v2/clock")
        assert (status, headers["X-RateLimit-Remaining"]) == (429, "0")
        assert content == {"code": 42910000, "message": "rate limit exceeded"}
        # Others have their own, and the venue's own room has none.
        await rest.good("GET", "/v2/clock", keys=OTHER)
        await rest.good("GET", "/_venue/status")

    served(work, requests_per_minute=3)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000, b'{"a":"\\ud800"}'])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v2/orders"), ("PATCH", "/v2/orders/x"), ("POST", "/_venue/clock")],
)
def test_a_body_that_is_no_object_is_refused(method: str, path: str, body: bytes) -> None:
    async def work(rest: Rest) -> None:
        status, content, _ = await rest.ask(method, path, data=body)
        assert (status, content["code"]) == (400, 40010000)
        assert content["message"] == "request body format is invalid"

    served(work)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_huge_body_is_refused_before_it_is_read(is_chunked: bool) -> None:  # noqa: FBT001
    sent = b"x" * (10 * BODY_BYTES_MAX)

    async def chunks():  # noqa: ANN202
        for place in range(0, len(sent), 65_536):
            yield sent[place : place + 65_536]

    async def work(rest: Rest) -> None:
        data = chunks() if is_chunked else io.BytesIO(sent)
        status, content, _ = await rest.ask("POST", "/v2/orders", data=data)
        assert (status, content["code"]) == (413, 41310000)
        await rest.good("GET", "/v2/clock")

    served(work)


def test_a_failure_inside_is_told_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    floor = make_floor()
    floor.exchange.submit = None  # type: ignore[assignment]  # anything that fails

    async def work(rest: Rest) -> None:
        status, content, _ = await rest.ask("POST", "/v2/orders?token=hidden", MARKET_BUY)
        assert (status, content["code"]) == (500, 50010000)
        assert content["message"] == "internal server error"

    with caplog.at_level(logging.ERROR, logger="fanfold.venue"):
        served(work, floor=floor)
    assert "POST /v2/orders failed" in caplog.text
    assert "secret-one" not in caplog.text
    assert "hidden" not in caplog.text


def test_another_sites_page_cannot_make_a_browser_act() -> None:
    async def work(rest: Rest) -> None:
        foreign = {**OWN, "Origin": "http://elsewhere.example"}
        assert (await rest.ask("POST", "/_venue/clock", {"speed": 0}, keys=foreign))[0] == 403
        assert (await rest.ask("GET", "/_venue/status", keys=foreign))[0] == 403
        own = {**OWN, "Origin": rest.url}
        assert (await rest.ask("POST", "/_venue/clock", {"speed": 0}, keys=own))[0] == 200

    served(work)
