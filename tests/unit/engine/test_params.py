"""The parameters of many runs are those of each."""

from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import Wander

from fanfold.domain.record import VECTOR_SIZE
from fanfold.engine.params import param_rows
from fanfold.errors import ConfigError
from fanfold.strategies import PairsTrading, Strategy
from fanfold.strategies.strategy import params_of

SYMBOLS = ("A", "B", "C")


class Mixed(Strategy):
    """Fields of every type that a decision can see."""

    count: int = 1
    share: float = 0.5
    flag: bool = False
    either: int | float = 2
    decide: ClassVar[Any] = Wander.decide


numbers = st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(
        st.builds(
            Mixed,
            count=st.integers(-(2**62), 2**62),
            share=st.floats(allow_nan=False, allow_infinity=False),
            flag=st.booleans(),
            either=numbers,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_rows_are_the_parameters_of_each_strategy(strategies: list[Mixed]) -> None:
    rows = param_rows(strategies, SYMBOLS)
    assert rows.shape == (len(strategies), VECTOR_SIZE)
    for row, strategy in zip(rows.tolist(), strategies, strict=True):
        assert row == params_of(strategy) + [0.0] * (VECTOR_SIZE - 4)


def test_a_symbol_is_its_place_among_the_bars() -> None:
    pairs = [PairsTrading.model_validate({"first": one, "second": "A"}) for one in "BC"]
    assert param_rows(pairs, SYMBOLS)[:, :2].tolist() == [[1.0, 0.0], [2.0, 0.0]]


def test_a_symbol_that_the_bars_lack_is_refused_by_name() -> None:
    pairs = [PairsTrading.model_validate({"first": one, "second": "A"}) for one in "BD"]
    with pytest.raises(ConfigError, match=r"PairsTrading.first must be a symbol of the bars"):
        param_rows(pairs, SYMBOLS)
