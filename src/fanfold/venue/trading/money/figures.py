"""An account's money: equity, margins and buying power, exact.

Source of the formulas: the broker's documentation of margin and buying power.

- equity = cash + long market value + short market value (negative)
- initial margin: 50 % of what is held, 100 % of what is not marginable, and never less than
  the maintenance margin
- maintenance margin, long: 100 % below 2.50 a unit, else 30 %; short: below 5.00 the greater
  of 2.50 a unit and 100 %, else the greater of 5.00 a unit and 30 %; an asset's own
  requirement instead, where it has one
- multiplier: 1 below 2,000 of equity, else the one that the owner allows, up to 4, at every
  hour: it says what the account is, not what time it is. What Regulation T lets it hold
  over a night is `regt_buying_power`; whoever holds more is not liquidated here
- buying power at 1: cash without the proceeds of short sales, which are collateral;
  at 2: 2 × (equity − initial margin); at 4: 4 × (equity − maintenance margin); never
  negative, and less by what open orders hold. Coins are paid in full, so an order for
  coins takes its cost times the multiplier.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fanfold.execution.venue_rules import CRYPTO, EQUITY
from fanfold.venue.market.values import Asset
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.money.marks import STEP, mark
from fanfold.venue.trading.values import ZERO, Account, Position

ONE: Final = Decimal(1)
LEVERAGE_EQUITY_MIN: Final = Decimal(2_000)
"""Least equity at which an account borrows money or shares [currency]."""

INITIAL: Final = Decimal("0.5")
"""Initial margin of what is marginable [share of its value], Regulation T."""

USUAL: Final = Decimal("0.3")
"""Usual maintenance margin [share of the value]."""

LONG_CHEAP_BELOW: Final = Decimal("2.50")
"""Below this price a long position is margined in full [currency per unit]."""

SHORT_CHEAP_BELOW: Final = Decimal(5)
"""Below this price a short position is margined in full [currency per unit]."""

SHORT_CHEAP_MIN: Final = Decimal("2.50")
"""Least margin of a unit that is short below `SHORT_CHEAP_BELOW` [currency]."""

SHORT_MIN: Final = Decimal(5)
"""Least margin of a unit that is short from there on [currency]."""


REGULATORS: Final = ("SEC", "TAF", "CAT")
"""Kinds of fees that regulators charge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Money of an account, as the broker names it [currency].

    Attributes:
        cash: Money, negative when borrowed.
        equity: Cash and positions; `portfolio_value` is the same.
        last_equity: Equity at the previous session's close.
        long_market_value: Of long positions.
        short_market_value: Of short positions, negative.
        position_market_value: Of all positions, short ones negative.
        initial_margin: Needed to open what is held.
        maintenance_margin: Needed to keep it.
        last_maintenance_margin: At the previous session's close.
        multiplier: "1", "2" or "4".
        reserved: Buying power that open orders hold.
        buying_power: What openings may cost.
        regt_buying_power: The same under Regulation T, overnight.
        effective_buying_power: The same as `buying_power`.
        non_marginable_buying_power: What may be spent on coins.
        options_buying_power: What may be spent on options.
        sma: Equity above the initial margin.
        accrued_fees: Fees of the day, out of the cash already, not yet listed.
        pending_reg_taf_fees: The regulators' part of them.
        pending_transfer_in: Nothing is transferred here.
        pending_transfer_out: Nothing is transferred here.
        intraday_adjustments: There are none here.
        shorting_enabled: Whether it may sell short.
    """

    cash: Decimal
    equity: Decimal
    last_equity: Decimal
    long_market_value: Decimal
    short_market_value: Decimal
    position_market_value: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    last_maintenance_margin: Decimal
    multiplier: str
    reserved: Decimal
    buying_power: Decimal
    regt_buying_power: Decimal
    effective_buying_power: Decimal
    non_marginable_buying_power: Decimal
    options_buying_power: Decimal
    sma: Decimal
    accrued_fees: Decimal
    pending_reg_taf_fees: Decimal
    pending_transfer_in: Decimal = ZERO
    pending_transfer_out: Decimal = ZERO
    intraday_adjustments: Decimal = ZERO
    shorting_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    long: Decimal
    short: Decimal
    initial: Decimal
    maintenance: Decimal


def figures(desk: Desk, account_id: str) -> Figures:
    """All money figures of an account at the market's present prices."""
    account = desk.book.account(account_id)
    sums = _sums(desk, desk.book.positions(account_id))
    equity = account.cash + sums.long + sums.short
    multiplier = multiplier_of(account, equity)
    on_margin = desk.book.reserved(account_id, EQUITY)
    in_cash = desk.book.reserved(account_id, CRYPTO)
    own = account.cash + sums.short
    excess = max(equity - sums.initial, ZERO)
    gross = {
        "1": own,
        "2": 2 * excess,
        "4": 4 * max(equity - sums.maintenance, ZERO),
    }[multiplier]
    factor = Decimal(multiplier)
    power = max(gross - on_margin - factor * in_cash, ZERO)
    regt = power if factor == 1 else max(2 * (excess - in_cash) - on_margin, ZERO)
    return Figures(
        cash=account.cash,
        equity=equity,
        last_equity=account.last_equity,
        long_market_value=sums.long,
        short_market_value=sums.short,
        position_market_value=sums.long + sums.short,
        initial_margin=sums.initial,
        maintenance_margin=sums.maintenance,
        last_maintenance_margin=account.last_maintenance,
        multiplier=multiplier,
        reserved=on_margin + in_cash,
        buying_power=power,
        regt_buying_power=regt,
        effective_buying_power=power,
        non_marginable_buying_power=max(min(own, excess) - on_margin - in_cash, ZERO),
        options_buying_power=regt if factor == 1 else regt / 2,
        sma=excess,
        accrued_fees=account.accrued_fees,
        pending_reg_taf_fees=sum((account.fee_parts.get(kind, ZERO) for kind in REGULATORS), ZERO),
        shorting_enabled=not account.no_shorting and multiplier != "1",
    )


def multiplier_of(account: Account, equity: Decimal) -> str:
    """How many times its excess an account may spend: "1", "2" or "4"."""
    return account.max_margin_multiplier if equity >= LEVERAGE_EQUITY_MIN else "1"


def maintenance_of(price: Decimal, qty: Decimal, asset: Asset | None) -> Decimal:
    """Maintenance margin of a position [currency].

    Args:
        price: Of a unit.
        qty: Units, negative for short.
        asset: Which; its own requirement goes before the usual one.
    """
    own = None if asset is None else asset.margin_long if qty > 0 else asset.margin_short
    if own is not None:
        unit = Decimal(repr(own)) * price
    elif qty < 0:
        cheap = price < SHORT_CHEAP_BELOW
        unit = max(SHORT_CHEAP_MIN, price) if cheap else max(SHORT_MIN, USUAL * price)
    elif price < LONG_CHEAP_BELOW or (asset is not None and not asset.marginable):
        unit = price
    else:
        unit = USUAL * price
    return (unit * abs(qty)).quantize(STEP)


def _sums(desk: Desk, positions: Iterable[Position]) -> _Sums:
    long = short = initial = maintenance = ZERO
    for position in positions:
        price, asset = mark(desk, position), desk.market.asset(position.symbol)
        value = (price * position.qty).quantize(STEP)
        needed = maintenance_of(price, position.qty, asset)
        share = ONE if asset is not None and not asset.marginable else INITIAL
        initial += max((share * abs(value)).quantize(STEP), needed)
        maintenance += needed
        if value > 0:
            long += value
        else:
            short += value
    return _Sums(long=long, short=short, initial=initial, maintenance=maintenance)
