"""Small inputs of a report, and a page read back as elements."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fanfold.reporting import FoldsView, RunView, StudyView, SweepView, write_report
from fanfold.research.evidence import Evidence
from fanfold.research.robustness import Robustness

DAYS = pd.date_range("2020-01-01 21:00", periods=6, freq="D", tz="UTC")


@pytest.fixture(scope="session")
def run_view() -> Callable[..., RunView]:
    """A run of six days and three round trips, with what the test sets."""
    given: dict[str, Any] = {
        "name": "SmaCross",
        "params": {"fast": 10, "slow": 50},
        "metrics": {"total_return": 0.5, "sharpe": 1.25, "periods_per_year": 252.0, "beta": 0.5},
        "equity": pd.Series([100.0, 110.0, 99.0, 120.0, 60.0, 150.0], index=DAYS),
        "fills": pd.DataFrame({"symbol": ["AAPL", "AAPL", "MSFT"], "fee": [1.0, 2.0, 0.5]}),
        "round_trips": pd.DataFrame(
            {
                "symbol": ["AAPL", "AAPL", "MSFT"],
                "entry_ts": DAYS[[0, 2, 0]],
                "exit_ts": DAYS[[1, 5, 3]],
                "pnl": [300.0, -100.0, 50.0],
            }
        ),
        "orders": pd.DataFrame(
            {
                "status": ["filled", "refused", "refused", "filled"],
                "reason": ["", "max_position", "buying_power", "max_position"],
            }
        ),
    }
    return lambda **values: RunView(**given | values)


@pytest.fixture(scope="session")
def full_view() -> Callable[..., RunView]:
    """A run of three years with all that a tear sheet can show; the test may set more."""
    days = pd.bdate_range("2019-03-04", periods=750, tz="UTC") + pd.Timedelta(hours=21)
    rng = np.random.default_rng(5)
    market = 100.0 * np.cumprod(1.0 + rng.normal(0.0003, 0.01, 750))
    own = 50_000.0 * np.cumprod(1.0 + rng.normal(0.0005, 0.008, 750))
    entries = np.arange(10, 700, 35)
    symbols = np.resize(["AAPL", "MSFT"], len(entries))
    sides = np.resize([1.0, 1.0, -1.0], len(entries))
    pnl = rng.normal(200.0, 900.0, len(entries))
    fills = pd.DataFrame(
        {
            "ts": days[np.sort(np.concatenate([entries, entries + 20]))],
            "symbol": np.repeat(symbols, 2),
            "amount": 10_000.0,
            "fee": 1.5,
            "slippage": 5.0,
        }
    )
    flows = pd.DataFrame(
        {
            "ts": days[[100, 200, 300, 400]],
            "symbol": ["AAPL", "MSFT", "AAPL", ""],
            "kind": ["dividend", "dividend", "borrow", "interest"],
            "amount": [40.0, 25.0, -12.0, -3.5],
        }
    )
    given: dict[str, Any] = {
        "name": "Full",
        "params": {"fast": 10},
        "metrics": {
            "total_return": 0.3,
            "sharpe": 0.9,
            "cagr": 0.09,
            "volatility": 0.13,
            "max_drawdown": 0.1,
            "periods_per_year": 252,
            "round_trip_count": 20,
        },
        "equity": pd.Series(own, index=days),
        "benchmark": pd.Series(market, index=days),
        "benchmark_name": "Market",
        "fills": fills,
        "round_trips": pd.DataFrame(
            {
                "symbol": symbols,
                "entry_ts": days[entries],
                "exit_ts": days[entries + 20],
                "entry_price": market[entries],
                "exit_price": market[entries + 20],
                "quantity": 100.0 * sides,
                "pnl": pnl,
                "return": pnl / 10_000.0,
            }
        ),
        "orders": run_orders(),
        "exposure": pd.DataFrame({"gross": 0.8, "net": 0.2}, index=days),
        "cash_flows": flows,
        "prices": {name: pd.Series(market, index=days) for name in ("AAPL", "MSFT")},
        "findings": ["AAPL had no bar for 12 sessions"],
        "robustness": Robustness(
            break_even_bps=42.04,
            twice_cost={"sharpe": 0.8, "total_return": 0.25},
            one_bar_later={"sharpe": -0.1},
            best_five_share=1.125,
            capacity=None,
            reasons={"capacity": "volume is not known"},
        ),
    }
    return lambda **values: RunView(**given | values)


def run_orders() -> pd.DataFrame:
    """Orders with a reason, with and without the limit that it names."""
    return pd.DataFrame(
        {
            "status": ["filled", "refused", "refused", "filled", "filled"],
            "reason": ["", "max_position", "max_position", "buying_power", "buying_power"],
            "asked": [10.0, 10.0, 10.0, 10.0, 10.0],
            "approved": [10.0, 0.0, 0.0, 5.0, 10.0],
            "bound": [np.nan, 0.25, 0.25, np.nan, np.nan],
            "reached": [np.nan, 0.3, 0.45, np.nan, np.nan],
        }
    )


@pytest.fixture(scope="session")
def sweep_view() -> Callable[..., SweepView]:
    """A sweep of three by four combinations, two of them impossible; the test may set more."""
    fast, slow = np.repeat([2, 4, 6], 4), np.tile([3, 5, 7, 9], 3)
    feasible = fast < slow
    given: dict[str, Any] = {
        "name": "Sweep of SmaCross",
        "strategy": "SmaCross",
        "table": pd.DataFrame(
            {
                "fast": fast,
                "slow": slow,
                "sharpe": np.where(feasible, fast / 10 - slow / 100, np.nan),
                "total_return": np.where(feasible, 0.1, np.nan),
                "status": np.where(feasible, "ok", "infeasible"),
                "reason": np.where(feasible, "", "fast must be below slow"),
            }
        ),
        "params": ["fast", "slow"],
        "objective": "sharpe",
    }
    return lambda **values: SweepView(**given | values)


@pytest.fixture(scope="session")
def evidence() -> Callable[..., Evidence]:
    """Evidence that passes every test; the test may set more."""
    given: dict[str, Any] = {
        "sharpe": 1.6,
        "sharpe_per_period": 0.1,
        "periods_per_year": 256.0,
        "return_count": 2560,
        "skewness": -0.5,
        "kurtosis": 4.0,
        "probabilistic_sharpe": 0.9999,
        "deflated_sharpe": 0.97,
        "expected_max_sharpe": 0.05,
        "trial_count": 1200,
        "effective_trial_count": 37.5,
        "sampled_trial_count": 1200,
        "trial_sharpe_variance": 0.0004,
        "variance_floor": None,
        "overfitting_probability": 0.25,
        "overfitting_split_count": 12_870,
        "overfitting_block_count": 16,
        "minimum_track_record": 640.0,
        "superiority_matched": 0.03,
        "superiority_zero": 0.0004,
        "superiority_model_count": 37,
        "snapshot": "3fa9c1",
        "notes": (),
    }
    return lambda **values: Evidence(**given | values)


@pytest.fixture(scope="session")
def study_view() -> Callable[..., StudyView]:
    """A study of eight trials in two generations, one of them failed; the test may set more."""
    given: dict[str, Any] = {
        "name": "SmaCross",
        "strategy": "SmaCross",
        "table": pd.DataFrame(
            {
                "number": range(8),
                "generation": [0, 0, 0, 0, 1, 1, 1, 1],
                "fast": [2, 4, 6, 8, 2, 4, 6, 8],
                "slow": [10, 20, 30, 40, 40, 30, 20, 10],
                "average": ["sma", "ema"] * 4,
                "sharpe": [0.1, 0.5, 0.3, np.nan, 0.9, 0.2, 2.0, np.nan],
                "max_drawdown": [0.3, 0.2, 0.1, np.nan, 0.4, 0.5, 0.05, np.nan],
                "status": ["ok", "ok", "ok", "failed", "ok", "ok", "pruned", "infeasible"],
                "reason": ["", "", "", "no bars", "", "", "below the median", "fast too slow"],
            }
        ),
        "params": ["fast", "slow", "average"],
        "objectives": [("sharpe", "maximize")],
        "best": {"fast": 2, "slow": 40},
        "front": [4],
        "importance": {"fast": 0.25, "slow": 0.75},
        "sampler": "cmaes",
    }
    return lambda **values: StudyView(**given | values)


@pytest.fixture(scope="session")
def folds_view() -> Callable[..., FoldsView]:
    """A walk-forward of three folds with a month left out in each; the test may set more."""
    tests = pd.to_datetime(["2020-01-01", "2020-07-01", "2021-01-01"])
    folds = pd.DataFrame(
        {
            "fold": [1, 2, 3],
            "train_start": tests - pd.DateOffset(years=1),
            "train_end": tests - pd.DateOffset(months=1),
            "test_start": tests,
            "test_end": tests + pd.DateOffset(months=6) - pd.DateOffset(days=1),
            "fast": [10, 12, 11],
            "average": ["sma", "ema", "ema"],
            "in_sample": [1.0, 2.0, 1.5],
            "out_of_sample": [0.5, -0.5, 0.9],
            "efficiency": [0.5, -0.25, 0.6],
            "trials": [50, 50, 50],
        }
    )
    days = pd.bdate_range("2020-01-01", "2021-06-30", tz="UTC")
    level = 1_000.0 * (1.0 + np.arange(len(days)) / len(days))
    given: dict[str, Any] = {
        "name": "SmaCross",
        "kind": "walk-forward rolling",
        "objective": "sharpe",
        "params": ["fast", "average"],
        "folds": folds,
        "equity": pd.Series(level, index=days),
        "matrix": pd.DataFrame(
            np.arange(9.0).reshape(3, 3) - 4.0, index=[1, 2, 3], columns=[1, 2, 3]
        ),
        "stability": {"fast": 0.125, "average": "ema in 2 of 3"},
        "windows": [
            ([(fold.train_start, fold.train_end)], [(fold.test_start, fold.test_end)])
            for fold in folds.itertuples()
        ],
    }
    return lambda **values: FoldsView(**given | values)


@pytest.fixture(scope="session")
def views(run_view: Any, sweep_view: Any, study_view: Any, folds_view: Any) -> dict[str, Any]:
    """All kinds of views by their names."""
    return {"run": run_view, "sweep": sweep_view, "study": study_view, "folds": folds_view}


@dataclass
class Element:
    """One tag of a page, with its attributes and the text up to the next tag."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """A page's source and its elements in order."""

    source: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.elements.append(Element(f"/{tag}", {}))  # what follows is no longer inside

    def handle_data(self, data: str) -> None:
        if self.elements:
            self.elements[-1].text += data

    def all(self, name: str) -> list[Element]:
        return [element for element in self.elements if element.name == name]

    def headings(self) -> list[str]:
        return [one.text for one in self.elements if one.name in {"h1", "h2", "h3", "h4"}]

    def text(self) -> str:
        words = (one.text for one in self.elements if one.name not in {"script", "style"})
        return " ".join(" ".join(words).split())


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[..., Page]:
    """A report of what the test gives, written and read back."""

    def draw(**values: Any) -> Page:
        given: dict[str, Any] = {"title": "A report", "runs": [], "sweeps": [], "facts": {}}
        file = write_report(tmp_path / "new" / "report.html", **given | values)
        return Page(file.read_text(encoding="utf-8"))

    return draw
