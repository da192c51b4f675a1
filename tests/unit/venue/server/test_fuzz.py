"""Whatever is sent, the venue answers in the broker's shape, and lives."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.venue_rest import OWN, Rest, served

ROUTES = (
    ("POST", "/v2/orders"),
    ("GET", "/v2/orders"),
    ("DELETE", "/v2/orders"),
    ("GET", "/v2/orders:by_client_order_id"),
    ("GET", "/v2/orders/{}"),
    ("PATCH", "/v2/orders/{}"),
    ("DELETE", "/v2/orders/{}"),
    ("GET", "/v2/positions/{}"),
    ("DELETE", "/v2/positions/{}"),
    ("DELETE", "/v2/positions"),
    ("GET", "/v2/account"),
    ("PATCH", "/v2/account/configurations"),
    ("GET", "/v2/account/portfolio/history"),
    ("GET", "/v2/account/activities"),
    ("GET", "/v2/account/activities/{}"),
    ("GET", "/v2/assets"),
    ("GET", "/v2/assets/{}"),
    ("GET", "/v2/calendar"),
    ("POST", "/v2/watchlists"),
    ("PUT", "/v2/watchlists/{}"),
    ("DELETE", "/v2/watchlists/{}/{}"),
    ("GET", "/v2/events/trades?until_id=1&since_id={}"),
    ("POST", "/_venue/clock"),
    ("POST", "/_venue/orders/{}"),
    ("POST", "/_venue/halts"),
    ("DELETE", "/_venue/faults/{}"),
    ("OPTIONS", "/{}"),
    ("HEAD", "/v2/{}"),
)
NAMES = (
    *("symbol", "qty", "notional", "side", "type", "time_in_force", "limit_price", "stop_price"),
    *("trail_price", "trail_percent", "extended_hours", "client_order_id", "order_class"),
    *("take_profit", "stop_loss", "position_intent", "legs", "percentage", "cancel_orders"),
    *("status", "limit", "after", "until", "direction", "nested", "symbols", "page_token"),
    *("before_order_id", "period", "timeframe", "start", "end", "date", "page_size", "name"),
    *("event", "on", "until", "advance_s", "no_shorting", "max_margin_multiplier", "trail"),
)
WORDS = (
    *("AAPL", "BTC/USD", "BTCUSD", "buy", "sell", "market", "limit", "stop", "stop_limit"),
    *("trailing_stop", "day", "gtc", "ioc", "fok", "opg", "cls", "bracket", "oco", "oto"),
    *("1", "-1", "0", "0.0000000001", "1e400", "NaN", "Infinity", "9" * 400, "null", "true"),
    *("2026-06-09", "2026-06-09T10:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *("\x00", "\ud800", "é", "\u202e", "../..", "%2e%2e", "a" * 5_000, "1D", "all"),
)
TEXTS = st.sampled_from(WORDS) | st.text(max_size=20)
NUMBERS = st.integers() | st.floats(allow_nan=False) | st.sampled_from([10**400, -(2**63), 1e308])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)
ORDERS = st.fixed_dictionaries(
    {"symbol": st.sampled_from(["AAPL", "BTC/USD", "MSFT"]), "side": st.sampled_from(WORDS[3:5])},
    optional={name: VALUES for name in NAMES if name not in {"symbol", "side"}},
)
SENT = (
    st.builds(json.dumps, BODIES | ORDERS | VALUES).map(str.encode)
    | st.binary(max_size=60)
    | st.none()
)
QUERIES = st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4)
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "Accept", "Origin", "X-Any", "If-Match", "Range", "Cookie"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    max_size=3,
)
ASKED = st.tuples(st.sampled_from(ROUTES), st.lists(TEXTS, min_size=2), QUERIES, SENT, HEADERS)


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="/")


async def check(rest: Rest, asked: Any) -> None:
    (method, path), names, query, body, headers = asked
    target = path.format(*(encoded(name)[:2_000] for name in names))
    said = "&".join(f"{name}={encoded(value)[:1_000]}" for name, value in query.items())
    target += ("&" if "?" in target else "?") + said
    status, content, answered = await rest.ask(method, target, keys={**headers, **OWN}, data=body)
    assert status < 500, (target, body, content)
    if status >= 300 and method != "HEAD":
        assert answered["Content-Type"].startswith("application/json"), (target, content)
        assert content["message"], (target, body)
        assert status >= 400


@settings(max_examples=8)
@given(asked=st.lists(ASKED, min_size=10, max_size=25))
def test_whatever_is_asked_is_answered(asked: list[Any]) -> None:
    async def work(rest: Rest) -> None:
        for one in asked:
            await check(rest, one)
        await rest.good("GET", "/v2/account")
        await rest.good("GET", "/_venue/status")

    served(work)
