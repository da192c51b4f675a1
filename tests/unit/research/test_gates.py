"""Gates: figures beside bounds, and how far they are from them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError
from fanfold.research.gates import Bound, gate_of, number

SHARPE = Bound(figure="sharpe", least=0.5)
DRAWDOWN = Bound(figure="max_drawdown", most=0.35)
BOUNDS = (SHARPE, DRAWDOWN)


def test_a_gate_passes_where_every_figure_is_within_its_bound() -> None:
    gate = gate_of("walk_forward", {"sharpe": 0.5, "max_drawdown": 0.35}, BOUNDS)
    assert gate.passed
    assert gate.refusal == ""


def test_a_refusal_names_gate_figure_bound_and_distance() -> None:
    gate = gate_of("walk_forward", {"sharpe": 0.25, "max_drawdown": 0.5}, BOUNDS)
    assert not gate.passed
    assert [check.distance for check in gate.failed] == [0.25, pytest.approx(0.15)]
    assert gate.refusal == (
        "walk_forward: sharpe must be at least 0.5, is 0.25: off by 0.25; "
        "max drawdown must be at most 0.35, is 0.5: off by 0.15"
    )


@pytest.mark.parametrize("figures", [{"max_drawdown": 0.1}, {"sharpe": math.nan}, {"sharpe": None}])
def test_what_is_not_known_is_refused(figures: dict[str, float | None]) -> None:
    gate = gate_of("walk_forward", figures, (SHARPE,))
    assert not gate.passed
    assert gate.failed[0].distance == math.inf
    assert "is not known" in gate.refusal


def test_without_evidence_a_gate_says_why() -> None:
    gate = gate_of("paper", None, BOUNDS, missing="nobody rehearsed")
    assert not gate.passed
    assert gate.refusal == "paper: nobody rehearsed"


def test_a_gate_that_would_let_everything_through_cannot_be_made() -> None:
    with pytest.raises(ConfigError, match="must have a bound"):
        gate_of("paper", {}, ())
    with pytest.raises(ConfigError, match="must be one of data"):
        gate_of("papers", {}, BOUNDS)
    with pytest.raises(ConfigError, match="least or most"):
        Bound(figure="sharpe")


@given(value=st.floats(-1e6, 1e6), bound=st.floats(-1e6, 1e6), is_least=st.booleans())
def test_the_distance_is_what_is_lacking_and_nothing_else(
    value: float, bound: float, *, is_least: bool
) -> None:
    made = Bound(figure="x", least=bound) if is_least else Bound(figure="x", most=bound)
    gate = gate_of("data", {"x": value}, (made,))
    within = value >= bound if is_least else value <= bound
    assert gate.passed == within
    assert made.distance(value) == (0.0 if within else abs(value - bound))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(5.0, "5"), (12_345.0, "12,345"), (0.5, "0.5"), (1.23456, "1.235"), (math.nan, "unknown"),
     (math.inf, "infinite"), (0.00012345, "0.000123")],
)  # fmt: skip
def test_figures_are_read_by_people(value: float, shown: str) -> None:
    assert number(value) == shown
