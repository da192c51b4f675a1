"""Deployments for signal: a folder with plan and warm-up, and envelopes as senders make them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE
from fanfold.domain.sessions import (
    ROUND_THE_CLOCK,
    session_closes,
    session_columns,
    session_opens,
    sessions_between,
)
from fanfold.engine.spec import code_hash
from fanfold.live.folder import Folder
from fanfold.live.messages import MARKET_DATA, Envelope, Row, Step, Value, encode
from fanfold.live.plan import Addresses, AssetPlan, Plan, Session, write_plan
from fanfold.live.settings import LiveSettings
from fanfold.live.signal.signal import Signal
from fanfold.live.signal.warm_up import write_warm_up
from fanfold.strategies.strategy import Strategy

MICRO = 1_000_000
SECOND = 1_000_000_000
CASH = 100_000


def sessions_of(calendar: str, first_day: int, last_day: int) -> tuple[Session, ...]:
    """The sessions of a calendar between two dates, as a plan holds them."""
    days = sessions_between(first_day, last_day, calendar)
    opens, closes = session_opens(days, calendar), session_closes(days, calendar)
    ends = session_columns(closes, calendar).is_month_end
    nights = np.diff(days, prepend=days[:1] - 1)
    return tuple(
        Session(day=day, open_ts=open_, close_ts=close, is_month_end=end, nights=night)
        for day, open_, close, end, night in zip(
            *(column.tolist() for column in (days, opens, closes, ends, nights)), strict=True
        )
    )


def plan_of(bars: Bars, strategy: Strategy, *, warm_bars: int, **how: Any) -> Plan:
    """A plan for a strategy that goes live after the first bars of a panel.

    Args:
        bars: Past and future.
        strategy: Whose name, or "module:Class" under `named`, stands in the plan.
        warm_bars: How many are past.
        how: `named`, `job`, and sections of `LiveSettings`.
    """
    first, last = int(bars.session_day[0]) - 7, int(bars.session_day[-1]) + 14
    named = how.pop("named", type(strategy).__name__)
    job = how.pop("job", {"account": {"cash": CASH}})
    past = cut(bars, 0, warm_bars)
    return Plan(
        deployment="trial",
        assets=tuple(
            AssetPlan(
                symbol=symbol,
                asset_class="crypto" if calendar == ROUND_THE_CLOCK else "us_equity",
                calendar=calendar,
                parts=10**9 if calendar == ROUND_THE_CLOCK else 1,
                tick_coarse=0 if calendar == ROUND_THE_CLOCK else 10_000,
                tick_fine=0 if calendar == ROUND_THE_CLOCK else 100,
                shortable=calendar != ROUND_THE_CLOCK,
            )
            for symbol, calendar in zip(bars.symbols, bars.calendars, strict=True)
        ),
        strategy=named,
        params=strategy.model_dump(mode="json"),
        job=job,
        addresses=Addresses(rest_url="", data_url="", market_stream_url="", trade_stream_url=""),
        sessions={name: sessions_of(name, first, last) for name in set(bars.calendars)},
        warm_up_bars=past.bar_count,
        data_fingerprint=past.fingerprint,
        spec_hash="spec",
        code_hash=code_hash(strategy),
        made_at=0,
        settings=LiveSettings.model_validate(how),
    )


def brought_up(root: Path, bars: Bars, strategy: Strategy, *, warm_bars: int, **how: Any) -> Folder:
    """A deployment's folder with plan and warm-up."""
    folder = Folder.of("trial", root)
    folder.make()
    write_plan(folder, plan_of(bars, strategy, warm_bars=warm_bars, **how))
    write_warm_up(folder, cut(bars, 0, warm_bars))
    return folder


def cut(bars: Bars, first: int, last: int) -> Bars:
    """Some bars of a panel without events."""
    return Bars(
        symbols=bars.symbols,
        ts=bars.ts[first:last],
        panel=bars.panel[:, first:last],
        basis=bars.basis,
        calendar=bars.calendar,
        session_day=bars.session_day[first:last],
        minutes_to_close=bars.minutes_to_close[first:last],
        is_month_end=bars.is_month_end[first:last],
        calendars=bars.calendars,
    )


def step_of(bars: Bars, bar: int) -> Step:
    """A bar of a panel, as market data tells it."""
    there = np.flatnonzero(~np.isnan(bars.panel[CLOSE, bar])).tolist()
    rows = tuple(Row(asset, *bars.panel[:, bar, asset].tolist()) for asset in there)
    return Step(int(bars.ts[bar]), rows)


class Sender:
    """Numbers envelopes as a component does."""

    def __init__(self, name: str = MARKET_DATA, incarnation: int = 1) -> None:
        self.name, self.incarnation, self.number = name, incarnation, 0

    def envelope(self, *values: Value, at: int = 0) -> Envelope:
        """The next envelope."""
        self.number += 1
        return Envelope(self.name, self.incarnation, self.number, at, values)


def told(signal: Signal, envelopes: Iterable[Envelope], now: int = SECOND) -> list[Any]:
    """Everything that a signal sends when it is told these."""
    sent: list[Any] = []
    for envelope in envelopes:
        sent += [value for _, value in signal.take(envelope, encode(envelope), now)]
    return sent


def envelopes_of(bars: Bars, numbers: Sequence[int]) -> list[Envelope]:
    """One envelope a bar."""
    sender = Sender()
    return [sender.envelope(step_of(bars, bar)) for bar in numbers]
