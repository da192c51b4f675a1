"""What a run cannot mean is refused in one line that names the field and the value."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.unit.engine.rules.conftest import NAN, flat, market, scripted, terms_for
from tests.unit.engine.rules.conftest import Scripted as Script

import fanfold as ff
from fanfold.domain.panel import VOLUME
from fanfold.engine.backtest import run_backtest
from fanfold.errors import ConfigError, DataError
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import FixedNotional, Kelly, RiskFraction, VolatilityTarget

CALM = flat(10.0)
BARS = market([CALM] * 5)
LONG = {"target": 1.0}
INFINITY = float("inf")


def refused(pattern: str, kind: type[Exception] = ConfigError) -> Any:
    """An error of this type whose text is one line."""
    return pytest.raises(kind, match=f"^[^\n]*{pattern}[^\n]*$")


def attempt(bars: ff.Bars, *, options: dict[str, Any] | None = None, **terms: Any) -> None:
    run_backtest(Script(), scripted(bars, {0: LONG}), terms_for(options or {}, **terms))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time_in_force", "gtd"),
        ("limit_fill", "cross"),
        ("intrabar", "random"),
        ("exit_arming", "never"),
        ("exit_reference", "close"),
        ("rearm", "always"),
        ("participation", 0.0),
        ("participation", 1.1),
        ("participation", NAN),
        ("delay_bars", 0),
        ("delay_bars", 251),
        ("delay_bars", 1.5),
        ("maintenance_margin", -0.1),
        ("maintenance_margin", 1.0),
        ("stale_sessions", 0),
        ("rebalance_band", -0.1),
        ("min_trade_notional", -1.0),
        ("size_at", "open"),
    ],
)
def test_an_option_out_of_bounds_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name) as raised:
        ff.FillOptions(**{name: value})
    assert str(value) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("commission_per_unit", -0.01),
        ("commission_per_trade", -1.0),
        ("commission_min", NAN),
        ("half_spread", -0.01),
        ("volatility_slippage", 101.0),
        ("impact", -1.0),
        ("borrow_rate", 10.5),
        ("margin_rate", INFINITY),
        ("schedule", "alpacca"),
        ("comission_min", 1.0),
    ],
)
def test_a_cost_out_of_bounds_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name) as raised:
        ff.Costs(**{name: value})
    assert str(value) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_net", 0.0),
        ("max_order_notional", -5.0),
        ("max_volume_share", 0.0),
        ("max_orders", 0),
        ("max_orders", 1.5),
        ("max_daily_loss", 1.0),
        ("max_var", 0.0),
        ("var_level", 0.5),
        ("var_level", 1.0),
        ("var_window", 1),
    ],
)
def test_a_limit_out_of_bounds_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name) as raised:
        Limits(**{name: value})
    assert str(value) in str(raised.value)


def test_a_sector_limit_needs_the_sector_of_every_symbol() -> None:
    with pytest.raises(ValidationError, match="max_sector needs sectors"):
        Limits(max_sector=0.3)
    with pytest.raises(ValidationError, match="sectors need max_sector, which is off; 1 given"):
        Limits(sectors={"A": "oil"})
    limits = Limits(max_sector=0.3, sectors={"A": "oil"})
    with refused("limits.sectors must name the sector of every symbol, missing: B, C"):
        attempt(market([CALM] * 3, [CALM] * 3, [CALM] * 3), limits=limits)


@pytest.mark.parametrize(
    ("kind", "fields", "name"),
    [
        (FixedNotional, {"notional": 0.0}, "notional"),
        (RiskFraction, {"risk": 0.0}, "risk"),
        (RiskFraction, {"risk": 1.1}, "risk"),
        (Kelly, {"fraction": 1.1}, "fraction"),
        (Kelly, {"window": 1}, "window"),
        (Kelly, {"cap": NAN}, "cap"),
        (VolatilityTarget, {"volatility": 0.0}, "volatility"),
        (VolatilityTarget, {"window": 1}, "window"),
    ],
)
def test_a_sizing_out_of_bounds_is_named(kind: Any, fields: dict[str, Any], name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        kind(**fields)


@pytest.mark.parametrize("time", ["gtc", "ioc", "cls"])
def test_a_time_in_force_must_be_one_that_the_venue_takes(time: str) -> None:
    options = {"time_in_force": time, "fractional": True}
    with refused(
        rf"options.time_in_force must be one that venue 'alpaca' takes for fractional market "
        rf"orders on calendar XNYS, was '{time}' \(time_in_force\); venue 'ideal' takes all"
    ):
        attempt(BARS, options=options, venue="alpaca")
    attempt(BARS, options=options, venue="ideal")


def test_coins_take_no_orders_for_the_day() -> None:
    coins = market([CALM] * 5, calendar="24/7")
    with refused("options.time_in_force .* venue 'alpaca' .* calendar 24/7, was 'day'"):
        attempt(coins, options={"time_in_force": "day"}, venue="alpaca")


ADJUSTED = replace(BARS, basis="total_return")


@pytest.mark.parametrize(
    ("terms", "what"),
    [
        ({"costs": ff.Costs(commission_per_unit=0.01)}, "costs a share"),
        ({"costs": ff.Costs(half_spread=0.01)}, "costs a share"),
        ({"costs": ff.Costs(impact=1.0)}, "impact"),
        ({"costs": ff.Costs(schedule="alpaca")}, "a schedule of fees"),
        ({"options": {"participation": 0.1}}, "participation"),
        ({"limits": Limits(max_volume_share=0.1)}, "need prices as they were traded"),
        ({"limits": Limits(max_daily_volume_share=0.1)}, "need prices as they were traded"),
        ({"venue": "alpaca"}, "order prices on the ticks of venue 'alpaca'"),
    ],
)
def test_adjusted_bars_without_raw_prices_are_refused_where_real_ones_are_needed(
    terms: dict[str, Any], what: str
) -> None:
    with refused(f"{what}.*these bars are total_return without raw ones"):
        attempt(ADJUSTED, **terms)
    # With the raw prices beside them, and where nothing needs them, they are taken.
    attempt(replace(ADJUSTED, raw=ADJUSTED.panel), **terms)
    attempt(ADJUSTED)


@pytest.mark.parametrize(
    "terms",
    [
        {"options": {"participation": 0.1}},
        {"costs": ff.Costs(impact=1.0)},
        {"limits": Limits(max_volume_share=0.1)},
        {"limits": Limits(max_daily_volume_share=0.1)},
    ],
)
def test_what_goes_by_volume_needs_the_volume_of_every_bar(terms: dict[str, Any]) -> None:
    panel = BARS.panel.copy()
    panel[VOLUME, 2] = np.nan
    with refused("need the volume of every bar, some of these are unknown"):
        attempt(replace(BARS, panel=panel), **terms)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"splits": {(2, 0): -2.0}}, "splits must be positive and finite, .* A .* had -2.0"),
        ({"dividends": {(2, 0): -0.5}}, "dividends must be finite and not negative, A .* -0.5"),
        ({"delisted": {(3, 0): -0.5}}, "A must have no bar from the day on which it is no longer"),
    ],
)
def test_events_that_cannot_be_are_refused_by_symbol_and_value(
    more: dict[str, Any], text: str
) -> None:
    with refused(text, DataError):
        market([CALM] * 5, **more)


def test_a_delisting_return_below_total_loss_is_refused() -> None:
    rows = [CALM, CALM, (NAN,) * 5, (NAN,) * 5]
    with refused("delisting_return of A must be finite and >= -1, was -1.5", DataError):
        market(rows, [CALM] * 4, delisted={(2, 0): -1.5})


@pytest.mark.parametrize("name", ["limit", "stop", "stop_loss", "take_profit", "trailing_stop"])
@pytest.mark.parametrize("value", [INFINITY, -INFINITY])
def test_a_written_price_that_is_infinite_is_none(name: str, value: float) -> None:
    # Columns of bars are finite, so the decision itself writes it.
    def decide(assets: Any, portfolio: Any, memory: Any) -> None:
        assets[0].target = 1.0
        setattr(assets[0], name, value)

    class Infinite(Script):
        pass

    Infinite.decide = staticmethod(decide)
    result = run_backtest(Infinite(), scripted(BARS, {}), terms_for({}))
    assert result.fills["price"].tolist() == [10.0]
