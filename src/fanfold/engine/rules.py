"""The terms of a run as the numbers that compiled code reads."""

from typing import Any, Final

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO, RATE_ONE
from fanfold.domain.orders import TIMES_IN_FORCE
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import Rules
from fanfold.engine.step.trigger import BEST, PATH, WORST
from fanfold.engine.step.wish import NEVER, NEXT_BAR, ON_CHANGE
from fanfold.errors import ConfigError
from fanfold.execution.venue_rules import asset_class_of
from fanfold.risk.limits import limit_or_infinity

_INTRABAR: Final = {"worst": WORST, "ohlc": PATH, "best": BEST}
_REARM: Final = {"on_change": ON_CHANGE, "next_bar": NEXT_BAR, "never": NEVER}


def rules_of(
    terms: Terms, bars: Bars, *, written: frozenset[str] | None, facts: bool, recording: bool
) -> Any:
    """One record of `Rules`.

    Args:
        terms: Money, costs, limits and options.
        bars: The market, whose calendars decide what the venue takes.
        written: Prices that the decision writes; None is not known, as of plain Python.
        facts: Whether there are facts of the assets.
        recording: Whether the run is recorded.

    Raises:
        ConfigError: The venue would not take such orders.
    """
    check_orders(terms, bars, written or frozenset())
    prices = written is None or bool(written)
    rules = Rules.zeros(1)
    numbers = (
        _costs(terms)
        | _limits(terms)
        | _venue(terms)
        | _options(terms, bars)
        | {"prices": int(prices), "facts": int(facts), "recording": int(recording)}
        | _events(terms, bars, facts=facts)
    )
    for name, number in numbers.items():
        rules[name] = number
    return rules


def check_orders(terms: Terms, bars: Bars, written: frozenset[str]) -> None:
    """Refuse orders that the venue would never take.

    Protective exits are not asked for: the engine watches their levels and sends an
    order when one is reached.

    Raises:
        ConfigError: The time in force does not go with these assets at this venue.
    """
    time = terms.time_in_force(bars.calendars)
    for calendar in dict.fromkeys(bars.calendars):
        fractional = terms.fractional(calendar)
        for kind in _kinds(written):
            refused = terms.venue.check_order(
                kind, time, asset_class_of(calendar), fractional=fractional
            )
            if refused:
                parts = "fractional" if fractional else "whole"
                raise ConfigError(
                    f"options.time_in_force must be one that venue {terms.venue.name!r} takes for "
                    f"{parts} {kind} orders on calendar {calendar}, was {time!r} ({refused}); "
                    f"venue 'ideal' takes all"
                )


def _kinds(written: frozenset[str]) -> list[str]:
    """Types of the orders of a decision that writes such prices."""
    if {"limit", "stop"} <= written:
        return ["market", "limit", "stop_limit"]
    return ["market", *(kind for kind in ("limit", "stop") if kind in written)]


def _costs(terms: Terms) -> dict[str, float]:
    costs = terms.costs
    return {
        "slippage": costs.slippage_share,
        "half_spread": costs.half_spread,
        "volatility_slippage": costs.volatility_slippage,
        "impact": costs.impact,
        "commission_rate": costs.commission_rate,
        "commission_per_unit": costs.per_unit_rate,
        "commission_per_trade": costs.per_trade,
        "commission_min": costs.minimum,
        "regulatory": int(costs.schedule != "none"),
        "borrow_rate": costs.borrow_rate_exact,
        "margin_rate": costs.margin_rate_exact,
    }


def _limits(terms: Terms) -> dict[str, float]:
    limits = terms.limits
    z = limits.var_z
    named = (
        "max_position",
        "max_gross",
        "max_net",
        "max_sector",
        "max_order_notional",
        "max_volume_share",
        "max_daily_volume_share",
        "max_price_distance",
        "outlier",
        "max_orders",
        "max_drawdown",
        "max_daily_loss",
    )
    return {name: limit_or_infinity(getattr(limits, name)) for name in named} | {
        "max_deviation": limit_or_infinity(limits.max_var) / z,
        "var_z": z,
        "deviation_window": limits.var_window,
    }


def _venue(terms: Terms) -> dict[str, float]:
    venue = terms.venue
    low, high = venue.collar_rates
    margin = terms.options.maintenance_margin
    return {
        "leverage": round(terms.leverage * RATE_ONE),
        "maintenance": venue.maintenance_margin if margin is None else margin,
        "short_equity_min": round(venue.short_equity_min * MICRO),
        "collar_low": low if venue.stop_is_collared else 0,
        "collar_high": high if venue.stop_is_collared else 0,
    }


def _options(terms: Terms, bars: Bars) -> dict[str, float]:
    options = terms.options
    kind, value = terms.sizing.rule
    return {
        "sizing_kind": kind,
        "sizing_value": value,
        "size_at_fill": int(options.size_at == "fill"),
        "rebalance_band": limit_or_infinity(options.rebalance_band),
        "min_trade_weight": options.min_trade_weight,
        "participation": options.participation or 0.0,
        "time_in_force": TIMES_IN_FORCE.index(terms.time_in_force(bars.calendars)),
        "through": int(options.limit_fill == "through"),
        "intrabar": _INTRABAR[options.intrabar],
        "exit_arming": int(options.exit_arming == "next_bar"),
        "exit_reference": int(options.exit_reference == "signal_close"),
        "rearm": _REARM[options.rearm],
        "delay": options.delay_bars,
        "close_at_end": int(options.close_at_end),
    }


def _events(terms: Terms, bars: Bars, *, facts: bool) -> dict[str, int]:
    """Whether nights have to be looked at, and whether every bar has."""
    watches_days = terms.limits.max_daily_loss is not None
    drifts = terms.options.rebalance_band is not None
    lends = terms.costs.borrow_rate > 0.0 or terms.costs.margin_rate > 0.0
    nights = facts or lends or watches_days or bars.delisted_day is not None
    return {"nights": int(nights), "every_bar": int(watches_days or drifts)}
