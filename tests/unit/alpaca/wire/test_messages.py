import pytest
from msgspec.msgpack import Ext

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec
from fanfold.alpaca.wire.messages import (
    Auth,
    CancelError,
    Control,
    Correction,
    DailyBar,
    Data,
    Failure,
    Imbalance,
    Level,
    Luld,
    MinuteBar,
    OrderBook,
    Quote,
    Status,
    Subscription,
    Success,
    Trade,
    UpdatedBar,
    ts_of,
)

TS = 1_704_205_800_123_456_789
CODECS = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


def all_messages(codec: Codec) -> list[Data | Control]:
    at = codec.instant(TS)
    bar = ("AAPL", 1.0, 2.0, 0.5, 1.5, 100, at, 5, 1.25)
    return [
        Trade("AAPL", 1.5, 3, at, 7, "V", ("@",), "C"),
        Trade("BTC/USD", 1.5, 0.25, at, 7, taker="S"),
        Quote("AAPL", 1.5, 3, 1.75, 4, at, "V", "V", ("R",), "C"),
        Quote("BTC/USD", 1.5, 0.25, 1.75, 0.5, at),
        MinuteBar(*bar),
        UpdatedBar(*bar),
        DailyBar(*bar),
        Status("AAPL", "H", "Halt", "T1", "news", at, "C"),
        Luld("AAPL", 2.0, 1.0, "B", at, "C"),
        Correction("AAPL", "V", 1, 1.5, 3, ("@",), 2, 1.75, 4, ("@",), at, "C"),
        CancelError("AAPL", 1, "V", 1.5, 3, "C", at, "C"),
        Imbalance("AAPL", 1.5, at, "C"),
        OrderBook("BTC/USD", at, (Level(1.5, 2.0),), (), reset=True),
        Success(msg="connected"),
        Failure(code=400, msg="invalid syntax"),
        Subscription(trades=("AAPL",), updated_bars=()),
    ]


@CODECS
def test_a_frame_of_all_messages_is_read_back_as_it_was(codec: Codec) -> None:
    messages = all_messages(codec)
    frame = codec.frame(len(messages), codec.joined([codec.encode(one) for one in messages]))
    read = codec.messages(frame)
    assert [type(one) for one in read] == [type(one) for one in messages]
    assert [plain(one) for one in read] == [plain(one) for one in messages]


def plain(message: Data | Control) -> list[object]:
    """Fields of a message, with instants as numbers, which compare."""
    values = [getattr(message, name) for name in message.__struct_fields__]
    return [ts_of(one) if isinstance(one, Ext) else one for one in values]


@CODECS
def test_the_first_key_of_every_message_is_its_kind(codec: Codec) -> None:
    for message in all_messages(codec):
        assert next(iter(codec.anything(codec.encode(message)))) == "T"


def test_a_trade_is_written_as_the_broker_writes_it() -> None:
    trade = Trade("AAPL", 1.5, 3, JSON.instant(TS), 7, "V", ("@",), "C")
    assert JSON.anything(JSON.encode(trade)) == {
        "T": "t",
        "S": "AAPL",
        "i": 7,
        "x": "V",
        "p": 1.5,
        "s": 3,
        "c": ["@"],
        "z": "C",
        "t": "2024-01-02T14:30:00.123456789Z",
    }


def test_what_stocks_alone_have_is_left_out_of_coins() -> None:
    coin = JSON.anything(JSON.encode(Quote("BTC/USD", 1.5, 0.25, 1.75, 0.5, JSON.instant(TS))))
    assert coin.keys() == {"T", "S", "bp", "bs", "ap", "as", "t"}


def test_instants_are_exact_in_both_codecs() -> None:
    assert ts_of(JSON.instant(TS)) == ts_of(MSGPACK.instant(TS)) == TS
    with pytest.raises(ValueError, match="extension"):
        ts_of(Ext(5, b"1234"))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
@CODECS
def test_a_frame_holds_any_number_of_messages(codec: Codec, count: int) -> None:
    one = codec.encode({"T": "x"})
    assert codec.anything(codec.frame(count, codec.joined([one] * count))) == [{"T": "x"}] * count


def test_bodies_of_frames_can_be_joined_again() -> None:
    body = JSON.joined([b"1", b"2"])
    assert JSON.frame(3, JSON.joined([body, b"3"])) == b"[1,2,3]"


def test_keys_are_in_no_text() -> None:
    assert "hidden" not in repr(Auth(key="hidden", secret="hidden"))  # noqa: S106
