"""Polygon, through its official client, against a local server that answers as it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conformance.case import REFUSED, RETRIED, SECRET, TIMEOUT_S, Case, Ready, Truth
from tests.fakes.polygon_server import polygon_server

from fanfold.market.sources.pacing import Patience, TokenBucket
from fanfold.market.sources.polygon import KEY_VARIABLES, URL_VARIABLE, PolygonSource
from fanfold.market.sources.source import Request


@contextmanager
def opened(_folder: Path, truth: Truth, trouble: str) -> Iterator[Ready]:
    """Serve a truth; the key is in the environment."""
    with pytest.MonkeyPatch.context() as patch, polygon_server(truth, trouble) as service:
        for name in (*KEY_VARIABLES, "FANFOLD_SECRETS"):
            patch.delenv(name, raising=False)
        patch.delenv("POLYGON_REQUESTS_PER_MINUTE", raising=False)
        patch.setenv(URL_VARIABLE, service.url)
        if trouble != "no_keys":
            patch.setenv(KEY_VARIABLES[0], SECRET)
        clock = {} if truth.now is None else {"clock": lambda: truth.now}
        source = PolygonSource(
            bucket=TokenBucket(rate_per_second=1e6, burst=1e6),
            patience=Patience(sleep=lambda _s: None),
            # A machine at work may take longer to answer, and one request more is a failure.
            timeout_s=TIMEOUT_S if trouble == "stalled" else 50 * TIMEOUT_S,
            **clock,
        )
        yield Ready(source=source, request_count=lambda: len(service.asked))


CASES = (
    Case(
        name="polygon-stocks",
        open=opened,
        kinds=("bars", "trades", "quotes"),
        timeframes=("1D", "1h", "1min"),
        bases=("raw", "split"),
        troubles=(*RETRIED, *REFUSED),
        refuses=(
            Request(symbols=None),
            Request(symbols=("I:SPX",)),
            Request(symbols=("AAPL?x=1",)),
            Request(symbols=("AAPL",), timeframe="7min"),
        ),
        columns={"bars": ("vwap", "trade_count"), "trades": ("id",)},
        actions=True,
    ),
    Case(
        name="polygon-crypto",
        open=opened,
        symbols=("X:BTCUSD", "X:ETHUSD", "X:SOLUSD"),
        kinds=("bars", "trades"),
        timeframes=("1D", "1h", "1min"),
        bases=("raw",),
        troubles=("rate_limited", "unknown_symbol"),
        columns={"bars": ("vwap", "trade_count"), "trades": ("id",)},
        calendar="24/7",
    ),
)
