"""A webhook takes events in order, patiently, and keeps its address to itself."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fanfold.alpaca.secrets import Secret
from fanfold.errors import ConfigError
from fanfold.serving.alerts.webhook import (
    ATTEMPTS_MAX,
    BODY_BYTES_MAX,
    QUEUE_MAX,
    Webhook,
    checked,
)

EVENT = {"alert": "Halted", "deployment": "demo", "summary": "halted by kill"}


@contextmanager
def receiver(*statuses: int) -> Generator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers so, the last status from then on; its address, what it was sent."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            taken.append(json.loads(self.rfile.read(length)) | {"path": self.path})
            self.send_response(statuses[min(len(taken), len(statuses)) - 1])
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook/s3cret?k=1", taken
        server.shutdown()
        thread.join()


def deliver(url: str, *events: dict[str, Any]) -> Webhook:
    webhook = Webhook(Secret(url), pause=lambda _: None)
    for event in events:
        assert webhook.put(event)
    webhook.close()
    return webhook


def test_events_arrive_in_order_with_a_line_for_chats() -> None:
    with receiver(204) as (url, taken):
        webhook = deliver(url, EVENT, EVENT | {"status": "resolved"})
    assert [one["status"] for one in taken] == ["firing", "resolved"]
    assert taken[0]["text"] == "[firing] Halted demo: halted by kill"
    assert taken[0]["path"] == "/hook/s3cret?k=1"
    assert (webhook.delivered, webhook.undelivered) == (2, 0)


def test_what_may_pass_is_tried_again() -> None:
    with receiver(503, 429, 200) as (url, taken):
        webhook = deliver(url, EVENT)
    assert len(taken) == 3
    assert (webhook.delivered, webhook.undelivered) == (1, 0)


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (302, 1), (503, ATTEMPTS_MAX)])
def test_what_is_refused_is_given_up_and_the_next_one_goes(
    status: int, tries: int, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver(*([status] * tries), 200) as (url, taken):
        webhook = deliver(url, EVENT, EVENT)
    assert len(taken) == tries + 1
    assert (webhook.delivered, webhook.undelivered) == (1, 1)
    assert "s3cret" not in caplog.text
    assert "could not be delivered" in caplog.text


def test_nobody_there_is_no_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    with receiver(200) as (url, _):
        pass
    assert deliver(url, EVENT).undelivered == 1
    assert "s3cret" not in caplog.text


def test_what_is_too_long_is_cut() -> None:
    with receiver(200) as (url, taken):
        many = {f"fact{n}": "y" * 1_500 for n in range(40)}
        deliver(url, EVENT | {"summary": "x" * 100_000}, EVENT | many)
    assert all(len(json.dumps(one)) < BODY_BYTES_MAX for one in taken)
    assert taken[1]["text"] == "[firing] Halted demo: halted by kill"


def test_more_than_may_wait_is_counted() -> None:
    with receiver(200) as (url, _):
        hold = threading.Event()
        webhook = Webhook(Secret(url.replace("127.0.0.1", "localhost")), pause=hold.wait)
        put = [webhook.put(EVENT) for _ in range(QUEUE_MAX * 4)]
        webhook.close()
    assert webhook.undelivered == put.count(False)
    assert webhook.delivered == put.count(True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/s3cret",
        "ftp://hooks.example.com/s3cret",
        "hooks.example.com/s3cret",
        "https://",
        "https://me:s3cret@hooks.example.com/",
        "https://hooks.example.com/#s3cret",
        "https://hooks.example.com:port/s3cret",
        "http://127.0.0.1.example.com/s3cret",
    ],
)
def test_an_address_in_the_clear_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="FANFOLD_WEBHOOK_URL must be") as refused:
        checked(Secret(url))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x?y=1",
        "http://127.0.0.1:9/x",
        "http://[::1]/",
        "http://localhost",
    ],
)
def test_https_and_this_machine_are_taken(url: str) -> None:
    checked(Secret(url))
