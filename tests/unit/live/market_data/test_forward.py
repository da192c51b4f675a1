"""What receivers get: the same bytes, and nothing lost that is no quote."""

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.live_market import Told

from fanfold.live.market_data.forward import VALUES_MAX, Forward
from fanfold.live.messages import Depth, Envelope, Quote, Step, Trade, Value, decode, encode


def quote(asset: int, ts: int) -> Quote:
    return Quote(asset, ts, 1.0, 2.0, 3.0, 4.0)


def trade(ts: int) -> Trade:
    return Trade(0, ts, 1.0, 2.0)


def forward(*told: Told, pending_max: int = 100) -> Forward:
    return Forward({f"r{n}": one for n, one in enumerate(told)}, 7, pending_max)


def test_all_that_keep_up_are_sent_the_same_bytes_as_an_envelope_is_written() -> None:
    one, other = Told(), Told()
    sent = forward(one, other)
    values = (quote(0, 1), trade(2), Step(3, ()), Depth(0, 4, ((1.0, 2.0),), ()))
    for number in (1, 2, 3):
        sent.send(values, number)
        assert one.raw[-1] == encode(Envelope("market_data", 7, number, number, values))
    assert one.raw == other.raw


def test_values_beyond_an_envelope_come_in_the_next() -> None:
    told = Told()
    forward(told).send([trade(n) for n in range(VALUES_MAX + 1)], 1)
    assert [len(decode(raw).values) for raw in told.raw] == [VALUES_MAX, 1]


@given(
    told=st.lists(
        st.tuples(
            st.integers(0, 3),
            st.lists(
                st.one_of(
                    st.builds(quote, st.integers(0, 2), st.integers(1, 99)),
                    st.builds(trade, st.integers(1, 99)),
                    st.builds(Step, st.integers(1, 99), st.just(())),
                ),
                max_size=5,
            ),
        ),
        max_size=40,
    )
)
def test_a_slow_receiver_misses_only_quotes_that_newer_ones_replaced(
    told: list[tuple[int, list[Value]]],
) -> None:
    slow, fast = Told(0), Told()
    sent = forward(slow, fast, pending_max=1_000)
    all_values: list[Value] = []
    for room, values in told:
        slow.room = room
        if values:
            sent.send(values, 1)
            all_values += values
        sent.flush(1)
    slow.room = None
    for _ in range(10):
        sent.flush(1)
    assert fast.values == all_values
    assert [v for v in slow.values if not isinstance(v, Quote)] == [
        v for v in all_values if not isinstance(v, Quote)
    ]
    quotes = [v for v in all_values if isinstance(v, Quote)]
    assert len(quotes) - len(slow.of(Quote)) == sent.conflated
    for asset in range(3):
        own = [v for v in quotes if v.asset == asset]
        got = [v for v in slow.of(Quote) if v.asset == asset]
        assert own[-1:] == got[-1:]
    for receiver in (slow, fast):
        numbers = [decode(raw).number for raw in receiver.raw]
        assert numbers == list(range(1, len(numbers) + 1))
    assert sent.lost == sent.waiting == 0


def test_where_there_is_no_room_trades_go_first_and_a_lost_step_breaks_it() -> None:
    told = Told(0)
    sent = forward(told, pending_max=3)
    sent.send([trade(1), trade(2), Step(3, ())], 1)
    sent.send([Step(4, ()), Step(5, ())], 1)
    assert (sent.lost, sent.is_broken) == (2, False)
    told.room = None
    sent.flush(1)
    assert told.values == [Step(3, ()), Step(4, ()), Step(5, ())]
    told.room = 0
    sent.send([Step(n, ()) for n in range(6, 10)], 1)
    assert sent.is_broken
