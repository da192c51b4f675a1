"""Folds: nothing is tested on bars that it was chosen on, or too near to them."""

import warnings
from datetime import timedelta
from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.fakes.panels import bars_of, flat_bars

from fanfold.domain.bars import Bars
from fanfold.engine.windows import Window
from fanfold.errors import ConfigError
from fanfold.research import folds as folds_module
from fanfold.research.folds import CrossValidation, Fold, Gap, WalkForward

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it marks its own imports as deprecated
    from skfolio.model_selection import CombinatorialPurgedCV
    from skfolio.model_selection import WalkForward as PeerWalkForward


def days(count: int, **how: Any) -> Bars:
    return bars_of(np.ones((5, count, 1)), **how)


def measured(windows: tuple[Window, ...]) -> list[int]:
    """Numbers of the bars whose returns are measured."""
    return [bar for one in windows for bar in range(one.first + 1, one.last)]


SESSION_BARS = 4
BARS_APART = st.integers(0, 6)
TIME_APART = st.integers(0, 30).map(lambda quarter: timedelta(hours=6 * quarter))
NONE = st.just(0)
GAPS = st.one_of(BARS_APART, TIME_APART)
PANELS = st.builds(
    days,
    st.integers(30, 110),
    session_bars=st.sampled_from([1, 1, SESSION_BARS]),
    gaps=st.lists(st.integers(1, 4), min_size=1, max_size=30),
)
PLANS = st.one_of(
    st.builds(
        WalkForward,
        train=st.integers(2, 20),
        test=st.integers(2, 12),
        anchored=st.booleans(),
        purge=purge,
        embargo=embargo,
    )
    for purge, embargo in [(BARS_APART, BARS_APART), (TIME_APART, NONE), (NONE, TIME_APART)]
)
CUTS = st.builds(
    lambda groups, tests, purge, embargo: CrossValidation(
        groups=groups, test_groups=min(tests, groups - 1), purge=purge, embargo=embargo
    ),
    st.integers(2, 6),
    st.integers(1, 4),
    GAPS,
    GAPS,
)


def assert_apart(bars: Bars, earlier: int, later: int, gaps: tuple[Gap, ...]) -> None:
    """The bar `later` begins all gaps, one after the other, after the bar `earlier` ended."""
    in_bars = sum(gap for gap in gaps if isinstance(gap, int))
    in_time = sum((gap for gap in gaps if isinstance(gap, timedelta)), timedelta())
    assert later - earlier - 1 >= in_bars
    assert bars.ts[later - 1] - bars.ts[earlier] >= in_time / timedelta(microseconds=1) * 1_000


def made(plan: WalkForward | CrossValidation, bars: Bars, window: Window) -> tuple[Fold, ...]:
    """The folds, if there is room for any."""
    try:
        return plan.folds(bars, window)
    except ConfigError:
        assume(False)  # noqa: FBT003
        raise


def test_a_rolling_walk_forward_is_what_a_hand_would_draw() -> None:
    plan = WalkForward(train=4, test=3, purge=1, embargo=1)
    # Bar 2 decides first, so bars 3 to 6 train, 7 and 8 are left out, 9 to 11 are tested.
    found = plan.folds(days(17), Window(2, 17))
    assert [(measured(one.train), measured(one.test)) for one in found] == [
        ([3, 4, 5, 6], [9, 10, 11]),
        ([6, 7, 8, 9], [12, 13, 14]),
    ]
    assert [one.groups for one in found] == [(0,), (1,)]
    assert measured(plan.latest(Window(2, 17))) == [13, 14, 15, 16]


def test_an_anchored_one_always_begins_with_the_first_bar() -> None:
    plan = WalkForward(train=4, test=3, purge=2, anchored=True)
    found = plan.folds(days(18), Window(2, 18))
    assert [(measured(one.train)[0], measured(one.train)[-1]) for one in found] == [
        (3, 6),
        (3, 9),
        (3, 12),
    ]
    assert [measured(one.test) for one in found] == [[9, 10, 11], [12, 13, 14], [15, 16, 17]]
    assert measured(plan.latest(Window(2, 18))) == list(range(3, 18))


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize(("train", "test", "purge"), [(6, 3, 0), (6, 3, 2), (10, 7, 1), (2, 2, 5)])
def test_a_walk_forward_equals_that_of_skfolio(
    train: int, test: int, purge: int, *, anchored: bool
) -> None:
    bar_count, first = 41, 3
    plan = WalkForward(train=train, test=test, purge=purge, anchored=anchored)
    own = plan.folds(days(bar_count), Window(first, bar_count))
    peer = PeerWalkForward(
        train_size=train, test_size=test, purged_size=purge, expand_train=anchored
    ).split(np.zeros((bar_count - first - 1, 1)))
    expected = [(train_bars + first + 1, test_bars + first + 1) for train_bars, test_bars in peer]
    assert [(measured(one.train), measured(one.test)) for one in own] == [
        (train_bars.tolist(), test_bars.tolist()) for train_bars, test_bars in expected
    ]


@given(plan=PLANS, bars=PANELS, first=st.integers(0, 8))
def test_walk_forward_keeps_its_gaps_and_its_sizes(
    plan: WalkForward, bars: Bars, first: int
) -> None:
    window = Window(first, bars.bar_count)
    found = made(plan, bars, window)
    tests = [measured(one.test) for one in found]
    # On intraday bars a window ends with a session: it may be that much shorter or longer.
    spare = 0 if bars.closes_session.all() else SESSION_BARS - 1
    assert all(abs(len(test) - plan.test) <= spare for test in tests)
    assert all(bars.closes_session[test[-1]] for test in tests)
    assert [bar for test in tests for bar in test] == list(range(tests[0][0], tests[-1][-1] + 1))
    assert bars.bar_count - tests[-1][-1] - 1 < plan.test + spare
    for one in found:
        train, test = measured(one.train), measured(one.test)
        assert len(one.train) == 1
        assert one.train[0].first >= first
        assert train[-1] < test[0]
        assert_apart(bars, train[-1], test[0], (plan.purge, plan.embargo))
        assert bars.closes_session[train[-1]]
        if not plan.anchored:
            assert len(train) == plan.train or train[0] == first + 1
        if plan.anchored or spare:
            assert len(train) >= min(plan.train, 2)


@pytest.mark.parametrize("hours", [6, 12])
@pytest.mark.parametrize("anchored", [False, True])
def test_a_purge_of_bars_before_an_embargo_of_time_keeps_the_training_whole(
    hours: int, *, anchored: bool
) -> None:
    gap = timedelta(hours=hours)
    plan = WalkForward(train=4, test=4, purge=1, embargo=gap, anchored=anchored)
    for one in plan.folds(days(30, session_bars=4), Window(0, 30)):
        assert one.train[0].first >= 0
        assert one.train[0].bar_count >= 2


@pytest.mark.parametrize(
    ("gap", "left_out"),
    [
        (timedelta(0), 0),
        (timedelta(hours=1), 1),
        (timedelta(days=1), 1),
        (timedelta(days=1, hours=1), 2),
        (timedelta(days=5), 5),
    ],
)
def test_a_gap_of_days_leaves_out_so_many_daily_bars(gap: timedelta, left_out: int) -> None:
    bars = days(40)
    (one, *_) = WalkForward(train=10, test=5, purge=gap).folds(bars, Window(0, 40))
    assert measured(one.test)[0] - measured(one.train)[-1] - 1 == left_out


def test_a_gap_of_days_counts_the_days_without_bars() -> None:
    bars = days(40, gaps=[1, 1, 1, 1, 3])  # five sessions a week
    for one in WalkForward(train=10, test=5, purge=timedelta(days=7)).folds(bars, Window(0, 40)):
        assert measured(one.test)[0] - measured(one.train)[-1] - 1 == 5


def test_a_gap_of_hours_leaves_out_intraday_bars() -> None:
    bars = days(60, session_bars=4)  # bars of three hours, in the first half of each day
    hours = 3 * 3_600 * 10**9
    assert np.diff(bars.ts[:4]).tolist() == [hours] * 3
    (one, *_) = WalkForward(train=8, test=4, purge=timedelta(hours=3)).folds(bars, Window(3, 60))
    train, test = measured(one.train), measured(one.test)
    # Windows end with sessions: the next that begins far enough after bar 11 begins with 16.
    assert (train[-1], test[0]) == (11, 16)
    assert bars.ts[test[0] - 1] - bars.ts[train[-1]] >= hours


@given(cut=CUTS, bars=PANELS, first=st.integers(0, 8))
def test_cross_validation_never_trains_on_what_it_tests_or_too_near_to_it(
    cut: CrossValidation, bars: Bars, first: int
) -> None:
    window = Window(first, bars.bar_count)
    found = made(cut, bars, window)
    tested = np.zeros(bars.bar_count, int)
    assert len(found) == cut.split_count == comb(cut.groups, cut.test_groups)
    for one in found:
        test, train = measured(one.test), measured(one.train)
        tested[test] += 1
        assert len(set(train)) == len(train)
        assert set(train).isdisjoint(test)
        assert min(train) > first
        assert list(one.train) == sorted(one.train)
        for window_tested in one.test:
            own = measured((window_tested,))
            before = [bar for bar in train if bar < own[0]]
            after = [bar for bar in train if bar > own[-1]]
            if before:
                assert_apart(bars, before[-1], own[0], (cut.purge,))
            if after:
                assert_apart(bars, own[-1], after[0], (cut.purge, cut.embargo))
        for window_trained in one.train:  # none spans a test or a purged gap
            assert window_trained.bar_count >= 2
            inside = measured((window_trained,))
            assert inside == list(range(inside[0], inside[-1] + 1))
            assert set(inside).isdisjoint(test)
    assert set(tested[first + 1 :]) == {cut.path_count}
    assert (tested[: first + 1] == 0).all()


@given(cut=CUTS, bars=PANELS)
def test_each_path_goes_through_all_groups_and_no_test_is_used_twice(
    cut: CrossValidation, bars: Bars
) -> None:
    found = made(cut, bars, Window(0, bars.bar_count))
    paths = cut.paths(found)
    assert len(paths) == cut.path_count == comb(cut.groups - 1, cut.test_groups - 1)
    used: list[tuple[int, int]] = []
    for path in paths:
        assert len(path) == cut.groups
        covered: list[int] = []
        for group, split in enumerate(path):
            one = found[split]
            covered += measured((one.test[one.groups.index(group)],))
            used.append((split, group))
        assert covered == list(range(1, bars.bar_count))
    assert sorted(used) == sorted((one.number, group) for one in found for group in one.groups)


@pytest.mark.parametrize(
    ("groups", "tests", "purge", "embargo"),
    [(4, 2, 0, 0), (4, 2, 1, 1), (6, 2, 3, 2), (6, 3, 2, 0), (7, 4, 0, 4), (5, 3, 3, 1)],
)
def test_cross_validation_equals_that_of_skfolio(
    groups: int, tests: int, purge: int, embargo: int
) -> None:
    # Equal for groups of one size. Of bars that do not divide, skfolio gives the rest to
    # the last group and we one each to the first; and we leave out stretches of one bar.
    bar_count, first = groups * 9 + 1, 0
    cut = CrossValidation(groups=groups, test_groups=tests, purge=purge, embargo=embargo)
    own = cut.folds(days(bar_count), Window(first, bar_count))
    peer: Any = CombinatorialPurgedCV(
        n_folds=groups, n_test_folds=tests, purged_size=purge, embargo_size=embargo
    )
    splits = list(peer.split(np.zeros((bar_count - 1, 1))))
    assert len(own) == len(splits)
    for one, (train, test) in zip(own, splits, strict=True):
        assert measured(one.train) == without_lone(train + 1)
        assert [measured((window,)) for window in one.test] == [
            (bars + 1).tolist() for bars in test
        ]
    assert paths_of(peer, groups) == sorted(map(tuple, cut.paths(own)))


def without_lone(bars: NDArray[np.int64]) -> list[int]:
    """Bars that have a neighbour among them."""
    known = set(bars.tolist())
    return [bar for bar in bars.tolist() if {bar - 1, bar + 1} & known]


def paths_of(peer: Any, groups: int) -> list[tuple[int, ...]]:
    """Of each of skfolio's paths the split that tests each group."""
    ids: NDArray[np.int64] = peer.get_path_ids()
    paths = np.full((ids.max() + 1, groups), -1)
    for split, chosen in enumerate(peer.test_set_index):
        for place, group in enumerate(chosen):
            paths[ids[split, place], group] = split
    return sorted(tuple(path) for path in paths.tolist())


def test_groups_differ_by_one_bar_at_most() -> None:
    found = CrossValidation(groups=5, test_groups=1).folds(days(30), Window(0, 30))
    assert [one.test[0].bar_count for one in found] == [6, 6, 6, 6, 5]


def test_gaps_that_leave_one_bar_leave_none() -> None:
    cut = CrossValidation(groups=4, test_groups=2, purge=2, embargo=0)
    for one in cut.folds(days(21), Window(0, 21)):
        # Between two tests that are a group of five apart, one bar is left of five.
        assert all(window.bar_count >= 2 for window in one.train)


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (
            WalkForward(train=30, test=10),
            "30 bars to train and 10 to test must have 40 bars after the warm-up or more, had 37",
        ),
        (WalkForward(train=1, test=10), "train must be 2 bars or more, was 1"),
        (WalkForward(train=10, test=1), "test must be 2 bars or more, was 1"),
        (WalkForward(train=2, test=2, purge=timedelta(days=99)), "must have .* had 37"),
        (CrossValidation(groups=3, test_groups=3), r"test_groups must be 1 to groups - 1 = 2, was"),
        (CrossValidation(groups=3, test_groups=0), "test_groups must be 1 to"),
        (CrossValidation(groups=20), "20 groups must have 40 bars after the warm-up or more"),
        (CrossValidation(groups=4, purge=40), "must leave bars to train on, left none beside"),
    ],
)
def test_too_few_bars_are_refused_with_their_number(
    plan: WalkForward | CrossValidation, text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        plan.folds(flat_bars(np.ones(40)), Window(2, 40))


@pytest.mark.parametrize("gap", [-1, timedelta(days=-1), -timedelta(microseconds=1)])
@pytest.mark.parametrize("name", ["purge", "embargo"])
def test_gaps_that_lead_backward_are_refused(gap: Gap, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must not be negative"):
        WalkForward(train=2, test=2, **{name: gap})
    with pytest.raises(ConfigError, match=f"{name} must not be negative"):
        CrossValidation(**{name: gap})


@pytest.mark.parametrize("gap", ["10d", 5.0, np.timedelta64(3, "D")])
def test_a_gap_that_is_no_gap_is_refused(gap: Any) -> None:
    with pytest.raises(ConfigError, match="purge must be bars or a timedelta"):
        WalkForward(train=2, test=2, purge=gap)


def test_more_folds_than_can_be_meant_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds_module, "FOLDS_MAX", 5)
    with pytest.raises(ConfigError, match="a study must have 5 folds or fewer, had 6"):
        WalkForward(train=4, test=2).folds(days(18), Window(0, 18))
    with pytest.raises(ConfigError, match="a study must have 5 folds or fewer, had 6"):
        CrossValidation(groups=4).folds(days(18), Window(0, 18))


def test_equal_plans_give_equal_folds_whatever_comes_later() -> None:
    plan = WalkForward(train=6, test=4, purge=1)
    short, long = (plan.folds(days(n), Window(1, n)) for n in (30, 60))
    assert long[: len(short)] == short
    assert all(b.test[0].first == a.test[0].last - 1 for a, b in pairwise(long))
