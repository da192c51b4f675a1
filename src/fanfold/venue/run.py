"""The venue as a process: opened, served, stopped."""

import asyncio
import gc
import hashlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from fanfold.alpaca.wire.instants import instant_text
from fanfold.errors import ConfigError, DataError, RunError
from fanfold.execution.venue_rules import venue_rules
from fanfold.venue.faults.faults import Faults
from fanfold.venue.floor import Floor
from fanfold.venue.journal import Journal
from fanfold.venue.journal.usual import keep_private, usual_file
from fanfold.venue.market.market import Market
from fanfold.venue.market.replay import Replay
from fanfold.venue.market.spread import Spread
from fanfold.venue.server.app import make_app
from fanfold.venue.server.connections import BACKLOG, listen
from fanfold.venue.server.trading.forms import update_form
from fanfold.venue.settings import AccountSettings, VenueSettings
from fanfold.venue.streams.hub import Hub
from fanfold.venue.trading.book import Book
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.terms import Terms
from fanfold.venue.trading.values import Account

STOP_S_MAX: Final = 5.0
"""How long clients have to take their leave [s]."""

_log = logging.getLogger("fanfold.venue")

STOPS: Final = (signal.SIGTERM, signal.SIGINT)
"""Signals that end it."""


def run(settings: VenueSettings, ready: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Serve until SIGTERM or SIGINT. The process ends after it: both are ignored from then on.

    Args:
        settings: What the venue is like.
        ready: Told once, when it can be reached: its addresses.

    Returns:
        What it did, in numbers.

    Raises:
        ConfigError: A setting is not what it must be, or the port is taken.
        DataError: What is to be replayed, or the journal, is not what it must be.
        RunError: It had to stop.
    """
    return asyncio.run(_serve(settings, ready))


async def _serve(
    settings: VenueSettings, ready: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    from aiohttp import web

    Faults.from_config(settings.faults, settings.seed)  # said before what takes long
    listening = _listen(settings)
    try:
        market = Market.opened(replay_of(settings))
        host, port = listening.getsockname()[:2]
        path = settings.journal or _usual_journal(settings, port)
        keep_private(path)
        journal = Journal.open(path, terms=_terms_text(settings), full=settings.durable)
        try:
            floor = open_floor(settings, market, journal)
            runner = web.AppRunner(
                make_app(floor), access_log=None, handle_signals=False, shutdown_timeout=STOP_S_MAX
            )
            await runner.setup()
            gc.freeze()  # what is here stays: looking through it would hold up everybody
            with _signals() as stop:
                door = await listen(runner, listening)
                try:
                    ready(_addresses(settings, floor, host, port))
                    await _until_stopped(floor, stop)
                finally:
                    door.close()
                    await floor.hub.close()
                    await runner.cleanup()
            return floor.statistics()
        finally:
            journal.close()
    finally:
        listening.close()


def open_floor(settings: VenueSettings, market: Market, journal: Journal) -> Floor:
    """Put a venue together, and go on where its journal ends."""
    faults = Faults.from_config(settings.faults, settings.seed)
    terms = Terms(
        rules=venue_rules("alpaca"),
        fees=settings.fees,
        slippage_bps=settings.slippage_bps,
        mischief=faults.mischief,
    )
    book = Book(journal, seed=settings.seed)
    restored = journal.restored()
    if restored is not None:
        book.restore(restored)
        market.seek(restored.clock)
    exchange = Exchange(Desk(book=book, market=market, terms=terms))
    known = {account.id for account in book.accounts}
    closed = len(known - {_id_of(account) for account in settings.accounts})
    if closed:
        _log.warning("the journal has accounts whose keys are not given now: %d", closed)
    for account in settings.accounts:
        if _id_of(account) not in known:
            book.put_account(_opened(account, market.now))
    floor = Floor(
        settings,
        exchange=exchange,
        market=market,
        journal=journal,
        hub=Hub(
            encode_event=update_form,
            faults=faults,
            symbols_max=30 if settings.plan == "basic" else None,
        ),
        faults=faults,
        keys={
            account.key: (account.secret.get_secret_value(), _id_of(account))
            for account in settings.accounts
        },
    )
    floor.resume()
    return floor


def replay_of(settings: VenueSettings) -> Replay:
    """What is replayed, as the market takes it."""
    asked = settings.replay
    return Replay(
        source=asked.source,
        symbols=tuple(asked.symbols or ()),
        start=asked.start,
        end=asked.end,
        begin=asked.begin,
        basis=asked.basis,
        timeframe=asked.timeframe,
        stamp=asked.stamp,
        calendar=asked.calendar,
        kinds=tuple(asked.kinds),
        simulate=asked.simulate,
        seed=settings.seed,
        spread=Spread(bps=asked.spread_bps, tick=asked.on_ticks),
        late_share=asked.late_share,
    )


async def _until_stopped(floor: Floor, stop: asyncio.Event) -> None:
    """Let the market go on until it is stopped, or it cannot."""
    going = asyncio.create_task(floor.run())
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((going, waiting), return_when=asyncio.FIRST_COMPLETED)
        if going.done():
            error = going.exception()
            if isinstance(error, DataError):  # its memory failed, which is no place to go on from
                raise RunError(f"the market must go on: {error}") from error
            raise RunError(
                f"the market must go on, failed: {error!r}; the journal holds what was answered, "
                "the same command goes on from there"
            ) from error
    finally:
        for task in (going, waiting):
            task.cancel()
        await asyncio.gather(going, waiting, return_exceptions=True)


@contextmanager
def _signals() -> Generator[asyncio.Event]:
    """An event that SIGTERM or SIGINT sets; a second one does not disturb the end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in STOPS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


def _listen(settings: VenueSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"host and port must be free to listen on, {settings.host}:{settings.port} "
            f"is not: {error.strerror or error}"
        ) from None
    return listening


def _addresses(settings: VenueSettings, floor: Floor, host: str, port: int) -> dict[str, Any]:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    symbols = [asset.symbol for asset in floor.market.assets]
    return {
        "status": "ready",
        "rest_url": f"http://{place}",
        "market_data_url": f"ws://{place}/v2/{'iex' if settings.plan == 'basic' else 'sip'}",
        "crypto_market_data_url": f"ws://{place}/v1beta3/crypto/us",
        "trade_updates_url": f"ws://{place}/stream",
        "status_url": f"http://{place}/_venue/",
        "key": settings.accounts[0].key,
        "symbols": symbols,
        "clock": instant_text(floor.market.now),
        "pid": os.getpid(),
    }


def _terms_text(settings: VenueSettings) -> str:
    """What a journal is bound to: another market would make nonsense of it."""
    bound = settings.model_dump(mode="json", include={"replay", "seed"})
    return msgspec.json.encode(bound, order="sorted").decode()


def _usual_journal(settings: VenueSettings, port: int) -> Path:
    keys = "\n".join(account.key for account in settings.accounts)
    return usual_file(f"{_terms_text(settings)}\n{port}\n{keys}")


def _id_of(account: AccountSettings) -> str:
    return str(uuid5(NAMESPACE_URL, f"fanfold venue account {account.key}"))


def _opened(settings: AccountSettings, now: int) -> Account:
    number = int(hashlib.sha256(settings.key.encode()).hexdigest()[:8], 16) % 10**9
    return Account(
        id=_id_of(settings),
        number=settings.number or f"PA{number:09d}",
        cash=settings.cash,
        last_equity=settings.cash,
        created_at=now,
    )
