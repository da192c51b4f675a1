from fractions import Fraction
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.workflows.live.earned import split_units
from fanfold.workflows.live.split import CAUSES, Marks, Piece, Traded, profit, split

PARTS = (1, 1_000_000_000)
MARKS = Marks([101_500_000, 33_333_333], PARTS)

price = st.integers(1, 10**9)
fee = st.integers(0, 10**6)


@st.composite
def pieces(draw: Any) -> Piece:
    asset = draw(st.integers(0, 1))
    lots = draw(st.integers(-1_000, 1_000)) * (1 if asset == 0 else 12_345_678)
    return Piece(asset=asset, ts=0, lots=lots, price=draw(price), fee=draw(fee))


traded = st.builds(Traded, real=pieces(), on_time=price, at_fill=price, model_fee=fee)


@given(st.lists(pieces(), max_size=8))
def test_profit_is_money_plus_what_is_held_at_the_marks(found: list[Piece]) -> None:
    exact = Fraction(0)
    for piece in found:
        worth = Fraction(MARKS.prices[piece.asset] - piece.price)
        exact += worth * piece.lots / PARTS[piece.asset] - piece.fee
    assert abs(profit(found, MARKS) - exact) <= len(found) + 2  # one rounding each


@given(st.lists(pieces(), max_size=6), st.lists(pieces(), max_size=6), st.lists(traded, max_size=6))
def test_the_causes_add_up_to_the_last_unit(
    on_final: list[Piece], on_recorded: list[Piece], real: list[Traded]
) -> None:
    found = split(on_final, on_recorded, real, MARKS, MARKS)
    assert tuple(found.causes) == CAUSES
    assert sum(found.causes.values()) == found.live - found.backtest
    assert found.live == profit([one.real for one in real], MARKS)


def test_each_cause_is_found_alone() -> None:
    def piece(price: int, lots: int = 10, fee: int = 0) -> Piece:
        return Piece(asset=0, ts=0, lots=lots, price=price, fee=fee)

    def one(real: Piece, on_time: int, at_fill: int, model_fee: int = 0) -> Traded:
        return Traded(real=real, on_time=on_time, at_fill=at_fill, model_fee=model_fee)

    same = piece(100)
    exact = one(same, 100, 100)
    cases = {
        "data": split([piece(90)], [same], [exact], MARKS, MARKS),
        "refusals": split([piece(100, 20)], [piece(100, 20)], [exact], MARKS, MARKS),
        "timing": split([same], [same], [one(piece(107), 100, 107)], MARKS, MARKS),
        "fill_price": split([same], [same], [one(piece(107), 100, 100)], MARKS, MARKS),
        "fees": split([same], [same], [one(piece(100, fee=5), 100, 100)], MARKS, MARKS),
    }
    for name, found in cases.items():
        assert {cause for cause, money in found.causes.items() if money} == {name}
    assert cases["fees"].causes["fees"] == -5
    assert cases["timing"].causes["timing"] == -70


def test_units_of_a_split_are_had_for_nothing() -> None:
    days = pd.date_range("2024-01-02", periods=4, freq="B")
    frame: Any = pd.DataFrame({
        "ts": days, "symbol": "AAPL", "open": 1.0, "high": 1.0, "low": 1.0,
        "close": [100.0, 100.0, 50.0, 50.0], "volume": 1_000.0, "splits": [1.0, 1.0, 2.0, 1.0],
    })  # fmt: skip
    frame["open"] = frame["high"] = frame["low"] = frame["close"]
    bars = Bars.from_frame(frame, stamp="session", basis="raw")
    _, second, third, _ = bars.ts.tolist()
    bought = Piece(asset=0, ts=second, lots=10, price=100 * MICRO, fee=0)
    sold = Piece(asset=0, ts=third, lots=-4, price=50 * MICRO, fee=0)
    units = split_units([sold, bought], bars)
    assert [(one.lots, one.price) for one in units] == [(10, 0)]
    assert second < units[0].ts < third
    marks = Marks([50 * MICRO], [1])
    assert profit([bought, sold, *units], marks) == 0
    assert not split_units([sold], bars)
    assert not split_units([], bars)
