"""Yahoo, through yfinance, against a local server that answers as it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conformance.case import RETRIED, TIMEOUT_S, Case, Ready, Truth
from tests.fakes.yahoo_server import yahoo_server

from fanfold.market.sources.pacing import Patience, TokenBucket
from fanfold.market.sources.source import Request
from fanfold.market.sources.yahoo import URL_VARIABLE, YahooSource

DAY_NS = 86_400 * 10**9


@contextmanager
def opened(_folder: Path, truth: Truth, trouble: str) -> Iterator[Ready]:
    """Serve a truth; the clock shows a day after its last row, for Yahoo forgets minutes."""
    last = max((int(frame["ts"].iloc[-1].value) for frame in truth.frames.values()), default=0)
    now = last + DAY_NS if truth.now is None else truth.now
    with pytest.MonkeyPatch.context() as patch, yahoo_server(truth, trouble) as service:
        patch.setenv(URL_VARIABLE, service.url)
        source = YahooSource(
            bucket=TokenBucket(rate_per_second=1e6, burst=1e6),
            patience=Patience(sleep=lambda _s: None),
            # A machine at work may take longer to answer, and one request more is a failure.
            timeout_s=TIMEOUT_S if trouble == "stalled" else 50 * TIMEOUT_S,
            clock=lambda: now,
        )
        yield Ready(source=source, request_count=lambda: len(service.asked))


CASES = (
    Case(
        name="yahoo-stocks",
        open=opened,
        timeframes=("1D", "1h", "1min"),
        bases=("split",),
        troubles=(*RETRIED, "down", "garbage", "unknown_symbol"),
        refuses=(
            Request(symbols=None),
            Request(symbols=("AAPL?x=1",)),
            Request(symbols=("AAPL",), timeframe="2min"),
            Request(symbols=("AAPL",), timeframe="1min", start=0),
            Request(symbols=("AAPL",), timeframe="1h", start=0),
        ),
        actions=True,
    ),
    Case(
        name="yahoo-crypto",
        open=opened,
        symbols=("BTC-USD", "ETH-USD", "SOL-USD"),
        timeframes=("1D", "1min"),
        bases=("split",),
        troubles=("rate_limited", "unknown_symbol"),
        calendar="24/7",
    ),
)
