"""Runs of other backtesting programs, reproduced: bars, sides, quantities, prices, cash.

Each program's habits are stated as options: when and from what a quantity is
computed, whether fractions trade, what it does at the end of the data.
"""

# ruff: noqa: ARG002 - all decisions have one signature

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import fanfold as ff
from fanfold.domain.decision import decision
from fanfold.strategies import Strategy
from fanfold.strategies.indicators import SMA, Indicator

UP, DOWN, STRICT, LEAVE_DAY = 2, 3, 4, 5

SEEN, LAST = 0, 1


@decision
def trade_crosses(assets: Any, portfolio: Any, memory: Any) -> None:
    """Change the target when the averages cross, not while one is above the other."""
    for asset in assets:
        above = asset.features[0] - asset.features[1]
        if memory[SEEN] == 1.0 and memory[LAST] < 0.0 < above:
            asset.target = portfolio.params[UP]
        if memory[SEEN] == 1.0 and memory[LAST] > 0.0 > above:
            asset.target = portfolio.params[DOWN]
        if not math.isnan(above) and (above != 0.0 or portfolio.params[STRICT] == 1.0):
            memory[SEEN] = 1.0
            memory[LAST] = above
    if portfolio.session_day == portfolio.params[LEAVE_DAY]:
        for asset in assets:
            asset.target = 0.0


class Crosses(Strategy):
    """Targets `up` and `down` on a cross of two averages.

    A strict cross has the averages on both sides in two bars running; else a bar
    where they are equal is passed over. On `leave_day` everything is sold.
    """

    fast: int
    slow: int
    up: float = 1.0
    down: float = 0.0
    strict: bool = True
    leave_day: int = -1
    decide: ClassVar[Any] = trade_crosses

    def features(self) -> tuple[Indicator, ...]:
        return SMA(self.fast), SMA(self.slow)

    def memory_size(self, asset_count: int) -> int:
        return 2


Fills = list[tuple[str, str, float]]
Loader = Callable[[str], Any]


@pytest.fixture(scope="session")
def trades(reference_data: Path) -> Loader:
    return lambda name: pd.read_parquet(reference_data / "trades" / f"{name}.parquet")


@pytest.fixture(scope="session")
def lean(reference_data: Path) -> Callable[[str, str, str], ff.Bars]:
    """Raw daily bars of a symbol from one date to another."""
    frame = pd.read_parquet(reference_data / "bars" / "daily_us_lean_raw.parquet")
    frame["ts"] = frame["ts"].dt.tz_localize(None)

    def read(symbol: str, start: str, end: str) -> ff.Bars:
        chosen = frame[(frame["symbol"] == symbol) & frame["ts"].between(start, end)]
        return ff.Bars.from_frame(chosen, stamp="session", basis="raw", calendar="XNYS")

    return read


def goog(fills: pd.DataFrame) -> ff.Bars:
    """GOOG from the packaged sample, with the opens of a dozen fills as the peer's vendor had them.

    The closes, and so all decisions, are the sample's own.
    """
    from bokeh_sampledata.stocks import data

    frame = data[data["ticker"] == "GOOG"].drop(columns="adj_close")
    frame = frame.rename(columns={"ticker": "symbol", "date": "ts"}).reset_index(drop=True)
    stated = fills.set_index("day")["price"].to_dict()
    opens = [stated.get(day, own) for day, own in zip(frame["ts"], frame["open"], strict=True)]
    assert np.abs(np.array(opens) / frame["open"] - 1.0).max() < 0.01
    frame["open"] = opens
    frame["high"] = frame[["high", "open"]].max(axis=1)
    frame["low"] = frame[["low", "open"]].min(axis=1)
    return ff.Bars.from_frame(frame, stamp="session", basis="raw", calendar="XNYS")


def runs(reference_data: Path, engine: str) -> dict[str, Any]:
    stated = json.loads((reference_data / f"peer_{engine}.json").read_text())["runs"]
    return {run["id"]: run for run in stated}


def fills_of_trades(table: pd.DataFrame, open_trades: list[dict[str, Any]]) -> pd.DataFrame:
    """A table of round trips as fills: the exit before the entry of the same bar."""
    rows = []
    for trade in table.itertuples():
        side = np.sign(trade.Size)
        rows.append((trade.EntryBar, 1, trade.EntryTime, side, abs(trade.Size), trade.EntryPrice))
        rows.append((trade.ExitBar, 0, trade.ExitTime, -side, abs(trade.Size), trade.ExitPrice))
    fills = pd.DataFrame(rows, columns=["bar", "entry", "day", "sign", "quantity", "price"])
    for trade in open_trades:
        fills.loc[len(fills)] = [
            trade["entry_bar"], 1, None, np.sign(trade["size"]), abs(trade["size"]),
            trade["entry_price"],
        ]  # fmt: skip
    return fills.sort_values(["bar", "entry"], ignore_index=True)


def shown(result: ff.Result) -> list[tuple[int, str, float, float]]:
    """Fills as bar, side, quantity, price."""
    fills = result.fills
    bars = np.searchsorted(result.bars.ts, fills["ts"].dt.as_unit("ns").astype("int64"))
    return list(zip(bars, fills["side"], fills["quantity"], fills["price"], strict=True))


def stated(fills: pd.DataFrame) -> list[tuple[int, str, float, float]]:
    sides = np.where(fills["sign"] > 0, "buy", "sell")
    return list(zip(fills["bar"], sides, fills["quantity"], fills["price"], strict=True))


def day_before_last(bars: ff.Bars) -> int:
    return int(bars.session_day[-2])


BACKTESTING_PY = {
    "bt_goog_sma10_20_c002": (1.0, -1.0, ff.Exposure()),
    "bt_goog_sma10_20_exclusive": (1.0, -1.0, ff.Exposure()),
    "bt_goog_sma10_20_long10": (1.0, 0.0, ff.FixedUnits(10)),
    "bt_spy_sma50_200_long100": (1.0, 0.0, ff.FixedUnits(100)),
    "bt_spy_sma20_50_flip100": (1.0, -1.0, ff.FixedUnits(100)),
}


@pytest.mark.parametrize("name", BACKTESTING_PY)
def test_a_run_of_backtesting_py_is_reproduced(
    name: str, reference_data: Path, trades: Loader, lean: Any
) -> None:
    run = runs(reference_data, "backtestingpy")[name]
    up, down, sizing = BACKTESTING_PY[name]
    expected = fills_of_trades(trades(f"{name}.trades"), run["open_trades_at_end"])
    bars = goog(expected) if "goog" in name else lean("SPY", "2005-01-01", "2015-12-31")
    finalised = run[
        "finalize_trades"
    ]  # sells at the last bar's open, which it knows to be the last
    strategy = Crosses(
        fast=run["params"]["n1"],
        slow=run["params"]["n2"],
        up=up,
        down=down,
        leave_day=day_before_last(bars) if finalised else -1,
    )
    result = ff.backtest(
        strategy,
        bars,
        cash=run["broker"]["cash"],
        costs=ff.Costs(commission_bps=run["broker"]["commission"] * 10_000),
        sizing=sizing,
        venue="ideal",
        options=ff.FillOptions(size_at="fill"),
    )
    assert shown(result) == stated(expected)
    tolerance = 1e-6 * len(expected)
    assert result.metrics["final_equity"] == pytest.approx(run["final_equity"], abs=tolerance)
    # The peer's sum leaves out the commission of a round trip that is still open.
    still_open = sum(
        abs(trade["size"]) * trade["entry_price"] * run["broker"]["commission"]
        for trade in run["open_trades_at_end"]
    )
    fees = run["stats"]["Commissions [$]"] + still_open
    assert result.metrics["fees"] == pytest.approx(fees, abs=tolerance)


STOP_SHARE, TARGET_SHARE, EXIT_DAY = 1, 2, 3


@decision
def enter_with_bracket(assets: Any, portfolio: Any, memory: Any) -> None:
    """Buy on a cross above the average while flat; stop and target from the signal's close."""
    for asset in assets:
        above = asset.close - asset.features[0]
        crosses = memory[SEEN] == 1.0 and memory[LAST] < 0.0 < above
        memory[SEEN] = 1.0
        memory[LAST] = above
        if asset.units == 0.0:
            asset.target = 0.0
            if crosses:
                asset.target = 1.0
                asset.stop_loss = asset.close * portfolio.params[STOP_SHARE]
                asset.take_profit = asset.close * portfolio.params[TARGET_SHARE]
        if portfolio.session_day == portfolio.params[EXIT_DAY]:
            asset.target = 0.0


class Bracket(Strategy):
    """A bracket order on each cross of the close above its average, one at a time."""

    window: int
    stop_share: float
    target_share: float
    leave_day: int
    decide: ClassVar[Any] = enter_with_bracket

    def features(self) -> tuple[Indicator, ...]:
        return (SMA(self.window),)

    def memory_size(self, asset_count: int) -> int:
        return 2


def test_a_run_of_backtesting_py_with_brackets_is_reproduced(
    reference_data: Path, trades: Loader, lean: Any
) -> None:
    run = runs(reference_data, "backtestingpy")["bt_spy_bracket_3_6"]
    table = trades("bt_spy_bracket_3_6.trades")
    bars = lean("SPY", "2005-01-01", "2015-12-31")
    params = run["params"]
    strategy = Bracket(
        window=params["n"],
        stop_share=1.0 - params["slp"],
        target_share=1.0 + params["tpp"],
        leave_day=day_before_last(bars),
    )
    result = ff.backtest(
        strategy,
        bars,
        cash=run["broker"]["cash"],
        costs=ff.Costs(commission_bps=run["broker"]["commission"] * 10_000),
        sizing=ff.FixedUnits(params["sz"]),
        venue="ideal",
        # Stop and target stay at their share of the signal's close; a cross at the close of
        # the bar that ended the last trade buys again.
        options=ff.FillOptions(exit_reference="signal_close", rearm="next_bar"),
    )
    bar, side, quantity, price = zip(*shown(result), strict=True)
    wanted_bar, wanted_side, wanted_quantity, wanted_price = zip(
        *fills_in_order(table), strict=True
    )
    assert (bar, side, quantity) == (wanted_bar, wanted_side, wanted_quantity)
    # Fill prices are rounded to a millionth, theirs are not.
    assert price == pytest.approx(wanted_price, abs=5e-7)
    tolerance = 1e-6 * len(price)
    assert float(result.final_cash) == pytest.approx(run["final_equity"], abs=tolerance)
    fees = run["stats"]["Commissions [$]"]
    assert result.metrics["fees"] == pytest.approx(fees, abs=tolerance)


def fills_in_order(table: pd.DataFrame) -> list[tuple[int, str, float, float]]:
    """Fills of trades that never overlap, each entry before its exit."""
    rows: list[tuple[int, str, float, float]] = []
    for trade in table.sort_values("EntryBar").itertuples():
        rows.append((trade.EntryBar, "buy", trade.Size, trade.EntryPrice))
        rows.append((trade.ExitBar, "sell", trade.Size, trade.ExitPrice))
    return rows


VECTORBT = {
    "vbt_spy_20_50": ("SPY", "2005-01-01", "2015-12-31"),
    "vbt_ibm_50_200_100sh": ("IBM", "2000-01-01", "2020-12-31"),
}


@pytest.mark.parametrize("name", VECTORBT)
def test_a_run_of_vectorbt_is_reproduced(
    name: str, reference_data: Path, trades: Loader, lean: Any
) -> None:
    run = runs(reference_data, "vectorbt")[name]
    params = run["params"]
    bars = lean(*VECTORBT[name])
    all_cash = params["size"] is None
    result = ff.backtest(
        Crosses(fast=params["n1"], slow=params["n2"]),
        bars,
        cash=params["cash"],
        costs=ff.Costs(
            commission_bps=params["fees"] * 10_000, slippage_bps=params["slippage"] * 10_000
        ),
        sizing=ff.Exposure() if all_cash else ff.FixedUnits(params["size"]),
        venue="ideal",
        options=ff.FillOptions(size_at="fill", fractional=all_cash),
    )
    orders, fills = trades(f"{name}.orders"), result.fills
    assert _days(fills["ts"]) == _days(orders["Timestamp"])
    assert fills["side"].tolist() == orders["Side"].str.lower().tolist()
    # Both round: theirs to a float, ours down to a lot of 1e-9.
    assert fills["quantity"].to_numpy() == pytest.approx(orders["Size"].to_numpy(), rel=1e-9)
    assert fills["price"].to_numpy() == pytest.approx(orders["Price"].to_numpy(), abs=5e-7)
    tolerance = 1e-6 * len(orders)
    assert result.metrics["final_equity"] == pytest.approx(run["final_equity"], abs=tolerance)
    assert result.metrics["fees"] == pytest.approx(orders["Fees"].sum(), abs=tolerance)


@pytest.mark.parametrize("name", ["btr_goog_sma10_30", "btr_spy_sma50_200"])
def test_a_run_of_backtrader_is_reproduced(
    name: str, reference_data: Path, trades: Loader, lean: Any
) -> None:
    run = runs(reference_data, "backtrader")[name]
    expected = trades(f"{name}.fills")
    days = expected.assign(day=pd.to_datetime(expected["ts"]))
    bars = goog(days) if "goog" in name else lean("SPY", "2005-01-01", "2015-12-31")
    result = ff.backtest(
        Crosses(fast=run["params"]["n1"], slow=run["params"]["n2"], strict=False),
        bars,
        cash=run["cash"],
        costs=ff.Costs(commission_bps=run["commission_rel_per_side"] * 10_000),
        sizing=ff.FixedUnits(run["params"]["size"]),
        venue="ideal",
    )
    fills = result.fills
    assert _days(fills["ts"]) == _days(expected["ts"])
    assert fills["side"].tolist() == expected["side"].tolist()
    assert fills["quantity"].tolist() == expected["size"].abs().tolist()
    assert fills["price"].tolist() == expected["price"].tolist()
    tolerance = 1e-6 * len(expected)
    assert float(result.final_cash) == pytest.approx(run["cash_end"], abs=tolerance)
    assert result.metrics["final_equity"] == pytest.approx(run["final_equity"], abs=tolerance)


def _days(moments: Any) -> list[Any]:
    return [moment.date() for moment in pd.to_datetime(moments)]
