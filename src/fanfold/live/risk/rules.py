"""What a deployment may do, as numbers: its job's limits and its own settings, resolved once."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from fanfold.domain.money import MICRO, RATE_ONE
from fanfold.engine.spec import Terms
from fanfold.execution.venue_rules import KINDS
from fanfold.live.plan import AssetPlan, Plan
from fanfold.live.signal.making import terms_from, universe_from
from fanfold.risk.limits import limit_or_infinity, sector_numbers

SECOND_NS: Final = 1_000_000_000
"""One second [ns]."""


class AssetRules(Struct, frozen=True, kw_only=True):
    """What is demanded of the orders of one asset.

    Attributes:
        symbol: Its name.
        parts: Lots in one unit.
        sector: Number of its sector.
        shortable: Whether it can be sold short.
        coarse, fine: Ticks from one unit of currency on, and below [micro-units].
        least: Smallest order [micro-units].
        taken: Why the venue refuses an order, or "", by type and whether it is fractional;
            `takes_market` is whether it takes every market order.
    """

    symbol: str
    parts: int
    sector: int
    shortable: bool
    coarse: int
    fine: int
    least: int
    taken: Mapping[tuple[str, bool], str]
    takes_market: bool


class RiskRules(Struct, frozen=True, kw_only=True):
    """All limits of a deployment; infinite where one is off. Times are in ns.

    `max_*`, `bar_*`, leverage and commissions are those of backtests
    (`fanfold.engine.step.state`); the rest is of `RiskSettings`. Of the two shares of daily
    volume the smaller holds.
    """

    assets: tuple[AssetRules, ...]
    sector_count: int
    max_position: float
    max_gross: float
    max_net: float
    max_sector: float
    max_order_notional: float
    max_volume_share: float
    max_orders: float
    max_drawdown: float
    max_daily_loss: float
    leverage: int
    commission_rate: int
    commission_per_unit: int
    commission_per_trade: int
    commission_min: int
    has_fees: bool
    short_equity_min: int
    short_reserve: int
    collar_low: int
    collar_high: int
    at_once: bool
    by_quotes: bool
    max_price_distance: float
    bar_outlier: float
    bar_confirm: int
    bar_confirm_of: int
    price_collar: float
    spread_max: float
    quote_age: int
    daily_volume_share: float
    orders_per_second: int
    duplicate: int
    open_orders_max: int
    confirm: int
    confirm_of: int
    outlier: float
    silence: int
    bar: int
    owns_account: bool


def rules_from(plan: Plan) -> RiskRules:
    """The rules of a plan.

    Raises:
        ConfigError: Its job is none, or a symbol has no sector that needs one.
    """
    terms = terms_from(plan)
    universe = universe_from(plan, terms)
    limits, costs, venue = terms.limits, terms.costs, terms.venue
    names, sectors = sector_numbers(limits, plan.symbols)
    risk, market = plan.settings.risk, plan.settings.market
    low, high = venue.collar_rates
    assets = tuple(
        _asset_rules(asset, int(sectors[number]), universe.least_notional[number], terms)
        for number, asset in enumerate(plan.assets)
    )
    return RiskRules(
        assets=assets,
        sector_count=len(names),
        max_position=limit_or_infinity(limits.max_position),
        max_gross=limit_or_infinity(limits.max_gross),
        max_net=limit_or_infinity(limits.max_net),
        max_sector=limit_or_infinity(limits.max_sector),
        max_order_notional=limit_or_infinity(limits.max_order_notional),
        max_volume_share=limit_or_infinity(limits.max_volume_share),
        max_orders=limit_or_infinity(limits.max_orders),
        max_drawdown=limit_or_infinity(limits.max_drawdown),
        max_daily_loss=limit_or_infinity(limits.max_daily_loss),
        leverage=round(terms.leverage * RATE_ONE),
        commission_rate=costs.commission_rate,
        commission_per_unit=costs.per_unit_rate,
        commission_per_trade=costs.per_trade,
        commission_min=costs.minimum,
        has_fees=costs.has_fees,
        short_equity_min=round(venue.short_equity_min * MICRO),
        short_reserve=round(venue.short_reserve * RATE_ONE),
        collar_low=low,
        collar_high=high,
        at_once=terms.options.time_in_force in {"ioc", "fok"},
        by_quotes=market.clock == "quotes",
        max_price_distance=limit_or_infinity(limits.max_price_distance),
        bar_outlier=limit_or_infinity(limits.outlier),
        bar_confirm=limits.confirm,
        bar_confirm_of=limits.confirm_of,
        price_collar=risk.price_collar,
        spread_max=risk.spread_max,
        quote_age=round(risk.quote_age_s * SECOND_NS),
        daily_volume_share=min(
            risk.daily_volume_share, limit_or_infinity(limits.max_daily_volume_share)
        ),
        orders_per_second=risk.orders_per_second,
        duplicate=round(risk.duplicate_s * SECOND_NS),
        open_orders_max=risk.open_orders_max,
        confirm=risk.confirm,
        confirm_of=risk.confirm_of,
        outlier=risk.outlier,
        silence=round(market.silence_s * SECOND_NS),
        bar=market.bar_seconds * SECOND_NS,
        owns_account=plan.settings.execution.external != "ignore",
    )


def _asset_rules(asset: AssetPlan, sector: int, least: int, terms: Terms) -> AssetRules:
    venue, time = terms.venue, terms.options.time_in_force
    taken = {
        (kind, fractional): venue.check_order(
            kind,
            time or venue.default_time_in_force(asset.asset_class, fractional=fractional),
            asset.asset_class,
            fractional=fractional,
        )
        for kind in KINDS
        for fractional in (False, True)
    }
    whole, parts = taken["market", False], taken["market", True]
    return AssetRules(
        symbol=asset.symbol,
        parts=asset.parts,
        sector=sector,
        shortable=asset.shortable,
        coarse=asset.tick_coarse,
        fine=asset.tick_fine,
        least=least,
        taken=taken,
        takes_market=not whole and (asset.parts == 1 or not parts),
    )
