"""What all shipped strategies promise."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from fanfold.strategies import MomentumRotation, RsiReversion, SmaCross, Strategy, TurnOfMonth
from fanfold.strategies.strategy import decision_of, features_of, memory_of, params_of

SHIPPED: tuple[type[Strategy], ...] = (SmaCross, RsiReversion, MomentumRotation, TurnOfMonth)

each = pytest.mark.parametrize("strategy", SHIPPED)


@each
def test_every_parameter_has_bounds_for_the_search(strategy: type[Strategy]) -> None:
    properties: dict[str, Any] = strategy.model_json_schema()["properties"]
    assert set(properties) == set(strategy.model_fields)
    for field in properties.values():
        assert field["minimum"] < field["maximum"]
        assert field["minimum"] <= field["default"] <= field["maximum"]


@each
def test_a_parameter_out_of_its_bounds_is_refused(strategy: type[Strategy]) -> None:
    for name, field in strategy.model_json_schema()["properties"].items():
        for beyond in (field["minimum"] - 1, field["maximum"] + 1, float("nan")):
            with pytest.raises(ValidationError, match=name):
                strategy(**{name: beyond})


@each
def test_an_unknown_parameter_is_refused(strategy: type[Strategy]) -> None:
    with pytest.raises(ValidationError, match="colour"):
        strategy(**{"colour": 1})  # noqa: PIE804  (no such parameter, so no keyword)


@each
def test_its_parts_pass_the_checks_of_the_base(strategy: type[Strategy]) -> None:
    made = strategy()
    assert callable(decision_of(made))
    assert len(params_of(made)) == len(strategy.model_fields)
    assert features_of(made)
    assert memory_of(made, 500) >= 0


@each
def test_it_says_where_it_comes_from_and_when_it_fails(strategy: type[Strategy]) -> None:
    assert "Source: " in (strategy.__doc__ or "")
    assert "It fails " in (strategy.__doc__ or "")


def test_importing_strategies_loads_no_compiler_and_no_frames() -> None:
    heavy = ("numba", "pandas", "pyarrow", "scipy", "ray", "mlflow")
    code = f"import sys, fanfold.strategies; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
