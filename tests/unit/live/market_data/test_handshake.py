"""What is said before data flows, and what errors mean."""

import random

import msgspec
import pytest
from tests.fakes.live_market import plan_of

from fanfold.alpaca.credentials import Credentials, credentials_of_account
from fanfold.alpaca.secrets import Secret
from fanfold.alpaca.wire.codec import MSGPACK
from fanfold.alpaca.wire.messages import Auth, Failure, Subscribe, Subscription, Success
from fanfold.errors import ConfigError, LiveError
from fanfold.live.market_data.backoff import Backoff
from fanfold.live.market_data.start import wanted_by
from fanfold.live.market_data.stream.handshake import (
    FATAL,
    Handshake,
    Retry,
    Stage,
    action_last,
    check,
)

KEYS = Credentials(key_id=Secret("PKTEST"), secret=Secret("hush-hush"))
WANTED = Subscribe(quotes=("AAPL", "IBM"), bars=("AAPL",))


def test_a_handshake_says_keys_then_what_is_wanted_and_looks_at_the_answer() -> None:
    shake = Handshake(KEYS, WANTED)
    assert shake.take([Success("connected")]) == Auth("PKTEST", "hush-hush")
    assert shake.take([Success("authenticated")]) == WANTED
    assert shake.take([Subscription(quotes=("IBM", "AAPL"), bars=("AAPL",), trades=())]) is None
    assert shake.stage is Stage.DONE


def test_an_answer_that_leaves_something_out_is_refused_by_name() -> None:
    shake = Handshake(KEYS, WANTED)
    shake.take([Success("connected"), Success("authenticated")])
    with pytest.raises(LiveError, match="quotes of IBM"):
        shake.take([Subscription(quotes=("AAPL",), bars=("AAPL",))])


@pytest.mark.parametrize("code", sorted(FATAL))
def test_errors_that_nothing_mends_end_it_and_hold_no_key(code: int) -> None:
    with pytest.raises(LiveError, match=f"error {code}") as found:
        Handshake(KEYS, WANTED).take([Failure(code, "not with hush-hush")])
    assert "hush" not in str(found.value)


@pytest.mark.parametrize("code", [404, 406, 407, 429, 500, 599])
def test_all_other_errors_are_tried_again(code: int) -> None:
    assert isinstance(check(Failure(code, "not now")), Retry)


def test_the_action_is_written_last() -> None:
    written = MSGPACK.encode(action_last(WANTED))
    assert list(msgspec.msgpack.decode(written)) == ["quotes", "bars", "action"]


def test_pauses_grow_up_to_their_bound_and_begin_anew_after_a_long_connection() -> None:
    backoff = Backoff(1.0, 30.0, random.Random(1))  # noqa: S311  (no secret)
    bounds = []
    for _ in range(40):
        bounds.append(backoff.bound_s)
        assert 0.0 <= backoff.next_s() <= bounds[-1]
    assert bounds[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert bounds[-1] == 30.0
    backoff.lasted(29.0)
    assert backoff.bound_s == 30.0
    backoff.lasted(30.0)
    assert backoff.bound_s == 1.0


def test_what_is_wanted_follows_from_the_plan() -> None:
    shares = wanted_by(plan_of())
    assert shares.bars == shares.updated_bars == shares.statuses == ("AAPL", "IBM")
    assert shares.orderbooks == ()
    coins = wanted_by(plan_of(["BTC/USD"], coins=True, depth=True, bars="local", bar_seconds=1))
    assert coins.orderbooks == coins.trades == ("BTC/USD",)
    assert coins.bars == coins.statuses == ()


def test_shares_and_coins_in_one_deployment_are_refused() -> None:
    plan = plan_of()
    coin = plan_of(["BTC/USD"], coins=True).assets
    with pytest.raises(ConfigError, match="of one class, were of crypto, us_equity"):
        wanted_by(plan.model_copy(update={"assets": plan.assets + coin}))


def test_without_keys_it_is_said_how_to_set_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("FANFOLD_SECRETS", raising=False)
    with pytest.raises(ConfigError, match="set APCA_API_KEY_ID"):
        credentials_of_account()
