"""Whatever is asked for is an order or a refusal, and no more is held than there is."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.fakes.venue_bodies import BRACKET, HELD, MARKET
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake
from fanfold.venue.trading.money import figures, held_qty

WORDS = st.sampled_from(
    [
        "AAPL", "BTCUSD", "buy", "sell", "market", "limit", "stop", "stop_limit",
        "trailing_stop", "day", "gtc", "opg", "cls", "ioc", "fok", "simple", "bracket", "oco",
        "oto", "", "1e99", "1e-99", "\ud800",
    ]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | WORDS
    | st.sampled_from([10**40, -1, 0, 1, 100.1, 0.3, 1e300, "5", "100.01"])
)
JSON = (
    LEAVES
    | st.lists(LEAVES, max_size=2)
    | st.dictionaries(st.sampled_from(["limit_price", "x"]), LEAVES | st.lists(LEAVES, max_size=1))
)
PRICES = st.floats(0.0001, 1_000).map(lambda price: round(price, 2)) | LEAVES
EXITS = st.dictionaries(st.sampled_from(["limit_price", "stop_price"]), PRICES) | JSON
LIKELY = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAPL", "MSFT", "HTB", "NOFRAC", "BTC/USD"]),
        "side": st.sampled_from(["buy", "sell"]),
        "type": st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop"]),
        "time_in_force": st.sampled_from(["day", "gtc", "opg", "cls", "ioc", "fok"]),
    },
    optional={
        "qty": st.integers(1, 20) | PRICES,
        "notional": PRICES,
        "limit_price": PRICES,
        "stop_price": PRICES,
        "trail_price": PRICES,
        "trail_percent": PRICES,
        "order_class": st.sampled_from(["simple", "bracket", "oco", "oto"]),
        "extended_hours": st.booleans(),
        "take_profit": EXITS,
        "stop_loss": EXITS,
    },
)
BODIES = JSON | LIKELY | st.dictionaries(st.sampled_from([*MARKET, *BRACKET, "notional"]), JSON)
PRICED = {
    "market": (),
    "limit": ("limit_price",),
    "stop": ("stop_price",),
    "stop_limit": ("stop_price", "limit_price"),
    "trailing_stop": ("trail_price",),
}
AMOUNTS = st.sampled_from([{"qty": 1}, {"qty": 10}, {"qty": "0.25"}, {"notional": 50}])


@st.composite
def sensible(draw: st.DrawFn) -> dict[str, Any]:
    """A body that can be read: whether it is taken is up to the rules of trading."""
    kind = draw(st.sampled_from(list(PRICED)))
    price = st.integers(1, 20_000).map(lambda cents: cents / 100)
    coin = draw(st.booleans())
    scale = 500 if coin else 1
    exits = draw(st.sampled_from(["", "", "bracket", "oco", "oto"]))
    body = {
        "symbol": "BTC/USD" if coin else draw(st.sampled_from(["AAPL", "MSFT", "HTB", "NOFRAC"])),
        "side": draw(st.sampled_from(["buy", "sell"])),
        "type": kind,
        "time_in_force": draw(st.sampled_from(["day", "gtc", "gtc", "day", "opg", "cls", "ioc"])),
        "order_class": exits,
        **draw(AMOUNTS),
        **{name: draw(price) * scale for name in PRICED[kind]},
    }
    if exits:
        body["stop_loss"] = {"stop_price": draw(price)}
        body["take_profit"] = {"limit_price": draw(price)}
    return body


@given(bodies=st.lists(sensible(), min_size=1, max_size=8))
def test_orders_beside_each_other_never_hold_more_than_there_is(
    bodies: list[dict[str, Any]],
) -> None:
    desk = make_desk(cash=3_000, positions={"AAPL": (10, 900), "MSFT": (-3, -1_200)})
    for body in bodies:
        before = figures(desk, ACCOUNT)
        answer = intake.admit(desk, ACCOUNT, body)
        if isinstance(answer, Refusal):
            assert answer.status in {403, 422}
            continue
        for order in answer:
            desk.book.put_order(order if order.parent else replace(order, status="new"))
        after = figures(desk, ACCOUNT)
        assert after.reserved - before.reserved == answer[0].reserved <= before.buying_power
        for symbol in ("AAPL", "MSFT"):
            held = abs(desk.book.position(ACCOUNT, symbol).qty)
            assert held_qty(desk, ACCOUNT, symbol) <= held


@given(body=BODIES, phase=st.sampled_from(["pre", "regular", "after", "closed"]))
def test_any_body_is_an_order_or_a_refusal(body: Any, phase: str) -> None:
    desk = make_desk(phase=phase, positions=HELD)
    answer = intake.admit(desk, ACCOUNT, body)
    if isinstance(answer, Refusal):
        assert answer.status in {403, 404, 422}
        assert answer.code in {40010001, 40310000, 42210000}
        assert len(answer.message.encode()) < 500
        return
    money = figures(desk, ACCOUNT)
    assert 0 <= answer[0].reserved <= money.buying_power
    for order in answer:
        assert order.is_open
        assert order.position_intent.startswith(order.side)


@given(body=LIKELY)
def test_a_price_that_is_missing_in_the_market_never_raises(body: Any) -> None:
    desk = make_desk()
    for symbol in ("AAPL", "MSFT", "HTB", "NOFRAC", "BTC/USD"):
        desk.market.forget_quote(symbol)
        desk.market.set_last(symbol, None)
        desk.market.set_previous_close(symbol, None)
    answer = intake.admit(desk, ACCOUNT, body)
    assert isinstance(answer, Refusal | tuple)
