"""The table of limits, and its form for compiled code."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from fanfold.errors import ConfigError
from fanfold.risk.limits import Limits, limit_or_infinity, sector_numbers

SECTORS = {"AAPL": "tech", "MSFT": "tech", "XOM": "energy"}
SWITCHES = [
    "max_position",
    "max_gross",
    "max_net",
    "max_order_notional",
    "max_volume_share",
    "max_daily_volume_share",
    "max_price_distance",
    "outlier",
    "max_orders",
    "max_drawdown",
    "max_daily_loss",
    "max_var",
]


def test_every_limit_is_off_by_default() -> None:
    limits = Limits()
    assert all(getattr(limits, name) is None for name in [*SWITCHES, "max_sector"])
    assert limits.sectors == {}


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "much"])
def test_a_limit_that_cannot_be_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        Limits(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_drawdown", 1.0),
        ("max_daily_loss", 1.0),
        ("max_orders", 2.5),
        ("var_level", 0.5),
        ("var_level", 1.0),
        ("var_window", 1),
        ("var_window", 10**6),
        ("confirm", 1),
        ("confirm", 4),
        ("confirm_of", 101),
        ("sectors", {"AAPL": ""}),
        ("sectors", {"": "tech"}),
        ("sectors", ["tech"]),
    ],
)
def test_a_limit_beyond_its_bounds_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        Limits(**{name: value})


def test_a_sector_limit_without_sectors_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_sector needs sectors"):
        Limits(max_sector=0.3)


def test_sectors_without_their_limit_are_refused() -> None:
    with pytest.raises(ValidationError, match="sectors need max_sector, which is off; 3 given"):
        Limits(sectors=SECTORS)


def test_assets_are_numbered_by_sector() -> None:
    limits = Limits(max_sector=0.3, sectors=SECTORS)
    names, numbers = sector_numbers(limits, ["MSFT", "XOM", "AAPL"])
    assert names == ("energy", "tech")
    assert numbers.tolist() == [1, 0, 1]


def test_without_a_sector_limit_all_assets_are_of_one_sector() -> None:
    names, numbers = sector_numbers(Limits(), ["MSFT", "XOM"])
    assert names == ("",)
    assert numbers.tolist() == [0, 0]


def test_a_symbol_without_a_sector_is_refused() -> None:
    limits = Limits(max_sector=0.3, sectors=SECTORS)
    with pytest.raises(ConfigError, match="sector of every symbol, missing: IBM, T"):
        sector_numbers(limits, ["AAPL", "IBM", "T"])


def test_a_limit_that_is_off_is_infinite() -> None:
    assert limit_or_infinity(None) == math.inf
    assert limit_or_infinity(3) == 3


def test_the_quantile_of_a_level_is_the_normal_ones() -> None:
    # Tables of the normal distribution, to nine places.
    assert Limits().var_z == pytest.approx(1.644853627, abs=5e-10)
    assert Limits(var_level=0.99).var_z == pytest.approx(2.326347874, abs=5e-10)
