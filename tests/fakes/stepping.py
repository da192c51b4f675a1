"""A run fed from outside by a backtest: its bars, and its own fills as a broker's."""

import math
from collections import defaultdict
from typing import Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.orders import (
    AT_OPEN,
    CANCELLED,
    CLOSE,
    EXPIRED,
    FILLED,
    OPEN,
    REASONS,
    REFUSED,
    REPLACED,
    STOP_EXIT,
    TARGET_EXIT,
    TRAILING_EXIT,
)
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.engine.stepper import Moment, Stepper, StepRow, Universe

ROLES = {
    OPEN: "entry",
    CLOSE: "exit",
    STOP_EXIT: "stop",
    TRAILING_EXIT: "stop",
    TARGET_EXIT: "target",
}


def universe_of(bars: Bars, terms: Terms) -> Universe:
    """The assets of bars as a run fed from outside knows them."""
    return Universe(
        symbols=bars.symbols,
        calendars=bars.calendars,
        parts=tuple(terms.parts(bars).tolist()),
        shortable=tuple(terms.is_shortable(each) for each in bars.calendars),
        ticks=tuple(terms.ticks(each) for each in bars.calendars),
        least_notional=tuple(round(terms.least_notional(each) * 1e6) for each in bars.calendars),
        calendar=bars.calendar,
    )


def moment_of(bars: Bars, t: int) -> Moment:
    """The end of bar t."""
    return Moment(
        ts=int(bars.ts[t]),
        session_day=int(bars.session_day[t]),
        minutes_to_close=float(bars.minutes_to_close[t]),
        is_month_end=bool(bars.is_month_end[t]),
        closes_session=bool(bars.closes_session[t]),
        nights=int(bars.session_day[t] - bars.session_day[max(t - 1, 0)]),
    )


def rows_of(bars: Bars, t: int) -> list[StepRow]:
    """The bars that end at t; an asset without one has no row."""
    prices = bars.panel[:, t].T.tolist()
    return [(i, *row) for i, row in enumerate(prices) if not math.isnan(row[3])]


class Broker:
    """Tells a run what a backtest's orders became, bar by bar."""

    def __init__(self, result: Result) -> None:
        tape, account = result._tape, result.outcome.accounts[0]
        self.bars = result.bars
        self.fills: dict[int, list[Any]] = defaultdict(list)
        self.ended: dict[int, list[Any]] = defaultdict(list)
        self.asked: dict[int, list[Any]] = defaultdict(list)
        for row in tape.fills[: int(account["fill_count"])]:
            self.fills[int(row["bar"])].append(row)
        for row in tape.orders[: int(account["order_rows"])]:
            if row["role"] > OPEN:
                continue
            self.asked[int(row["bar"])].append(row)
            over = row["status"] in (FILLED, EXPIRED) and row["filled"] != abs(row["approved"])
            if over or (row["status"] == CANCELLED and row["reason"] != REPLACED):
                self.ended[int(row["done_bar"])].append(row)

    def tell(self, stepper: Stepper, t: int) -> None:
        """What happened from the end of bar t - 1 to that of bar t."""
        if self.bars.splits is not None:
            for i, ratio in enumerate(self.bars.splits[t].tolist()):
                if ratio != 1.0:
                    stepper.split(i, ratio)
        for row in self.fills[t]:
            at_open = row["phase"] == AT_OPEN
            ts = int(self.bars.ts[max(t - 1, 0) if at_open else t])
            lots, price, fee = (int(row[name]) for name in ("lots", "price", "fee"))
            stepper.fill(int(row["asset"]), ROLES[int(row["role"])], lots, price, fee, ts)
        for row in self.ended[t]:
            left = int(abs(row["approved"]) - row["filled"])
            stepper.ended(int(row["asset"]), ROLES[int(row["role"])], left, "over")


Said = dict[tuple[int, int], tuple[Any, ...]]


def said_of(rows: list[Any]) -> Said:
    """What each order of a bar asked and got, by asset and role: lots, limit, its numbers.

    The reason counts where none was written over it later: where it was refused.
    """
    found: Said = {}
    for row in rows:
        asked, approved = int(row["asked"]), int(row["approved"])
        if (asked, approved) == (0, 0):
            continue  # refused before it was a quantity
        reason = REASONS[int(row["reason"])] if row["status"] == REFUSED else ""
        numbers = row["bound"], row["reached"]
        key = int(row["asset"]), int(row["role"])
        found[key] = asked, approved, *map(_said, map(float, numbers)), reason
    return found


def asked_of(stepper: Stepper) -> Said:
    """The same of a run fed from outside, at its newest bar."""
    found: Said = {}
    for i, asset in enumerate(stepper.view()["assets"]):
        if not asset["asked_now"]:
            continue
        if asset["closing"]:
            found[i, CLOSE] = asset["closing"], asset["closing"], None, None, ""
        if asset["asked"]:
            refused = asset["reason"] if asset["opening"] == 0 else ""
            numbers = asset["bound"], asset["reached"]
            found[i, OPEN] = asset["asked"], asset["opening"], *numbers, refused
    return found


def _said(value: float) -> float | None:
    return None if math.isnan(value) else value


def feed(stepper: Stepper, bars: Bars, first: int) -> None:
    """Warm a run up with the bars before the first decision, and begin."""
    for t in range(first):
        if bars.splits is not None:
            for i in np.flatnonzero(bars.splits[t] != 1.0).tolist():
                stepper.split(i, float(bars.splits[t, i]))
        stepper.warm(moment_of(bars, t), rows_of(bars, t))
    stepper.begin(adopt=True)
