"""Where orders would go is settled, and refused, before anything connects."""

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.promotion import noted

from fanfold.errors import ConfigError
from fanfold.settings import read_settings
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.addresses import broker_addresses, checked_credentials, settled
from fanfold.workflows.live.resolve import checked

CONFIG = Path(__file__).parents[4] / "configs" / "live_paper.yaml"
REAL = ("live.broker.at=live", "live.broker.real_money=true")
KEYS = {"APCA_API_KEY_ID": "AKMADEUP", "APCA_API_SECRET_KEY": "made-up"}


def job(*changes: str) -> LiveJob:
    return read_settings(CONFIG, changes, LiveJob)


def test_the_shipped_file_is_a_rehearsal_with_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    found = checked(job())
    assert (found.addresses, found.keys) == (None, None)
    assert found.calendar == "XNYS"


def test_real_money_takes_two_settings_a_live_key_and_a_promoted_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="needs real_money: true"):
        job(REAL[0])
    with pytest.raises(ConfigError, match="goes with at: live only"):
        job(REAL[1])
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="keys must be there for at: live"):
        checked(job(*REAL))
    for name, text in KEYS.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ConfigError, match="real money needs a promoted version"):
        checked(job(*REAL))
    noted(job())
    found = checked(job(*REAL))
    assert found.addresses is not None
    assert found.addresses.model_dump() == {
        "rest_url": "https://api.alpaca.markets",
        "data_url": "https://data.alpaca.markets",
        "market_stream_url": "wss://stream.data.alpaca.markets/v2/iex",
        "trade_stream_url": "wss://api.alpaca.markets/stream",
    }
    assert "made-up" not in repr(found)


@pytest.mark.parametrize(
    ("changes", "stream"),
    [
        ((), "v2/iex"),
        (("live.market.feed=sip",), "v2/sip"),
        (("live.market.feed=test",), "v2/test"),
        (("data.symbols=[BTC/USD]",), "v1beta3/crypto/us"),
    ],
)
def test_paper_has_addresses_of_its_own(changes: tuple[str, ...], stream: str) -> None:
    asked = job("live.broker.at=paper", *changes)
    kind = "crypto" if "/" in asked.data.symbols[0] else "us_equity"
    found = broker_addresses(settled(asked.live, kind))
    assert found.rest_url == "https://paper-api.alpaca.markets"
    assert found.trade_stream_url == "wss://paper-api.alpaca.markets/stream"
    assert found.market_stream_url == f"wss://stream.data.alpaca.markets/{stream}"


@pytest.mark.parametrize(
    ("at", "key", "said"),
    [
        ("live", "PKPAPER", "must be a live account's"),
        ("paper", "AKLIVE", "must not move real money"),
        ("local", "aklive", "must not move real money"),
    ],
)
def test_keys_of_the_other_kind_of_account_are_refused(at: str, key: str, said: str) -> None:
    broker: Any = {"at": at, "real_money": at == "live"}
    settings = job(f"live.broker={broker}").live.broker
    environ = {"APCA_API_KEY_ID": key, "APCA_API_SECRET_KEY": "made-up"}
    with pytest.raises(ConfigError, match=said) as refused:
        checked_credentials(settings, environ)
    assert "made-up" not in str(refused.value)
    assert key not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("data.symbols=[AAPL, BTC/USD]",), "must be of one class"),
        (("data.symbols=[AAPL, AAPL]",), "symbols must differ"),
        (("deployment=No Way",), "deployment"),
        (("strategy.name=SmaCros",), "did you mean 'SmaCross'"),
        (("strategy.params.slow=1",), "SmaCross"),
        (("strategy.name=mine.py:Mine",), "must be importable by every process"),
        (("model=runs:/x/model",), "takes none"),
        (("live.market.bar_seconds=90", "live.market.bars=local"), "must be whole minutes"),
        (("live.market.feed=crypto", "live.broker.at=paper"), "feed must be one for us_equity"),
        (("live.broker.rest_url=http://127.0.0.1:1",), "must name all addresses"),
    ],
)
def test_what_does_not_go_together_is_said_in_a_line(changes: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        checked(job(*changes))


def test_real_money_goes_over_no_open_line() -> None:
    asked = job(*REAL, "live.broker.rest_url=http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="must be encrypted"):
        broker_addresses(settled(asked.live, "us_equity"))
