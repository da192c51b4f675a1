"""A session at the venue and a backtest of the same decisions trade the same to the last unit.

A decision at a minute's end meets the next minute's open in both. What the venue cannot do as
a backtest does is said by the tests at the end: the exits of an order for the day end with
it, a minute without trades has the quote of the one before, and what rests meets the open
before a client that was told of the last bar can take it back.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from tests.fakes.venue_floor import (
    account_of,
    ask,
    by_minute,
    cash,
    events,
    fills,
    floor_of,
    held,
    run,
)
from tests.fakes.venue_markets import day_of, market_of
from tests.fakes.venue_process import Venue, running

import fanfold as ff
from fanfold.domain.panel import CLOSE, HIGH, OPEN
from fanfold.domain.sessions import session_closes, session_opens, sessions_between
from fanfold.strategies import SMA, BuyAndHold, SmaCross, Strategy
from fanfold.strategies.indicators import stream
from fanfold.venue.floor import Floor
from fanfold.venue.market.market import Market
from fanfold.venue.market.replay import Replay
from fanfold.venue.market.spread import Spread
from fanfold.venue.market.values import BarTick

UNITS = 100
WINDOW, BELOW, ABOVE = 20, 0.9992, 1.0008
STOP, TARGET = 0.997, 1.004
MINUTE_NS = 60 * 10**9
Decide = Callable[[BarTick], Mapping[str, Any] | None]
Trade = tuple[str, str, Decimal, Decimal]


def buy_weakness(assets: Any, portfolio: Any, memory: Any) -> None:
    """Buy below the mean with a stop and a target on cents; leave above it."""
    for asset in assets:
        if asset.close > asset.features[0] * ABOVE:
            asset.target = 0.0
        elif asset.target == 0.0 and asset.close < asset.features[0] * BELOW:
            asset.target = 1.0
            asset.stop_loss = round(asset.close * STOP, 2)
            asset.take_profit = round(asset.close * TARGET, 2)


class Weakness(Strategy):
    """The same at both places."""

    decide: ClassVar = buy_weakness

    def features(self) -> Any:
        return (SMA(WINDOW),)


def cross_at_venue() -> Decide:
    """What a client that trades `SmaCross` sends."""
    averages = [stream(one) for one in SmaCross().features()]
    wanted = 0.0

    def decide(bar: BarTick) -> Mapping[str, Any] | None:
        nonlocal wanted
        (fast,), (slow,) = (
            one.push(bar.open, bar.high, bar.low, bar.close, bar.volume) for one in averages
        )
        before, wanted = wanted, float(fast > slow)
        return None if wanted == before else {"qty": str(UNITS)} if wanted else {}

    return decide


def weakness_at_venue(time_in_force: str = "gtc") -> Decide:
    """What a client that trades `Weakness` sends: a bracket whose exits last."""
    mean = stream(SMA(WINDOW))
    wanted = 0.0

    def decide(bar: BarTick) -> Mapping[str, Any] | None:
        nonlocal wanted
        (level,) = mean.push(bar.open, bar.high, bar.low, bar.close, bar.volume)
        if bar.close > level * ABOVE and wanted:
            wanted = 0.0
            return {}
        if wanted or not bar.close < level * BELOW:
            return None
        wanted = 1.0
        return {
            "qty": str(UNITS),
            "order_class": "bracket",
            "time_in_force": time_in_force,
            "stop_loss": {"stop_price": f"{round(bar.close * STOP, 2):.2f}"},
            "take_profit": {"limit_price": f"{round(bar.close * TARGET, 2):.2f}"},
        }

    return decide


CASES: dict[str, tuple[Strategy, Callable[[], Decide]]] = {
    "cross": (SmaCross(), cross_at_venue),
    "bracket": (Weakness(), weakness_at_venue),
}


def panel(start: str, end: str, *, seed: int = 0, kept: float = 1.0) -> ff.Bars:
    """Minutes of all sessions of a period, half days included, some left out."""
    rng = np.random.default_rng(seed)
    days = sessions_between(day_of(start), day_of(end), "XNYS")
    hours = zip(session_opens(days, "XNYS"), session_closes(days, "XNYS"), strict=True)
    ts = np.concatenate([np.arange(low, high, MINUTE_NS) for low, high in hours])
    ts = ts[rng.random(len(ts)) < kept]
    close = np.round(50.0 * np.exp(np.cumsum(rng.normal(0.0, 5e-4, len(ts)))), 4)
    open_ = np.round(np.append(50.0, close[:-1]) * np.exp(rng.normal(0.0, 1e-4, len(ts))), 4)
    frame = pd.DataFrame(
        {
            "symbol": "AAPL",
            "ts": pd.to_datetime(ts, utc=True),
            "open": open_,
            "high": np.round(np.maximum(open_, close) * 1.0004, 4),
            "low": np.round(np.minimum(open_, close) * 0.9996, 4),
            "close": close,
            "volume": rng.integers(100, 9_000, len(ts)).astype(float),
        }
    )
    return ff.Bars.from_frame(frame, stamp="start", calendar="XNYS", bar=pd.Timedelta("1min"))


def backtested(bars: ff.Bars, strategy: Strategy, bps: float) -> ff.Result:
    return ff.backtest(
        strategy,
        bars,
        costs=ff.Costs(slippage_bps=bps / 2.0),
        sizing=ff.FixedUnits(UNITS),
        options=ff.FillOptions(intrabar="ohlc", exit_reference="signal_close", time_in_force="day"),
    )


def trades_of(result: ff.Result) -> list[Trade]:
    columns = ["symbol", "side", "quantity", "price"]
    return [
        (symbol, side, Decimal(str(quantity)), Decimal(f"{price:.6f}"))
        for symbol, side, quantity, price in result.fills[columns].itertuples(index=False)
    ]


def beginning(market: Market) -> Market:
    """A market that stands before its first session."""
    market.seek(market.first_ts)
    return market


def agree(floor: Floor, result: ff.Result) -> None:
    """Fills and cash are the same, each fill in its bar's minute."""
    assert fills(floor) == trades_of(result)
    assert cash(floor) == result.final_cash
    instants = [event.ts for event in events(floor) if event.execution is not None]
    ends = result.fills["ts"].astype("int64").tolist()
    assert [end - MINUTE_NS <= ts < end for ts, end in zip(instants, ends, strict=True)] == [
        True
    ] * len(ends)


@pytest.mark.parametrize("case", CASES)
def test_two_weeks_of_minutes_trade_as_their_backtest(case: str) -> None:
    strategy, decide = CASES[case]
    bars = panel("2013-11-18", "2013-12-03")
    floor = floor_of(beginning(market_of(bars, spread=Spread(bps=3.0, tick=False))))
    run(by_minute(floor, decide()))
    result = backtested(bars, strategy, 3.0)
    assert len(result.fills) > 70
    agree(floor, result)


@pytest.mark.parametrize("bps", [0.0, 1.7, 10.0])
def test_a_spread_is_the_slippage_of_half_of_it(bps: float) -> None:
    bars = panel("2013-11-27", "2013-12-02", seed=1)
    floor = floor_of(beginning(market_of(bars, spread=Spread(bps=bps, tick=False))))
    run(by_minute(floor, weakness_at_venue()))
    agree(floor, backtested(bars, Weakness(), bps))


@pytest.mark.parametrize("case", CASES)
def test_the_sample_unfolded_trades_as_a_backtest_of_the_minutes_that_are_asked_for(
    case: str,
) -> None:
    strategy, decide = CASES[case]
    market = Market.opened(
        Replay(
            symbols=("AAPL",), basis="raw", start="2012-03-01", end="2012-03-07",
            begin="2012-03-01T14:29Z", spread=Spread(bps=3.0, tick=False),
        )
    )  # fmt: skip
    bars = asked_for(market, "AAPL")
    assert bars.bar_count == 5 * 390
    floor = floor_of(market)
    run(by_minute(floor, decide()))
    result = backtested(bars, strategy, 3.0)
    assert len(result.fills) > 10
    agree(floor, result)


def asked_for(market: Market, symbol: str) -> ff.Bars:
    """An asset's minutes as bars."""
    days = [market.minutes(symbol, day) for day in market.days(symbol).tolist()]
    columns = {
        name: np.concatenate([getattr(day, name) for day in days])
        for name in ("open", "high", "low", "close", "volume")
    }
    start = np.concatenate([day.start for day in days])
    frame = pd.DataFrame({"symbol": symbol, "ts": pd.to_datetime(start, utc=True), **columns})
    return ff.Bars.from_frame(frame, stamp="start", calendar="XNYS", bar=pd.Timedelta("1min"))


def test_a_client_over_http_trades_as_a_backtest_of_the_bars_it_was_given(tmp_path: Path) -> None:
    options = "--replay sample --basis raw --symbols AAPL --begin 2012-03-01T14:30:00Z --speed 0"
    settings = "replay.spread_bps=3", "replay.on_ticks=false", "requests_per_minute=100000"
    with running(
        tmp_path,
        *(*options.split(), "--port", "0", "--journal", str(tmp_path / "venue.db")),
        *(f"--set={one}" for one in settings),
    ) as venue:
        bars = traded_over_http(venue, SmaCross(fast=3, slow=10), minutes=60)
        _, sent = venue.ask("GET", "/v2/account/activities/FILL?direction=asc&page_size=100")
        _, account = venue.ask("GET", "/v2/account")
    result = backtested(bars, SmaCross(fast=3, slow=10), 3.0)
    assert len(result.fills) > 5
    assert [
        (one["symbol"], one["side"], Decimal(one["qty"]), Decimal(one["price"])) for one in sent
    ] == trades_of(result)
    assert Decimal(account["cash"]) == result.final_cash


def traded_over_http(venue: Venue, strategy: SmaCross, *, minutes: int) -> ff.Bars:
    """Trade for some minutes; the bars that were seen."""
    averages = [stream(one) for one in strategy.features()]
    seen: list[dict[str, Any]] = []
    has = False
    for _ in range(minutes):
        venue.advance(60)
        _, content = venue.ask("GET", "/v2/stocks/bars/latest?symbols=AAPL")
        bar = content["bars"]["AAPL"]
        seen.append(bar)
        (fast,), (slow,) = (one.push(*(bar[name] for name in "ohlcv")) for one in averages)
        if (fast > slow) != has:
            has = not has
            order = {
                "symbol": "AAPL", "qty": str(UNITS), "side": "buy" if has else "sell",
                "type": "market", "time_in_force": "day",
            }  # fmt: skip
            assert venue.ask("POST", "/v2/orders", order)[0] == 200
    venue.advance(60)
    venue_bar = venue.ask("GET", "/v2/stocks/bars/latest?symbols=AAPL")[1]["bars"]["AAPL"]
    frame = pd.DataFrame([*seen, venue_bar]).rename(
        columns={"t": "ts", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
    )
    frame = frame[["ts", "open", "high", "low", "close", "volume"]].assign(
        symbol="AAPL", ts=pd.to_datetime(frame["ts"])
    )
    return ff.Bars.from_frame(frame, stamp="start", calendar="XNYS", bar=pd.Timedelta("1min"))


def test_splits_and_dividends_are_booked_as_a_backtest_books_them() -> None:
    days = sessions_between(day_of("2013-11-25"), day_of("2013-12-06"), "XNYS")
    close = 80.0 + np.arange(len(days))
    splits, dividends = np.ones(len(days)), np.zeros(len(days))
    splits[4], dividends[2], dividends[4] = 2.0, 0.47, 0.235
    close[4:] /= 2.0
    frame = pd.DataFrame(
        {
            "symbol": "AAPL", "ts": days.astype("datetime64[D]"),
            "open": close - 0.25, "high": close + 1.0, "low": close - 1.0, "close": close,
            "volume": 1e6, "splits": splits, "dividends": dividends,
        }
    )  # fmt: skip
    bars = ff.Bars.from_frame(frame, stamp="session", calendar="XNYS", basis="raw")
    result = ff.backtest(BuyAndHold(), bars, sizing=ff.FixedUnits(UNITS))
    market = market_of(bars, spread=Spread(bps=0.0))
    market.seek(int(bars.ts[0]))
    floor = floor_of(market)
    ask(floor, side="buy", qty=str(UNITS))

    async def hold() -> None:
        await floor.step(int(bars.ts[1]))
        waits = {"type": "limit", "limit_price": "300", "time_in_force": "gtc"}
        ask(floor, side="sell", qty=str(UNITS), **waits)
        await floor.step(int(bars.ts[-1]))

    run(hold())
    assert len(result.cash_flows) == 2
    assert cash(floor) == result.final_cash
    assert fills(floor) == trades_of(result)
    assert held(floor) == 2 * UNITS
    (waiting,) = floor.exchange.desk.book.open_orders(account_of(floor))
    assert (waiting.qty, waiting.limit_price) == (2 * UNITS, 150)


def test_exits_of_an_order_for_the_day_end_with_it_while_a_backtests_stand() -> None:
    bars = panel("2013-11-27", "2013-12-02", seed=4)
    floor = floor_of(beginning(market_of(bars, spread=Spread(bps=3.0, tick=False))))
    run(by_minute(floor, weakness_at_venue("day")))
    expired = [event.order for event in events(floor) if event.name == "expired"]
    assert {order.role for order in expired} == {"stop_loss", "take_profit"}
    assert fills(floor) != trades_of(backtested(bars, Weakness(), 3.0))


def test_after_a_minute_without_trades_orders_meet_the_quote_that_stands() -> None:
    bars = panel("2013-12-02", "2013-12-02")
    panel_ = bars.panel.copy()
    panel_[:, 10:12] = np.nan
    bars = replace(bars, panel=panel_)
    market = market_of(bars, spread=Spread(bps=0.0))
    market.seek(int(bars.ts[9]) - 1)
    floor = floor_of(market)

    async def trade() -> None:
        await floor.step(int(bars.ts[9]))
        ask(floor, side="buy", qty="1")

    run(trade())
    ((_, _, _, price),) = fills(floor)
    assert float(price) == bars.panel[CLOSE, 9, 0]  # the backtest waits for the next bar's open


def test_what_rests_meets_the_open_before_anybody_can_take_it_back() -> None:
    bars = panel("2013-12-02", "2013-12-02")
    opening = round(float(bars.panel[OPEN, 10, 0]), 2)
    values = bars.panel.copy()
    opening += 1.0
    values[[OPEN, HIGH], 10, 0] = opening  # a gap, which no order could have seen coming
    market = market_of(replace(bars, panel=values), spread=Spread(bps=0.0))
    market.seek(int(bars.ts[8]))
    floor = floor_of(market)

    async def trade() -> None:
        ask(floor, side="buy", qty="1")
        ask(floor, side="sell", qty="1", type="limit", limit_price=f"{opening:.2f}")
        await floor.step(int(bars.ts[9]))  # where the next minute begins

    run(trade())
    assert held(floor) == 0
