"""What was earned live beside the backtest: fills with the model's beside them, and curves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO, share
from fanfold.domain.panel import CLOSE, OPEN
from fanfold.engine.backtest import run_backtest
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.execution.costs import fill_price, order_fee
from fanfold.live.execution.splits import whole
from fanfold.live.messages import Fill
from fanfold.live.signal.making import strategy_from, terms_from
from fanfold.workflows.live.recorded import Recorded
from fanfold.workflows.live.split import Marks, Piece, Split, Traded, split
from fanfold.workflows.live.started import started_flat

if TYPE_CHECKING:
    from pandas import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """Profits and their difference.

    Attributes:
        split: The difference by cause.
        traded: Real fills with the model's beside them.
        live, backtest: Profit at each recorded bar's end [currency].
    """

    split: Split
    traded: list[Traded]
    live: "Series[float]"
    backtest: "Series[float]"


def earned(found: Recorded, recorded: Bars, final: Bars | None) -> Earned:
    """Compare what was earned with what the backtest earns.

    Args:
        found: The record.
        recorded: The warm-up's bars and the recorded ones.
        final: The same of the vendor's final bars; None where there are none.
    """
    terms = terms_from(found.plan)
    on_recorded = _backtest(found, recorded, terms)
    on_final = on_recorded if final is None else _backtest(found, final, terms)
    parts = [one.parts for one in found.plan.assets]
    traded = [_traded(found, recorded, terms, *one) for one in found.fills]
    units = [
        Traded(real=piece, on_time=0, at_fill=0, model_fee=0)
        for piece in split_units([one.real for one in traded], recorded)
    ]
    on_final_bars, on_recorded_bars = _pieces(on_final, parts), _pieces(on_recorded, parts)
    divided = split(
        on_final_bars + split_units(on_final_bars, final or recorded),
        on_recorded_bars + split_units(on_recorded_bars, recorded),
        traded + units,
        Marks(_marks(final or recorded), parts),
        Marks(_marks(recorded), parts),
    )
    first = int(np.searchsorted(recorded.ts, found.begun_ts or 0, side="right"))
    equity: Any = on_recorded.equity
    backtest = equity.iloc[-(recorded.bar_count - first) :] - float(terms.cash) / MICRO
    live = _curve([one.real for one in traded + units], recorded, first, parts)
    return Earned(split=divided, traded=traded, live=live, backtest=backtest)


def split_units(pieces: Sequence[Piece], bars: Bars) -> list[Piece]:
    """What splits made of units that were held, as fills for nothing as their bar begins.

    Args:
        pieces: Fills, whatever their order.
        bars: Raw, with their splits.
    """
    if bars.splits is None:
        return []
    found: list[Piece] = []
    for bar, asset in np.argwhere(bars.splits != 1.0).tolist():
        if bar == 0:
            continue
        before = int(bars.ts[bar - 1])
        held = sum(
            one.lots for one in (*pieces, *found) if one.asset == asset and one.ts <= before + 1
        )
        lots = whole(held * float(bars.splits[bar, asset])) - held
        if lots:
            found.append(Piece(asset=asset, ts=before + 1, lots=lots, price=0, fee=0))
    return found


def _backtest(found: Recorded, bars: Bars, terms: Terms) -> Result:
    """The strategy from the first bar that was decided live, started as it was."""
    first = int(np.searchsorted(bars.ts, found.begun_ts or 0, side="right"))
    strategy = strategy_from(found.plan, found.folder)
    if found.plan.settings.execution.start == "flat_until_target_changes":
        strategy = started_flat(strategy)
    return run_backtest(strategy, bars, replace(terms, start_bar=first, end_bar=None))


def _pieces(result: Result, parts: Sequence[int]) -> list[Piece]:
    places = {symbol: place for place, symbol in enumerate(result.bars.symbols)}
    pieces: list[Piece] = []
    rows: Any = result.fills.itertuples()
    for row in rows:
        asset = places[row.symbol]
        lots = round(row.quantity * parts[asset])
        pieces.append(
            Piece(
                asset=asset,
                ts=row.ts.value,
                lots=lots if row.side == "buy" else -lots,
                price=round(row.price * MICRO),
                fee=round(row.fee * MICRO),
            )
        )
    return pieces


def _marks(bars: Bars) -> list[int]:
    """Each asset's last close [micro-units]."""
    closes = bars.panel[CLOSE]
    last: list[int] = []
    for asset in range(closes.shape[1]):
        there = closes[~np.isnan(closes[:, asset]), asset]
        last.append(round(float(there[-1]) * MICRO) if len(there) else 0)
    return last


def _traded(found: Recorded, bars: Bars, terms: Terms, fill: Fill, seen: int) -> Traded:
    """A fill, and what the model would have made of the same lots."""
    side = 1 if fill.lots > 0 else -1
    event = found.event_ts.get(fill.client_order_id, fill.ts)
    reference = _next_open(bars, fill.asset, event) or seen / MICRO or fill.price / MICRO
    on_time = fill_price(reference, side, terms.costs.slippage_share)
    at_fill = fill_price(seen / MICRO or fill.price / MICRO, side, terms.costs.slippage_share)
    parts = found.plan.assets[fill.asset].parts
    amount = share(abs(fill.lots), on_time, parts)
    costs = terms.costs
    fee = order_fee(
        amount, abs(fill.lots) / parts, costs.commission_rate, costs.per_unit_rate,
        costs.per_trade, costs.minimum,
    )  # fmt: skip
    real = Piece(asset=fill.asset, ts=fill.ts, lots=fill.lots, price=fill.price, fee=fill.fee)
    return Traded(real=real, on_time=on_time, at_fill=at_fill, model_fee=fee)


def _next_open(bars: Bars, asset: int, ts: int) -> float:
    """The open of the asset's first bar after an instant; 0 where none came."""
    for bar in range(int(np.searchsorted(bars.ts, ts, side="right")), bars.bar_count):
        opened = float(bars.panel[OPEN, bar, asset])
        if not np.isnan(opened):
            return opened
    return 0.0


def _curve(pieces: Sequence[Piece], bars: Bars, first: int, parts: Sequence[int]) -> Any:
    """Profit at each bar's end from `first` on: fills so far, what is held marked."""
    import pandas as pd

    ordered = sorted(pieces, key=lambda piece: piece.ts)
    held, cash, at = [0] * len(parts), 0, 0
    closes = np.zeros(len(parts))
    values: list[float] = []
    for bar in range(first, bars.bar_count):
        while at < len(ordered) and ordered[at].ts <= bars.ts[bar]:
            piece = ordered[at]
            cash -= share(piece.lots, piece.price, parts[piece.asset]) + piece.fee
            held[piece.asset] += piece.lots
            at += 1
        there = ~np.isnan(bars.panel[CLOSE, bar])
        closes[there] = bars.panel[CLOSE, bar, there]
        worth = sum(
            share(lots, round(float(close) * MICRO), part)
            for lots, close, part in zip(held, closes, parts, strict=True)
        )
        values.append((cash + worth) / MICRO)
    return pd.Series(values, pd.to_datetime(bars.ts[first:], utc=True))
