"""Bars as the broker of a deployment has them, over REST."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np

from fanfold.alpaca import Credentials
from fanfold.alpaca.credentials import credentials_of_account
from fanfold.domain.bars import Bars
from fanfold.domain.timeframe import SECOND_NS, SESSION, timeframe_named
from fanfold.errors import ConfigError, DataError
from fanfold.live.folder import Folder
from fanfold.live.host import adopt_local_keys
from fanfold.live.plan import Plan
from fanfold.market.columns import arrow

_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Bars to be asked for.

    Attributes:
        symbols: Of these.
        start: None begins before [ns UTC].
        end: None ends later [ns UTC]: it is the broker's own time.
        bar_seconds: Length of a bar [s].
        calendar: Of all assets.
    """

    symbols: tuple[str, ...]
    start: int
    end: int
    bar_seconds: int
    calendar: str


def timeframe_of(bar_seconds: int) -> str:
    """The name of bars of a length.

    Raises:
        ConfigError: Brokers have no such bars.
    """
    if bar_seconds == _DAY_S:
        return SESSION
    if bar_seconds % 60:
        raise ConfigError(
            "bars of the past must be whole minutes, live.market.bar_seconds was "
            f"{bar_seconds}: name a store with such bars as data.warm_up"
        )
    return timeframe_named(f"{bar_seconds // 60}min")


def bars_from_broker(wanted: Wanted, *, data_url: str, feed: str, keys: Credentials) -> Bars:
    """Ask for them.

    Args:
        wanted: Which.
        data_url: Of the broker.
        feed: Of shares, as the broker calls it.
        keys: The account's.

    Raises:
        ConfigError: Such bars cannot be asked for.
        DataError: An asset has none.
        SourceError: The broker does not answer.
    """
    from fanfold.market.sources.alpaca import AlpacaSource
    from fanfold.market.sources.source import Request

    source = AlpacaSource(
        feed=feed, credentials=keys, url=data_url, delay_s=0.0, clock=lambda: wanted.end
    )
    request = Request(
        symbols=wanted.symbols,
        start=wanted.start,
        end=wanted.end,
        timeframe=timeframe_of(wanted.bar_seconds),
        basis="raw",
    )
    tables = {one.symbol: one.table for one in source.fetch(request)}
    missing = [symbol for symbol in wanted.symbols if symbol not in tables]
    if missing:
        raise DataError(
            f"the broker must have bars up to {np.datetime64(wanted.end, 's')}Z, has none of "
            f"{', '.join(missing)}; at a local venue, venue.replay.begin says where its past ends"
        )
    daily = wanted.bar_seconds == _DAY_S
    return Bars.from_frame(
        _joined(tables, wanted.symbols),
        stamp="session" if daily else "start",
        basis="raw",
        calendar=wanted.calendar,
        symbols=wanted.symbols,
        bar=None if daily else timedelta(seconds=wanted.bar_seconds),
        source="broker",
    )


def broker_bars(plan: Plan, first: int, last: int) -> Bars:
    """Bars of a deployment's assets that end within two instants, both included [ns UTC].

    Raises:
        ConfigError: The account's keys are missing.
        DataError: An asset has none.
        SourceError: The broker does not answer.
    """
    adopt_local_keys(Folder.of(plan.deployment))
    keys = credentials_of_account()
    length = plan.settings.market.bar_seconds
    wanted = Wanted(
        symbols=plan.symbols,
        start=first - length * SECOND_NS,
        end=last,
        bar_seconds=length,
        calendar=plan.assets[0].calendar,
    )
    return bars_from_broker(
        wanted,
        data_url=plan.addresses.data_url,
        feed=feed_of(plan.addresses.market_stream_url),
        keys=keys,
    )


def feed_of(market_stream_url: str) -> str:
    """The feed of shares that a stream's address names; elsewhere that of all exchanges."""
    return "iex" if market_stream_url.endswith("/iex") else "sip"


def _joined(tables: dict[str, Any], symbols: Sequence[str]) -> Any:
    pa = arrow()
    named = [
        tables[symbol].append_column("symbol", pa.array([symbol] * tables[symbol].num_rows))
        for symbol in symbols
    ]
    return pa.concat_tables(named)
