"""Assets, the clock and the calendar, in the broker's form; days and clocks are New York's."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from fanfold.alpaca.wire.assets import AssetMessage, CalendarMessage, ClockMessage
from fanfold.alpaca.wire.numbers import decimal_text
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.market.hours import CalendarRow
from fanfold.venue.market.values import Asset, Hours

NEW_YORK: Final = ZoneInfo("America/New_York")
"""Where the broker's days are."""

EXCHANGE: Final = "XNYS"
"""Whose clock and calendar are told."""

USUAL_MARGIN: Final = Decimal(30)
"""Maintenance requirement of shares that have none of their own [percent]."""

WHOLE_MARGIN: Final = Decimal(100)
"""The same of what cannot be bought on margin [percent]."""

COIN_STEP: Final = "0.000000001"
"""Smallest step of units and prices of coins."""

_STEPS: Final = ("min_order_size", "min_trade_increment", "price_increment")
_SECOND_NS: Final = 1_000_000_000
_EPOCH: Final = date(1970, 1, 1)


def asset_form(asset: Asset) -> AssetMessage:
    """An asset in the broker's form."""
    usual = USUAL_MARGIN if asset.marginable else WHOLE_MARGIN
    long, short = (
        usual if own is None else Decimal(repr(own)) * 100
        for own in (asset.margin_long, asset.margin_short)
    )
    steps: dict[str, Any] = {}
    if asset.asset_class == CRYPTO:
        steps = dict.fromkeys(
            ("min_order_size", "min_trade_increment", "price_increment"), COIN_STEP
        )
    return AssetMessage(
        id=asset.id,
        asset_class=asset.asset_class,
        exchange=asset.exchange,
        symbol=asset.symbol,
        name=asset.name,
        status="active" if asset.tradable else "inactive",
        tradable=asset.tradable,
        marginable=asset.marginable,
        shortable=asset.shortable,
        easy_to_borrow=asset.easy_to_borrow,
        borrow_status="easy_to_borrow" if asset.easy_to_borrow else "hard_to_borrow",
        fractionable=asset.fractionable,
        maintenance_margin_requirement=float(long),
        margin_requirement_long=decimal_text(long),
        margin_requirement_short=decimal_text(short),
        **steps,
    )


def clock_form(hours: Hours, now: int) -> ClockMessage:
    """The exchange's clock.

    Args:
        hours: Where the venue's clock lies.
        now: What the clock shows, which a fault may have moved [ns UTC].
    """
    return ClockMessage(
        timestamp=new_york_text(now),
        is_open=hours.phase == "regular",
        next_open=new_york_text(hours.next_open),
        next_close=new_york_text(hours.next_close),
    )


def session_form(row: CalendarRow, settlement_day: str) -> CalendarMessage:
    """A session of the calendar, and the date on which its fills settle."""
    return CalendarMessage(
        date=row.date,
        open=row.open,
        close=row.close,
        session_open=row.session_open,
        session_close=row.session_close,
        settlement_date=settlement_day,
    )


def new_york(ts: int) -> datetime:
    """An instant [ns UTC] as New York's clock has it, to the second."""
    return datetime.fromtimestamp(ts // _SECOND_NS, UTC).astimezone(NEW_YORK)


def new_york_text(ts: int) -> str:
    """An instant [ns UTC] as RFC 3339 with New York's offset and its nanoseconds."""
    local, rest = new_york(ts), ts % _SECOND_NS
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{local.isoformat()[-6:]}"


def midnight_s(session_day: int) -> int:
    """Midnight in New York with which a date begins [s UTC].

    Args:
        session_day: The date [days since 1970-01-01].
    """
    local = _EPOCH + timedelta(days=session_day)
    return int(datetime(local.year, local.month, local.day, tzinfo=NEW_YORK).timestamp())
