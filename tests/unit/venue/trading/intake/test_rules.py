"""Type by time in force: every cell of the broker's matrix."""

from itertools import product
from typing import Any

import pytest
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake

KINDS: dict[str, dict[str, Any]] = {
    "market": {},
    "limit": {"limit_price": 90},
    "stop": {"stop_price": 110},
    "stop_limit": {"stop_price": 110, "limit_price": 111},
    "trailing_stop": {"trail_percent": 5},
}
TIMES = ("day", "gtc", "opg", "cls", "ioc", "fok")
FOUR = {"market", "limit", "stop", "stop_limit"}

WHOLE = {
    "day": set(KINDS),
    "gtc": set(KINDS),
    "ioc": {"market", "limit"},
    "fok": {"market", "limit"},
    "opg": {"market", "limit"},
    "cls": {"market", "limit"},
}
PARTS = {"day": FOUR}
COINS = {"gtc": {"market", "limit", "stop_limit"}, "ioc": {"market", "limit"}}
EXTENDED = {"day": {"limit"}, "gtc": {"limit"}}


def is_taken(kind: str, time_in_force: str, *, scale: int = 1, **more: Any) -> Refusal | None:
    prices = {
        name: value if name == "trail_percent" else value * scale
        for name, value in KINDS[kind].items()
    }
    body = {"symbol": "AAPL", "side": "buy", "qty": 1, "type": kind, **prices, **more}
    # Before the opening every auction is still open.
    answer = intake.admit(make_desk(phase="pre"), ACCOUNT, body | {"time_in_force": time_in_force})
    return answer if isinstance(answer, Refusal) else None


@pytest.mark.parametrize(("kind", "time_in_force"), tuple(product(KINDS, TIMES)))
def test_whole_shares_are_taken_as_the_matrix_says(kind: str, time_in_force: str) -> None:
    refused = is_taken(kind, time_in_force)
    assert (refused is None) == (kind in WHOLE[time_in_force])
    if refused is not None:
        assert refused.message == f"{time_in_force} orders must be market or limit orders"


@pytest.mark.parametrize("amount", [{"qty": 1.5}, {"qty": None, "notional": 150}])
@pytest.mark.parametrize(("kind", "time_in_force"), tuple(product(KINDS, TIMES)))
def test_parts_of_shares_are_taken_for_the_day_only(
    kind: str, time_in_force: str, amount: dict[str, Any]
) -> None:
    refused = is_taken(kind, time_in_force, **amount)
    assert (refused is None) == (kind in PARTS.get(time_in_force, set()))
    if refused is not None and time_in_force != "day":
        assert refused.message == "fractional orders must be DAY orders"


@pytest.mark.parametrize("qty", [1, 0.5])
@pytest.mark.parametrize(("kind", "time_in_force"), tuple(product(KINDS, TIMES)))
def test_coins_are_taken_as_the_matrix_says(kind: str, time_in_force: str, qty: float) -> None:
    refused = is_taken(kind, time_in_force, symbol="BTC/USD", qty=qty, scale=500)
    assert (refused is None) == (kind in COINS.get(time_in_force, set()))
    if refused is not None and time_in_force not in COINS:
        assert refused.message == "invalid crypto time_in_force"


@pytest.mark.parametrize(("kind", "time_in_force"), tuple(product(KINDS, TIMES)))
def test_outside_the_session_limits_trade_only(kind: str, time_in_force: str) -> None:
    refused = is_taken(kind, time_in_force, extended_hours=True)
    assert (refused is None) == (kind in EXTENDED.get(time_in_force, set()))


@pytest.mark.parametrize("time_in_force", TIMES)
def test_entries_with_exits_work_for_the_day_or_until_cancelled(time_in_force: str) -> None:
    exits = {"take_profit": {"limit_price": 120}, "stop_loss": {"stop_price": 80}}
    refused = is_taken("market", time_in_force, order_class="bracket", **exits)
    assert (refused is None) == (time_in_force in {"day", "gtc"})


@pytest.mark.parametrize(
    ("price", "taken"),
    [(1, True), ("1.01", True), (1.001, False), (0.9999, True), ("0.99991", False)],
)
def test_prices_lie_on_cents_and_below_one_on_hundredths_of_them(
    price: Any,
    taken: bool,  # noqa: FBT001
) -> None:
    refused = is_taken("limit", "day", limit_price=price, qty=10)
    assert (refused is None) == taken


def test_prices_of_coins_have_nine_digits() -> None:
    assert is_taken("limit", "gtc", symbol="BTC/USD", limit_price="12345.123456789") is None
    refused = is_taken("limit", "gtc", symbol="BTC/USD", limit_price="12345.1234567891")
    assert refused is not None
