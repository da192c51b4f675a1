import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from fanfold.venue.market.unfold import LongBar, unfold

PRICES = st.floats(0.01, 1e5)
SHARES = st.integers(4 * 390, 10**9).map(float)


@st.composite
def long_bars(draw: st.DrawFn, volumes: st.SearchStrategy[float] = SHARES) -> LongBar:
    low, one, other, high = sorted(draw(st.tuples(PRICES, PRICES, PRICES, PRICES)))
    open_, close = draw(st.permutations([one, other]))
    return LongBar(
        symbol=draw(st.sampled_from(["AAPL", "BTC/USD"])),
        end=draw(st.integers(0, 10**9)) * 60 * 10**9,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=draw(volumes),
        minutes=draw(st.sampled_from([2, 5, 60, 210, 390])),
    )


@given(long_bars(), st.integers(0, 2**32 - 1))
def test_a_bars_four_prices_and_volume_are_kept_exactly(bar: LongBar, seed: int) -> None:
    made = unfold(bar, seed)
    assert len(made.open) == bar.minutes
    ends = made.open[0], made.high.max(), made.low.min(), made.close[-1]
    assert ends == tuple(round(one, 6) for one in (bar.open, bar.high, bar.low, bar.close))
    assert made.volume.sum() == bar.volume
    assert (made.volume == np.floor(made.volume)).all()
    assert (made.volume >= 4).all()


@given(long_bars(), st.integers(0, 2**32 - 1))
def test_each_minute_is_a_bar_and_begins_where_the_one_before_ended(
    bar: LongBar, seed: int
) -> None:
    made = unfold(bar, seed)
    assert (made.low <= np.minimum(made.open, made.close)).all()
    assert (made.high >= np.maximum(made.open, made.close)).all()
    assert (made.open[1:] == made.close[:-1]).all()


@given(long_bars(st.floats(1e-3, 1e4)), st.integers(0, 2**32 - 1))
def test_volume_in_parts_of_units_adds_up_in_whatever_order(bar: LongBar, seed: int) -> None:
    volume = unfold(bar, seed).volume
    assert (volume > 0.0).all()
    assert np.cumsum(volume)[-1] == np.cumsum(volume[::-1])[-1] == bar.volume


@given(long_bars())
def test_equal_seeds_give_equal_minutes_and_others_do_not(bar: LongBar) -> None:
    assume(bar.volume > 8.0 * bar.minutes)  # else each minute has the least
    made, again, other = unfold(bar, 1), unfold(bar, 1), unfold(bar, 2)
    assert (made.volume == again.volume).all()
    assert (made.close == again.close).all()
    assert (made.volume != other.volume).any()


def test_volume_is_larger_at_the_ends_than_in_the_middle() -> None:
    bar = LongBar("SPY", 0, 100.0, 101.0, 99.0, 100.5, 39e6, 390)
    volume = np.mean([unfold(bar, seed).volume for seed in range(50)], axis=0)
    # Weights run from 1 in the middle to 3 at the ends; 30 minutes are averaged 50 times.
    assert volume[:30].mean() > 2 * volume[180:210].mean()
    assert volume[-30:].mean() > 2 * volume[180:210].mean()


def test_a_bar_of_one_price_stays_there() -> None:
    made = unfold(LongBar("SPY", 0, 5.0, 5.0, 5.0, 5.0, 10_000.0, 390), 0)
    assert set(made.high.tolist()) == set(made.low.tolist()) == {5.0}


def test_prices_between_a_days_four_have_four_digits() -> None:
    bar = LongBar("SPY", 0, 100.123456, 101.0, 99.0, 100.5, 39e6, 390)
    inner = unfold(bar, 3).close[:-1]
    assert (np.round(inner, 4) == inner).all()
    assert unfold(bar, 3).open[0] == 100.123456
