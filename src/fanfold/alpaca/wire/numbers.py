"""Numbers as the broker writes and reads them: decimals as texts, never with an exponent."""

import re
from decimal import Decimal
from typing import Any, Final

DIGITS_MAX: Final = 30
"""Longest number that is read [characters]; nothing that is traded needs more."""

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")


def decimal_text(value: Decimal) -> str:
    """A number without exponent and without zeros at its end."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def decimal_of(value: Any) -> Decimal:
    """A number of a request: JSON's number, or a text as other clients send it.

    A float means the shortest decimal that is read back as it.

    Raises:
        ValueError: It is no finite number, or has too many digits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number")  # noqa: TRY004  (one error for all that is none)
    if isinstance(value, int) and abs(value) >= 10**DIGITS_MAX:
        raise ValueError("must be a number with fewer digits")
    text = value.strip() if isinstance(value, str) else repr(value)
    if len(text) > DIGITS_MAX or not _NUMBER.fullmatch(text) or not text.isascii():
        raise ValueError("must be a finite number")
    return Decimal(text)
