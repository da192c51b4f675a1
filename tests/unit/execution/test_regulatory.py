"""The dated schedule of regulatory fees."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.both_ways import both_ways

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

EPOCH = date(1970, 1, 1)


def rates_on(*days: str) -> np.ndarray:
    numbers = [(date.fromisoformat(day) - EPOCH).days for day in days]
    return regulatory_rates(np.array(numbers, np.int64))


@pytest.mark.parametrize(
    ("day", "per_million"),
    [
        ("2025-05-13", 27.80),
        ("2025-05-14", 0),
        ("2026-04-03", 0),
        ("2026-04-04", 20.60),
        ("2030-01-02", 20.60),
    ],
)
def test_the_sec_fee_changes_on_its_days(day: str, per_million: float) -> None:
    rate = rates_on(day)[SEC_RATE, 0]
    assert both_ways(sec_fee, 10**12, int(rate)) == round(per_million * 10**6)


@pytest.mark.parametrize(
    ("day", "per_share", "cap"),
    [
        ("2025-12-31", "0.000166", "8.30"),
        ("2026-01-01", "0.000195", "9.79"),
        ("2026-09-30", "0.000195", "9.79"),
        ("2026-10-01", "0", "0"),
        ("2026-12-31", "0", "0"),
        ("2027-01-01", "0.000232", "11.61"),
    ],
)
def test_the_trading_activity_fee_changes_on_its_days(day: str, per_share: str, cap: str) -> None:
    rates = rates_on(day)
    rate, most = int(rates[TAF_RATE, 0]), int(rates[TAF_CAP, 0])
    assert rate == Decimal(per_share) * 10**9
    assert most == Decimal(cap) * 10**6
    assert both_ways(taf_fee, 1_000.0, rate, most) == Decimal(per_share) * 10**9
    assert both_ways(taf_fee, 1e6, rate, most) == most


@pytest.mark.parametrize(
    ("day", "per_share"),
    [
        ("2024-12-31", "0.000053"),
        ("2025-01-01", "0.000046"),
        ("2025-06-30", "0.000046"),
        ("2025-07-01", "0.0000265"),
    ],
)
def test_the_audit_trail_fee_changes_on_its_days(day: str, per_share: str) -> None:
    rate = int(rates_on(day)[CAT_RATE, 0])
    assert both_ways(cat_fee, 1e6, rate) == Decimal(per_share) * 10**12


def test_days_before_the_schedule_pay_its_first_row() -> None:
    rates = rates_on("1965-01-04", "2000-03-01", "2024-12-31")
    assert (rates == rates[:, :1]).all()
    assert rates[:, 0].tolist() == [27_800, 166_000, 8_300_000, 53_000]


def test_rates_of_many_bars_are_those_of_each() -> None:
    days = ("2025-05-13", "2025-05-14", "2026-04-04", "2026-10-01")
    together = rates_on(*days)
    assert together.shape == (4, 4)
    assert together.dtype == np.int64
    alone = np.concatenate([rates_on(day) for day in days], axis=1)
    assert (together == alone).all()


@given(units=st.integers(0, 10**9), rate=st.sampled_from([0, 26_500, 46_000, 166_000, 232_000]))
def test_fees_per_share_are_exact_and_rounded_half_to_even(units: int, rate: int) -> None:
    exact = (Decimal(units) * rate / 1000).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert both_ways(cat_fee, float(units), rate) == exact
    assert both_ways(taf_fee, float(units), rate, 8_300_000) == min(exact, 8_300_000)


def test_a_days_total_is_rounded_up_to_the_cent() -> None:
    """The broker's own example: a total of 0.00083 is charged as a cent."""
    total = 5 * taf_fee(1.0, 166_000, 8_300_000)
    assert total == 830
    assert both_ways(ceil_cent, total) == 10_000


def test_a_coin_trade_pays_in_what_it_brings() -> None:
    coin = 1_000_000_000  # lots of a billionth
    assert both_ways(crypto_fee, coin, CRYPTO_TAKER_RATE) == coin * 25 // 10_000
    assert both_ways(crypto_fee, coin, CRYPTO_MAKER_RATE) == coin * 15 // 10_000
