"""A server on this machine that speaks as Alpaca's market data do, troubles included.

It pages over all symbols together, filters by time with both ends included, knows a key,
stamps bars by their start and days by New York's midnight, and leaves out what it does
not know.
"""

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd

KEY_ID = "PKTESTKEYID"
HTML = "<html><head><title>502</title></head><body><h1>Bad\nGateway</h1></body></html>"

_FIELDS = {
    "bars": {
        "o": "open",
        "h": "high",
        "l": "low",
        "c": "close",
        "v": "volume",
        "vw": "vwap",
        "n": "trade_count",
    },
    "trades": {"p": "price", "s": "size", "i": "id", "x": "exchange", "c": "conditions"},
    "quotes": {
        "bp": "bid",
        "bs": "bid_size",
        "ap": "ask",
        "as": "ask_size",
        "ax": "exchange",
        "bx": "exchange",
        "c": "conditions",
    },
}


@dataclass
class AlpacaServer:
    """What it serves, and what it was asked.

    Attributes:
        frames: Rows of each symbol, as in `tests.conformance.case.Truth`.
        kind: What they are.
        daily: Whether bars are days.
        secret: The only one that it takes.
        actions: Splits and dividends of each symbol.
        trouble: A key of `TROUBLES`, or "".
        trouble_at: Number of the request that it begins with; it ends there too unless it lasts.
        page_rows: Rows on a page at most.
        pause_s: How long each answer takes [s].
        stall_s: How long a stalled request waits, unless the server is stopped [s].
    """

    frames: Mapping[str, Any]
    kind: str = "bars"
    daily: bool = True
    secret: str = ""
    actions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    trouble: str = ""
    trouble_at: int = 1
    page_rows: int = 7
    pause_s: float = 0.0
    stall_s: float = 2.0
    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list[Any])
    stopped: threading.Event = field(default_factory=threading.Event)
    made: dict[str, Any] = field(default_factory=dict[str, Any])

    def count(self, path: str = "") -> int:
        """Requests until now, of one path or of all."""
        return sum(path in one for one, _ in self.asked)

    def answer(
        self, path: str, query: dict[str, str], headers: Any
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers."""
        number = len(self.asked)
        trouble = TROUBLES.get(self.trouble)
        begins, lasts = number == self.trouble_at, self.trouble in LASTING
        if trouble is not None and (begins or (lasts and number > self.trouble_at)):
            return trouble
        return self.plain_answer(path, query, headers)

    def plain_answer(
        self, path: str, query: dict[str, str], headers: Any
    ) -> tuple[int, Any, dict[str, str]]:
        """What is answered without trouble."""
        if "/crypto/" not in path and headers.get("APCA-API-SECRET-KEY") != self.secret:
            return 401, {"message": "unauthorized."}, {}
        room = path.rsplit("/", 1)[-1]
        if path.endswith("/trades/latest") or "/latest/trades" in path:
            return 200, {"trades": self._latest(query["symbols"])}, {}
        if room == "corporate-actions":
            return 200, self._actions(query), {}
        if room != self.kind:
            return 404, {"message": "endpoint not found."}, {}
        return 200, self._page(query), {}

    def _latest(self, symbols: str) -> dict[str, Any]:
        latest = {"t": "2024-01-02T15:00:00Z", "p": 1.0, "s": 1, "x": "V"}
        return {symbol: latest for symbol in symbols.split(",") if symbol in self.frames}

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        """Rows of symbol after symbol, by name; a page counts those of all."""
        first = int(query.get("page_token") or 0)
        until = first + min(self.page_rows, int(query["limit"]))
        held: dict[str, Any] = {}
        count = 0
        for symbol in sorted(set(query["symbols"].split(",")) & set(self.frames)):
            stamps, rows = self._rows(symbol)
            low = int(np.searchsorted(stamps, _ns(query["start"])))
            high = int(np.searchsorted(stamps, _ns(query["end"]), side="right"))
            page = rows[low:high][max(first - count, 0) : max(until - count, 0)]
            count += high - low
            if page:
                held[symbol] = page
        return {self.kind: held, "next_page_token": str(until) if until < count else None}

    def _rows(self, symbol: str) -> tuple[Any, list[dict[str, Any]]]:
        """Stamps [ns UTC] and rows of a symbol, made once."""
        if symbol not in self.made:
            self.made[symbol] = self._made(symbol)
        return self.made[symbol]

    def _made(self, symbol: str) -> tuple[Any, list[dict[str, Any]]]:
        frame = self.frames[symbol]
        stamps = frame["start"] if self.kind == "bars" else frame["ts"]
        if self.kind == "bars" and self.daily:
            zone = "UTC" if "/" in symbol else "America/New_York"
            stamps = frame["session"].dt.tz_localize(zone).dt.tz_convert("UTC")
        ns = stamps.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
        columns = {key: frame[name] for key, name in _FIELDS[self.kind].items() if name in frame}
        rows = [
            {
                "t": _text(at),
                **{key: _plain(key, one) for key, one in zip(columns, row, strict=True)},
            }
            for at, *row in zip(ns, *columns.values(), strict=True)
        ]
        return ns, rows

    def _actions(self, query: dict[str, str]) -> dict[str, Any]:
        gathered: dict[str, Any] = {"forward_splits": [], "cash_dividends": []}
        for symbol in query["symbols"].split(","):
            for row in self.actions.get(symbol, pd.DataFrame()).to_dict("records"):
                _book(gathered, symbol, row)
        wanted = {
            kind: [row for row in rows if query["start"] <= row["process_date"] <= query["end"]]
            for kind, rows in gathered.items()
            if kind.removesuffix("s") in query["types"].split(",")
        }
        return {"corporate_actions": wanted, "next_page_token": None}


def _book(gathered: dict[str, Any], symbol: str, row: Any) -> None:
    day = str(row["ts"].date())
    dates = {"symbol": symbol, "ex_date": day, "process_date": day}
    if row["splits"] != 1.0:
        gathered["forward_splits"].append(dates | {"new_rate": row["splits"], "old_rate": 1})
    if row["dividends"] != 0.0:
        # Processed when it is paid, weeks after the ex-date.
        paid = str((row["ts"] + pd.Timedelta(days=24)).date())
        gathered["cash_dividends"].append(
            dates | {"process_date": paid, "rate": row["dividends"], "special": False}
        )


DROP, STALL, TEAR = -1, -2, -3

TROUBLES: dict[str, tuple[int, Any, dict[str, str]]] = {
    "rate_limited": (429, {"message": "too many requests."}, {"Retry-After": "3"}),
    "rate_limited_plainly": (429, {"message": "too many requests."}, {}),
    "server_error": (503, {"message": "internal server error occurred"}, {}),
    "html_error": (502, HTML, {}),
    "dropped": (DROP, "", {}),
    "stalled": (STALL, "", {}),
    "torn": (TEAR, "", {}),
    "down": (503, HTML, {}),
    "garbage": (200, "{not json", {}),
    "redirected": (302, "", {"Location": "http://elsewhere.example/login?next=data"}),
    "empty": (200, "", {}),
    "shapeless": (200, [1, 2], {}),
    "plan": (403, {"message": "subscription does not permit querying recent SIP data"}, {}),
    "forbidden": (403, "<html><body>Forbidden</body></html>", {}),
    "unauthorized": (401, {"message": "unauthorized."}, {}),
    "bad_symbol": (400, {"message": "invalid symbol: ~"}, {}),
    "bad_parameter": (422, {"message": "invalid timeframe"}, {}),
}
"""What is answered instead: status, body, headers."""

LASTING = frozenset(TROUBLES) - {
    *("rate_limited", "rate_limited_plainly", "server_error", "html_error", "dropped", "stalled"),
    "torn",
}
"""Those that do not pass after the first request."""


@contextmanager
def alpaca_server(server: AlpacaServer) -> Generator[AlpacaServer]:
    """Serve on a free port until left."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads, http.block_on_close = True, False
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(
        target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        http.shutdown()
        http.server_close()
        thread.join(timeout=5)


def _handler(server: AlpacaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        wbufsize = 65_536  # one packet an answer: two would wait for each other

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            server.asked.append((parts.path, query))
            server.stopped.wait(server.pause_s)
            status, body, headers = server.answer(parts.path, query, self.headers)
            if status == STALL and not server.stopped.wait(server.stall_s):
                # Who still waits has no time-out, and shows it by asking once only.
                status, body, headers = server.plain_answer(parts.path, query, self.headers)
            if status in (DROP, STALL):
                self.close_connection = True
                return
            is_torn = status == TEAR
            if is_torn:
                status, body, headers = server.plain_answer(parts.path, query, self.headers)
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if is_torn else content)
            self.close_connection = is_torn or self.close_connection

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _ns(text: str) -> int:
    return int(pd.Timestamp(text).as_unit("ns").value)


def _text(ns: int) -> str:
    return pd.Timestamp(int(ns)).isoformat() + "Z"


def _plain(key: str, value: Any) -> Any:
    if key == "c" and isinstance(value, str):
        return value.split()
    if key == "i":
        return int(value)
    if isinstance(value, str):
        return value
    # A side that is absent is a price and a size of nought.
    number = 0.0 if value != value else float(value)  # noqa: PLR0124
    return int(number) if number.is_integer() else number
