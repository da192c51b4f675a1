"""Questions to the broker on worker threads, so that the stream never waits for an answer.

The clock has a connection and a thread of its own: a long answer about the past must not
hold it up.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from fanfold.alpaca.credentials import Credentials
from fanfold.live.market_data.bars.hours import Hours
from fanfold.live.market_data.rest.clock import VenueClock
from fanfold.live.market_data.rest.lines import Lines
from fanfold.live.market_data.rest.past import Minute, Past, PastTrade, clock_of
from fanfold.live.messages import Prior, Quote
from fanfold.live.plan import Plan

CLOCK_NS_MAX: Final = 1_000_000_000
"""An answer that took longer says what time it was, but not how far clocks are apart [ns]."""

FEEDS: Final = frozenset(("iex", "sip"))
"""Feeds that REST knows by name, too."""

Answer = TypeVar("Answer")


class Asked:
    """The broker's answers, awaited.

    Args:
        plan: Of the deployment.
        hours: Of its assets.
        keys: The account's.
    """

    def __init__(self, plan: Plan, hours: Sequence[Hours], keys: Credentials) -> None:
        timeout_s = plan.settings.broker.read_timeout_s
        self._trading = Lines(plan.addresses.rest_url, keys, timeout_s)
        self._data = Lines(plan.addresses.data_url, keys, timeout_s)
        feed = plan.settings.market.feed
        self._past = Past(
            self._data,
            plan.symbols,
            hours,
            is_coins=is_of_coins(plan),
            feed=feed if feed in FEEDS else "",
        )
        self._clock_worker = ThreadPoolExecutor(1, "market-clock")
        self._past_worker = ThreadPoolExecutor(1, "market-past")

    async def clock(self, known: VenueClock) -> int:
        """The venue's clock [ns UTC], noted in what is known of it.

        Raises:
            LiveError: Nobody answers; so do all others here.
        """
        ts, asked_at, received_at = await _of(self._clock_worker, self._read_clock)
        if 0 <= received_at - asked_at <= CLOCK_NS_MAX:
            known.take(ts, asked_at, received_at)
        return ts

    async def minutes(self, start: int, end: int) -> list[Minute]:
        """See `Past.minutes`."""
        return await _of(self._past_worker, lambda: self._past.minutes(start, end))

    async def trades(self, start: int, end: int) -> list[tuple[int, int, PastTrade]]:
        """See `Past.trades`."""
        return await _of(self._past_worker, lambda: self._past.trades(start, end))

    async def quotes(self, assets: Sequence[int]) -> list[Quote]:
        """See `Past.quotes`."""
        return await _of(self._past_worker, lambda: self._past.quotes(assets))

    async def priors(self, clock: int) -> list[Prior]:
        """See `Past.priors`."""
        return await _of(self._past_worker, lambda: self._past.priors(clock))

    def close(self) -> None:
        """Ask no more; what is being asked ends at once."""
        for lines in (self._trading, self._data):
            lines.stop()
        for worker in (self._clock_worker, self._past_worker):
            worker.shutdown(wait=True, cancel_futures=True)
        for lines in (self._trading, self._data):
            lines.close()

    def _read_clock(self) -> tuple[int, int, int]:
        asked_at = time.time_ns()
        return clock_of(self._trading), asked_at, time.time_ns()


def is_of_coins(plan: Plan) -> bool:
    """Whether a deployment's assets are coins."""
    return plan.assets[0].asset_class == "crypto"


async def _of(worker: ThreadPoolExecutor, ask: Callable[[], Answer]) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(worker, ask)
