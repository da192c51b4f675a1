"""The short way from an approval to its one order leads to the same order as the long one."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.live.execution.test_planning import COIN, PARTS, SHARES, approval

from fanfold.live.execution import planning
from fanfold.live.execution.actions import AssetRules
from fanfold.live.execution.planning import Planned, planned

NAN = math.nan
PRICE = st.sampled_from([NAN, NAN, NAN, 0.0, 0.5, 90.0, 110.0])
FIELDS: dict[str, Any] = {
    "most": st.integers(0, 60),
    "limit": PRICE,
    "stop": PRICE,
    "stop_loss": PRICE,
    "take_profit": PRICE,
    "reference": st.sampled_from([100.0, 0.01, 1e-9]),
    "reduce_only": st.booleans(),
}


def long_way(rules: AssetRules, approved: Any, held: int, *, may_increase: bool) -> Planned:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "_usual", lambda *_, **__: None)
        return planned(rules, approved, held, [], may_increase=may_increase)


@given(
    rules=st.sampled_from([SHARES, PARTS, COIN]),
    goal=st.integers(-40, 40),
    held=st.integers(-40, 40),
    fields=st.fixed_dictionaries({}, optional=FIELDS),
    may_increase=st.booleans(),
)
def test_both_ways_lead_to_the_same_order(
    rules: AssetRules,
    goal: int,
    held: int,
    fields: dict[str, Any],
    may_increase: bool,  # noqa: FBT001
) -> None:
    approved = approval(goal, **fields)
    short = planned(rules, approved, held, [], may_increase=may_increase)
    whole = long_way(rules, approved, held, may_increase=may_increase)
    assert repr(short) == repr(whole)  # NaN is not equal to itself


@pytest.mark.parametrize(
    ("rules", "goal", "held"), [(SHARES, 10, 0), (SHARES, 0, 10), (COIN, 25, 3), (PARTS, 7, 20)]
)
def test_most_approvals_take_the_short_way(rules: AssetRules, goal: int, held: int) -> None:
    assert planning._usual(rules, approval(goal), held, may_increase=True) is not None
