"""Small findings about risk, whose figures can be recognised on a page."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fanfold.measures.coverage import christoffersen_test, kupiec_test, traffic_light
from fanfold.measures.rolling_risk import VarBacktest
from fanfold.reporting import ForecastView, HorizonView, RiskView
from fanfold.research.round_trips import Drawn, TripTest
from fanfold.research.simulated_runs import SimulatedRuns
from fanfold.research.sizing_risk import SizedRisk, SizingRisk
from fanfold.research.stress import Position, StressRow, StressTable
from fanfold.simulation.distribution import CONFIDENCES, Distribution, Estimate, share
from fanfold.simulation.path_risk import PathRisk

LEVELS = (0.9, 0.95, 0.99)
Make = Callable[..., Any]


def estimate(value: float, half: float = 0.005) -> Estimate:
    """A number whose interval at every confidence is as wide to both sides."""
    spans = dict.fromkeys(CONFIDENCES, (value - half, value + half))
    return Estimate(value=value, standard_error=half / 2, intervals=spans)


def spread_over(low: float, high: float) -> Distribution:
    """A thousand paths, evenly from one value to another."""
    return Distribution(
        points=np.linspace(low, high, 1_000), counts=np.ones(1_000, np.int64), levels=LEVELS
    )


@pytest.fixture(scope="session")
def path_risk() -> Make:
    """What a model says; `loss` is its value at risk at 95 %; the test may set more."""

    def make(loss: float = 0.18, **values: Any) -> PathRisk:
        given: dict[str, Any] = {
            "bar_count": 252,
            "path_count": 1_000,
            "seed": 7,
            "levels": LEVELS,
            "terminal_value": spread_over(0.5, 1.7),
            "log_growth": spread_over(-0.7, 0.5),
            "value_at_risk": {
                0.9: estimate(loss - 0.05),
                0.95: estimate(loss),
                0.99: estimate(0.4),
            },
            "expected_shortfall": {level: estimate(loss + 0.06) for level in LEVELS},
            "max_drawdown": spread_over(0.1, 0.5),
            "drawdown_bars": spread_over(100.0, 252.0),
            "bars_under_water": spread_over(0.0, 252.0),
            "ruin": 0.5,
            "probability_of_ruin": share(20, 1_000),
            "goal": 2.0,
            "probability_of_goal": share(0, 1_000),
        }
        return PathRisk(**given | values)

    return make


@pytest.fixture(scope="session")
def horizon(path_risk: Make) -> Make:
    """A model with its fan; the test may set more."""

    def make(title: str = "GBM", loss: float = 0.18, **values: Any) -> HorizonView:
        bars = np.array([0.0, 126.0, 252.0])
        levels = (0.05, 0.25, 0.5, 0.75, 0.95)
        given: dict[str, Any] = {
            "name": title.lower(),
            "title": title,
            "risk": path_risk(loss),
            "fan_bars": (0, 126, 252),
            "fan": {level: 1.0 + (level - 0.4) * bars / 252 for level in levels},
            "samples": np.ones((2, 3)),
            "fan_paths": 4_000,
            "parameters": ("drift 0.0003", "deviation 0.012"),
        }
        return HorizonView(**given | values)

    return make


@pytest.fixture(scope="session")
def forecast() -> Make:
    """Forecasts of 2 % for 400 of 500 sessions, passed at the bars given."""

    def make(
        method: str = "historical", level: float = 0.95, beyond: tuple[int, ...] = ()
    ) -> ForecastView:
        exceptions = np.zeros(400, bool)
        exceptions[list(beyond)] = True
        return ForecastView(
            method=method,
            level=level,
            backtest=VarBacktest(
                first_bar=100,
                forecasts=np.full(400, 0.02),
                exceptions=exceptions,
                kupiec=kupiec_test(exceptions, level),
                christoffersen=christoffersen_test(exceptions, level),
                traffic_light=traffic_light(exceptions, level),
                mean_loss_beyond=0.0345,
            ),
        )

    return make


@pytest.fixture(scope="session")
def simulated() -> Make:
    """A real Sharpe ratio of 1 among those of 200 histories; the test may set more."""
    sharpes = np.linspace(-1.0, 1.99, 200)
    given: dict[str, Any] = {
        "strategy": "SmaCross",
        "selection": "selection ignored",
        "seed": 7,
        "trials": ({"fast": 10},),
        "real": {"sharpe": 1.0, "total_return": 0.5, "max_drawdown": 0.25},
        "real_trial": 0,
        "drawn": {
            "sharpe": sharpes,
            "total_return": sharpes / 2,
            "max_drawdown": np.linspace(0.1, 0.6, 200),
        },
        "chosen": np.zeros(200, np.int64),
        "statuses": np.full(200, "ok", object),
        "reasons": ("",) * 200,
        "hash": "ab",
    }
    return lambda **values: SimulatedRuns(**given | values)


def drawn_figure(real: float, low: float, middle: float, high: float) -> Drawn:
    """A figure beside the quantiles of its draws."""
    levels = {0.01: low, 0.05: low, 0.25: low, 0.5: middle, 0.75: high, 0.95: high, 0.99: high}
    return Drawn(real=real, mean=middle, quantiles=levels, percentile=0.875, p_value=0.125)


@pytest.fixture(scope="session")
def trips() -> Make:
    """A test of forty round trips; the test may set more."""
    given: dict[str, Any] = {
        "test": "shuffle",
        "trip_count": 40,
        "draw_count": 10_000,
        "seed": 7,
        "total_return": 0.6,
        "distributions": {
            "max_drawdown": drawn_figure(0.45, 0.2, 0.3, 0.41),
            "losing_streak": drawn_figure(11.0, 4.0, 6.0, 9.0),
        },
    }
    return lambda **values: TripTest(**given | values)


@pytest.fixture(scope="session")
def stressed() -> Make:
    """A strategy in one window and under one shock; the test may set more."""
    base = {"total_return": 0.8, "max_drawdown": 0.3, "sharpe": 0.9, "fees": 12.0}
    base |= {"fill_count": 40.0, "refusal_count": 0.0}
    window = StressRow(
        scenario="Lehman 2008",
        kind="window",
        note="the bars hold a part of it",
        figures={"total_return": -0.125, "max_drawdown": 0.15, "covered": 0.5},
        beside={"total_return": -0.375, "max_drawdown": 0.4},
    )
    gap = StressRow(
        scenario="gap of -20 %",
        kind="gap",
        note="on 2008-10-01, when it hurts most",
        figures=base | {"total_return": 0.25, "refusal_count": 3.0},
        beside=base,
    )
    given: dict[str, Any] = {"subject": "strategy", "rows": (window, gap), "base": base}
    return lambda **values: StressTable(**given | values)


@pytest.fixture(scope="session")
def held() -> StressTable:
    """Two positions in a window, under a wider volatility and a wider spread."""
    window = StressRow(
        scenario="Covid 2020",
        kind="window",
        figures={"pnl_currency": -34_000.0, "pnl_share": -0.34, "max_drawdown": 0.36, "covered": 1},
        contributions={"AAPL": -30_000.0, "MSFT": -4_000.0},
    )
    risk = {"value_at_risk_currency": 4_000.0, "expected_shortfall_currency": 5_000.0}
    volatility = StressRow(
        scenario="volatility × 2",
        kind="volatility_times",
        figures=risk | {"loss_of_three_deviations_currency": 6_000.0},
        beside={name: value / 2 for name, value in risk.items()},
        contributions={"AAPL": 3_000.0, "MSFT": 1_000.0},
    )
    spread = StressRow(
        scenario="spread × 5",
        kind="spread_times",
        figures={"pnl_currency": -50.0, "pnl_share": -0.0005, "cost_currency": 50.0},
        contributions={"AAPL": 40.0, "MSFT": 10.0},
    )
    names = ("symbol", "units", "price", "exposure_currency", "liquidation_sessions")
    positions = tuple(
        Position(**dict(zip(names, line, strict=True)))
        for line in (
            ("AAPL", 400.0, 150.0, 60_000.0, 2.5),
            ("MSFT", -100.0, 250.0, -25_000.0, 0.01),
        )
    )
    return StressTable(
        subject="positions",
        rows=(window, volatility, spread),
        base={
            "equity_currency": 100_000.0,
            "gross_exposure_currency": 85_000.0,
            "net_exposure_currency": 35_000.0,
        },
        positions=positions,
    )


@pytest.fixture(scope="session")
def sizing(path_risk: Make) -> Make:
    """Half, full and double Kelly, of which the full one grows most; the test may set more."""

    def sized(rule: Any, size: float, growth: float, ruin: int) -> SizedRisk:
        return SizedRisk(
            rule=rule,
            size=size,
            weights=(2.0 * size,),
            growth_mean=estimate(growth, 1e-5),
            growth_median=growth,
            ruin_continuous=0.125 if rule == "kelly" else None,
            risk=path_risk(probability_of_ruin=share(ruin, 1_000)),
        )

    given: dict[str, Any] = {
        "bar_count": 252,
        "path_count": 1_000,
        "seed": 7,
        "kelly": (2.0,),
        "kelly_bars": 200_000,
        "rows": (
            sized("kelly", 0.5, 0.0003, 5),
            sized("kelly", 1.0, 0.0004, 125),
            sized("kelly", 2.0, -0.0001, 600),
            sized("fixed", 0.25, 0.0001, 0),
            sized("volatility", 0.01, 0.0002, 1),
        ),
    }
    return lambda **values: SizingRisk(**given | values)


@pytest.fixture(scope="session")
def makes(simulated: Make, trips: Make, stressed: Make, sizing: Make) -> dict[str, Make]:
    """What makes each of the parts that are not paths or forecasts, by its name."""
    return {"simulated": simulated, "trips": trips, "stressed": stressed, "sizing": sizing}


@pytest.fixture(scope="session")
def risk_view(horizon: Make, forecast: Make, held: StressTable, makes: dict[str, Make]) -> Make:
    """All that can be found of risk; the test may set more, or set it to nothing."""
    days = pd.bdate_range("2019-03-04", periods=500, tz="UTC") + pd.Timedelta(hours=21)
    returns = np.full(500, 0.001)
    returns[[110, 200]] = -0.03
    given: dict[str, Any] = {
        "title": "SmaCross",
        "horizons": [horizon("GBM", 0.15), horizon("Student t", 0.18), horizon("Heston", 0.24)],
        "refused": {"garch": "too few returns"},
        "fitted_to": "the returns of its sessions",
        "forecasts": [forecast(level=0.95, beyond=(10, 100)), forecast("ewma", 0.99, (10,))],
        "dates": days,
        "returns": returns,
        "stress": [makes["stressed"](), held],
        "simulated": makes["simulated"](),
        "simulated_prices": "whole bars in blocks",
        "trips": [makes["trips"]()],
        "sizing": makes["sizing"](),
        "sizing_model": "GBM",
    }
    return lambda **values: RiskView(**given | values)


@pytest.fixture
def only(drawn: Make) -> Make:
    """A page of one finding and nothing else."""
    return lambda **values: drawn(risks=[RiskView(title="SmaCross", **values)])
