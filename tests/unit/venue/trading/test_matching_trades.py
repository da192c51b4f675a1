"""Where orders meet trades: stops, trailing stops, and what lies on a bar's path."""

from decimal import Decimal

from tests.fakes.venue_desk import ACCOUNT
from tests.fakes.venue_exchange import exchange_at, now, price_of, quote, send, trade

from fanfold.venue.trading.matching import in_turn, trailed


def test_a_stop_is_elected_by_a_trade_and_meets_the_quote() -> None:
    exchange = exchange_at(positions={"AAPL": (10, 1_000)})
    order = send(exchange, side="sell", type="stop", stop_price=98)
    quote(exchange, 97.0, 97.02)
    assert now(exchange, order).status == "new"
    trade(exchange, 97.5)
    assert price_of(now(exchange, order)) == Decimal(97)


def test_recorded_trades_fill_no_limits() -> None:
    exchange = exchange_at()
    order = send(exchange, type="limit", limit_price=99)
    trade(exchange, 98.0)
    assert now(exchange, order).status == "new"


def test_on_the_path_of_a_bar_limits_and_stops_fill_at_their_own_prices() -> None:
    exchange = exchange_at(positions={"MSFT": (1, 400)})
    limit = send(exchange, type="limit", limit_price=99)
    trade(exchange, 97.0, since=100.0)
    assert price_of(now(exchange, limit)) == Decimal(99)
    stop = send(exchange, side="sell", type="stop", stop_price=96, qty=10)
    quote(exchange, 97.0, 97.0)
    trade(exchange, 95.0, since=97.0)
    assert price_of(now(exchange, stop)) == Decimal(96)


def test_a_stop_on_the_path_pays_half_the_spread() -> None:
    exchange = exchange_at(positions={"AAPL": (10, 1_000)})
    stop = send(exchange, side="sell", type="stop", stop_price=98)
    quote(exchange, 99.9, 100.1)
    trade(exchange, 97.0, since=100.0)
    assert price_of(now(exchange, stop)) == Decimal("97.902")


def test_a_stop_that_the_path_begins_beyond_gets_the_price_there() -> None:
    exchange = exchange_at(positions={"AAPL": (10, 1_000)})
    stop = send(exchange, side="sell", type="stop", stop_price=98)
    quote(exchange, 97.0, 97.0)
    trade(exchange, 96.0, since=97.0)
    assert price_of(now(exchange, stop)) == Decimal(97)


def test_a_buy_stop_becomes_a_limit_at_its_collar() -> None:
    exchange = exchange_at()
    order = send(exchange, type="stop", stop_price=102)
    assert now(exchange, order).collar == Decimal("104.55")
    quote(exchange, 106.0, 106.02)
    trade(exchange, 106.0)
    waiting = now(exchange, order)
    assert (waiting.status, waiting.triggered) == ("new", True)
    quote(exchange, 104.0, 104.2)
    assert price_of(now(exchange, order)) == Decimal("104.2")


def test_a_stop_limit_rests_at_its_limit_once_it_is_elected() -> None:
    exchange = exchange_at(positions={"AAPL": (10, 1_000)})
    order = send(exchange, side="sell", type="stop_limit", stop_price=98, limit_price=97.5)
    quote(exchange, 96.0, 96.02)
    trade(exchange, 96.0)
    assert now(exchange, order).triggered
    assert now(exchange, order).status == "new"
    quote(exchange, 97.6, 97.7)
    assert price_of(now(exchange, order)) == Decimal("97.6")


def test_a_trailing_stop_follows_the_best_trade_silently_and_triggers() -> None:
    exchange = exchange_at(positions={"AAPL": (10, 1_000)})
    order = send(exchange, side="sell", type="trailing_stop", trail_price=2)
    exchange.take()
    trade(exchange, 105.0)
    risen = now(exchange, order)
    assert (risen.hwm, risen.stop_price) == (Decimal(105), Decimal(103))
    trade(exchange, 104.0)
    assert now(exchange, order).stop_price == Decimal(103)
    assert not exchange.take().events
    quote(exchange, 102.5, 102.52)
    trade(exchange, 103.0)
    assert price_of(now(exchange, order)) == Decimal("102.5")


def test_a_trailing_buy_is_rounded_up_to_a_tick_and_takes_its_collar_along() -> None:
    exchange = exchange_at()
    order = now(exchange, send(exchange, type="trailing_stop", trail_percent=1))
    moved = trailed(exchange.desk, order, Decimal("90.03"))
    assert moved.stop_price == Decimal("90.94")
    assert moved.collar == Decimal("93.21")


def test_exits_of_an_entry_on_the_path_never_meet_the_quote_before_it() -> None:
    exchange = exchange_at()
    entry = send(
        exchange,
        type="limit",
        limit_price=99,
        time_in_force="gtc",
        order_class="bracket",
        take_profit={"limit_price": 99.5},
        stop_loss={"stop_price": 98},
    )
    # The bid of 99.99 is from before the way down to the entry: none could sell there now.
    trade(exchange, 98.5, since=100.0)
    assert now(exchange, entry).status == "filled"
    assert exchange.desk.book.position(ACCOUNT, "AAPL").qty == 10


def test_exits_of_an_entry_on_the_path_meet_only_the_rest_of_it() -> None:
    exchange = exchange_at()
    send(
        exchange,
        type="limit",
        limit_price=99,
        time_in_force="gtc",
        order_class="bracket",
        take_profit={"limit_price": 99.5},
        stop_loss={"stop_price": 98},
    )
    trade(exchange, 97.0, since=100.0)
    fills = [event for event in exchange.take().events if event.execution]
    prices = [event.execution.price for event in fills if event.execution]
    # The target lay on the way before the entry, and the quote that stands is older too.
    assert prices == [Decimal(99), Decimal("97.9902")]
    assert exchange.desk.book.open_orders(ACCOUNT) == []


def test_of_two_exits_on_one_path_the_first_ends_the_other() -> None:
    exchange = exchange_at(positions={"AAPL": (10, 1_000)})
    target = send(
        exchange,
        side="sell",
        type="limit",
        limit_price=103,
        time_in_force="gtc",
        order_class="oco",
        stop_loss={"stop_price": 97},
    )
    trade(exchange, 104.0, since=100.0)
    assert price_of(now(exchange, target)) == Decimal(103)
    trade(exchange, 96.0, since=104.0)
    assert now(exchange, now(exchange, target)).filled_qty == 10
    assert exchange.desk.book.position(ACCOUNT, "AAPL").qty == 0
    assert exchange.desk.book.open_orders(ACCOUNT) == []


def test_in_turn_sells_come_before_buys_and_stops_before_targets() -> None:
    exchange = exchange_at(positions={"AAPL": (20, 2_000), "MSFT": (20, 8_000)})
    target = send(exchange, side="sell", type="limit", limit_price=103)
    stop = send(exchange, side="sell", type="stop", stop_price=97)
    buy = send(exchange, symbol="MSFT", type="limit", limit_price=399)
    assert [one.id for one in in_turn([buy, target, stop])] == [stop.id, target.id, buy.id]
