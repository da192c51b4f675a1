"""A market of three assets made by hand, whose clock tests set, for what is asked of the past."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray

from fanfold.venue.market.history.columns import longer, visible
from fanfold.venue.market.history.past import Action, Minutes
from fanfold.venue.market.history.timeframes import day_of, midnight
from fanfold.venue.market.values import Asset, BarTick, QuoteTick, TradeTick

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
NEW_YORK = "America/New_York"
FRIDAY = 15_646
"""2012-11-02, two days before New York's clocks went back."""

SESSIONS = (FRIDAY, FRIDAY + 3, FRIDAY + 4, FRIDAY + 5, FRIDAY + 28)
OPEN = 9 * HOUR + 30 * MINUTE
MINUTES_A_DAY = 60


def asset(symbol: str) -> Asset:
    is_coin = "/" in symbol
    return Asset(
        id=str(uuid5(NAMESPACE_URL, symbol)),
        symbol=symbol,
        asset_class="crypto" if is_coin else "us_equity",
        exchange="CRYPTO" if is_coin else "NYSE",
        name=symbol,
        calendar="24/7" if is_coin else "XNYS",
    )


ASSETS = tuple(map(asset, ("AAPL", "BRK.B", "BTC/USD")))


@dataclass
class HandMade:
    """The market (`fanfold.venue.market.history.past.Past`), and its latest ticks."""

    now: int = 0
    acted: dict[str, tuple[Action, ...]] = field(default_factory=dict)
    assets: tuple[Asset, ...] = ASSETS
    made: int = 0

    def asset(self, named: str) -> Asset | None:
        return next((one for one in self.assets if named in {one.symbol, one.id}), None)

    def days(self, symbol: str) -> NDArray[np.int64]:
        days = SESSIONS if "/" not in symbol else range(FRIDAY, FRIDAY + 3)
        return np.array(days, np.int64)

    def minutes(self, symbol: str, day: int) -> Minutes:
        """Late trades double the volume of the ninth minute."""
        self.made += 1
        return self._day_of(symbol, day)

    def _day_of(self, symbol: str, day: int) -> Minutes:
        start = self._starts(symbol, day)
        base = 100.0 + (day - FRIDAY) + np.arange(len(start)) / 100.0
        volume = np.arange(len(start)) % 7 * 10.0 + 10.0
        volume[8] *= 2.0
        return Minutes(
            start=start,
            known=start + MINUTE,
            open=base,
            high=base + 0.5,
            low=base - 0.25,
            close=base + 0.125,
            volume=volume,
            trade_count=np.full(len(start), 4),
            vwap=base + 0.0625,
        )

    def daily(self, symbol: str, day: int) -> Minutes:
        return self._so_far(symbol, self.minutes(symbol, day), day)

    def minute_bar(self, symbol: str) -> BarTick | None:
        day = day_of(self.now, _zone(symbol))
        known = visible(self._day_of(symbol, day), self.now)
        if day not in self.days(symbol) or not len(known):
            return None
        late = len(known) == 9 and self.now < known.known[-1] + MINUTE // 2
        return _tick(symbol, "b", known, volume=known.volume[-1] / (2.0 if late else 1.0))

    def day_bar(self, symbol: str) -> BarTick | None:
        day = day_of(self.now, _zone(symbol))
        known = visible(self._day_of(symbol, day), self.now)
        if day not in self.days(symbol) or not len(known):
            return None
        return _tick(symbol, "d", self._so_far(symbol, known, day))

    def trades(self, symbol: str, day: int) -> Sequence[TradeTick]:
        """Five a minute, of which the middle three share an instant."""
        return [
            TradeTick(start + offset, symbol, 100.0 + place, 5.0, place * 5 + k, 99.0, 101.0)
            for place, start in enumerate(self._starts(symbol, day).tolist())
            for k, offset in enumerate((0, 20, 20, 20, 40))
        ]

    def quotes(self, symbol: str, day: int) -> Sequence[QuoteTick]:
        return [
            QuoteTick(start, symbol, 99.99, 100.0, float("nan") if place % 9 else 100.01, 200.0)
            for place, start in enumerate(self._starts(symbol, day).tolist())
        ]

    def actions(self, symbol: str) -> Sequence[Action]:
        return self.acted.get(symbol, ())

    def trade(self, symbol: str) -> TradeTick | None:
        return self._last(self.trades, symbol)

    def quote(self, symbol: str) -> QuoteTick | None:
        return self._last(self.quotes, symbol)

    def book(self, symbol: str) -> Any:
        return (((99.5, 1.25), (99.0, 2.0)), ((100.5, 1.0),)) if "/" in symbol else None

    def _so_far(self, symbol: str, minutes: Minutes, day: int) -> Minutes:
        return longer(minutes, np.full(len(minutes), midnight(day, _zone(symbol))))

    def _last(self, ticks: Any, symbol: str) -> Any:
        found = [tick for day in self.days(symbol) for tick in ticks(symbol, int(day))]
        return next((tick for tick in reversed(found) if tick.ts <= self.now), None)

    def _starts(self, symbol: str, day: int) -> NDArray[np.int64]:
        if "/" in symbol:
            return midnight(day, "UTC") + np.arange(24 * 60) * MINUTE
        return midnight(day, NEW_YORK) + OPEN + np.arange(MINUTES_A_DAY) * MINUTE


def _zone(symbol: str) -> str:
    return "UTC" if "/" in symbol else NEW_YORK


def _tick(symbol: str, kind: str, bars: Minutes, volume: float | None = None) -> BarTick:
    """The last of some bars as it is streamed."""
    return BarTick(
        ts=int(bars.known[-1]),
        symbol=symbol,
        kind=kind,
        start=int(bars.start[-1]),
        open=float(bars.open[-1]),
        high=float(bars.high[-1]),
        low=float(bars.low[-1]),
        close=float(bars.close[-1]),
        volume=float(bars.volume[-1] if volume is None else volume),
        trade_count=int(bars.trade_count[-1]),
        vwap=float(bars.vwap[-1]),
    )


def floor_of(market: Any, plan: str = "plus") -> Any:
    """What rooms of market data ask of a floor: its market, and its plan."""
    return SimpleNamespace(market=market, settings=SimpleNamespace(plan=plan))


def instant(day: int, ns: int, zone: str = NEW_YORK) -> int:
    """An instant of a date [ns UTC], `ns` after its midnight."""
    return midnight(day, zone) + ns
