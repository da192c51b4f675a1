"""What a venue replays, as one value, and how its tape is made.

Who trades minute bars here by the same decisions as a backtest gets the same fills and cash to
the last unit: with a spread that is not on ticks, half of it as the backtest's slippage, fixed
units, and the path "ohlc" inside bars with exits where the decision put them. What differs
must: exits of an order for the day end with it; a minute without trades keeps the quote of
the one before, while a backtest waits for the next bar; an order that rests meets the next
open before a client that was told of the last bar can take it back; and a bracket is refused
if that open is beyond its exits already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.calendars import DEFAULT_CALENDAR, Calendar
from fanfold.domain.names import nearest_hint
from fanfold.domain.panel import CLOSE
from fanfold.domain.period import Moment
from fanfold.domain.prices import Basis
from fanfold.domain.sessions import DAY_NS
from fanfold.domain.stamps import Stamp
from fanfold.errors import ConfigError
from fanfold.market import load_bars
from fanfold.market.replay.instants import instant_of
from fanfold.market.sample import SAMPLE
from fanfold.venue.market.history.timeframes import midnight, zone_of
from fanfold.venue.market.spread import Spread
from fanfold.venue.market.tapes.from_bars import BarTape
from fanfold.venue.market.tapes.from_ticks import TickTape, stored_ticks
from fanfold.venue.market.tapes.tape import Tape

KINDS: Final = ("bars", "trades", "quotes")
"""What can be replayed: bars alone, or trades with or without quotes."""

SEED_MAX: Final = 2**32 - 1
"""Largest seed."""

SIMULATED: Final = ("bootstrap", "gbm", "student", "merton", "heston", "garch", "gjr", "regimes")
"""What prices can be simulated by, after the bars' own history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What is replayed.

    Attributes:
        source: "sample", the folder of a store, or a file of bars.
        symbols: Only these; all if empty. Ticks must be named.
        start: First session, or earliest bar's end; of ticks first date or instant.
        end: Last session, or latest bar's end; of ticks last date or instant; included.
        basis: What bars' prices are adjusted for; as stored if left out.
        timeframe: Which bars of a store; may be left out where there is one.
        stamp: What timestamps of a file mark.
        calendar: Exchange calendar of a file's or of ticks' symbols, one or by symbol.
        kinds: ("bars",), ("trades",), or ("trades", "quotes").
        simulate: Replay prices made by this model after those of the source; "" for the
            source's own.
        seed: Of all that is made up: equal seeds give equal markets.
        spread: How quotes are made where none are stored.
        late_share: Share of the minutes that late trades change [1].
        begin: Where the clock stands at first: an instant, or a date, which is a minute
            after the open of the first session from then on; that of the first session if
            left out.

    Raises:
        ConfigError: A setting is not what it can be.
    """

    source: str | Path = "sample"
    symbols: tuple[str, ...] = ()
    start: Moment | None = None
    end: Moment | None = None
    basis: Basis | None = None
    timeframe: str | None = None
    stamp: Stamp | None = None
    calendar: Calendar | None = None
    kinds: tuple[str, ...] = ("bars",)
    simulate: str = ""
    seed: int = 0
    spread: Spread = field(default_factory=Spread)
    late_share: float = 0.0
    begin: Moment | None = None

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                hint = nearest_hint(str(kind), KINDS)
                raise ConfigError(f"kinds must be of {', '.join(KINDS)}, was {kind!r}{hint}")
        if set(self.kinds) not in ({"bars"}, {"trades"}, {"trades", "quotes"}):
            raise ConfigError(
                "kinds must be bars, or trades, or trades and quotes, was "
                f"{', '.join(self.kinds) or 'empty'}"
            )
        if self.simulate and self.simulate not in SIMULATED:
            hint = nearest_hint(self.simulate, SIMULATED)
            raise ConfigError(
                f"simulate must be one of {', '.join(SIMULATED)}, was {self.simulate!r}{hint}"
            )
        if self.simulate and self.kinds != ("bars",):
            raise ConfigError("simulate goes with kinds bars only")
        if not 0 <= self.seed <= SEED_MAX:
            raise ConfigError(f"seed must be from 0 to {SEED_MAX}, was {self.seed}")
        if not 0.0 <= self.late_share <= 1.0:
            raise ConfigError(f"late_share must be from 0 to 1, was {self.late_share}")

    @property
    def begin_at(self) -> tuple[int | None, int | None]:
        """Where the clock stands at first: an instant [ns UTC], or a date [days since 1970-01-01].

        Neither is given for the usual place.

        Raises:
            ConfigError: It is no moment.
        """
        if self.begin is None:
            return None, None
        day = _date_given(self.begin, "begin")
        return (instant_of(self.begin, "begin"), None) if day is None else (None, day)


def tape_of(replay: Replay) -> Tape:
    """The tape of a replay.

    Raises:
        ConfigError: A setting is not what it can be, or does not go with the source.
        DataError: The source, a symbol or the period is not there.
    """
    if replay.kinds != ("bars",):
        return _ticks(replay)
    bars = load_bars(
        replay.source,
        symbols=replay.symbols or None,
        start=replay.start,
        end=replay.end,
        basis=replay.basis,
        timeframe=replay.timeframe,
        stamp=replay.stamp,
        calendar=replay.calendar,
    )
    if replay.simulate:
        bars = simulated(bars, replay.simulate, replay.seed)
    return BarTape.of(bars, seed=replay.seed, spread=replay.spread, late_share=replay.late_share)


def simulated(bars: Bars, model: str, seed: int) -> Bars:
    """Bars as a model that was fitted to them makes them, on their clock.

    Args:
        bars: The history.
        model: One of `SIMULATED`; "bootstrap" takes whole bars in blocks.
        seed: Equal seeds give equal bars.

    Raises:
        DataError: The history is not what the model can be fitted to.
    """
    from fanfold.simulation import WholeBars, fit_model, simulated_bars

    if model == "bootstrap":
        return WholeBars.fit(bars).bars(path=0, seed=seed)
    # Cash that was paid is earned too; a split is none.
    close = bars.seen[CLOSE]
    returns = close[1:] / close[:-1] - 1.0
    if bars.dividends is not None:
        returns += (bars.dividends * bars.forward)[1:] / close[:-1]
    joint = returns[np.isfinite(returns).all(axis=1)]
    return simulated_bars(fit_model(model, joint), bars, path=0, seed=seed)


def _ticks(replay: Replay) -> TickTape:
    if replay.source == SAMPLE:
        raise ConfigError(f"kinds must be bars, the sample has no {replay.kinds[0]}")
    if not replay.symbols:
        raise ConfigError("symbols must name whose ticks are replayed, was empty")
    given = replay.calendar
    calendars: Mapping[str, str] = (
        given
        if isinstance(given, Mapping)
        else dict.fromkeys(replay.symbols, given or DEFAULT_CALENDAR)
    )
    missing = [symbol for symbol in replay.symbols if symbol not in calendars]
    if missing:
        raise ConfigError(f"calendar must name each symbol, {missing[0]!r} is not in it")
    zones = [zone_of(one) for one in calendars.values()]
    stored = stored_ticks(
        replay.source,
        {symbol: calendars[symbol] for symbol in replay.symbols},
        (
            None if replay.start is None else _first_instant(replay.start, zones),
            None if replay.end is None else _instant_after(replay.end, zones),
        ),
        has_quotes="quotes" in replay.kinds,
        spread=replay.spread,
        seed=replay.seed,
    )
    return TickTape(stored)


def _first_instant(start: Moment, zones: list[str]) -> int:
    """Where a period of ticks begins [ns UTC]: of a date when it begins at the exchanges."""
    day = _date_given(start, "start")
    return instant_of(start, "start") if day is None else min(midnight(day, one) for one in zones)


def _instant_after(end: Moment, zones: list[str]) -> int:
    """Where a period of ticks ends [ns UTC], excluded: of a date when it is over."""
    day = _date_given(end, "end")
    if day is None:
        return instant_of(end, "end") + 1
    return max(midnight(day + 1, one) for one in zones)


def _date_given(moment: Moment, name: str) -> int | None:
    """The date that a moment is [days since 1970-01-01]; None if it is an instant."""
    ts = instant_of(moment, name)
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    is_instant = isinstance(parsed, datetime) and parsed.tzinfo is not None
    return None if is_instant else ts // DAY_NS
