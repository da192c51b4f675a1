"""Fees by their dated schedules, and how a day's fees are listed."""

from datetime import date
from decimal import Decimal

import pytest
from tests.fakes.venue_desk import ACCOUNT, EPOCH, make_desk

from fanfold.execution.regulatory import CAT_RATE, SEC_RATE, TAF_CAP, TAF_RATE
from fanfold.venue.trading import fees
from fanfold.venue.trading.values import Account

BPS = 100_000


def account_with(volume: int, day: int = 100) -> Account:
    rows = ((day, Decimal(volume)),) if volume else ()
    return Account(id=ACCOUNT, number="", cash=Decimal(0), volume_30d=rows)


@pytest.mark.parametrize(
    ("volume", "maker", "taker"),
    [
        (0, 15, 25),
        (99_999, 15, 25),
        (100_000, 12, 22),
        (500_000, 10, 20),
        (1_000_000, 8, 18),
        (10_000_000, 5, 15),
        (25_000_000, 2, 13),
        (50_000_000, 2, 12),
        (100_000_000, 0, 10),
    ],
)
def test_coin_fees_fall_with_the_volume_of_thirty_days(volume: int, maker: int, taker: int) -> None:
    account = account_with(volume)
    assert fees.crypto_rate(account, 100, maker=True) == maker * BPS
    assert fees.crypto_rate(account, 100, maker=False) == taker * BPS


def test_volume_counts_for_thirty_days() -> None:
    account = account_with(1_000_000, day=100)
    assert fees.crypto_rate(account, 129, maker=False) == 18 * BPS
    assert fees.crypto_rate(account, 130, maker=False) == 25 * BPS


def test_volume_of_a_day_adds_up_and_old_days_go() -> None:
    account = account_with(5, day=100)
    account = fees.with_volume(account, 100, Decimal(7))
    assert account.volume_30d == ((100, Decimal(12)),)
    assert fees.with_volume(account, 130, Decimal(1)).volume_30d == ((130, Decimal(1)),)


def test_the_regulators_rates_are_those_of_the_day() -> None:
    old = fees.regulators_rates((date(2025, 5, 13) - EPOCH).days)
    free = fees.regulators_rates((date(2025, 5, 14) - EPOCH).days)
    new = fees.regulators_rates((date(2026, 4, 4) - EPOCH).days)
    assert (old[SEC_RATE], free[SEC_RATE], new[SEC_RATE]) == (27_800, 0, 20_600)
    assert (new[TAF_RATE], new[TAF_CAP], new[CAT_RATE]) == (195_000, 9_790_000, 26_500)


def test_listed_fees_are_rounded_up_to_the_cent_once_a_day_and_kind() -> None:
    desk = make_desk()
    account = desk.book.account(ACCOUNT)
    accrued = {"SEC": Decimal("0.206"), "TAF": Decimal("0.01")}
    desk.book.put_account(fees.with_parts(account, accrued))
    fees.list_fees(desk, ACCOUNT, coins=False)
    after = desk.book.account(ACCOUNT)
    assert after.cash == account.cash - Decimal("0.004")
    assert (after.accrued_fees, after.fee_parts) == (0, {})
    listed = [(one.kind, one.amount, one.note) for one in desk.book.take().bookings]
    assert listed == [("FEE", Decimal("-0.21"), "SEC fee"), ("FEE", Decimal("-0.01"), "TAF fee")]


def test_coin_fees_are_listed_by_themselves_in_coins_and_in_money() -> None:
    desk = make_desk()
    account = desk.book.account(ACCOUNT)
    accrued = {"CFEE BTC/USD": Decimal("0.0025"), "FEE": Decimal("1.234567"), "CAT": Decimal(1)}
    desk.book.put_account(fees.with_parts(account, accrued))
    assert desk.book.account(ACCOUNT).accrued_fees == Decimal("2.234567")
    fees.list_fees(desk, ACCOUNT, coins=True)
    after = desk.book.account(ACCOUNT)
    assert after.cash == account.cash
    assert after.fee_parts == {"CAT": Decimal(1)}
    coin, money = desk.book.take().bookings
    assert (coin.kind, coin.symbol, coin.qty) == ("CFEE", "BTC/USD", Decimal("-0.0025"))
    assert (money.kind, money.amount) == ("FEE", Decimal("-1.234567"))
