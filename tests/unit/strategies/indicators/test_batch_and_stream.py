"""Batch, streaming and plain values are the same bits, and see no later bar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.fakes.both_ways import few
from tests.unit.strategies.indicators.conftest import (
    SHORT,
    closes,
    gappy_panels,
    market,
    own_bars,
    same_bits,
)

from fanfold.strategies.indicators import SMA, Bollinger, Indicator, batch, batch_all, stream

each = pytest.mark.parametrize("indicator", SHORT, ids=repr)


@each
@few
@given(panel=gappy_panels())
def test_machine_code_and_plain_python_agree_on_every_bit(
    indicator: Indicator, panel: NDArray[np.float64]
) -> None:
    assert same_bits(batch(indicator, panel), batch(indicator, panel, plain=True))


@each
@few
@given(panel=gappy_panels())
def test_streaming_gives_the_values_of_the_batch(
    indicator: Indicator, panel: NDArray[np.float64]
) -> None:
    expected = batch(indicator, panel)
    for asset in range(panel.shape[2]):
        live = stream(indicator)
        pushed = [live.push(*(float(value) for value in bar)) for bar in panel[:, :, asset].T]
        assert same_bits(np.array(pushed).T, expected[:, :, asset])
        assert same_bits(live.latest, expected[:, -1, asset])


@each
@few
@given(panel=gappy_panels())
def test_bars_that_do_not_trade_leave_the_values_as_they_were(
    indicator: Indicator, panel: NDArray[np.float64]
) -> None:
    values = batch(indicator, panel)
    for asset in range(panel.shape[2]):
        own = own_bars(panel, asset)
        alone = batch(indicator, panel[:, own, asset][:, :, None])[:, :, 0]
        place = np.cumsum(own) - 1
        expected = np.where(place >= 0, alone[:, place], np.nan) if own.any() else np.nan
        assert same_bits(values[:, :, asset], np.broadcast_to(expected, values.shape[:2]))


@each
@few
@given(panel=gappy_panels(), data=st.data())
def test_cutting_later_bars_changes_nothing_before(
    indicator: Indicator, panel: NDArray[np.float64], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, panel.shape[1]))
    assert same_bits(batch(indicator, panel[:, :cut]), batch(indicator, panel)[:, :cut])


@each
def test_warm_up_counts_the_bars_up_to_the_first_value(indicator: Indicator) -> None:
    panel = market(40)
    panel[:, [0, 3, 7], :] = np.nan
    values = batch(indicator, panel)[:, :, 0]
    values = values[:, own_bars(panel, 0)]
    assert np.isnan(values[:, : indicator.warm_up - 1]).all()
    assert not np.isnan(values[:, indicator.warm_up - 1 :]).any()


@each
def test_long_series_agree_on_every_bit_too(indicator: Indicator) -> None:
    panel = market(3_000)
    assert same_bits(batch(indicator, panel), batch(indicator, panel, plain=True))


@few
@given(panel=gappy_panels(), data=st.data())
def test_several_at_once_give_the_values_of_each_alone(
    panel: NDArray[np.float64], data: st.DataObject
) -> None:
    kinds = st.sampled_from([SMA(2), SMA(4), SMA(5), Bollinger(3), Bollinger(4)])
    indicators = data.draw(st.lists(kinds, min_size=1, max_size=5))
    expected = np.concatenate([batch(indicator, panel) for indicator in indicators])
    assert same_bits(batch_all(indicators, panel), expected)
    assert same_bits(batch_all(indicators, panel, plain=True), expected)


def test_no_indicators_have_no_columns() -> None:
    assert batch_all((), market(4)).shape == (0, 4, 1)


def test_values_are_written_where_the_caller_wants_them() -> None:
    out = np.empty((3, 8, 1))
    assert batch(Bollinger(3), market(8), out=out) is out
    assert same_bits(out, batch(Bollinger(3), market(8)))


def test_a_slice_of_a_wider_panel_is_as_good_as_its_copy() -> None:
    wide = np.concatenate([market(9, seed=1), market(9, seed=2)], axis=2)
    assert same_bits(batch(SMA(3), wide[:, :, 1:]), batch(SMA(3), market(9, seed=2)))


def test_two_streams_of_one_indicator_share_nothing() -> None:
    indicator = SMA(2)
    first, second = stream(indicator), stream(indicator)
    first.push(9, 9, 9, 9, 1)
    second.push(1, 1, 1, 1, 1)
    assert second.push(3, 3, 3, 3, 1) == (2.0,)


def test_an_equal_indicator_has_an_equal_hash() -> None:
    assert len({SMA(5), SMA(5), SMA(6)}) == 2
    assert batch(SMA(1), closes(4.0))[0, 0, 0] == 4.0
