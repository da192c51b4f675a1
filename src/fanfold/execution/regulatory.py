"""Fees that regulators charge through the broker, as a dated schedule.

Three fees fall on fills of US equities: the SEC's (section 31, on what is sold),
FINRA's trading activity fee (per share sold, with a cap) and that of the consolidated
audit trail (per share, both sides). A broker adds each up over a day and rounds the
day's total up to the cent: see `fanfold.execution.costs.ceil_cent`.

Days before the first row pay the first row. Those rates have moved since 2000 (the
SEC's between 5.10 and about 33 per million), so an old fill is charged what a fill of
early 2025 was: at the dear end of that history, rather than by a table that ends.

Source: the broker's fee schedule; SEC fee rate advisories of 2025 and 2026; FINRA
Regulatory Notices on the trading activity fee. The audit trail's rates were published
as they changed with its half-years and are dated by those.
"""

from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import compiled
from fanfold.domain.money import MICRO, RATE_ONE, share
from fanfold.execution.costs import unit_fee

SEC_RATE: Final = 0
TAF_RATE: Final = 1
TAF_CAP: Final = 2
CAT_RATE: Final = 3

_MILLION = 1_000_000
_FIRST = date(1, 1, 1)
_EPOCH = date(1970, 1, 1).toordinal()

SEC_PER_MILLION: Final = (
    (_FIRST, "27.80"),
    (date(2025, 5, 14), "0"),
    (date(2026, 4, 4), "20.60"),
)
"""First day, and the fee on each million sold [currency]."""

TAF_PER_SHARE: Final = (
    (_FIRST, "0.000166", "8.30"),
    (date(2026, 1, 1), "0.000195", "9.79"),
    (date(2026, 10, 1), "0", "0"),
    (date(2027, 1, 1), "0.000232", "11.61"),
)
"""First day, the fee on each share sold and its cap per fill [currency]; a holiday in 2026."""

CAT_PER_SHARE: Final = (
    (_FIRST, "0.000053"),
    (date(2025, 1, 1), "0.000046"),
    (date(2025, 7, 1), "0.0000265"),
)
"""First day, and the fee on each share of a listed company, bought or sold [currency]."""

CRYPTO_MAKER_RATE: Final = 1_500_000
"""Fee on a coin trade that rested in the book, up to 100,000 USD a month [billionths]."""

CRYPTO_TAKER_RATE: Final = 2_500_000
"""Fee on a coin trade that took from the book, up to 100,000 USD a month [billionths]."""


def regulatory_rates(session_day: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rates of each bar's session, for compiled code.

    Args:
        session_day: Dates [days since 1970-01-01]; shape [bar].

    Returns:
        Shape [row, bar]. `SEC_RATE`: billionths of the amount sold. `TAF_RATE` and
        `CAT_RATE`: billionths of the currency per share. `TAF_CAP`: micro-units.
    """
    return np.stack(
        [
            _by_day(session_day, [(r[0], r[1]) for r in SEC_PER_MILLION], RATE_ONE // _MILLION),
            _by_day(session_day, [(r[0], r[1]) for r in TAF_PER_SHARE], RATE_ONE),
            _by_day(session_day, [(r[0], r[2]) for r in TAF_PER_SHARE], MICRO),
            _by_day(session_day, [(r[0], r[1]) for r in CAT_PER_SHARE], RATE_ONE),
        ]
    )


@compiled
def sec_fee(amount: int, rate: int) -> int:
    """Section 31 fee on an amount sold [micro-units], half to even.

    Args:
        amount: Price times quantity, not negative [micro-units].
        rate: Billionths of the amount.
    """
    return share(amount, rate, RATE_ONE)


@compiled
def taf_fee(units: float, rate: int, cap: int) -> int:
    """Trading activity fee on the shares of one sale [micro-units], half to even.

    Args:
        units: Real shares, not negative.
        rate: Billionths of the currency per share.
        cap: Most that one fill pays [micro-units].
    """
    return min(unit_fee(units, rate), cap)


@compiled
def cat_fee(units: float, rate: int) -> int:
    """Audit trail fee on shares bought or sold [micro-units], half to even.

    Args:
        units: Real shares, not negative.
        rate: Billionths of the currency per share.
    """
    return unit_fee(units, rate)


@compiled
def crypto_fee(received: int, rate: int) -> int:
    """Fee on a trade of coins, taken from what it brings, half to even.

    Args:
        received: Lots of the coin that was bought, or micro-units of the proceeds; not
            negative.
        rate: `CRYPTO_MAKER_RATE` or `CRYPTO_TAKER_RATE` [billionths].

    Returns:
        In the unit of `received`.
    """
    return share(received, rate, RATE_ONE)


def _by_day(
    session_day: NDArray[np.int64], rows: list[tuple[date, str]], parts: int
) -> NDArray[np.int64]:
    starts = np.array([start.toordinal() - _EPOCH for start, _ in rows], np.int64)
    rates = np.array([int(Decimal(rate) * parts) for _, rate in rows], np.int64)
    return rates[np.searchsorted(starts, session_day, side="right") - 1]
