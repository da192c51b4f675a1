from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.alpaca.wire.instants import (
    instant_of,
    instant_of_data,
    instant_text,
    timestamp_data,
)

YEAR_1 = -62_135_596_800 * 10**9
YEAR_9999 = 253_402_300_800 * 10**9 - 1
INSTANTS = st.integers(YEAR_1, YEAR_9999)


@given(ts=INSTANTS)
def test_an_instant_is_read_back_as_it_was_written(ts: int) -> None:
    assert instant_of(instant_text(ts)) == ts
    assert instant_of_data(timestamp_data(ts)) == ts


@given(ts=st.integers(0, 4 * 10**9), offset=st.integers(-18 * 60, 18 * 60))
def test_an_offset_moves_no_instant(ts: int, offset: int) -> None:
    local = datetime.fromtimestamp(ts, UTC) + timedelta(minutes=offset)
    sign = "-" if offset < 0 else "+"
    hours, minutes = divmod(abs(offset), 60)
    text = f"{local:%Y-%m-%dT%H:%M:%S}.000000007{sign}{hours:02}:{minutes:02}"
    assert instant_of(text) == ts * 10**9 + 7


@pytest.mark.parametrize(
    ("ts", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_704_205_800_123_456_789, "2024-01-02T14:30:00.123456789Z"),
        (1_704_205_800_500_000_000, "2024-01-02T14:30:00.5Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (YEAR_1, "0001-01-01T00:00:00Z"),
    ],
)
def test_texts_have_no_zeros_at_their_end(ts: int, text: str) -> None:
    assert instant_text(ts) == text


@pytest.mark.parametrize(
    ("ts", "length"),
    [(0, 4), (1, 8), (10**9, 4), (2**32 * 10**9, 8), (2**34 * 10**9, 12), (-1, 12)],
)
def test_timestamps_have_the_shortest_of_their_forms(ts: int, length: int) -> None:
    data = timestamp_data(ts)
    assert len(data) == length
    if length < 12:
        value = datetime.fromtimestamp(ts // 10**9, UTC) + timedelta(
            microseconds=ts % 10**9 // 1000
        )
        decoded = msgspec.msgpack.decode(
            msgspec.msgpack.encode(msgspec.msgpack.Ext(-1, data)), type=datetime
        )
        assert decoded == value


@pytest.mark.parametrize(
    "text",
    ["", "2024-01-02", "2024-01-02T14:30:00", "2024-13-02T14:30:00Z", "2024-01-02T25:30:00Z", "٢"],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant_of(text)


@pytest.mark.parametrize("data", [b"", b"123", b"\xff" * 8, b"\xff" * 12])
def test_what_is_no_timestamp_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="timestamp"):
        instant_of_data(data)
