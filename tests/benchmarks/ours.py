"""fanfold, through its public face; the bare kernel for what that face costs."""

import shutil
import tempfile
import time
from functools import cache
from itertools import product
from typing import Any, ClassVar

import numpy as np
from cases import combinations_of, space_of
from prices import read_prices
from pydantic import Field
from served import Space, serve, timed

import fanfold as ff
from fanfold.distributed import connected
from fanfold.engine.backtest import terms_of
from fanfold.engine.run import run_chunk
from fanfold.strategies import (
    SMA,
    DonchianBreakout,
    MomentumRotation,
    RsiBracket,
    SmaCross,
    Strategy,
    decision,
)
from fanfold.strategies.strategy import features_of

FAST, SLOW = 0, 1
BAND = 2


@decision
def hold_while_well_above(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        above = asset.features[FAST] > asset.features[SLOW] * (1.0 + portfolio.params[BAND])
        asset.target = 1.0 / len(assets) if above else 0.0


class BandedCross(Strategy):
    """Hold while the fast average is above the slow one by a band: a third axis for long plans."""

    fast: int = Field(10, ge=2, le=60)
    slow: int = Field(50, ge=5, le=250)
    band: float = Field(0.0, ge=0.0, le=1.0)
    decide: ClassVar[Any] = hold_while_well_above

    def features(self) -> tuple[Any, ...]:
        return SMA(self.fast), SMA(self.slow)


def decide_in_python(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        above = asset.features[FAST] > asset.features[SLOW]
        asset.target = 1.0 / len(assets) if above else 0.0


class PlainCross(SmaCross):
    """The same cross, decided in Python that is not compiled."""

    decide: ClassVar[Any] = staticmethod(decide_in_python)


STRATEGIES: dict[str, type[Strategy]] = {
    "sma": SmaCross,
    "rsi": RsiBracket,
    "donchian": DonchianBreakout,
    "rotation": MomentumRotation,
}
"""By the names of the cases."""


def trades(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, Any]:
    """Fills and final equity of one combination."""
    return _trades(SmaCross(fast=fast, slow=slow), file, habit)


def plain_trades(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, Any]:
    """The same, decided in plain Python."""
    return _trades(PlainCross(fast=fast, slow=slow), file, habit)


def _trades(strategy: Strategy, file: str, habit: dict[str, Any]) -> dict[str, Any]:
    bars = bars_of(file)
    result = ff.backtest(strategy, bars, **_choices(habit))
    fills = result.fills
    sides = fills["side"].map({"buy": 1, "sell": -1})
    at = np.searchsorted(bars.ts, fills["ts"].astype("int64"))
    rows = zip(at, sides, fills["quantity"], fills["price"], strict=True)
    return {
        "fills": [[int(bar), int(side), float(q), float(price)] for bar, side, q, price in rows],
        "final_equity": result.metrics["final_equity"],
    }


def sweep(
    case: str, size: str, file: str, habit: dict[str, Any], rows_file: str = ""
) -> dict[str, float]:
    """Time a sweep of a case in this process, from bars to its table."""
    return _sweep(STRATEGIES[case], space_of(case, size), file, habit, rows_file)


def sweep_bands(file: str, space: Space, habit: dict[str, Any]) -> dict[str, float]:
    """The same for a cross with a third axis."""
    return _sweep(BandedCross, space, file, habit, "")


def _sweep(
    strategy: type[Strategy], space: Space, file: str, habit: dict[str, Any], rows_file: str
) -> dict[str, float]:
    bars = bars_of(file)
    seconds, table = timed(
        lambda: ff.sweep(strategy, space, bars, start_bar=0, workers=0, **_choices(habit))
    )
    status = table["status"]
    if rows_file:
        rows = table[status == "ok"]
        fills = rows["fill_count"]
        np.savez(
            rows_file,
            total_return=rows["total_return"],
            sharpe=rows["sharpe"],
            max_drawdown=rows["max_drawdown"],
            # Of one asset each pair of fills is a trade, with the one still open.
            trade_count=fills if bars.asset_count > 1 else (fills + 1) // 2,
        )
    _forget(table)
    return {"seconds": seconds, "count": int((status == "ok").sum())}


def kernel(file: str, space: Space, habit: dict[str, Any], seconds_min: float) -> dict[str, float]:
    """Time the engine alone: strategies and features made beforehand, one call, no table."""
    combinations = (dict(zip(space, values, strict=True)) for values in product(*space.values()))
    chosen = [BandedCross(**params) for params in combinations if params["fast"] < params["slow"]]
    return _kernel(chosen, file, habit, seconds_min)


def kernel_of(case: str, size: str, file: str, habit: dict[str, Any]) -> dict[str, float]:
    """The same for a case."""
    chosen = [STRATEGIES[case](**params) for params in combinations_of(case, size)]
    return _kernel(chosen, file, habit, 0.0)


def _kernel(
    strategies: list[Any], file: str, habit: dict[str, Any], seconds_min: float
) -> dict[str, float]:
    bars, terms = bars_of(file), terms_of(start_bar=0, **_choices(habit))
    features = [features_of(strategy) for strategy in strategies]
    count, seconds = 0, 0.0
    while seconds == 0.0 or seconds < seconds_min:
        took, _ = timed(lambda: run_chunk(strategies, bars, terms, 0, features=features))
        count, seconds = count + len(strategies), seconds + took
    return {"seconds": seconds, "count": count}


def one(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, float]:
    """Time one run with its metrics."""
    bars, strategy = bars_of(file), SmaCross(fast=fast, slow=slow)
    seconds, _ = timed(lambda: ff.backtest(strategy, bars, **_choices(habit)).metrics)
    return {"seconds": seconds, "count": bars.bar_count}


def plain(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, float]:
    """Time one run with its metrics whose decision is plain Python."""
    bars, strategy = bars_of(file), PlainCross(fast=fast, slow=slow)
    seconds, _ = timed(lambda: ff.backtest(strategy, bars, **_choices(habit)).metrics)
    return {"seconds": seconds, "count": bars.bar_count}


def fan_out(
    file: str, space: Space, warm_up: Space, habit: dict[str, Any], workers: int
) -> dict[str, float]:
    """Time a sweep on a local cluster that is up, its workers warm."""
    bars, choices = bars_of(file), {"start_bar": 0, "workers": workers, **_choices(habit)}
    began = time.perf_counter()
    with connected(workers):
        started = time.perf_counter() - began
        _forget(ff.sweep(BandedCross, warm_up, bars, **choices))
        seconds, table = timed(lambda: ff.sweep(BandedCross, space, bars, **choices))
        count = int((table["status"] == "ok").sum())
        _forget(table)
    return {"seconds": seconds, "count": count, "start_seconds": started}


@cache
def bars_of(file: str) -> ff.Bars:
    """Bars of a file of prices, made once."""
    import pandas as pd

    prices = read_prices(file)
    panel = prices.close.reshape(len(prices.ts), -1)
    symbols = [f"ASSET{place}" for place in range(panel.shape[1])]
    columns = {
        name: getattr(prices, name).reshape(panel.shape).ravel()
        for name in ("open", "high", "low", "close", "volume")
    }
    ts = pd.DatetimeIndex(np.repeat(prices.ts, len(symbols)), tz="UTC")
    frame = pd.DataFrame({"ts": ts, "symbol": symbols * len(panel), **columns})
    if prices.are_daily:
        frame["ts"] = frame["ts"].dt.tz_localize(None)
        return ff.Bars.from_frame(frame, stamp="session", calendar="XNYS")
    return ff.Bars.from_frame(frame, stamp="end", calendar="24/7")


def _choices(habit: dict[str, Any]) -> dict[str, Any]:
    """The habit of the other engines as named options: whole units, sized at the fill."""
    sizing: ff.Sizing = ff.Exposure()
    if habit["units"]:
        sizing = ff.FixedUnits(habit["units"])
    elif habit.get("notional"):
        sizing = ff.FixedNotional(habit["notional"])
    return {
        "cash": habit["cash"],
        "costs": ff.Costs(
            commission_bps=habit["commission"] * 1e4, slippage_bps=habit["slippage"] * 1e4
        ),
        "sizing": sizing,
        "venue": "ideal",
        "options": ff.FillOptions(
            size_at="fill", fractional=False, exit_arming=habit.get("arming", "entry_bar")
        ),
    }


def _forget(table: Any) -> None:
    """Take a table away that was large enough to be kept on disk."""
    folder = getattr(table, "folder", None)
    if folder is not None and folder.is_relative_to(tempfile.gettempdir()):
        shutil.rmtree(folder)


if __name__ == "__main__":
    serve(
        {
            "trades": trades,
            "plain_trades": plain_trades,
            "sweep": sweep,
            "sweep_bands": sweep_bands,
            "kernel": kernel,
            "kernel_of": kernel_of,
            "one": one,
            "plain": plain,
            "fan_out": fan_out,
        }
    )
