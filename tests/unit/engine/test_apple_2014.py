"""Apple in 2014: a 7:1 split on 9 June and four dividends, on prices as they were traded.

Every expected number is worked out from the vendor's rows by hand.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.unit.engine.rules.conftest import Scripted, fills, flows, scripted, terms_for

import fanfold as ff
from fanfold.engine.backtest import run_backtest
from fanfold.strategies.sizing import Exposure, FixedUnits

PRICES = ("open", "high", "low", "close", "volume")
LONG = {"target": 1.0}
DIVIDENDS = {"2014-02-06": "3.05", "2014-05-08": "3.29", "2014-08-07": "0.47", "2014-11-06": "0.47"}


@pytest.fixture(scope="session")
def rows(reference_data: Path) -> pd.DataFrame:
    """The vendor's rows, with prices as traded and as adjusted for splits and dividends."""
    frame = pd.read_parquet(reference_data / "corporate" / "wiki_daily_dividends_2014.parquet")
    frame = frame[frame["symbol"] == "AAPL"].reset_index(drop=True)
    return frame.assign(ts=frame["ts"].dt.tz_localize(None))


@pytest.fixture(scope="session")
def raw(rows: pd.DataFrame) -> ff.Bars:
    chosen = rows[["symbol", "ts", *PRICES, "ex_dividend", "split_ratio"]]
    return ff.Bars.from_frame(chosen, stamp="session", basis="raw", calendar="XNYS")


@pytest.fixture(scope="session")
def total_return(rows: pd.DataFrame) -> ff.Bars:
    chosen = rows[["symbol", "ts", *[f"adj_{name}" for name in PRICES]]]
    chosen = chosen.rename(columns={f"adj_{name}": name for name in PRICES})
    return ff.Bars.from_frame(chosen, stamp="session", basis="total_return", calendar="XNYS")


def bar(rows: pd.DataFrame, day: str) -> int:
    """Place of a session."""
    return int(np.flatnonzero(rows["ts"] == pd.Timestamp(day))[0])


def ten_shares(bars: ff.Bars, script: dict[int, Any]) -> ff.Result:
    """A run whose targets are ten shares."""
    terms = terms_for({}, sizing=FixedUnits(10))
    result = run_backtest(Scripted(), scripted(bars, script), terms)
    assert result.replayed_cash() == result.final_cash
    return result


def test_the_split_and_the_dividends_are_where_they_were(raw: ff.Bars, rows: pd.DataFrame) -> None:
    assert raw.splits is not None
    assert raw.dividends is not None
    assert np.flatnonzero(raw.splits[:, 0] != 1.0).tolist() == [bar(rows, "2014-06-09")]
    paid = {bar(rows, day): float(amount) for day, amount in DIVIDENDS.items()}
    booked = np.flatnonzero(raw.dividends[:, 0])
    assert dict(zip(booked.tolist(), raw.dividends[booked, 0].tolist(), strict=True)) == paid


def test_a_held_position_becomes_seven_times_as_many_and_is_paid_its_dividends(
    raw: ff.Bars, rows: pd.DataFrame
) -> None:
    result = ten_shares(raw, {0: LONG})
    # Ten shares for the first two dividends, seventy for the others: 30.50, 32.90 and twice that.
    assert flows(result) == [
        (bar(rows, "2014-02-06"), "AAPL", "dividend", 30.5),
        (bar(rows, "2014-05-08"), "AAPL", "dividend", 32.9),
        (bar(rows, "2014-08-07"), "AAPL", "dividend", 32.9),
        (bar(rows, "2014-11-06"), "AAPL", "dividend", 32.9),
    ]
    assert result.final_cash == Decimal(10_000) - 10 * Decimal("552.86") + Decimal("129.2")
    last = Decimal(str(rows["close"].iloc[-1]))
    assert Decimal(str(result.equity.iloc[-1])) == result.final_cash + 70 * last
    # Nothing but the market moves equity over the split: 645.57 to 93.70 × 7 = 655.90.
    before = bar(rows, "2014-06-06")
    change = result.equity.iloc[before + 1] - result.equity.iloc[before]
    assert change == pytest.approx(10 * (93.70 * 7 - 645.57), abs=1e-6)


def test_a_resting_stop_crosses_the_split(raw: ff.Bars, rows: pd.DataFrame) -> None:
    written = bar(rows, "2014-06-04")
    result = ten_shares(raw, {0: LONG, written: {"stop_loss": 637.0}})
    # 637 is 91 after the split. The lows from then on are 91.75, 93.57, 93.47, 91.90, 90.88.
    assert fills(result, "order_id")[1:] == [
        (bar(rows, "2014-06-13"), "sell", 70.0, 91.0, f"AAPL-{bar(rows, '2014-06-13')}-stop")
    ]
    # 30.50 and 32.90 of dividends until then.
    bought, sold = 10 * Decimal("552.86"), 70 * Decimal(91)
    assert result.final_cash == 10_000 - bought + sold + Decimal("63.4")


def test_a_limit_until_cancelled_crosses_the_split(raw: ff.Bars, rows: pd.DataFrame) -> None:
    written = bar(rows, "2014-06-05")
    result = ten_shares(raw, {written: LONG | {"limit": 630.0}})
    # 630 is 90; the low of 25 June, 89.65, is the first below it.
    assert fills(result, "order_id") == [
        (bar(rows, "2014-06-25"), "buy", 70.0, 90.0, f"AAPL-{written}-open")
    ]


def test_a_queued_market_order_crosses_the_split(raw: ff.Bars, rows: pd.DataFrame) -> None:
    ex_date = bar(rows, "2014-06-09")
    bought = ten_shares(raw, {ex_date - 1: LONG})
    assert fills(bought) == [(ex_date, "buy", 70.0, 92.7)]
    sold = ten_shares(raw, {0: LONG, ex_date - 1: {"target": 0.0}})
    assert fills(sold)[1:] == [(ex_date, "sell", 70.0, 92.7)]


def test_a_queued_order_on_an_ex_date_gets_no_dividend(raw: ff.Bars, rows: pd.DataFrame) -> None:
    ex_date = bar(rows, "2014-08-07")
    assert [each[0] for each in flows(ten_shares(raw, {ex_date - 1: LONG}))] == [
        bar(rows, "2014-11-06")
    ]
    assert ex_date in [each[0] for each in flows(ten_shares(raw, {ex_date - 2: LONG}))]


def test_raw_prices_with_bookings_equal_total_return_prices_without(
    raw: ff.Bars, total_return: ff.Bars, rows: pd.DataFrame
) -> None:
    options = {"size_at": "fill", "fractional": True, "rebalance_band": 0.001}
    terms = terms_for(options, sizing=Exposure())
    booked = run_backtest(Scripted(), scripted(raw, {0: LONG}), terms)
    adjusted = run_backtest(Scripted(), scripted(total_return, {0: LONG}), terms)
    assert len(adjusted.fills) == 1
    assert len(booked.fills) == 1 + len(DIVIDENDS)
    # The vendor's adjusted prices reinvest a dividend D at the ex-date's close, C: a share
    # becomes 1 + D/C. The strategy sees the cash at that close and spends it at the next
    # open, Q: a share becomes 1 + D/Q. By what the price did in that night the two runs
    # must differ, and by nothing else.
    expected = 1.0
    for day, amount in DIVIDENDS.items():
        paid, at = float(amount), bar(rows, day)
        expected *= (1.0 + paid / rows["open"][at + 1]) / (1.0 + paid / rows["close"][at])
    ratio = booked.equity.iloc[-1] / adjusted.equity.iloc[-1]
    # Prices and marks are rounded to a millionth, of about 70: some 1e-8 a fill and a mark.
    assert ratio == pytest.approx(expected, abs=1e-7)
    # A dividend of 0.5 % misses a night of less than 2 %, four times; one that was left out
    # would be 5e-3.
    assert ratio == pytest.approx(1.0, abs=4e-4)


def test_the_two_runs_have_equal_returns_on_every_day_without_a_dividend(
    raw: ff.Bars, total_return: ff.Bars, rows: pd.DataFrame
) -> None:
    options = {"size_at": "fill", "fractional": True, "rebalance_band": 0.001}
    terms = terms_for(options, sizing=Exposure())
    booked = run_backtest(Scripted(), scripted(raw, {0: LONG}), terms).equity.pct_change()
    adjusted = run_backtest(
        Scripted(), scripted(total_return, {0: LONG}), terms
    ).equity.pct_change()
    idle = np.zeros(len(rows), bool)
    for day in DIVIDENDS:  # the night after the ex-date's close
        idle[bar(rows, day) + 1] = True
    difference = (booked - adjusted).to_numpy()[1:]
    # Both divide marks of millionths, so a return is off by a few 1e-8.
    assert np.abs(difference[~idle[1:]]).max() < 1e-7
    # While a dividend lies idle, 0.6 % of equity at most misses a night of less than 2 %.
    assert np.abs(difference[idle[1:]]).max() < 1.2e-4
