"""A deployment's record, read back as values: bars, fills, refusals, what was decided."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.domain.panel import FIELDS
from fanfold.errors import DataError
from fanfold.live.folder import Folder
from fanfold.live.messages import (
    SIGNAL,
    Arming,
    Envelope,
    Fill,
    OrderChange,
    Quote,
    Refusal,
    Split,
    Step,
    decode,
)
from fanfold.live.plan import Plan, read_plan
from fanfold.live.record.stored import frames
from fanfold.live.registry import is_held
from fanfold.live.signal.decider import Decision
from fanfold.live.signal.restart import recorded
from fanfold.live.signal.warm_up import read_warm_up


@dataclass(slots=True, kw_only=True)
class Recorded:
    """What was taken in and decided, in its order.

    Attributes:
        folder, plan: Of the deployment.
        envelope_count: Envelopes that signal took.
        decisions: What it decided.
        is_running: Whether signal was at work meanwhile: then it has decided nothing yet on
            the last inputs, and bars among them are left out.
        steps: Bars by their ends.
        fills: Each with the market's price just before it [micro-units], 0 if unknown.
        event_ts: Instant of the decision that each order came from, by its client id.
        refusals: How often each reason refused or trimmed.
        begun_ts: End of the last bar before it began to decide; None if it never did.
        splits: Each with the end of the last bar before it was heard of [ns UTC].
    """

    folder: Folder
    plan: Plan
    envelope_count: int = 0
    decisions: list[Decision] = field(default_factory=list[Decision])
    is_running: bool = False
    steps: dict[int, Step] = field(default_factory=dict[int, Step])
    fills: list[tuple[Fill, int]] = field(default_factory=list[tuple[Fill, int]])
    event_ts: dict[str, int] = field(default_factory=dict[str, int])
    refusals: dict[str, int] = field(default_factory=dict[str, int])
    begun_ts: int | None = None
    splits: list[tuple[int, Split]] = field(default_factory=list[tuple[int, Split]])


def read_recorded(folder: Folder) -> Recorded:
    """Read a deployment's record.

    Raises:
        DataError: There is no deployment there, or nothing was recorded.
    """
    plan = read_plan(folder)
    found = Recorded(folder=folder, plan=plan, is_running=is_held(folder, SIGNAL))
    # Before the inputs, which are written first: so each decision has its inputs.
    found.decisions = list(recorded(folder, frames(folder, "decisions")))
    reader = _Reader(found, int(read_warm_up(folder).ts[-1]))
    for _, _, frame in frames(folder, "signal"):
        reader.take(decode(frame))
    if not found.envelope_count:
        raise DataError(f"{folder.path} must hold recorded inputs, there are none")
    if found.is_running:
        decided = max((one.ts for one in found.decisions if one.ts in found.steps), default=0)
        last = max(decided, found.begun_ts or 0)
        found.steps = {ts: step for ts, step in found.steps.items() if ts <= last}
    numbers = {intent.number: one.ts for one in found.decisions for intent in one.intents}
    found.event_ts = {
        name: numbers[number] for name, number in reader.orders.items() if number in numbers
    }
    return found


class _Reader:
    """Takes envelopes in; knows the market's last price of each asset."""

    def __init__(self, found: Recorded, past_ts: int) -> None:
        self._found = found
        self._latest = [math.nan] * len(found.plan.assets)
        self._ts = past_ts
        self._split_ts: dict[int, int] = {}
        self.orders: dict[str, int] = {}

    def take(self, envelope: Envelope) -> None:  # noqa: C901  (a kind at a time)
        found = self._found
        found.envelope_count += 1
        for value in envelope.values:
            match value:
                case Quote(asset, _, bid, ask) if bid > 0 and ask > 0:
                    self._latest[asset] = (bid + ask) / 2
                case Step(ts, rows):
                    if ts > self._ts:
                        found.steps[ts], self._ts = value, ts
                    for row in rows:
                        self._latest[row.asset] = row.close
                case Fill():
                    price = self._latest[value.asset]
                    known = 0 if math.isnan(price) else round(price * MICRO)
                    found.fills.append((value, known))
                case OrderChange():
                    self.orders[value.client_order_id] = value.number
                case Refusal():
                    found.refusals[value.reason] = found.refusals.get(value.reason, 0) + 1
                case Split(asset, ts) if ts > self._split_ts.get(asset, 0):
                    self._split_ts[asset] = ts  # what is told again counts once
                    found.splits.append((self._ts, value))
                case Arming() if value.armed and found.begun_ts is None:
                    found.begun_ts = self._ts
                case _:
                    pass


def bars_of(found: Recorded) -> Bars:
    """The warm-up's bars and the recorded ones after them, raw, with the splits.

    Raises:
        DataError: They are no bars.
    """
    import pandas as pd

    past = read_warm_up(found.folder)
    parts: list[Any] = []
    for asset, symbol in enumerate(found.plan.symbols):
        there = ~np.isnan(past.panel[3, :, asset])
        live = [
            (ts, row.open, row.high, row.low, row.close, row.volume)
            for ts, step in sorted(found.steps.items())
            for row in step.rows
            if row.asset == asset
        ]
        before = np.column_stack([past.ts[there], past.panel[:, there, asset].T])
        ts = np.concatenate([past.ts[there], np.array([row[0] for row in live], np.int64)])
        prices = np.vstack([before[:, 1:], np.array([row[1:] for row in live]).reshape(-1, 5)])
        frame: Any = pd.DataFrame(prices, columns=list(FIELDS))
        frame["ts"] = pd.to_datetime(ts, utc=True)
        frame["symbol"] = symbol
        frame["splits"] = 1.0
        for heard_ts, split in found.splits:
            if split.asset == asset:
                first = frame["ts"] > pd.Timestamp(heard_ts, tz="UTC")
                frame.loc[frame.index[first][:1], "splits"] = split.ratio
        parts.append(frame)
    calendars = {one.symbol: one.calendar for one in found.plan.assets}
    return Bars.from_frame(
        pd.concat(parts, ignore_index=True), stamp="end", basis="raw", calendar=calendars,
        symbols=found.plan.symbols,
    )  # fmt: skip
