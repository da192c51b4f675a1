"""What a fill is charged, by dated schedules, and how a day's fees are listed.

Coins pay a share of what a trade brings: of the coin for a buy, of the money for a sale.
Shares pay what regulators charge, only where the venue's fees are "live". Every fee is out
of the balance at once; what it came to over a day is listed when the day is over, the
regulators' rounded up to the cent.
"""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from fanfold.domain.money import MICRO, RATE_ONE, share
from fanfold.execution.costs import ceil_cent
from fanfold.execution.regulatory import (
    CAT_RATE,
    CRYPTO_MAKER_RATE,
    CRYPTO_TAKER_RATE,
    SEC_RATE,
    TAF_CAP,
    TAF_RATE,
    cat_fee,
    crypto_fee,
    regulatory_rates,
    sec_fee,
    taf_fee,
)
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.values import ZERO, Account, Order

LOTS: Final = 1_000_000_000
"""Lots in one unit: quantities have nine digits after the point."""

VOLUME_DAYS: Final = 30
"""How long a coin trade counts for the tier of its account [days]."""

DAYS_CACHED: Final = 64
"""Days whose rates are kept ready [days]."""

COIN_FEE: Final = "CFEE "
"""In `Account.fee_parts`, before the symbol that was traded: fees in coins [coins]."""

MONEY_FEE: Final = "FEE"
"""In `Account.fee_parts`: fees on coins that were sold [currency]."""

_EPOCH: Final = date(1970, 1, 1)
_BPS: Final = RATE_ONE // 10_000


class Tier(NamedTuple):
    """What coin trades are charged.

    Attributes:
        volume: From which 30-day volume on [currency].
        maker: Of an order that rested in the book [billionths].
        taker: Of one that took from it [billionths].
    """

    volume: int
    maker: int
    taker: int


CRYPTO_TIERS: Final = (
    (
        date(1, 1, 1),
        (
            Tier(0, CRYPTO_MAKER_RATE, CRYPTO_TAKER_RATE),
            Tier(100_000, 12 * _BPS, 22 * _BPS),
            Tier(500_000, 10 * _BPS, 20 * _BPS),
            Tier(1_000_000, 8 * _BPS, 18 * _BPS),
            Tier(10_000_000, 5 * _BPS, 15 * _BPS),
            Tier(25_000_000, 2 * _BPS, 13 * _BPS),
            Tier(50_000_000, 2 * _BPS, 12 * _BPS),
            Tier(100_000_000, 0, 10 * _BPS),
        ),
    ),
)
"""First day, and the tiers from it on, by rising volume; the broker's one published table."""


class Charge(NamedTuple):
    """What one fill is charged.

    Attributes:
        coins: Out of the coins that were bought [lots].
        money: Out of cash [micro-units].
        parts: The same by kind, as `Account.fee_parts` has it.
    """

    coins: int
    money: int
    parts: dict[str, Decimal]


def charge(desk: Desk, order: Order, lots: int, amount: int) -> Charge:
    """What a fill is charged.

    Args:
        desk: The desk.
        order: As it was before the fill: one that rested is a maker's.
        lots: Of the fill [1e-9 units].
        amount: Of the fill [micro-units].
    """
    day = session_day(desk, order.symbol)
    if order.asset_class == CRYPTO:
        return _charge_coins(desk, order, lots, amount, day)
    if desk.terms.fees == "paper":
        return Charge(0, 0, {})
    rates = regulators_rates(day)
    units = lots / LOTS
    fees = {"CAT": cat_fee(units, rates[CAT_RATE])}
    if order.side == "sell":
        fees["SEC"] = sec_fee(amount, rates[SEC_RATE])
        fees["TAF"] = taf_fee(units, rates[TAF_RATE], rates[TAF_CAP])
    return Charge(0, sum(fees.values()), {kind: _money(fee) for kind, fee in fees.items() if fee})


def with_parts(account: Account, parts: dict[str, Decimal]) -> Account:
    """An account with further fees of the day, which are out of its balance already."""
    if not parts:
        return account
    total = dict(account.fee_parts)
    for kind, fee in parts.items():
        total[kind] = total.get(kind, ZERO) + fee
    money = sum((fee for kind, fee in parts.items() if not kind.startswith(COIN_FEE)), ZERO)
    return replace(account, fee_parts=total, accrued_fees=account.accrued_fees + money)


def with_volume(account: Account, day: int, amount: Decimal) -> Account:
    """An account that has traded coins for an amount on a day."""
    kept = [row for row in account.volume_30d if day - VOLUME_DAYS < row[0] < day]
    today = sum((value for at, value in account.volume_30d if at >= day), amount)
    return replace(account, volume_30d=(*kept, (day, today)))


def crypto_rate(account: Account, day: int, *, maker: bool) -> int:
    """What an account's coin trades are charged on a day [billionths]."""
    volume = sum((value for at, value in account.volume_30d if at > day - VOLUME_DAYS), ZERO)
    on = _EPOCH.toordinal() + day
    tiers = next(tiers for first, tiers in reversed(CRYPTO_TIERS) if first.toordinal() <= on)
    tier = next(tier for tier in reversed(tiers) if tier.volume <= volume)
    return tier.maker if maker else tier.taker


@lru_cache(maxsize=DAYS_CACHED)
def regulators_rates(day: int) -> tuple[int, ...]:
    """A day's rates, in the rows of `fanfold.execution.regulatory.regulatory_rates`."""
    return tuple(int(rate) for rate in regulatory_rates(np.array([day], np.int64))[:, 0])


def session_day(desk: Desk, symbol: str) -> int:
    """Date of an asset's session that is on or comes next [days since 1970-01-01]."""
    asset = desk.market.asset(symbol)
    if asset is None:
        raise KeyError(symbol)
    return desk.market.hours(asset.calendar).session_day


def list_fees(desk: Desk, account_id: str, *, coins: bool) -> None:
    """List the fees of a day that is over.

    Args:
        desk: The desk.
        account_id: Whose.
        coins: Those on coins, else the regulators'.
    """
    account = desk.book.account(account_id)
    for kind, fee in sorted(account.fee_parts.items()):
        of_coins = kind == MONEY_FEE or kind.startswith(COIN_FEE)
        if of_coins == coins:
            _list_fee(desk, account_id, kind, fee)


def _list_fee(desk: Desk, account_id: str, kind: str, fee: Decimal) -> None:
    account = desk.book.account(account_id)
    parts = {name: part for name, part in account.fee_parts.items() if name != kind}
    if kind.startswith(COIN_FEE):
        symbol = kind.removeprefix(COIN_FEE)
        desk.book.put_account(replace(account, fee_parts=parts))
        desk.book.write(
            account_id, "CFEE", desk.now, symbol=symbol, qty=-fee, note="Coin Pair Transaction Fee"
        )
        return
    listed = fee if kind == MONEY_FEE else _money(ceil_cent(int(fee * MICRO)))
    desk.book.put_account(
        replace(
            account,
            cash=account.cash - (listed - fee),
            accrued_fees=account.accrued_fees - fee,
            fee_parts=parts,
        )
    )
    note = "Coin Pair Transaction Fee" if kind == MONEY_FEE else f"{kind} fee"
    desk.book.write(account_id, "FEE", desk.now, amount=-listed, note=note)


def _charge_coins(desk: Desk, order: Order, lots: int, amount: int, day: int) -> Charge:
    maker = order.resting_since is not None and order.kind in {"limit", "stop_limit"}
    rate = crypto_rate(desk.book.account(order.account), day, maker=maker)
    if order.side == "buy" and desk.terms.rules.crypto_fee_asset == "received":
        coins = crypto_fee(lots, rate)
        part = Decimal(coins) / LOTS
        return Charge(coins, 0, {COIN_FEE + order.symbol: part} if coins else {})
    money = share(amount, rate, RATE_ONE)
    return Charge(0, money, {MONEY_FEE: _money(money)} if money else {})


def _money(micro: int) -> Decimal:
    return Decimal(micro) / MICRO
