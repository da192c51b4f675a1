"""What a decision wrote is kept as it wrote it, bar by bar."""

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import GuardTheAccount, MindTheAccount, Wander, WanderWithPrices
from tests.fakes.panels import flat_bars
from tests.fakes.runs import Case, cases

from fanfold.engine import decisions
from fanfold.engine.backtest import terms_of
from fanfold.engine.decisions import decisions_of
from fanfold.errors import ConfigError
from fanfold.strategies import Strategy

PRICES = [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]


def write_the_close(assets: Any, portfolio: Any, memory: Any) -> None:
    """Everything that can be written, so that its place can be seen."""
    for asset in assets:
        asset.target = 0.1
        asset.limit = asset.close
        asset.stop = asset.close + 1
        asset.stop_loss = asset.close + 2
        asset.take_profit = asset.close + 3
        asset.trailing_stop = asset.close + 4


class Writer(Strategy):
    decide: ClassVar[Any] = write_the_close


def fail_at_twelve(assets: Any, portfolio: Any, memory: Any) -> None:
    """Raise at one price."""
    if assets[0].close == 12.0:
        raise ValueError("twelve is too many")
    assets[0].target = 0.5


class Fails(Strategy):
    decide: ClassVar[Any] = fail_at_twelve


def want_infinity(assets: Any, portfolio: Any, memory: Any) -> None:
    """A target that cannot be traded, at one price."""
    assets[0].target = float("inf") if assets[0].close == 12.0 else 0.5


class Untradable(Strategy):
    decide: ClassVar[Any] = want_infinity


def test_each_wish_stands_in_its_place_at_its_bar() -> None:
    seen = decisions_of(Writer(), flat_bars(PRICES), terms_of(venue="ideal"), 1)
    close = np.array(PRICES[1:])[:, None]
    expected = np.stack([close * 0 + 0.1, close, close + 1, close + 2, close + 3, close + 4], 2)
    np.testing.assert_array_equal(seen.wishes, expected)
    assert (seen.first, seen.raised) == (1, "")


def test_it_may_end_early() -> None:
    whole = decisions_of(Writer(), flat_bars(PRICES), terms_of(venue="ideal"), 0)
    part = decisions_of(Writer(), flat_bars(PRICES), terms_of(venue="ideal"), 0, 4)
    np.testing.assert_array_equal(part.wishes, whole.wishes[:4])


def test_what_a_decision_raised_is_kept_with_what_it_wrote_before() -> None:
    seen = decisions_of(Fails(), flat_bars(PRICES), terms_of(), 0)
    assert len(seen.wishes) == 2
    assert seen.raised == "the decision raised ValueError: twelve is too many"


def test_a_target_that_cannot_be_traded_is_a_wish_and_nothing_raised() -> None:
    seen = decisions_of(Untradable(), flat_bars(PRICES), terms_of(), 0)
    assert seen.wishes[:, 0, 0].tolist() == [0.5, 0.5, float("inf")]
    assert seen.raised == ""


def test_too_many_wishes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "WISH_BYTES_MAX", 6 * 6 * 8 - 1)
    with pytest.raises(ConfigError, match="at most 287 bytes, were 288: take fewer assets"):
        decisions_of(Writer(), flat_bars(PRICES), terms_of(venue="ideal"), 0)


@settings(max_examples=15)
@given(
    strategy=st.sampled_from([Wander, MindTheAccount, WanderWithPrices, GuardTheAccount]).flatmap(
        lambda kind: st.builds(kind, seed=st.integers(0, 99))
    ),
    case=cases(bars=(8, 30)),
)
def test_asked_again_it_decides_the_same_bits(strategy: Strategy, case: Case) -> None:
    bars, terms = case
    first, again = (decisions_of(strategy, bars, terms, 3) for _ in range(2))
    assert first.wishes.tobytes() == again.wishes.tobytes()
    assert first.raised == again.raised
