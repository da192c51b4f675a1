from hypothesis import given
from hypothesis import strategies as st

from fanfold.alpaca.wire.codec import JSON, MSGPACK
from fanfold.venue.streams.limits import FRAME_BYTES_MAX, FRAME_MESSAGES_MAX
from fanfold.venue.streams.outbox import Outbox, Parcel, parcels


def taken(outbox: Outbox) -> list[Parcel]:
    found: list[Parcel] = []
    while (parcel := outbox.take()) is not None:
        found.append(parcel)
    return found


@given(sizes=st.lists(st.integers(1, 3_000), max_size=6))
def test_what_waits_is_joined_in_its_order_and_counted(sizes: list[int]) -> None:
    outbox = Outbox(MSGPACK)
    number = 0
    for size in sizes:
        messages = [MSGPACK.encode(number + each) for each in range(size)]
        number += size
        for parcel in parcels(messages, MSGPACK):
            outbox.put(parcel)
    assert outbox.message_count == number
    frames = [MSGPACK.anything(parcel.frame) for parcel in taken(outbox)]
    assert [each for frame in frames for each in frame] == list(range(number))
    assert all(len(frame) <= FRAME_MESSAGES_MAX for frame in frames)
    assert (outbox.message_count, outbox.byte_count, outbox.taken_count) == (0, 0, number)


def test_frames_are_no_longer_than_they_may_be() -> None:
    outbox = Outbox(JSON)
    for parcel in parcels([b"1" * 100_000] * 12, JSON):
        outbox.put(parcel)
    frames = taken(outbox)
    assert len(frames) > 1
    assert all(len(parcel.frame) <= FRAME_BYTES_MAX + 2 for parcel in frames)


def test_a_message_of_its_own_is_joined_to_no_other() -> None:
    outbox = Outbox(JSON)
    for parcel in (*parcels([b"1"], JSON), Parcel(b"[2]"), *parcels([b"3"], JSON)):
        outbox.put(parcel)
    assert [parcel.frame for parcel in taken(outbox)] == [b"[1]", b"[2]", b"[3]"]


def test_nothing_is_joined_to_what_waits_or_drops() -> None:
    outbox = Outbox(JSON)
    late = Parcel(b"[2]", b"2", 1, delay_s=1.0)
    last = Parcel(b"[3]", b"3", 1, drops=True)
    for parcel in (Parcel(b"[1]", b"1", 1), late, last, Parcel(b"[4]", b"4", 1)):
        outbox.put(parcel)
    found = taken(outbox)
    assert [parcel.frame for parcel in found] == [b"[1]", b"[2,3]", b"[4]"]
    assert [parcel.delay_s for parcel in found] == [0.0, 1.0, 0.0]
    assert [parcel.drops for parcel in found] == [False, True, False]


def test_it_tells_when_more_waits_than_may() -> None:
    by_count, by_bytes = Outbox(JSON, messages_max=1), Outbox(JSON, bytes_max=5)
    for outbox in (by_count, by_bytes):
        outbox.put(Parcel(b"[1]"))
        assert not outbox.is_over
        outbox.put(Parcel(b"[2]"))
        assert outbox.is_over
        outbox.clear()
        assert not outbox.is_over
        assert outbox.take() is None
