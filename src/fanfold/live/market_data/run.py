"""The component with its edges: the stream, the clock's beat, the broker's answers, outlets.

One event loop on one thread. A frame is taped, read and handed on in the call that brought
it; everything else happens between frames. What cannot be mended ends the component by an
error, what can be is told as a feed that is down until it is.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

import msgspec

from fanfold.alpaca.credentials import credentials_of_account
from fanfold.alpaca.wire.messages import Failure
from fanfold.errors import FanfoldError, LiveError
from fanfold.live import control as requests
from fanfold.live.component import TICK_S, Statistics
from fanfold.live.control import Control
from fanfold.live.folder import Folder
from fanfold.live.market_data.backoff import Backoff
from fanfold.live.market_data.forward import Forward, Sender
from fanfold.live.market_data.market_data import MarketData
from fanfold.live.market_data.rest.asked import Asked
from fanfold.live.market_data.rest.clock import POLL_S
from fanfold.live.market_data.start import note_told, told_until, wanted_by
from fanfold.live.market_data.stream.connection import Connection
from fanfold.live.market_data.stream.handshake import Handshake, Retry, anew, check
from fanfold.live.messages import RISK, SIGNAL, Step, Value
from fanfold.live.plan import read_plan
from fanfold.live.statistics import Latency
from fanfold.live.tape import Tape
from fanfold.live.trace import Trail
from fanfold.live.wires import Wires

RESEND: Final = "resend"
"""Request of a host: tell all steps after an instant again, as the receiver lost them."""

STEPS_KEPT: Final = 2_000
"""Steps that can be told again."""

TAPE: Final = "market"
"""Name of the tape of the stream's frames."""

RECEIVERS: Final = (SIGNAL, RISK)
"""Who is told."""

_log = logging.getLogger(__name__)


class Service:
    """Market data of a deployment.

    Args:
        folder: Of the deployment.
        control: Requests from outside.
        outlets: By receiver.
        incarnation: Of this process.

    Attributes:
        woken_at: When the loop last had its turn, on the monotonic clock [s].

    Raises:
        ConfigError, LiveError: The plan or the keys are not what they must be.
    """

    def __init__(
        self, folder: Folder, control: Control, outlets: Mapping[str, Sender], incarnation: int
    ) -> None:
        self._folder = folder
        self._control = control
        self._plan = read_plan(folder)
        self._wanted = wanted_by(self._plan)
        self._keys = credentials_of_account()
        settings = self._plan.settings
        self._told = told_until(folder)
        self._core = MarketData(self._plan, since=self._told, incarnation=incarnation)
        self._forward = Forward(outlets, incarnation, settings.market.pending_max)
        self._asked = Asked(self._plan, self._core.hours, self._keys)
        self._tape = (
            Tape(folder.tapes, TAPE, settings.record.segment_bytes)
            if settings.record.tapes
            else None
        )
        self._connection: Connection | None = None
        self._batch: list[Value] = []
        self._steps: deque[Step] = deque(maxlen=STEPS_KEPT)
        self._forwarding, self._trail = Latency(), Trail(self._plan.tag)
        self._stop = asyncio.Event()
        self._is_stopped = False
        self.woken_at = time.monotonic()

    @property
    def state(self) -> str:
        """Whether it is "halted", "armed" or "stopped"."""
        if self._is_stopped:
            return "stopped"
        return "armed" if self._core.is_armed else "halted"

    def run(self) -> None:
        """Go on until it is told to stop.

        Raises:
            LiveError: The stream cannot be used, or a receiver lost what it must have.
        """
        asyncio.run(self.serve())

    def disarm(self, reason: str) -> None:
        """Note that the deployment does not trade; market data flow all the same."""
        _log.info("disarmed: %s", reason)
        self._core.is_armed = False

    def statistics(self) -> Statistics:
        """A snapshot, from any thread."""
        own = self._core.statistics(time.time_ns(), is_stopped=self._is_stopped)
        forward = self._forward
        sent = {"envelopes": forward.sent, "conflated": forward.conflated, "lost": forward.lost}
        stage = self._forwarding
        return msgspec.structs.replace(
            own,
            counts=own.counts | sent,
            gauges=own.gauges | {"waiting": forward.waiting},
            latency=own.latency | ({"forward": stage.summary()} if stage.count else {}),
        )

    async def serve(self) -> None:
        """As `run`, in a loop that runs already."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._control.fileno(), self._control.serve, self._answer)
        tasks = [
            asyncio.create_task(each)
            for each in (self._stop.wait(), self._stay_connected(), self._beat(), self._poll())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_reader(self._control.fileno())
            await self._let_go(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _let_go(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        self._is_stopped = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()
        self._asked.close()
        self._forward.flush(time.time_ns())
        self._note_told()
        if self._tape is not None:
            self._tape.close()

    async def _stay_connected(self) -> None:
        """One connection after the other, never two."""
        market, broker = self._plan.settings.market, self._plan.settings.broker
        backoff = Backoff(market.backoff_s, market.backoff_max_s, Random())  # noqa: S311
        while True:
            self._core.connecting()
            self._connection = connection = Connection(
                self._plan.addresses.market_stream_url,
                Handshake(self._keys, self._wanted),
                self._take,
                broker.connect_timeout_s,
            )
            since = time.monotonic()
            why = await self._listen(connection)
            if not isinstance(why, Retry):
                raise why
            backoff.lasted(time.monotonic() - since)
            pause_s = backoff.next_s()
            _log.warning("no market stream: %s; again in %.1f s", why, pause_s)
            self._core.disconnected(str(why))
            self._send(self._core.tick(time.time_ns()))
            await asyncio.sleep(pause_s)

    async def _listen(self, connection: Connection) -> Exception:
        """From a connection's begin to its end; why it ended."""
        catching: asyncio.Task[None] | None = None
        try:
            await connection.open()
            self._core.connected(time.time_ns())
            catching = asyncio.create_task(self._catch_up(connection))
            return await connection.wait()
        except (Retry, FanfoldError) as why:
            return why
        finally:
            if catching is not None:
                catching.cancel()
                with suppress(asyncio.CancelledError):
                    await catching
            await connection.close()

    async def _catch_up(self, connection: Connection) -> None:
        """Fetch what was missed, however often it takes; steps wait for it."""
        try:
            await self._fetch_missed()
        except Exception as error:  # ends the connection, and is raised where that is waited for
            connection.cut(error)

    async def _fetch_missed(self) -> None:
        market = self._plan.settings.market
        backoff = Backoff(market.backoff_s, market.backoff_max_s, Random())  # noqa: S311
        core, asked = self._core, self._asked
        while True:
            try:
                clock = await asked.clock(core.venue_clock)
                start = core.missed_from(clock)
                start = clock if start is None else start
                minutes = await asked.minutes(start, clock) if core.needs_minutes else []
                trades = await asked.trades(start, clock) if core.needs_trades else []
                self._send(core.caught_up(clock, minutes, trades))
                self._send(core.take_quotes(await asked.quotes(range(len(self._plan.assets)))))
            except LiveError as error:
                if core.feed.is_up:
                    return  # steps go on, and quotes come by the stream
                core.feed.trouble("history", f"what was missed cannot be fetched: {error}")
                await asyncio.sleep(backoff.next_s())
            else:
                return

    async def _beat(self) -> None:
        """What is due by time."""
        while True:
            await asyncio.sleep(TICK_S)
            self.woken_at = time.monotonic()
            now = time.time_ns()
            self._flush()
            self._send(self._core.tick(now))
            self._forward.flush(now)
            self._look_at_receivers()
            self._note_told()
            self._trail.write()
            reason = self._core.reconnect
            if reason and self._connection is not None:
                self._core.count("silent")
                self._connection.cut(Retry(reason))
                self._core.reconnect = ""
            if self._core.torn and self._connection is not None:
                torn = tuple(self._plan.symbols[asset] for asset in sorted(self._core.torn))
                self._core.torn.clear()
                for command in anew(torn):
                    self._connection.say(command)

    async def _poll(self) -> None:
        """Ask the broker now and then: its clock, and what the stream left out."""
        while True:
            await self._try(self._look_at_clock)
            for job in (self._refresh_priors, self._refresh_stale, self._look_up):
                await self._try(job)
            await asyncio.sleep(POLL_S)

    async def _try(self, job: Callable[[], Any]) -> None:
        try:
            await job()
        except LiveError as error:
            self._core.count("unanswered")
            _log.warning("%s", error)

    async def _look_at_clock(self) -> None:
        await self._asked.clock(self._core.venue_clock)
        self._send(self._core.tick(time.time_ns()))

    async def _refresh_priors(self) -> None:
        if self._core.wants_priors:
            self._send(self._core.take_priors(await self._asked.priors(self._core.clock)))

    async def _refresh_stale(self) -> None:
        if self._core.feed.stale:
            self._send(self._core.take_quotes(await self._asked.quotes(self._core.feed.stale)))

    async def _look_up(self) -> None:
        start, self._core.lacking = self._core.lacking, 0
        if start:
            minutes = await self._asked.minutes(start, self._core.last_step)
            self._send(self._core.looked_up(minutes))

    def _take(self, frame: bytes, is_last: bool) -> None:  # noqa: FBT001  (a callback's shape)
        """A frame of the stream."""
        now = time.time_ns()
        if self._tape is not None:
            try:
                self._tape.append(now, frame)
            except (OSError, LiveError) as error:
                self._tape.close()
                self._tape = None
                self._core.feed.trouble("tape", f"the stream cannot be recorded: {error}")
        values = self._core.take_frame(frame, now)
        if self._core.said:
            self._hear()
        if is_last and not self._batch:
            self._send(values)
        else:
            if not self._batch:
                asyncio.get_running_loop().call_soon(self._flush)
            self._batch += values

    def _hear(self) -> None:
        """What the broker said of the connection."""
        said, self._core.said[:] = list(self._core.said), ()
        for one in said:
            if isinstance(one, Failure) and self._connection is not None:
                self._connection.cut(check(one))

    def _flush(self) -> None:
        values, self._batch = self._batch, []
        self._send(values)

    def _send(self, values: Sequence[Value]) -> None:
        if not values:
            return
        begun = time.perf_counter_ns()
        self._forward.send(values, time.time_ns())
        self._forwarding.record((time.perf_counter_ns() - begun) // len(values))
        for value in values:
            if type(value) is Step:
                self._steps.append(value)
                self._trail.note("bar", tuple(row.asset for row in value.rows), value.ts)

    def _look_at_receivers(self) -> None:
        forward, feed = self._forward, self._core.feed
        if forward.is_broken:
            raise LiveError(
                f"receivers must take market data, {forward.waiting} values wait and "
                f"{forward.lost} were lost"
            )
        if forward.waiting and forward.lost:
            feed.trouble("lost", f"a receiver takes nothing: {forward.lost} values lost")
        elif not forward.waiting:
            feed.mended("lost")

    def _note_told(self) -> None:
        end = self._core.last_step
        if end != self._told and not self._forward.waiting and not self._batch:
            self._told = end
            note_told(self._folder, end)

    def _answer(self, what: str, argument: Any) -> Any:
        match what:
            case requests.ARM:
                self._core.is_armed = True
            case requests.DISARM:
                self.disarm(str(argument))
            case requests.INSPECT:
                return {"statistics": msgspec.to_builtins(self.statistics()), "state": {}}
            case _ if what == RESEND:
                self._send([step for step in self._steps if step.ts > int(argument)])
            case _:
                self._stop.set()
        return self.state


async def serve(
    folder: Folder, control: Control, outlets: Mapping[str, Sender], incarnation: int = 1
) -> None:
    """Market data of a deployment until it is told to stop; errors as of `Service`."""
    await Service(folder, control, outlets, incarnation).serve()


def opened(
    folder: Folder, incarnation: int, wires: Wires, control: Control
) -> tuple[Service, Callable[[], None]]:
    """Market data as a host runs them, and how they are let go; errors as of `Service`."""
    outlets = {name: wires.outlet(name) for name in RECEIVERS}
    return Service(folder, control, outlets, incarnation), lambda: None
