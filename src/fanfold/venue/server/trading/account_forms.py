"""Accounts, positions and activities, in the broker's form."""

from decimal import Decimal
from typing import Any, Final

from fanfold.alpaca.wire.accounts import (
    AccountMessage,
    ActivityMessage,
    ConfigurationMessage,
    FillMessage,
    PositionMessage,
)
from fanfold.alpaca.wire.instants import instant_text
from fanfold.alpaca.wire.numbers import decimal_text
from fanfold.venue.journal import activity_id
from fanfold.venue.market.values import Asset
from fanfold.venue.server.trading.asset_forms import new_york
from fanfold.venue.trading.money import Figures, PositionFigures
from fanfold.venue.trading.values import Account, Booking, Event

ACTIVE: Final = "ACTIVE"
"""Status of every account here."""

OPTIONS_LEVEL: Final = 0
"""Options do not trade here."""

CRYPTO_TIER: Final = 1
"""Where fees of coins begin."""

_MONEY: Final = (
    "buying_power",
    "regt_buying_power",
    "effective_buying_power",
    "non_marginable_buying_power",
    "options_buying_power",
    "cash",
    "accrued_fees",
    "pending_reg_taf_fees",
    "pending_transfer_in",
    "pending_transfer_out",
    "equity",
    "last_equity",
    "long_market_value",
    "short_market_value",
    "position_market_value",
    "initial_margin",
    "maintenance_margin",
    "last_maintenance_margin",
    "sma",
    "intraday_adjustments",
)
_HELD: Final = (
    "qty",
    "qty_available",
    "avg_entry_price",
    "cost_basis",
    "market_value",
    "unrealized_pl",
    "unrealized_plpc",
    "unrealized_intraday_pl",
    "unrealized_intraday_plpc",
    "current_price",
    "lastday_price",
    "change_today",
)


def account_form(account: Account, figures: Figures, *, balance_day: str) -> AccountMessage:
    """An account in the broker's form.

    Args:
        account: Whose.
        figures: Its money at present.
        balance_day: Date of its last equity.
    """
    money: dict[str, Any] = {name: decimal_text(getattr(figures, name)) for name in _MONEY}
    return AccountMessage(
        id=account.id,
        account_number=account.number,
        status=ACTIVE,
        crypto_status=ACTIVE,
        portfolio_value=decimal_text(figures.equity),
        multiplier=figures.multiplier,
        balance_asof=balance_day,
        trade_suspended_by_user=account.suspend_trade,
        shorting_enabled=figures.shorting_enabled,
        options_approved_level=OPTIONS_LEVEL,
        options_trading_level=OPTIONS_LEVEL,
        crypto_tier=CRYPTO_TIER,
        created_at=instant_text(account.created_at),
        **money,
    )


def configuration_form(account: Account) -> ConfigurationMessage:
    """What an account's owner has set of it."""
    fields = ConfigurationMessage.__struct_fields__
    return ConfigurationMessage(**{name: getattr(account, name) for name in fields})


def position_form(asset: Asset, figures: PositionFigures) -> PositionMessage:
    """A position in the broker's form."""
    return PositionMessage(
        asset_id=asset.id,
        symbol=asset.symbol.replace("/", ""),
        exchange=asset.exchange,
        asset_class=asset.asset_class,
        asset_marginable=asset.marginable,
        side=figures.side,
        **{name: decimal_text(getattr(figures, name)) for name in _HELD},
    )


def activity_form(activity: Event | Booking) -> FillMessage | ActivityMessage:
    """A fill, or what moved money without one, as the list of activities has it."""
    if isinstance(activity, Event):
        return _fill_form(activity)
    return ActivityMessage(
        id=activity_id(activity),
        activity_type=activity.kind,
        date=new_york(activity.ts).date().isoformat(),
        net_amount=decimal_text(activity.amount),
        description=activity.note,
        symbol=activity.symbol or None,
        qty=_unless_zero(activity.qty),
        per_share_amount=_unless_zero(activity.per_unit),
        created_at=instant_text(activity.ts),
    )


def _fill_form(event: Event) -> FillMessage:
    order, execution = event.order, event.execution
    if execution is None:
        raise ValueError(f"an activity must be a fill or a booking, was {event.name}")
    return FillMessage(
        id=activity_id(event),
        transaction_time=instant_text(event.ts),
        type=event.name,
        price=decimal_text(execution.price),
        qty=decimal_text(execution.qty),
        side=order.side,
        symbol=order.symbol,
        leaves_qty=decimal_text(order.open_qty),
        order_id=order.id,
        cum_qty=decimal_text(order.filled_qty),
        order_status=order.status,
    )


def _unless_zero(value: Decimal) -> str | None:
    return decimal_text(value) if value else None
