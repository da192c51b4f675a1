"""The app without a cluster: a process of its own on this machine, made anew when it dies.

Trading goes on whether or not it is there; it is entered in the deployment's folder like the
other processes, so that whoever stops the deployment finds it.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import uvicorn
from fastapi import FastAPI

from fanfold.errors import ConfigError, LiveError
from fanfold.live.folder import UMASK, Folder
from fanfold.live.keeping import STOPS, keep
from fanfold.live.logs import log_to_file
from fanfold.live.registry import enter, is_held, lock_of, seen_entry, signal_entry
from fanfold.serving.noted import Page, note_page

MODULE: Final = "fanfold.workflows.live.served"
"""What is run as the process: it knows how a deployment's app is made."""

PAGE: Final = "page"
"""Its name among the processes of a deployment."""

PAGE_KEEPER: Final = "page_keeper"
"""The name of whoever makes it anew."""

STOP_S: Final = 8.0
"""How long it may take to stop in order [s]."""

REQUESTS_MAX: Final = 128
"""Requests and streams at one time; more are told to come again."""

_GRACE_S: Final = 2
_POLL_S: Final = 0.05
_BACKLOG: Final = 128


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; at any free port where that is 0.

    Raises:
        ConfigError: The address or the port cannot be had.
    """
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise ConfigError(
            f"the page's port must be free, {host}:{port} is not: {error.strerror}"
        ) from None
    made.listen(_BACKLOG)
    return made


def url_of(listens: socket.socket) -> str:
    """Where a socket is reached."""
    host, port = listens.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def run(app: FastAPI, listens: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; open streams are ended at once."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        limit_concurrency=REQUESTS_MAX,
        timeout_graceful_shutdown=_GRACE_S,
    )
    for number in STOPS:  # the server repeats the signal to whoever was there before it
        signal.signal(number, _ignored)
    asyncio.run(_serve(uvicorn.Server(config), app, listens))


def be_page(folder: Folder, make: Callable[[], FastAPI], host: str, port: int) -> int:
    """Be the page of a deployment until it is stopped; the exit code.

    Args:
        folder: Of the deployment.
        make: The app; called in a process that is made anew when it dies.
        host: Address to listen at.
        port: 0 for a free one.

    Raises:
        LiveError: The deployment has a page already.
        ConfigError: The port cannot be had.
    """
    os.umask(UMASK)
    lock = lock_of(folder, PAGE)
    if not lock.take():
        raise LiveError(f"{folder.name} must have one page, has one")
    try:
        listens = listening(host, port)
        return keep(folder, partial(_act, folder, make, listens), name=PAGE_KEEPER)
    finally:
        lock.close()


def start(folder: Folder, host: str, port: int) -> subprocess.Popen[bytes]:
    """Start a deployment's page; it outlives this process, and notes where it is by itself.

    Args:
        folder: Of the deployment; its plan may come later.
        host: Address to listen at.
        port: 0 for a free one.
    """
    errors = folder.logs / f"{PAGE}.err"
    with errors.open("wb") as written:
        os.fchmod(written.fileno(), 0o600)
        return subprocess.Popen(  # noqa: S603  (our own command)
            [sys.executable, "-m", MODULE, str(folder.path), host, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )


def stop(folder: Folder) -> str:
    """Stop the page in order, then at once; what became of it."""
    if not is_held(folder, PAGE):
        return "was down"
    keeper = seen_entry(folder, PAGE_KEEPER)
    if not signal_entry(keeper, signal.SIGTERM):  # it was killed: nobody tells the page
        signal_entry(seen_entry(folder, PAGE), signal.SIGTERM)
    until = time.monotonic() + STOP_S
    while is_held(folder, PAGE) and time.monotonic() < until:
        time.sleep(_POLL_S)
    if not is_held(folder, PAGE):
        return "stopped"
    signal_entry(keeper, signal.SIGKILL)  # first whoever would make it anew
    signal_entry(seen_entry(folder, PAGE), signal.SIGKILL)
    return "killed: it did not stop in time"


def _act(folder: Folder, make: Callable[[], FastAPI], listens: socket.socket) -> int:
    entry = enter(folder, PAGE, time.time_ns())
    note_page(folder, Page(url=url_of(listens), pid=entry.pid))
    log_to_file(folder, PAGE, entry.incarnation)
    run(make(), listens)
    return 0


async def _serve(server: uvicorn.Server, app: FastAPI, listens: socket.socket) -> None:
    ends = asyncio.create_task(_end_streams(server, app))
    try:
        await server.serve(sockets=[listens])
    finally:
        ends.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ends


async def _end_streams(server: uvicorn.Server, app: FastAPI) -> None:
    """The server waits for streams, which end by nothing else."""
    while not server.should_exit:  # noqa: ASYNC110  (it has no event to wait for)
        await asyncio.sleep(_POLL_S)
    await app.state.parts.poller.close()


def _ignored(_number: int, _frame: object) -> None:
    pass
