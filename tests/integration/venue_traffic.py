"""Clients of a venue that is killed: what each sends, and what it was told.

A client notes what it sends before it sends it, and what was answered after it was.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

ANSWER_S_MAX = 20.0
LISTEN_S = 0.05
SYMBOLS = ("AAPL", "IBM", "MSFT")

FORMS = ("rest", "rest", "market", "market", "stop", "trail", "bracket", "oco", "oto")
"""Orders that a client sends."""


@dataclass
class Sent:
    """One request, and what came of it: None if nothing was answered.

    `own` is the name of the order that it makes, `about` the id of the one that it changes.
    """

    what: str
    own: str = ""
    about: str = ""
    status: int | None = None
    answer: Any = None

    @property
    def done(self) -> bool:
        return self.status is not None and self.status < 300


@dataclass
class Client:
    """One client: what it sent, and which of its orders it takes for open."""

    name: str
    key: str
    secret: str
    rng: Random
    sent: list[Sent] = field(default_factory=list)
    open_ids: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def work(self, url: str, stop: threading.Event) -> None:
        """Send one request after the other until the venue is gone."""
        with self.session() as session:
            while not stop.is_set():
                try:
                    self._one(session, url)
                except (requests.RequestException, ValueError):
                    return

    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.headers.update({"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret})
        return session

    def _one(self, session: requests.Session, url: str) -> None:
        what = self.rng.choices(
            ("submit", "cancel", "replace", "close", "cancel_all"), (50, 20, 20, 8, 2)
        )[0]
        own = f"{self.name}-{len(self.sent)}"
        if what == "close":
            note = Sent(what="close")
            self._send(session, note, "DELETE", f"{url}/v2/positions/{self.rng.choice(SYMBOLS)}")
        elif what == "cancel_all":
            self._send(session, Sent(what="cancel_all"), "DELETE", f"{url}/v2/orders")
            self.open_ids.clear()
        elif what == "submit" or not self.open_ids:
            body = self._order(own)
            self._send(session, Sent(what="submit", own=own), "POST", f"{url}/v2/orders", body)
        else:
            about = self.open_ids.pop(self.rng.randrange(len(self.open_ids)))
            place = f"{url}/v2/orders/{about}"
            if what == "cancel":
                self._send(session, Sent(what="cancel", about=about), "DELETE", place)
            else:
                note = Sent(what="replace", own=own, about=about)
                body = {"client_order_id": own, "qty": str(self.rng.randrange(1, 9))}
                self._send(session, note, "PATCH", place, body)

    def _send(
        self,
        session: requests.Session,
        note: Sent,
        method: str,
        place: str,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        self.sent.append(note)
        answer = session.request(method, place, json=body, timeout=ANSWER_S_MAX)
        note.answer = answer.json() if answer.content else None
        note.status = answer.status_code
        if note.status >= 500:
            self.failures.append(f"{method} {place} {body}: {answer.text}")
        if note.done and note.what in {"submit", "replace"}:
            made = note.answer
            if made["type"] == "limit" and made["order_class"] != "oco":
                self.open_ids.append(made["id"])

    def _order(self, own: str) -> dict[str, Any]:
        """An order at random; what it asks for may well be refused."""
        form, rng = self.rng.choice(FORMS), self.rng
        order: dict[str, Any] = {
            "symbol": rng.choice(SYMBOLS),
            "qty": str(rng.randrange(1, 9)),
            "side": "sell" if rng.random() < 0.3 else "buy",
            "type": "market",
            "time_in_force": "gtc",
            "client_order_id": own,
        }
        low, high = str(rng.randrange(100, 200) / 100), str(rng.randrange(9000, 9900))
        exits = {"take_profit": {"limit_price": high}, "stop_loss": {"stop_price": low}}
        trail = str(rng.choice((0.02, 0.1, 30)))
        fields: dict[str, dict[str, Any]] = {
            "market": {},
            "rest": {"side": "buy", "type": "limit", "limit_price": low},  # far from all prices
            "stop": {"side": "buy", "type": "stop", "stop_price": high},
            "trail": {"side": "sell", "type": "trailing_stop", "trail_percent": trail},
            "oco": {"side": "sell", "type": "limit", "order_class": "oco", **exits},
            "oto": {"side": "buy", "order_class": "oto", "stop_loss": exits["stop_loss"]},
            "bracket": {"side": "buy", "order_class": "bracket", **exits},
        }
        return {**order, **fields[form]}


@dataclass
class Listener:
    """A client of trade updates, and what it was told in this life of the venue."""

    key: str
    secret: str
    told: list[Mapping[str, Any]] = field(default_factory=list)

    def listen(self, url: str, stop: threading.Event) -> None:
        """Take what comes until the venue is gone."""
        self.told = []
        try:
            with connect(url, proxy=None, max_size=None) as socket:
                keys = {"action": "auth", "key": self.key, "secret": self.secret}
                socket.send(json.dumps(keys))
                socket.send(
                    json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}})
                )
                while not stop.is_set():
                    self._take(socket.recv)
        except (OSError, WebSocketException):
            return  # it was killed

    def _take(self, recv: Callable[..., str | bytes]) -> None:
        try:
            message = json.loads(recv(timeout=LISTEN_S))
        except TimeoutError:
            return
        if message["stream"] == "trade_updates":
            self.told.append(message["data"])


@dataclass
class Hand:
    """Who leads the market meanwhile: it goes at a speed, or by steps.

    Attributes:
        clocks: What the clock was said to be [ns UTC].
    """

    client: Client
    clocks: list[int] = field(default_factory=list)

    def lead(self, url: str, stop: threading.Event) -> None:
        """Lead until the venue is gone."""
        rng = self.client.rng
        with self.client.session() as session:
            while not stop.is_set():
                body = rng.choice(({"advance_s": rng.choice((1, 20, 90))}, {"speed": 60}))
                try:
                    answer = session.post(f"{url}/_venue/clock", json=body, timeout=ANSWER_S_MAX)
                    self.clocks.append(answer.json()["now_ns"])
                except (requests.RequestException, ValueError):
                    return
                time.sleep(rng.uniform(0.02, 0.2))
