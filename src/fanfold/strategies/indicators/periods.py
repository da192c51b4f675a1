"""The checks of an indicator's parameters."""

import math

from fanfold.errors import ConfigError

PERIOD_MAX = 1_000_000
"""Longest window [bars]."""


def checked_period(name: str, period: int, least: int = 1) -> None:
    """Refuse a window that is no whole number of bars.

    Raises:
        ConfigError: The period is not a whole number from `least` to `PERIOD_MAX`.
    """
    if isinstance(period, bool) or not isinstance(period, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"{name} must be a whole number of bars, was {period!r}")
    if not least <= period <= PERIOD_MAX:
        raise ConfigError(f"{name} must be {least} to {PERIOD_MAX} bars, was {period}")


def checked_positive(name: str, value: float) -> None:
    """Refuse a scale that is not a positive, finite number.

    Raises:
        ConfigError: The value is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"{name} must be a number, was {value!r}")
    if not 0.0 < value < math.inf:
        raise ConfigError(f"{name} must be positive and finite, was {value}")


def checked_lag(name: str, lag: int) -> None:
    """Refuse a delay that is no whole number of bars from 0.

    Raises:
        ConfigError: The lag is not a whole number from 0 to `PERIOD_MAX`.
    """
    checked_period(name, lag, least=0)


def checked_name(name: str, value: str) -> None:
    """Refuse a name of an asset or a column that is no text.

    Raises:
        ConfigError: The value is empty or no text.
    """
    if not isinstance(value, str) or not value:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"{name} must be a name, was {value!r}")
