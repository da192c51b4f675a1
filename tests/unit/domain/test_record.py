"""One declaration, two views of the same bytes."""

import numpy as np
import pytest

from fanfold.domain.decision import Asset, Portfolio
from fanfold.domain.record import VECTOR_SIZE, Record, Vector


class Sample(Record):
    """One field of each kind."""

    count: int
    level: float
    places: Vector
    after: int


def test_fields_have_eight_bytes_each_in_the_order_of_their_annotations() -> None:
    assert Sample.dtype.names == ("count", "level", "places", "after")
    offsets = [Sample.dtype.fields[name][1] for name in Sample.dtype.names]
    assert offsets == [0, 8, 16, 16 + 8 * VECTOR_SIZE]
    assert Sample.dtype.itemsize == 8 * (3 + VECTOR_SIZE)


def test_light_objects_and_arrays_see_each_others_writes() -> None:
    records = Sample.zeros(3)
    first, second, third = Sample.views(records)
    second.count, second.level, second.after = -7, 0.1, 2**62
    second.places[VECTOR_SIZE - 1] = 2.5
    records[2]["level"] = -0.0
    assert records[1].item()[:2] == (-7, 0.1)
    assert records[1]["after"] == 2**62
    assert records[1]["places"].tolist() == [0.0] * (VECTOR_SIZE - 1) + [2.5]
    assert str(third.level) == "-0.0"
    assert (first.count, first.level, list(first.places)) == (0, 0.0, [0.0] * VECTOR_SIZE)


def test_an_int_field_keeps_integers_and_a_float_field_every_bit() -> None:
    records = Sample.zeros(1)
    (view,) = Sample.views(records)
    view.level = 1.0 / 3.0
    assert type(view.count) is int
    assert records[0]["level"].tobytes() == np.float64(1.0 / 3.0).tobytes()


def test_an_integer_field_refuses_a_fraction() -> None:
    (view,) = Sample.views(Sample.zeros(1))
    with pytest.raises(TypeError):
        view.count = 1.5  # type: ignore[assignment]


def test_the_layout_that_compiled_strategies_are_built_on_has_not_moved() -> None:
    assert Asset.dtype.names == (
        "index", "features", "open", "high", "low", "close", "volume", "fresh", "member", "units",
        "weight",
        "entry_price", "bars_held", "realised_pnl", "open_order_units",
        "target", "limit", "stop", "stop_loss", "take_profit",
        "trailing_stop",
    )  # fmt: skip
    assert Portfolio.dtype.names == (
        "params", "ts", "session_day", "minutes_to_close", "is_month_end", "equity", "cash",
    )  # fmt: skip
