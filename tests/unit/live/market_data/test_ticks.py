"""Bars that are built from trades and quotes, against those of stored trades."""

import math
import random

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.live_market import CLOSE, HALF_DAY, MINUTE, OPEN, SECOND, SESSIONS

from fanfold.live.market_data.bars.hours import Hours
from fanfold.live.market_data.bars.ticks import Ticks, effect_of
from fanfold.live.messages import Row
from fanfold.market.resample.conditions import NEVER, effects_of

FAR = CLOSE + 10 * HALF_DAY
Made = tuple[int, int, int, tuple[str, ...]]
CODES = [("@",), ("@", "I"), ("@", "F"), ("@", "Z"), ("@", "M"), ("@", "T"), ("@", "?"), ()]
TRADES = st.lists(
    st.tuples(
        st.integers(-2 * MINUTE, 6 * MINUTE),
        st.integers(1, 50),
        st.integers(1, 9),
        st.sampled_from(CODES),
    ),
    min_size=1,
    max_size=60,
)


def ticks(seconds: int = 5) -> Ticks:
    return Ticks([Hours("XNYS", SESSIONS, seconds)] * 2, SECOND)


def test_sale_conditions_do_what_they_do_to_stored_trades() -> None:
    column = pa.chunked_array([[" ".join(codes) + " " for codes in CODES]])
    stored = effects_of(column, np.ones(len(CODES), np.bool_), "consolidated", "tapes")
    built = [effect_of(codes) for codes in CODES]
    assert [rank for rank, _ in built] == stored.rank.tolist()
    assert [sized for _, sized in built] == stored.sized.tolist()


def naive(trades: list[Made], seconds: int) -> dict[int, Row]:
    """Bars of trades in their order, one bar after the other."""
    length, bars = seconds * SECOND, dict[int, list[Made]]()
    for one in trades:
        if 0 <= one[0] < CLOSE - OPEN:
            bars.setdefault(OPEN + (one[0] // length + 1) * length, []).append(one)
    made: dict[int, Row] = {}
    for end, own in bars.items():
        priced = [one for one in own if effect_of(one[3])[0] > NEVER]
        if priced:
            best = max(effect_of(one[3])[0] for one in priced)
            naming = [one[1] for one in priced if effect_of(one[3])[0] == best]
            prices = [one[1] for one in priced]
            volume = sum(one[2] for one in own if effect_of(one[3])[1])
            made[end] = Row(1, naming[0], max(prices), min(prices), naming[-1], volume)
    return made


@given(
    trades=TRADES, seconds=st.sampled_from([1, 5, 30, 60]), rng=st.randoms(use_true_random=False)
)
def test_bars_follow_from_the_set_of_trades(
    trades: list[Made], seconds: int, rng: random.Random
) -> None:
    trades = sorted(trades, key=lambda one: one[0])
    built = ticks(seconds)
    numbered = list(enumerate(trades))
    rng.shuffle(numbered)
    for number, (offset, price, size, codes) in numbered:
        built.trade(1, OPEN + offset, float(price), float(size), number, codes)
    assert {step.ts: step.rows[0] for step in built.due(FAR)} == naive(trades, seconds)


def test_a_repeated_trade_counts_once_and_one_after_its_step_is_late() -> None:
    built = ticks()
    for _ in range(2):
        assert built.trade(0, OPEN, 10.0, 5.0, 1, ("@",)) is None
    end = OPEN + 5 * SECOND
    assert built.due(end + SECOND - 1) == []
    (step,) = built.due(end + SECOND)
    assert step.rows == (Row(0, 10.0, 10.0, 10.0, 10.0, 5.0),)
    late = built.trade(0, OPEN + 1, 11.0, 5.0, 2, ("@",))
    assert late is not None
    assert (late.ts, late.row.close) == (end, 11.0)


def test_a_trade_at_a_bars_end_belongs_to_the_next() -> None:
    built = ticks()
    built.trade(0, OPEN + 5 * SECOND, 10.0, 1.0)
    assert [step.ts for step in built.due(FAR)] == [OPEN + 10 * SECOND]


def test_bars_of_middles_have_no_volume_that_is_known() -> None:
    built = ticks()
    for offset, price in ((1, 10.0), (2, 12.0), (3, 9.0), (4, 11.0)):
        built.middle(0, OPEN + offset, price)
    (row,) = built.due(FAR)[0].rows
    assert (row.open, row.high, row.low, row.close) == (10.0, 12.0, 9.0, 11.0)
    assert math.isnan(row.volume)


def test_a_bar_in_which_the_stream_was_interrupted_is_left_out() -> None:
    built = ticks()
    built.middle(0, OPEN + 1, 10.0)
    built.broken(OPEN + 7 * SECOND)
    for offset in (8, 12):
        built.middle(0, OPEN + offset * SECOND, 10.0)
    assert [step.ts for step in built.due(FAR)] == [OPEN + 15 * SECOND]
    assert built.counts["broken"] == 2


def test_what_is_told_again_after_an_interruption_counts_once() -> None:
    built = ticks()
    built.trade(0, OPEN + 1, 10.0, 5.0, 1)
    built.restart()
    for _ in range(2):
        built.trade(0, OPEN + 1, 10.0, 5.0, 1)
    assert built.due(FAR)[0].rows[0].volume == 5.0
