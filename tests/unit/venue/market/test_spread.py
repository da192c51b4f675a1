import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError
from fanfold.execution.costs import fill_price
from fanfold.venue.market.spread import (
    Spread,
    book_side,
    book_step,
    hashed,
    level_changes,
    quote_sizes,
    salt_of,
)

PRICES = st.floats(0.0002, 1e5)


@given(PRICES, st.floats(0.01, 500.0))
def test_without_ticks_the_quote_is_what_a_backtest_pays(price: float, bps: float) -> None:
    bid, ask = Spread(bps=bps, tick=False).around(np.array([price]))
    assert fill_price(ask[0], 1, 0.0) == fill_price(price, 1, bps / 2 / 1e4)
    assert fill_price(bid[0], -1, 0.0) == fill_price(price, -1, bps / 2 / 1e4)
    # What a stop pays is read from the quote, so its share must be the very one.
    assert (ask[0] - bid[0]) / (ask[0] + bid[0]) == pytest.approx(bps / 2 / 1e4, abs=1e-12)


@given(PRICES)
def test_without_a_spread_both_sides_are_the_price(price: float) -> None:
    bid, ask = Spread(bps=0.0).around(np.array([price]))
    assert bid[0] == ask[0] == price


@given(PRICES, st.floats(0.01, 500.0))
def test_on_ticks_the_quote_is_at_least_as_wide_and_a_tick_apart(price: float, bps: float) -> None:
    bid, ask = (float(one[0]) for one in Spread(bps=bps).around(np.array([price])))
    tick = 0.01 if price >= 1.0 else 0.0001
    half = price * bps / 2 / 1e4
    near = tick * 1e-5
    assert 0.0 < bid < price < ask or bid == pytest.approx(price / 2)
    assert ask >= price + half - near
    assert ask - price < half + 1.5 * tick + near
    assert ask == pytest.approx(round(ask / tick) * tick, abs=1e-9)
    # Both sides lie on ticks, so with a half tick on each they are one apart.
    assert ask - bid >= min(tick, price / 2) - near


def test_a_price_on_a_tick_is_quoted_a_tick_wide_around_it() -> None:
    bid, ask = Spread(bps=1e-6).around(np.array([100.0, 0.5]))
    assert bid.tolist() == [99.99, 0.4999]
    assert ask.tolist() == [100.01, 0.5001]


@pytest.mark.parametrize(
    "wrong", [{"bps": -1.0}, {"bps": float("nan")}, {"depth": -1}, {"depth": 51}]
)
def test_what_is_no_spread_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"spread.{next(iter(wrong))}"):
        Spread(**wrong)  # pyright: ignore[reportArgumentType]


def test_hashes_are_uniform_and_follow_from_seed_symbol_and_instant() -> None:
    ts = np.arange(10_000, dtype=np.int64) * 60 * 10**9
    salts = np.full(len(ts), salt_of(0, "AAPL"), np.uint64)
    values = hashed(salts, ts, 0)
    # The mean of 10,000 uniforms deviates by 0.003.
    assert values.mean() == pytest.approx(0.5, abs=0.012)
    assert (values == hashed(salts, ts, 0)).all()
    other = np.full(len(ts), salt_of(1, "AAPL"), np.uint64)
    assert abs(np.corrcoef(values, hashed(other, ts, 0))[0, 1]) < 0.05
    assert abs(np.corrcoef(values, hashed(salts, ts, 1))[0, 1]) < 0.05
    assert salt_of(0, "AAPL") != salt_of(0, "IBM")


@given(st.floats(1e-6, 1e9), st.floats(0.0, 1.0, exclude_max=True))
def test_sizes_of_shares_are_whole_and_none_is_nothing(volume: float, uniform: float) -> None:
    whole, parts = (
        float(quote_sizes(np.array([volume]), np.array([uniform]), np.array([is_share]))[0])
        for is_share in (True, False)
    )
    assert whole >= 1.0
    assert whole == int(whole)
    assert parts > 0.0


LEVELS = st.lists(
    st.tuples(st.floats(1.0, 9.0), st.floats(0.1, 5.0)),
    max_size=6,
    unique_by=lambda level: level[0],
)


@given(LEVELS, LEVELS)
def test_changes_make_one_side_of_a_book_of_another(
    before: list[tuple[float, float]], after: list[tuple[float, float]]
) -> None:
    book = dict(before)
    for price, size in level_changes(tuple(before), tuple(after)):
        if size:
            book[price] = size
        else:
            book.pop(price)
    assert book == dict(after)


def test_a_books_side_goes_away_from_the_price_and_never_below_nothing() -> None:
    step = book_step(100.0, 100.02)
    assert [price for price, _ in book_side(100.0, 5.0, -step, [0.5] * 3)] == [
        100.0, 99.99, 99.98, 99.97,
    ]  # fmt: skip
    assert book_side(0.0001, 5.0, -0.0001, [0.5] * 3) == ((0.0001, 5.0),)
