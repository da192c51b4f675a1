"""Strategies are found by name, in a file or in a package, and their space is read."""

from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import ConfigError
from fanfold.strategies import SmaCross
from fanfold.workflows.strategies import find_strategy, is_importable, made, split_space

OWN = """
from typing import ClassVar
from fanfold.strategies import ROC, Strategy, decision

@decision
def rising(assets, portfolio, memory):
    for asset in assets:
        asset.target = 1.0 if asset.features[0] > 0.0 else 0.0

class Rising(Strategy):
    lookback: int = 5
    decide: ClassVar = rising
    def features(self):
        return (ROC(self.lookback),)
"""


def test_a_shipped_strategy_goes_by_its_name() -> None:
    assert find_strategy("SmaCross") is SmaCross
    assert find_strategy("fanfold.strategies:SmaCross") is SmaCross


def test_a_users_strategy_goes_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN, encoding="utf-8")
    found = find_strategy(f"{file}:Rising")
    assert found is find_strategy(f"{file}:Rising")
    assert found(lookback=7).features()[0].warm_up == 8
    assert not is_importable(found.__module__)
    assert is_importable(SmaCross.__module__)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SmaCros", "did you mean 'SmaCross'"),
        ("nowhere.py:Rising", r"nowhere\.py is not"),
        ("fanfold.strategies:decision", "must define the strategy decision"),
        ("no_such_package:Rising", "no_such_package is not"),
        ("fanfold.strategies:Strategies", "must define the strategy Strategies"),
    ],
)
def test_an_unknown_strategy_is_explained(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_strategy(name)


def test_a_file_that_does_not_load_says_why(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("1 / 0", encoding="utf-8")
    with pytest.raises(ConfigError, match="ZeroDivisionError: division by zero"):
        find_strategy(f"{file}:Rising")


def test_parameters_are_checked_by_name_and_bounds() -> None:
    with pytest.raises(ConfigError, match="did you mean 'fast'"):
        made(SmaCross, {"fasst": 3})
    with pytest.raises(ConfigError, match="fast must be below slow, was fast=50 slow=20"):
        made(SmaCross, {"fast": 50, "slow": 20})
    with pytest.raises(ConfigError, match=r"SmaCross: slow: .* was 'x'"):
        made(SmaCross, {"slow": "x"})


def test_ranges_and_values_are_swept_and_the_rest_is_fixed() -> None:
    swept, fixed = split_space({"a": {"range": [2, 8, 3]}, "b": {"values": [1.5, 2]}, "c": 7})
    assert {name: list(values) for name, values in swept.items()} == {"a": [2, 5], "b": [1.5, 2]}
    assert fixed == {"c": 7}


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"range": []},
        {"range": [1.5, 3]},
        {"range": [1, 5, 0]},
        {"range": [5, 1]},
        {"values": []},
        {"values": 3},
        {"range": [1, 5], "values": [1]},
        {"span": [1, 5]},
    ],
)
def test_a_space_that_is_not_well_formed_is_refused(stated: Any) -> None:
    with pytest.raises(ConfigError, match=r"^a[ :]"):
        split_space({"a": stated})
