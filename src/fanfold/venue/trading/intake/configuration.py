"""What an account's owner may set; clients send the whole model, nulls included."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from fanfold.alpaca.wire.refusals import Refusal, malformed
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.intake.shape import fields_of
from fanfold.venue.trading.values import Account

OPTIONS_LEVEL_MAX: Final = 3
"""Highest level of trading options that can be asked for."""

_CONFIRMATIONS: Final = ("all", "none")
_MULTIPLIERS: Final = ("1", "2", "4")


def _switch(raw: Any) -> bool | None:
    return raw if isinstance(raw, bool) else None


def _confirmation(raw: Any) -> str | None:
    return raw if isinstance(raw, str) and raw in _CONFIRMATIONS else None


def _multiplier(raw: Any) -> str | None:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        raw = f"{raw:g}"
    return raw if isinstance(raw, str) and raw in _MULTIPLIERS else None


def _level(raw: Any) -> int | None:
    whole = isinstance(raw, int) and not isinstance(raw, bool)
    return raw if whole and 0 <= raw <= OPTIONS_LEVEL_MAX else None


_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "fractional_trading": _switch,
    "max_margin_multiplier": _multiplier,
    "no_shorting": _switch,
    "suspend_trade": _switch,
    "trade_confirm_email": _confirmation,
    "ptp_no_exception_entry": _switch,
    "max_options_trading_level": _level,
    "disable_overnight_trading": _switch,
}
"""What can be set, and how it is read: None where it cannot be."""


def configured(desk: Desk, account_id: str, body: Any) -> Account | Refusal:
    """An account with another configuration, not put in the book.

    Args:
        desk: The book.
        account_id: Whose.
        body: As JSON had it, unchecked; null and absent leave as it is, and what the
            broker no longer knows (`dtbp_check`, `pdt_check`) is ignored.
    """
    given = fields_of(body)
    if given is None:
        return malformed("request body must be a JSON object")
    changes: dict[str, Any] = {}
    for name, read in _FIELDS.items():
        if name not in given:
            continue
        value = read(given[name])
        if value is None:
            return malformed(f"invalid {name}")
        changes[name] = value
    return replace(desk.book.account(account_id), **changes)
