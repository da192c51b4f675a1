"""What Signal takes of a processor: a quote that changes nothing, and one that changes a wish.

    python -m tests.benchmarks.signal_path
    python -m tests.benchmarks.signal_path --machine --quotes 500000

The component itself, plain unless `--machine`, on a tape in a folder of its own, without
sockets: ten coins, the strategy and the terms of `tests.benchmarks.live`, envelopes as market
data sends them. A flip is timed from the envelope's bytes being there to the intent being
there: "hot" flips follow each other with quotes between them, "cold" ones after a sleep, in
which others have had the processor and its caches. Times are of the thread [CPU], since a
machine may be shared.
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.live import SYMBOLS
from tests.benchmarks.live_sender import HIGH, LOW
from tests.benchmarks.live_strategy import Tripwire
from tests.fakes.live_signal import MICRO, brought_up
from tests.fakes.panels import bars_of

from fanfold.live.messages import (
    EXECUTION,
    MARKET_DATA,
    Envelope,
    Fill,
    Intent,
    OrderChange,
    Quote,
    Value,
    decode,
    encode,
)
from fanfold.live.signal.signal import Signal

PER_ENVELOPE = 12
"""Quotes that market data sends at once, about [quotes]."""

STEP_NS = 20_000
"""From quote to quote: 50,000 of them a second [ns]."""

NOISE = 0.05
"""How far middles move on their own side of the wire [currency]."""

CHUNK = 50
"""Envelopes that are timed together; the fastest are the least disturbed by others."""

QUIET_BETWEEN = 104
"""Envelopes between two flips: 25 ms of quotes."""

JOB = {
    "account": {"cash": 100_000, "leverage": 1, "venue": "alpaca"},
    "sizing": {"kind": "exposure"},
    "limits": {"max_position": 0.5, "max_gross": 0.9},
}
"""Of `tests.benchmarks.live`."""


class Market:
    """Envelopes of quotes, and of what becomes of the orders that they lead to."""

    def __init__(self, ts: int, *, moves: bool) -> None:
        self.ts, self.moves = ts, moves
        self.high = [False] * len(SYMBOLS)
        self.held = [0] * len(SYMBOLS)
        self._numbers = {MARKET_DATA: 0, EXECUTION: 0}
        self._noise = cycle(np.random.default_rng(7).random(997).tolist())
        self._next = 0

    def envelope(self, sender: str, *values: Value) -> bytes:
        self._numbers[sender] += 1
        return encode(Envelope(sender, 1, self._numbers[sender], self.ts, values))

    def quotes(self, flips: int = 0) -> bytes:
        """An envelope of quotes, of which the middle one crosses the wire if asked for."""
        quotes: list[Quote] = []
        for place in range(PER_ENVELOPE):
            asset = self._next = (self._next + 1) % len(SYMBOLS)
            if flips and place == PER_ENVELOPE // 2:
                self.high[asset] = not self.high[asset]
            self.ts += STEP_NS
            side = 1.0 if self.high[asset] else -1.0
            middle = HIGH if self.high[asset] else LOW
            if self.moves:
                middle += side * next(self._noise) * NOISE
            quotes.append(Quote(asset, self.ts, middle - 0.01, middle + 0.01, 1.0, 1.0))
        return self.envelope(MARKET_DATA, *quotes)

    def told(self, intent: Intent) -> Iterator[bytes]:
        """What execution tells of an intent whose order fills at once."""
        asset, lots = intent.asset, intent.goal - self.held[intent.asset]
        self.held[asset] = intent.goal
        name = f"order-{intent.number}"
        nan = float("nan")
        base = (name, intent.number, asset, "entry" if lots > 0 else "exit")
        yield self.envelope(EXECUTION, OrderChange(*base, "sending", lots, nan, nan, self.ts, ""))
        yield self.envelope(
            EXECUTION,
            Fill(
                execution_id=f"fill-{intent.number}",
                client_order_id=name,
                asset=asset,
                role=base[-1],
                ts=self.ts,
                lots=lots,
                price=round(intent.mark * MICRO),
                fee=0,
                held=intent.goal,
            ),
            OrderChange(*base, "filled", 0, nan, nan, self.ts, ""),
        )


class Bench:
    """A signal that is armed, and its market."""

    def __init__(self, root: Path, *, machine: bool, moves: bool) -> None:
        minutes = np.full((5, 60, len(SYMBOLS)), 99.9)
        past = bars_of(minutes, symbols=SYMBOLS, session_bars=60, calendar="24/7")
        folder = brought_up(
            root,
            past,
            Tripwire(level=100.0),
            warm_bars=50,
            named="tests.benchmarks.live_strategy:Tripwire",
            job=JOB,
            market={"clock": "quotes"},
            execution={"start": "adopt_backtest_target"},
            host={"machine": machine},
        )
        start = int(past.ts[-1])
        self.signal = Signal.opened(folder, 1, start)
        self.market = Market(start, moves=moves)
        self.signal.arm(1, start)
        self.sent = 0
        for _ in range(20):
            self.go(self.market.quotes())

    def go(self, raw: bytes) -> int:
        """Take an envelope and what comes of it; the first one's time [ns]."""
        began = time.thread_time_ns()
        sent = [*self.signal.begin(decode(raw), raw, self.market.ts)]
        took = time.thread_time_ns() - began
        while self.signal.is_unfinished:
            sent += self.signal.go_on()
        for _, value in sent:
            assert isinstance(value, Intent)
            self.sent += 1
            for told in self.market.told(value):
                for _, more in self.signal.take(decode(told), told, self.market.ts):
                    raise AssertionError(f"a filled goal must lead to nothing, led to {more}")
        return took

    def quiet_us(self, quotes: int) -> dict[str, float]:
        """Of a quote that changes nothing, with its part of its envelope [us of CPU]."""
        count = quotes // (PER_ENVELOPE * CHUNK) * CHUNK
        raws = [self.market.quotes() for _ in range(count)]
        begin, now = self.signal.begin, self.market.ts
        chunks: list[float] = []
        for first in range(0, len(raws), CHUNK):
            began = time.thread_time_ns()
            for raw in raws[first : first + CHUNK]:
                begin(decode(raw), raw, now)
            chunks.append((time.thread_time_ns() - began) / 1e3 / CHUNK / PER_ENVELOPE)
        return {"mean": round(statistics.mean(chunks), 2), "least": round(min(chunks), 2)}

    def flips_us(self, count: int, sleep_s: float) -> dict[str, float]:
        """From a flip's envelope to its intent [us of CPU]."""
        times: list[int] = []
        for _ in range(count):
            for _ in range(QUIET_BETWEEN if not sleep_s else 1):
                self.go(self.market.quotes())
            if sleep_s:
                time.sleep(sleep_s)
            raw, before = self.market.quotes(flips=1), self.sent
            times.append(self.go(raw))
            if self.sent != before + 1:
                raise AssertionError(f"a flip must lead to one intent, led to {self.sent - before}")
        return percentiles(times)


def percentiles(times: list[int]) -> dict[str, float]:
    """Of times [ns], in microseconds; the tenth is what a machine of its own would show."""
    cuts = statistics.quantiles(times, n=100)
    return {f"p{k}": round(cuts[k - 1] / 1e3, 2) for k in (10, 50, 90, 99)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--machine", action="store_true", help="Decisions in machine code.")
    parser.add_argument("--quotes", type=int, default=120_000)
    parser.add_argument("--flips", type=int, default=150)
    asked = parser.parse_args()
    found: dict[str, Any] = {"benchmark": "signal_path", "machine": asked.machine}
    for moves in (True, False):
        with tempfile.TemporaryDirectory(prefix="fanfold-signal-") as root:
            bench = Bench(Path(root), machine=asked.machine, moves=moves)
            bench.flips_us(50, 0.0)
            gc.collect()
            gc.freeze()
            key = "moving" if moves else "still"
            found[f"quote_{key}_us"] = bench.quiet_us(asked.quotes)
            if moves:
                for name, sleep_s in (("hot", 0.0), ("cold", 0.025)):
                    found[f"flip_{name}_us"] = bench.flips_us(asked.flips, sleep_s)
            bench.signal.close()
    for name, value in found.items():
        print(f"{name:<20}{value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
