"""What cannot be run is refused in one clear line, by the type that says whose fault it is."""

# ruff: noqa: ARG002 - all decisions have one signature

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field, ValidationError
from tests.fakes.decisions import FailOnOrder, MindTheAccount, Wander
from tests.fakes.panels import flat_bars, wild_bars

import fanfold as ff
from fanfold.domain.decision import decision
from fanfold.errors import ConfigError, DataError, InputError, LanguageError, StrategyError
from fanfold.strategies import SmaCross, Strategy
from fanfold.strategies.indicators import SMA, Bollinger

BARS = flat_bars(np.linspace(10.0, 20.0, 40))
NAN, INFINITY = float("nan"), float("inf")
CROSS = SmaCross(fast=2, slow=5)


def refused(kind: type[Exception], pattern: str) -> Any:
    """An error of this type whose text is one line."""
    return pytest.raises(kind, match=f"^[^\n]*{pattern}[^\n]*$")


@pytest.mark.parametrize("cash", [0, -1, -0.0, NAN, INFINITY, 1e13])
def test_cash_must_be_a_positive_amount(cash: float) -> None:
    with refused(ConfigError, f"cash must be above 0 .* was {cash}"):
        ff.backtest(CROSS, BARS, cash=cash)
    with refused(ConfigError, "cash must be above 0"):
        ff.sweep(SmaCross, {"fast": [2], "slow": [5]}, BARS, cash=cash, workers=0)


@pytest.mark.parametrize("bps", [-1.0, 5_001.0, NAN, INFINITY])
@pytest.mark.parametrize("name", ["commission_bps", "slippage_bps"])
def test_absurd_costs_are_refused_where_they_are_stated(name: str, bps: float) -> None:
    with pytest.raises(ValidationError, match=name):
        ff.Costs(**{name: bps})


@pytest.mark.parametrize(
    "limits", [{"max_drawdown": 1.5}, {"max_gross": 0.0}, {"max_position": -1}, {"max_gros": 1.0}]
)
def test_absurd_limits_are_refused_where_they_are_stated(limits: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(limits))):
        ff.Limits(**limits)


@pytest.mark.parametrize("leverage", [0.0, 0.5, 101.0, -1.0, NAN, INFINITY])
def test_leverage_must_be_one_that_an_account_can_have(leverage: float) -> None:
    with refused(ConfigError, f"leverage must be 1 to 100, was {leverage}"):
        ff.backtest(CROSS, BARS, leverage=leverage)


@pytest.mark.parametrize("risk_free", [NAN, 1.0, -1.0, 5.0])
def test_a_risk_free_return_must_be_a_yearly_return(risk_free: float) -> None:
    with refused(ConfigError, "risk_free must be a yearly return"):
        ff.backtest(CROSS, BARS, risk_free=risk_free)


def test_a_venue_must_be_known() -> None:
    with refused(ConfigError, "venue must be one of alpaca, ideal, was 'alpacca'"):
        ff.backtest(CROSS, BARS, venue="alpacca")


@pytest.mark.parametrize("start_bar", [-1, 39, 1_000])
def test_a_first_bar_must_leave_bars_to_measure(start_bar: int) -> None:
    with refused(ConfigError, "start_bar|needs .* bars or more, there were 40"):
        ff.backtest(CROSS, BARS, start_bar=start_bar)


def test_a_warm_up_longer_than_the_bars_is_refused() -> None:
    with refused(ConfigError, "SmaCross needs 51 bars or more, there were 40"):
        ff.backtest(SmaCross(fast=10, slow=50), BARS)
    with refused(ConfigError, "largest warm-up of the plan needs 51 bars or more, there were 40"):
        ff.sweep(SmaCross, {"fast": [2], "slow": [5, 50]}, BARS, workers=0)


def test_one_bar_is_no_backtest() -> None:
    frame = {"ts": ["2020-01-02"], "open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0]}
    import pandas as pd

    table = pd.DataFrame(frame | {"volume": [1.0]}).assign(ts=lambda own: pd.to_datetime(own["ts"]))
    with refused(DataError, "at least 2 bars, was 1"):
        ff.Bars.from_frame(table, stamp="session")
    with refused(ConfigError, "needs .* bars or more, there were 1"):
        ff.backtest(FailOnOrder(), flat_bars([10.0]))


def test_fast_must_be_below_slow() -> None:
    with pytest.raises(ValidationError, match="fast must be below slow, was fast=9 slow=9"):
        SmaCross(fast=9, slow=9)
    table = ff.sweep(SmaCross, {"fast": [9], "slow": [9, 10]}, BARS, workers=0)
    assert table["status"].tolist() == ["infeasible", "ok"]
    assert table["reason"].tolist() == ["fast must be below slow, was fast=9 slow=9", ""]


def test_a_parameter_must_be_known_and_the_nearest_is_named() -> None:
    with refused(ConfigError, "SmaCross has the parameters fast, slow, not 'fasst', .* 'fast'"):
        ff.sweep(SmaCross, {"fasst": [2], "slow": [5]}, BARS, workers=0)
    with refused(ConfigError, "SmaCross has the parameters fast, slow, not 'window'"):
        ff.sweep(SmaCross, {"fast": [2]}, BARS, fixed={"window": 3}, workers=0)
    with pytest.raises(ValidationError, match="window"):
        SmaCross(window=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("space", [{}, {"fast": [], "slow": [5]}])
def test_a_search_space_must_have_values(space: dict[str, Any]) -> None:
    with refused(ConfigError, "at least one parameter|fast must have 1 to"):
        ff.sweep(SmaCross, space, BARS, workers=0)


def test_a_plan_of_absurd_size_is_refused() -> None:
    space = {"seed": range(100_000), "pace": [k / 10_000 for k in range(1, 10_000)]}
    with refused(ConfigError, "100,000,000 combinations or fewer, had 999,900,000"):
        ff.sweep(Wander, space, BARS, workers=0)


def test_a_decision_that_raises_is_an_error_with_what_it_said() -> None:
    with refused(StrategyError, "FailOnOrder: the decision raised ValueError: told to fail"):
        ff.backtest(FailOnOrder(fault=1), BARS)


@pytest.mark.parametrize(("fault", "value"), [(2, "nan"), (3, "inf"), (4, "-inf")])
def test_a_target_that_is_no_number_is_an_error_of_the_run(fault: int, value: str) -> None:
    with refused(StrategyError, f"FailOnOrder: target must be a finite number, was {value} for A0"):
        ff.backtest(FailOnOrder(fault=fault), BARS)


def test_a_fault_after_the_account_is_gone_does_not_count() -> None:
    @decision
    def short_then_fail(assets: Any, portfolio: Any, memory: Any) -> None:
        memory[0] += 1.0
        if memory[0] > 5.0:
            raise ValueError("never asked in earnest")
        assets[0].target = -1.0

    class Ruined(Strategy):
        decide: ClassVar[Any] = short_then_fail

        def memory_size(self, asset_count: int) -> int:
            return 1

    result = ff.backtest(Ruined(), flat_bars([10.0, 10.0, 30.0, 10.0, 10.0, 10.0, 10.0, 10.0]))
    assert result.status == "ruined"


def fails_plainly(assets: Any, portfolio: Any, memory: Any) -> None:
    raise KeyError("AAPL")


def writes_nan_plainly(assets: Any, portfolio: Any, memory: Any) -> None:
    assets[0].target = NAN


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (fails_plainly, "the decision raised KeyError: 'AAPL'"),
        (writes_nan_plainly, "target must be a finite number, was nan for A0"),
    ],
)
def test_a_plain_decision_fails_as_a_compiled_one_does(function: Any, text: str) -> None:
    class Failing(Strategy):
        decide: ClassVar[Any] = staticmethod(function)

    with refused(StrategyError, f"Failing: {text}"):
        ff.backtest(Failing(), BARS)


def test_a_decision_outside_the_subset_is_refused_by_line() -> None:
    @decision
    def squares(assets: Any, portfolio: Any, memory: Any) -> None:
        assets[0].target = assets[0].close ** 2

    class Squares(Strategy):
        decide: ClassVar[Any] = squares

    with refused(LanguageError, r"squares may not use \*\*.*test_bad_input.py, line \d+"):
        ff.backtest(Squares(), BARS)


class Base(Strategy):
    """Decides nothing."""

    decide: ClassVar[Any] = MindTheAccount.decide


def test_a_strategy_must_have_a_decision() -> None:
    class Undecided(Strategy):
        pass

    class Mistaken(Strategy):
        decide: ClassVar[Any] = 3

    for strategy in (Undecided(), Mistaken()):
        with refused(ConfigError, "decide must be a function, was"):
            ff.backtest(strategy, BARS)


@pytest.mark.parametrize("features", [("close",), (SMA,), (SMA(3), 7)])
def test_features_must_be_indicators(features: Any) -> None:
    class Wrong(Base):
        def features(self) -> Any:
            return features

    with refused(ConfigError, "Wrong.features must return indicators, was"):
        ff.backtest(Wrong(), BARS)


def test_more_features_than_there_are_places_are_refused() -> None:
    class Many(Base):
        def features(self) -> Any:
            return tuple(Bollinger(k, 2.0) for k in range(3, 9))

    with refused(ConfigError, "Many may have 16 feature values, had 18"):
        ff.backtest(Many(), BARS)


def test_more_parameters_than_there_are_places_are_refused() -> None:
    many = {f"p{k}": (int, Field(default=k)) for k in range(17)}
    from pydantic import create_model

    wide = create_model("Wide", __base__=Base, **many)  # type: ignore[call-overload]
    with refused(ConfigError, "Wide may have 16 parameters, had 17"):
        ff.backtest(wide(), BARS)


def test_a_parameter_that_is_neither_a_number_nor_a_symbol_is_refused() -> None:
    class Named(Base):
        name: str = "x"

    with refused(ConfigError, "Named.name must be a symbol of the bars, was 'x'"):
        ff.backtest(Named(), BARS)


@pytest.mark.parametrize("size", [-1, 2_000_000, NAN, "3", 1.5, None])
def test_memory_must_be_a_sensible_count(size: Any) -> None:
    class Forgetful(Base):
        def memory_size(self, asset_count: int) -> Any:
            return size

    with refused(ConfigError, "Forgetful.memory_size must be 0 to 1000000, was"):
        ff.backtest(Forgetful(), BARS)


@pytest.mark.parametrize(
    "options",
    [
        {"rebalance_band": 0.0},
        {"min_trade_weight": 1.0},
        {"min_trade_notional": -1.0},
        {"size_at": "open"},
        {"time_in_force": "gtd"},
        {"limit_fill": "near"},
        {"intrabar": "random"},
        {"exit_arming": "never"},
        {"exit_reference": "open"},
        {"rearm": "at_once"},
        {"participation": 0.0},
        {"participation": 1.5},
        {"participation": NAN},
        {"delay_bars": 0},
        {"delay_bars": 251},
        {"maintenance_margin": 1.0},
        {"maintenance_margin": -0.1},
        {"stale_sessions": 0},
        {"x": 1},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        ff.FillOptions(**options)


@pytest.mark.parametrize("time_in_force", ["ioc", "fok", "opg", "cls", "gtc"])
def test_a_time_in_force_that_the_venue_would_not_take_is_refused(time_in_force: Any) -> None:
    options = ff.FillOptions(time_in_force=time_in_force, fractional=True)
    with refused(ConfigError, f"options.time_in_force must be one .* was '{time_in_force}'"):
        ff.backtest(CROSS, BARS, options=options)
    assert ff.backtest(CROSS, BARS, options=options, venue="ideal").status == "ok"


def test_caps_by_volume_need_the_volume_of_every_bar() -> None:
    panel = BARS.panel.copy()
    panel[4, 5] = NAN
    bars = replace(BARS, panel=panel)
    with refused(ConfigError, "need the volume of every bar"):
        ff.backtest(CROSS, bars, options=ff.FillOptions(participation=0.1))
    with refused(ConfigError, "need the volume of every bar"):
        ff.backtest(CROSS, bars, costs=ff.Costs(impact=1.0))


@pytest.mark.parametrize("costs", [{"commission_per_unit": 0.01}, {"schedule": "alpaca"}])
def test_costs_by_the_share_need_prices_as_they_were_traded(costs: dict[str, Any]) -> None:
    bars = replace(BARS, basis="total_return")
    with refused(ConfigError, "need prices as they were traded; these bars are total_return"):
        ff.backtest(CROSS, bars, costs=ff.Costs(**costs))


@pytest.mark.parametrize("units", [0.0, -1.0, NAN, INFINITY])
def test_a_fixed_quantity_must_be_positive(units: float) -> None:
    with pytest.raises(ValidationError, match="units"):
        ff.FixedUnits(units)


def test_bars_must_be_bars() -> None:
    with refused(InputError, "bars must be"):
        ff.backtest(CROSS, {"close": [1.0, 2.0]})  # type: ignore[arg-type]


def test_a_strategy_must_be_one_not_its_class() -> None:
    with refused(InputError, "strategy must be"):
        ff.backtest(SmaCross, BARS)  # type: ignore[arg-type]


def test_a_source_that_is_not_there_is_named(tmp_path: Any) -> None:
    with refused(DataError, "nowhere is not there"):
        ff.load_bars(tmp_path / "nowhere")


def test_an_asset_that_never_trades_is_no_fault() -> None:
    bars = wild_bars(1, 20, 2)
    panel = bars.panel.copy()
    panel[:, :, 1] = NAN
    result = ff.backtest(FailOnOrder(), replace(bars, panel=panel))
    assert set(result.fills["symbol"]) <= {"A0"}
    assert result.status == "ok"
