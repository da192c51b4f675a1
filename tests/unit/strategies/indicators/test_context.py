"""Indicators of two assets, of sessions, of extra columns and of larger timeframes."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.fakes.both_ways import few
from tests.fakes.panels import flat_bars
from tests.unit.strategies.indicators.conftest import (
    CONTEXTUAL,
    SHORT,
    closes,
    context_of_days,
    cut,
    gappy_sessions,
    market,
    own_bars,
    same_bits,
)

from fanfold.errors import ConfigError
from fanfold.strategies.indicators import (
    SMA,
    Column,
    Context,
    Indicator,
    On,
    RatioZScore,
    RollingBeta,
    SessionVWAP,
    batch,
    batch_all,
    context_of,
    stream,
)

Sessions = tuple[NDArray[np.float64], Context]

each = pytest.mark.parametrize("indicator", CONTEXTUAL, ids=repr)


@each
@few
@given(sessions=gappy_sessions())
def test_machine_code_and_plain_python_agree_on_every_bit(
    indicator: Indicator, sessions: Sessions
) -> None:
    assert same_bits(batch(indicator, *sessions), batch(indicator, *sessions, plain=True))


@each
@few
@given(sessions=gappy_sessions())
def test_streaming_gives_the_values_of_the_batch(indicator: Indicator, sessions: Sessions) -> None:
    panel, context = sessions
    expected = batch(indicator, panel, context)
    for asset in range(panel.shape[2]):
        live = stream(indicator)
        pushed = [
            live.push(*panel[:, bar, asset].tolist(), context.at(panel, bar, asset))
            for bar in range(panel.shape[1])
        ]
        assert same_bits(np.array(pushed).T, expected[:, :, asset])


@each
@few
@given(sessions=gappy_sessions(), data=st.data())
def test_a_stream_goes_on_from_its_snapshot(
    indicator: Indicator, sessions: Sessions, data: st.DataObject
) -> None:
    panel, context = sessions
    whole, begun, restored = stream(indicator), stream(indicator), stream(indicator)
    stop = data.draw(st.integers(0, panel.shape[1]))
    for bar in range(panel.shape[1]):
        if bar == stop:
            restored.state[:], restored.latest[:] = begun.state, begun.latest
            begun = restored
        values = panel[:, bar, 0].tolist()
        for live in (whole, begun):
            live.push(*values, context.at(panel, bar, 0))
    assert same_bits(begun.latest, whole.latest)
    assert same_bits(begun.state, whole.state)


@each
@few
@given(sessions=gappy_sessions(), data=st.data())
def test_cutting_later_bars_changes_nothing_before(
    indicator: Indicator, sessions: Sessions, data: st.DataObject
) -> None:
    panel, context = sessions
    count = data.draw(st.integers(0, panel.shape[1]))
    before = batch(indicator, panel[:, :count], cut(context, count))
    assert same_bits(before, batch(indicator, panel, context)[:, :count])


@few
@given(sessions=gappy_sessions())
def test_many_at_once_give_the_values_of_each_alone(sessions: Sessions) -> None:
    indicators = [*CONTEXTUAL, *SHORT]
    alone = np.concatenate([batch(indicator, *sessions) for indicator in indicators])
    assert same_bits(batch_all(indicators, *sessions), alone)


@pytest.mark.parametrize("kind", [RollingBeta, RatioZScore])
@few
@given(sessions=gappy_sessions())
def test_only_bars_in_which_both_assets_trade_count(kind: Any, sessions: Sessions) -> None:
    panel, context = sessions
    indicator = kind(2, other="A1")
    both = own_bars(panel, 0) & own_bars(panel, 1)
    values = batch(indicator, panel, context)[0, :, 0]
    days = context_of_days(int(both.sum()), ("A0", "A1"))
    alone = batch(indicator, panel[:, both], days)[0, :, 0]
    place = np.cumsum(both) - 1
    expected = np.where(place >= 0, alone[place], np.nan) if both.any() else np.nan
    assert same_bits(values, np.broadcast_to(expected, values.shape))


def test_beta_of_returns_doubled_is_two() -> None:
    market_returns = np.array([0.01, -0.02, 0.03, 0.005, -0.01])
    levels = np.cumprod(np.concatenate([[1.0], 1.0 + market_returns]))
    doubled = np.cumprod(np.concatenate([[1.0], 1.0 + 2.0 * market_returns]))
    pair = np.concatenate([closes(*doubled), closes(*levels)], axis=2)
    beta = batch(RollingBeta(5, other="M"), pair, context_of_days(6, ("A", "M")))[0, -1]
    # Returns of rounded prices are a few roundings off the ones that were meant.
    assert beta.tolist() == [pytest.approx(2.0, rel=1e-12), 1.0]


def test_pairs_have_no_score_while_a_price_of_zero_is_in_the_window() -> None:
    pair = np.concatenate([closes(2, 3, 2, 3, 4), closes(1, 0, 1, 1, 1)], axis=2)
    score = batch(RatioZScore(2, other="M"), pair, context_of_days(5, ("A", "M")))[0, :, 0]
    assert np.isnan(score).tolist() == [True, True, True, False, False]
    assert score[3:].tolist() == [1.0, 1.0]


def test_a_beta_on_returns_that_do_not_differ_is_missing() -> None:
    pair = np.concatenate([closes(2, 3, 2, 3, 4), closes(1, 1, 1, 1, 1)], axis=2)
    beta = batch(RollingBeta(2, other="M"), pair, context_of_days(5, ("A", "M")))
    assert np.isnan(beta).all()


@few
@given(sessions=gappy_sessions())
def test_session_vwap_is_worth_over_volume_of_the_session_so_far(sessions: Sessions) -> None:
    panel, context = sessions
    values = batch(SessionVWAP(), panel, context)[0]
    for asset in range(2):
        for bar in np.flatnonzero(own_bars(panel, asset)):
            so_far = (context.session_day == context.session_day[bar]) & own_bars(panel, asset)
            so_far[bar + 1 :] = False
            _, high, low, close, volume = panel[:, so_far, asset]
            worth = math.fsum((high + low + close) / 3.0 * volume)
            expected = worth / math.fsum(volume)
            # A handful of sums of positive numbers: a rounding each.
            assert values[bar, asset] == pytest.approx(expected, rel=1e-13, nan_ok=True)


def test_a_column_is_what_was_known_at_bars_in_which_the_asset_trades() -> None:
    bars = flat_bars([[1.0, 1.0], [2.0, np.nan], [3.0, 1.0], [4.0, 1.0]])
    known = np.array([[np.nan, 5.0], [7.0, 6.0], [7.0, 7.0], [8.0, np.nan]])
    context = Context(**{**vars(context_of(bars)), "extra": {"rating": known}})
    values = batch(Column("rating"), bars.panel, context)[0]
    expected = [[np.nan, 5.0], [7.0, 5.0], [7.0, 7.0], [8.0, np.nan]]
    np.testing.assert_array_equal(values, expected)


def test_bars_have_one_context() -> None:
    bars = flat_bars([1.0, 2.0, 3.0])
    assert context_of(bars) is context_of(bars)
    assert batch(On("1D", SMA(2)), bars.panel, context_of(bars))[0, -1, 0] == 2.5


@each
def test_without_a_context_the_error_says_what_is_needed(indicator: Indicator) -> None:
    with pytest.raises(ConfigError, match="needs a context"):
        batch(indicator, market(4))
    with pytest.raises(ConfigError, match="needs a context"):
        stream(indicator).push(1, 1, 1, 1, 1)


def test_a_context_of_other_bars_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"must be of the panel's bars and assets, \(4, 1\), was"):
        batch(SessionVWAP(), market(4), context_of_days(5))


@pytest.mark.parametrize(
    ("indicator", "reason"),
    [
        (
            RatioZScore(2, other="SPX"),
            r"asset 'SPX' \(nearest: 'SPY'\), they hold \['A0', 'SPY'\]",
        ),
        (RollingBeta(2, other="GLD"), r"must hold asset 'GLD'"),
        (On("1W", RollingBeta(2, other="GLD")), r"must hold asset 'GLD'"),
        (Column("ratng"), r"extra column 'ratng' \(nearest: 'rating'\)"),
        (On("1D", Column("price")), r"extra column 'price'"),
    ],
    ids=repr,
)
def test_what_the_bars_do_not_hold_is_named(indicator: Indicator, reason: str) -> None:
    panel = np.concatenate([market(3, seed=1), market(3, seed=2)], axis=2)
    context = context_of_days(3, ("A0", "SPY"), {"rating": np.ones((3, 2))})
    with pytest.raises(ConfigError, match=reason):
        batch(indicator, panel, context)
    with pytest.raises(ConfigError, match=reason):
        stream(indicator).push(*panel[:, 0, 0].tolist(), context.at(panel, 0, 0))


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_name_that_cannot_be_is_refused(name: Any) -> None:
    for make in (Column, lambda other: RatioZScore(2, other), lambda other: RollingBeta(2, other)):
        with pytest.raises(ConfigError, match="must be a name, was"):
            make(name)
