"""A real venue in a process of its own, and alpaca-py's clients for it."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import requests

KEY, SECRET = "PKTESTVENUE", "made-up-secret"
READY_S_MAX = 120.0
STOP_S_MAX = 60.0
SEEN_S_MAX = 60.0


@dataclass
class Venue:
    """A running venue."""

    process: subprocess.Popen[str]
    line: dict[str, Any]
    log: Path
    reader: threading.Thread

    def __getattr__(self, name: str) -> Any:
        return self.line[name]

    @cached_property
    def session(self) -> requests.Session:
        """Connections that carry the keys."""
        session = requests.Session()
        session.trust_env = False
        session.headers.update({"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET})
        return session

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One raw request: status, and the body as JSON."""
        answer = self.session.request(
            method, f"{self.rest_url}{path}", json=body, headers=headers, timeout=30
        )
        return answer.status_code, answer.json() if answer.content else None

    def control(self, path: str, body: Any = None, method: str = "") -> Any:
        """Ask the venue's own endpoints; whatever it refuses fails the test."""
        code, content = self.ask(
            method or ("GET" if body is None else "POST"), f"/_venue/{path}", body
        )
        assert code < 300, (code, content)
        return content

    def advance(self, seconds: float) -> Any:
        """Let the venue's clock go on by so much, and stand."""
        return self.control("clock", {"advance_s": seconds})

    def until(self, instant: str) -> Any:
        """Let the venue's clock go on up to an instant, and stand."""
        return self.control("clock", {"until": instant})

    def client(self, **options: Any) -> Any:
        """alpaca-py's client for trading."""
        made = library("alpaca.trading.client").TradingClient(
            KEY, SECRET, url_override=self.rest_url, **options
        )
        made._retry = 0
        return made

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_S_MAX)
        self.forget()

    def stop(self) -> int:
        """End it as people do; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_S_MAX)
            raise
        finally:
            self.forget()

    def forget(self) -> None:
        """Let go of what a process that has ended leaves open."""
        self.session.close()
        self.reader.join(STOP_S_MAX)
        if self.process.stdout is not None:
            self.process.stdout.close()


def library(name: str) -> Any:
    """A module of alpaca-py; what it builds on deprecates itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module(name)


def command(*options: str) -> list[str]:
    """How a venue is started."""
    keys = () if "--config" in options else ("--key", KEY, "--secret", SECRET)
    return [
        *(sys.executable, "-m", "fanfold.cli", "venue", "--host", "127.0.0.1"),
        *keys,
        *options,
    ]


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Generator[Venue]:
    """A venue until the block ends, then stopped by SIGTERM; it must end well."""
    venue = start(folder, *options)
    try:
        yield venue
    finally:
        if venue.process.poll() is None:
            code = venue.stop()
            assert code == 0, venue.log.read_text()


def start(folder: Path, *options: str) -> Venue:
    """Start a venue, and wait for its line."""
    log = folder / f"venue-{time.monotonic_ns()}.log"
    environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with log.open("w") as errors:
        process = subprocess.Popen(
            command(*options), stdout=subprocess.PIPE, stderr=errors, text=True, env=environ
        )
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        line = lines.get(timeout=READY_S_MAX)
    except queue.Empty:
        process.kill()
        line = ""
    assert line, log.read_text()
    return Venue(process=process, line=json.loads(line), log=log, reader=reader)


def eventually(holds: Callable[[], bool], seconds: float = SEEN_S_MAX) -> None:
    """Wait until something holds; it must, within so many seconds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it has not come"
        time.sleep(0.01)
