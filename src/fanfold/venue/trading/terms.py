"""What the venue is like, as one value: its rules, fees, and how it treats orders."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from fanfold.execution.venue_rules import VenueRules, venue_rules
from fanfold.venue.trading.values import Order

CLIENT_ID_MAX: Final = 128
"""Longest name that a client gives an order [characters]."""

OPEN_ORDERS_MAX: Final = 10_000
"""Open orders of an account at most; one more is refused [orders]."""

NAMES_DECIMALS: Final = 9
"""Digits after the point of quantities and notionals."""

GTC_DAYS: Final = 90
"""How long an order until cancelled stays in the book [days]."""


def _whole(_order: Order, qty: Decimal) -> Decimal:
    return qty


def _never(_order: Order) -> bool:
    return False


def _at_once(_order: Order) -> int:
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mischief:
    """What can go otherwise with an order on purpose; nothing does by default.

    Attributes:
        partly: How much of what could fill does now: at most the quantity it is given, at
            least the smallest part of a unit; the rest is met again by later prices.
        fills_late: Asked when an order is cancelled: whether it fills all the same,
            right after the cancellation was told.
        acceptance_ns: How long an order is pending before it is in the book [ns].
        cancel_ns: How long a cancellation is pending [ns].
        replace_ns: How long a replacement is pending [ns].
        cancel_fails: Whether a pending cancellation is rejected in the end.
    """

    partly: Callable[[Order, Decimal], Decimal] = _whole
    fills_late: Callable[[Order], bool] = _never
    acceptance_ns: Callable[[Order], int] = _at_once
    cancel_ns: Callable[[Order], int] = _at_once
    replace_ns: Callable[[Order], int] = _at_once
    cancel_fails: Callable[[Order], bool] = _never


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the venue is like.

    Attributes:
        rules: What it takes, the engine's own.
        fees: "paper" charges coins only, "live" the regulators' dated schedule too.
        slippage_bps: What a fill at market is moved by, beyond the quote [bps].
        mischief: What goes otherwise on purpose.
    """

    rules: VenueRules = field(default_factory=lambda: venue_rules("alpaca"))
    fees: Literal["paper", "live"] = "paper"
    slippage_bps: float = 0.0
    mischief: Mischief = field(default_factory=Mischief)
