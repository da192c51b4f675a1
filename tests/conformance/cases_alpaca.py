"""Alpaca's stocks and crypto, through its own client, against a server on this machine."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.case import SECRET, TIMEOUT_S, Case, Ready, Truth
from tests.fakes.alpaca_server import KEY_ID, AlpacaServer, alpaca_server

from fanfold.alpaca import Credentials, Secret
from fanfold.market.sources.alpaca import AlpacaSource
from fanfold.market.sources.pacing import Patience, TokenBucket
from fanfold.market.sources.source import Request

_PASSING = ("rate_limited", "server_error", "html_error", "dropped", "stalled", "down", "garbage")


def no_sleep(_seconds: float) -> None:
    """Waits do not take time here."""


@contextmanager
def open_alpaca(_folder: Path, truth: Truth, trouble: str) -> Generator[Ready]:
    """Alpaca's source before a server that has a truth and a trouble."""
    serving = AlpacaServer(
        frames=truth.frames,
        kind=truth.kind,
        daily=truth.timeframe == "1D",
        actions=truth.actions,
        secret="another" if trouble == "bad_keys" else SECRET,
        trouble=trouble,
    )
    keys = Credentials(key_id=Secret(KEY_ID), secret=Secret(SECRET))
    with alpaca_server(serving) as server:
        source = AlpacaSource(
            feed="sip" if trouble == "plan" else "iex",
            credentials=None if trouble == "no_keys" else keys,
            url=server.url,
            bucket=TokenBucket(1e6, burst=1e6),
            patience=Patience(attempts_max=3, sleep=no_sleep),
            timeout_s=TIMEOUT_S,
            clock=time.time_ns if truth.now is None else lambda: truth.now or 0,
        )
        yield Ready(source=source, request_count=server.count)


CASES = (
    Case(
        name="alpaca-stocks",
        open=open_alpaca,
        kinds=("bars", "trades", "quotes"),
        timeframes=("1D", "1h", "1min"),
        bases=("raw", "split", "total_return"),
        troubles=(*_PASSING, "bad_keys", "no_keys", "plan", "unknown_symbol"),
        refuses=(
            Request(symbols=("AAPL",), timeframe="1s"),
            Request(symbols=("AAPL",), timeframe="1W"),
            Request(symbols=("AAPL",), timeframe="90min"),
            Request(symbols=None),
            Request(symbols=("AAPL,IBM",)),
            Request(symbols=("AAPL",), kind="trades", basis="split"),
        ),
        columns={
            "bars": ("vwap", "trade_count"),
            "trades": ("id", "exchange", "conditions"),
            "quotes": ("exchange", "conditions"),
        },
        actions=True,
    ),
    Case(
        name="alpaca-crypto",
        open=open_alpaca,
        symbols=("BTC/USD", "ETH/USD", "SOL/USD"),
        kinds=("bars", "trades", "quotes"),
        timeframes=("1D", "1h", "1min"),
        troubles=(*_PASSING,),
        refuses=(Request(symbols=("BTC/USD",), timeframe="1s"),),
        columns={"bars": ("vwap", "trade_count")},
        calendar="24/7",
    ),
)
