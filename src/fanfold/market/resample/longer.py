"""One way to ask for longer bars, whatever they are made of."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fanfold.domain.bars import Bars
from fanfold.domain.calendars import Calendar
from fanfold.errors import ConfigError
from fanfold.market.replay.instants import Instant, period_of
from fanfold.market.resample.buckets import Anchor, Hours, Rule
from fanfold.market.resample.conditions import Conditions, check_conditions
from fanfold.market.resample.panel import resampled_bars
from fanfold.market.resample.trades import bars_of_store, bars_of_tables
from fanfold.market.store import Store


def resample(
    source: Any,
    timeframe: str,
    *,
    symbols: Sequence[str] | str | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    calendar: Calendar | None = None,
    hours: Hours | None = None,
    anchor: Anchor = "clock",
    conditions: Conditions = "consolidated",
    partial: bool = False,
) -> Bars:
    """Make longer bars of shorter ones, or of trades.

    No bar reaches over its session's close, half days included; it ends when it nominally
    does, also where its last parts are missing. A bar that is not over when the data end
    is left out. What is traded after a close belongs to the next session's and week's bar
    where it counts at all. Sessions round the clock are UTC days; those that open the
    evening before, as futures' do, are of the date on which they close.

    Open is the first, high the highest, low the lowest, close the last price and volume the
    sum of the parts in which something was traded; unknown if one of them is. Prices are
    in units after the splits within a bar.

    Args:
        source: `Bars`; a store with trades, its folder or URL; or trades as an Arrow table in
            the store's form, of the one asset in `symbols`, or several in a mapping by symbol.
        timeframe: "1D" (the session), "1W" (the sessions of an ISO week), or seconds, minutes
            or hours that divide a day, such as "15min" or "1h".
        symbols: Of a store: whose trades. Of a table: the name of its asset.
        start: Of a store: from when on, included; a date is its midnight UTC.
        end: Of a store: until when, excluded.
        calendar: Of trades: exchange calendar, such as "XNYS", or "24/7", for all or by
            symbol; if left out, what the store says, else "XNYS", for tables "24/7" where
            there are trades on weekends. Bars know theirs.
        hours: "regular" for what happens from a session's open to its close, "extended" for
            all; by default regular for 1D and 1W, else extended. A closing auction that is
            printed after the close is no longer in regular hours.
        anchor: "clock" counts intraday bars from midnight UTC, as `On` does, so that its
            values are those over these bars; "session" counts them from the session's open.
        conditions: "consolidated" lets trades set prices and count in volume as their sale
            conditions say: odd lots, for instance, only count in volume; "all" takes all.
            Bars without a trade that sets prices are missing.
        partial: Whether to keep bars that are not over when the data end.

    Returns:
        Bars of the same symbols. Of trades with the extra columns "trade_count" and "vwap".

    Raises:
        ConfigError: An argument is not what it can be, or goes with another source.
        DataError: A symbol is not there, trades are not sorted, or no bar is over.
    """
    rule = Rule.of(timeframe, hours, anchor)
    check_conditions(conditions)
    if isinstance(source, Bars):
        _refuse("bars", symbols=symbols, start=start, end=end, calendar=calendar)
        return resampled_bars(source, rule, partial=partial)
    if isinstance(source, str | Path):
        source = Store.at(source)
    if isinstance(source, Store):
        names = (symbols,) if isinstance(symbols, str) else tuple(symbols or ())
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"symbols must name at least one asset and none twice, was {symbols}")
        return bars_of_store(
            source,
            names,
            rule,
            period=period_of(start, end),
            calendar=calendar,
            conditions=conditions,
            partial=partial,
        )
    tables: Mapping[str, Any]
    if isinstance(source, Mapping):
        _refuse("trades by symbol", symbols=symbols, start=start, end=end)
        tables = source  # pyright: ignore[reportUnknownVariableType]
    else:
        _refuse("a table", start=start, end=end)
        if not isinstance(symbols, str):
            raise ConfigError(f"symbols must be the name of the table's one asset, was {symbols!r}")
        tables = {symbols: source}
    return bars_of_tables(tables, rule, calendar=calendar, conditions=conditions, partial=partial)


def _refuse(kind: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise ConfigError(f"{name} must be left out for {kind}, was {value!r}")
