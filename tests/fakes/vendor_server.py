"""A server on this machine that stands in for a vendor's, with the troubles of `case.py`."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.conformance.case import TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, with the last value of each parameter."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; a body that is no text is sent as JSON."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Service:
    """A service that is up: its address, and the requests for data it has had."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)


HTML = "<html><body><h1>Bad Gateway</h1></body></html>"
DOWN = Answer({"message": "unavailable"}, 503)


@contextmanager
def served(
    answer: Callable[[Asked], Answer],
    *,
    trouble: str,
    limited: Answer,
    is_data: Callable[[Asked], bool] = lambda _asked: True,
) -> Iterator[Service]:
    """Answer requests until the context is left.

    `limited` is how the service says that there were too many. Requests that are not for
    data, such as those for cookies, are neither counted nor troubled.
    """
    service = Service()
    lock = threading.Lock()
    always = {"down": DOWN, "garbage": Answer(HTML)}
    at_first = {
        "rate_limited": limited,
        "server_error": DOWN,
        "html_error": Answer(HTML, 502),
        "dropped": None,
    }

    def answered(asked: Asked) -> Answer | None:
        if not is_data(asked):
            return answer(asked)
        with lock:
            service.asked.append(asked)
            is_first = len(service.asked) == 1
        if is_first and trouble == "stalled":
            time.sleep(2 * TIMEOUT_S)
        if trouble in always:
            return always[trouble]
        return at_first[trouble] if is_first and trouble in at_first else answer(asked)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(unquote(parts.path), dict(parse_qsl(parts.query)), dict(self.headers))
            found = answered(asked)
            self.close_connection = True
            if found is None:
                return
            text = found.body if isinstance(found.body, str) else json.dumps(found.body)
            with suppress(OSError):  # who asked may not have waited
                self.send_response(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
