"""What is asked of the past is what was streamed, on the market itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.venue.market.history.columns import joined
from fanfold.venue.market.history.history import History, Span
from fanfold.venue.market.history.past import Minutes
from fanfold.venue.market.history.timeframes import DAY, MINUTE, Timeframe
from fanfold.venue.market.market import Market
from fanfold.venue.market.replay import Replay
from fanfold.venue.market.values import BarTick, QuoteTick, Tick, TradeTick

SYMBOLS = ("AAPL", "MSFT")
REPLAY = Replay(symbols=SYMBOLS, start="2012-11-01", end="2012-11-06", seed=7, late_share=0.2)
TICKS_MAX = 10**9
Told = tuple[int, float, float, float, float, float, int, float]


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.opened(REPLAY)


@pytest.fixture(scope="module")
def streamed(market: Market) -> list[Tick]:
    """All ticks from the first day's begin on."""
    market.seek(market.first_ts)
    return list(market.go(market.last_ts, ticks_max=TICKS_MAX))


def told(bars: Minutes) -> list[Told]:
    names = ("start", "open", "high", "low", "close", "volume", "trade_count", "vwap")
    return list(zip(*(getattr(bars, name).tolist() for name in names), strict=True))


def streamed_until(ticks: list[Tick], symbol: str, kinds: str, now: int) -> list[Told]:
    """Bars as they were told last until an instant."""
    found: dict[int, Told] = {}
    for tick in ticks:
        if isinstance(tick, BarTick) and tick.symbol == symbol and tick.kind in kinds:
            if tick.ts > now:
                break
            found[tick.start] = (
                tick.start,
                tick.open,
                tick.high,
                tick.low,
                tick.close,
                tick.volume,
                tick.trade_count,
                tick.vwap,
            )
    return list(found.values())


def asked(market: Market, symbol: str, timeframe: Timeframe) -> list[Told]:
    asset = market.asset(symbol)
    assert asset is not None
    span = Span(start=0, end=market.last_ts, now=market.now)
    return told(joined(list(History(market).bars(asset, timeframe, span))))


@settings(max_examples=15)  # each begins the market anew
@given(share=st.floats(0.0, 1.0), place=st.integers(0, 3))
def test_bars_of_the_past_are_those_that_were_streamed(
    market: Market, streamed: list[Tick], share: float, place: int
) -> None:
    """At any instant, at instants of ticks, and just before and after late trades."""
    span = market.last_ts - market.first_ts
    now = market.first_ts + int(share * span)
    ticks = [tick.ts for tick in streamed if tick.ts <= now] or [now]
    market.seek((now, ticks[-1], max(ticks[-1] - 1, market.first_ts), now // 10**9 * 10**9)[place])
    for symbol in SYMBOLS:
        assert asked(market, symbol, MINUTE) == streamed_until(streamed, symbol, "bu", market.now)
        assert asked(market, symbol, DAY) == streamed_until(streamed, symbol, "d", market.now)


@pytest.mark.parametrize(("kind", "of"), [("trades", TradeTick), ("quotes", QuoteTick)])
def test_ticks_of_the_past_are_those_that_were_streamed(
    market: Market, streamed: list[Tick], kind: str, of: type[TradeTick | QuoteTick]
) -> None:
    middle = streamed[len(streamed) // 2].ts
    market.seek(middle)
    asset = market.asset("AAPL")
    assert asset is not None
    span = Span(start=0, end=market.last_ts, now=market.now)
    found = [tick for block in getattr(History(market), kind)(asset, span) for tick in block]
    made = [
        tick
        for tick in streamed
        if isinstance(tick, of) and tick.symbol == "AAPL" and tick.ts <= middle
    ]
    assert len(made) > 1_000
    assert found == made
