"""An exchange with one account, and a market that is led by hand."""

from decimal import Decimal
from typing import Any

from tests.fakes.venue_bars import play
from tests.fakes.venue_desk import ACCOUNT, make_desk, ns

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.market.values import QuoteTick, TradeTick
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.values import Order

SECOND = 10**9
PREOPEN = ns(2026, 6, 9, 8, 0)


def exchange_at(price: float = 100.0, **how: Any) -> Exchange:
    """An exchange where AAPL is quoted one cent around a price."""
    quotes = {"AAPL": (price - 0.01, price + 0.01)}
    return Exchange(make_desk(quotes=quotes, **how))


def send(exchange: Exchange, **body: Any) -> Order:
    """Submit an order, for ten shares of AAPL at market unless it says otherwise."""
    asked = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day", **body}
    if "notional" not in asked:
        asked.setdefault("qty", 10)
    taken = exchange.submit(ACCOUNT, asked)
    assert not isinstance(taken, Refusal), taken
    return taken


def now(exchange: Exchange, order: Order) -> Order:
    """An order as it is now."""
    found = exchange.desk.book.order(order.id)
    assert found is not None
    return found


def later(exchange: Exchange) -> int:
    """Let a second pass; the instant then [ns]."""
    market: Any = exchange.desk.market
    market.now += SECOND
    return market.now


def quote(exchange: Exchange, bid: float, ask: float, symbol: str = "AAPL") -> None:
    """A second later there is a quote."""
    play(exchange, QuoteTick(later(exchange), symbol, bid, 100.0, ask, 100.0))


def trade(
    exchange: Exchange, price: float, *, since: float | None = None, auction: str = ""
) -> None:
    """A trade; with `since` the path of a bar from that price."""
    start = price if since is None else since
    low, high = min(start, price), max(start, price)
    ts = later(exchange)
    path = since is not None
    play(exchange, TradeTick(ts, "AAPL", price, 1.0, 1, low, high, auction, path=path))


def price_of(order: Order) -> Decimal:
    """An order's average price."""
    return order.filled_value / order.filled_qty
