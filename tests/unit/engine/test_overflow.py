"""Sums that integers cannot hold: refused, never wrapped around."""

from typing import Any

import pytest
from tests.fakes.decisions import FailOnOrder
from tests.fakes.panels import flat_bars
from tests.fakes.runs import run

from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.errors import FanfoldError


@pytest.mark.parametrize(
    ("prices", "cash", "fractional"),
    [
        ([0.01] * 6 + [0.02] * 3, 3e9, True),
        ([1e-6] * 5 + [1e3] * 5, 1e9, False),
        ([1e-6] * 5 + [1e9] * 5, 1e12, False),
    ],
)
@pytest.mark.parametrize("mode", ["plain", "machine"])
def test_more_money_than_integers_hold_is_an_error_and_no_wrong_number(
    prices: list[float], cash: float, fractional: Any, mode: Any
) -> None:
    terms = terms_of(cash=cash, options=FillOptions(fractional=fractional))
    with pytest.raises(FanfoldError, match="must stay below the money there can be"):
        run(FailOnOrder(), flat_bars(prices), terms, mode=mode)
