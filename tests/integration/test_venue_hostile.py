"""Whatever a venue is sent, it answers in the broker's shape, lives, and keeps its secrets."""

import gzip
import json
import resource
import signal
import socket
import stat
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from tests.fakes.venue_command import HELD, ended
from tests.fakes.venue_process import KEY, SECRET, Venue, eventually, start

from fanfold.venue.server.connections import FILES_KEPT

KEYS = f"APCA-API-KEY-ID: {KEY}\r\nAPCA-API-SECRET-KEY: {SECRET}\r\n"
HEAD = f"Host: 127.0.0.1\r\n{KEYS}"
POST = f"POST /v2/orders HTTP/1.1\r\n{HEAD}"
MANY = "".join(f"X-{number}: any\r\n" for number in range(300))
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
CONNECTIONS = 300
BOMB = gzip.compress(b"0" * 50_000_000)
ORDER = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Generator[Venue]:
    """A venue that may have few connections, ended by Ctrl-C; what it says keeps its secrets."""
    folder = tmp_path_factory.mktemp("hostile")
    options = ("--replay", "sample", "--port", "0", "--journal", str(folder / "a.db"))
    options += ("--begin", "2012-03-01T14:31:00Z", "--speed", "60")
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + FILES_KEPT, most))
    try:
        started = start(folder, *options, "--set", "requests_per_minute=10000000")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    yield started
    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(60) == 0
    started.forget()
    assert started.log.read_text() == ""


@pytest.fixture(autouse=True)
def lives(venue: Venue) -> Generator[None]:
    yield
    assert venue.ask("GET", "/v2/account")[0] == 200


def connected(venue: Venue) -> socket.socket:
    port = int(venue.rest_url.rpartition(":")[2])
    made = socket.create_connection(("127.0.0.1", port), timeout=10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def told(venue: Venue, sent: str | bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of what comes back for raw bytes."""
    with connected(venue) as wire:
        wire.sendall(sent if isinstance(sent, bytes) else sent.encode("latin-1"))
        answered = b""
        while b"\r\n\r\n" not in answered:
            more = wire.recv(65_536)
            assert more, answered
            answered += more
        head, _, body = answered.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += wire.recv(65_536)
        return int(first.split()[1]), headers, body


def refused(venue: Venue, sent: str | bytes) -> tuple[int, Any]:
    """Status and content of a refusal, which must be in the broker's shape."""
    status, headers, body = told(venue, sent)
    assert headers["content-type"].startswith("application/json"), (headers, body)
    content = json.loads(body)
    assert status >= 400, content
    assert content["message"], content
    assert HELD not in body.decode()
    return status, content


def posted(body: bytes, more: str = "", path: str = "/v2/orders") -> bytes:
    head = f"POST {path} HTTP/1.1\r\n{HEAD}{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\xff\r\n\r\n",
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"x" * 200,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        f"GET /v2/clock HTTP/1.1\r\nHost: 127.0.0.1\r\nAPCA-API-SECRET-KEY {HELD}\r\n\r\n",
        f"GET /v2/clock HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {HELD}\x00\r\n\r\n",
        f"FOO /v2/clock?{HELD} HTTP/1.1\r\n{HEAD}\r\n",
        f"GET /v2/clock HTTP/1.1\r\n{KEYS}\r\n",
        f"GET /v2/clock HTTP/1.1\r\n{HEAD}Host: elsewhere\r\n\r\n",
        f"GET /v2/clock?{HELD}{'a' * 100_000} HTTP/1.1\r\n{HEAD}\r\n",
        f"GET /v2/clock HTTP/1.1\r\n{HEAD}X-Any: {HELD}{'a' * 100_000}\r\n\r\n",
        f"GET /v2/clock HTTP/1.1\r\n{HEAD}{MANY}\r\n",
        f"GET /v2/assets/\xff\xfe HTTP/1.1\r\n{HEAD}\r\n",
        f"GET http://[::1 HTTP/1.1\r\n{HEAD}\r\n",
        f"{POST}Content-Length: 2\r\nContent-Length: 5\r\n\r\n{{}}{HELD}",
        f"{POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
        f"{POST}Content-Length: -2\r\n\r\n{{}}",
        f"{POST}Content-Length: {'9' * 5_000}\r\n\r\n{{}}",
        f"{POST}Transfer-Encoding: chunked\r\n\r\n-2\r\n{{}}\r\n0\r\n\r\n",
        f"{POST}Expect: {HELD}\r\nContent-Length: 2\r\n\r\n{{}}",
    ],
    ids=lambda sent: (sent if isinstance(sent, bytes) else sent.encode("latin-1"))[-24:].hex(),
)
def test_what_is_no_request_is_told_so_and_not_repeated(venue: Venue, sent: str | bytes) -> None:
    status, content = refused(venue, sent)
    assert status == 400
    assert content.get("code", 40010000) == 40010000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("body", [b"no such thing", BOMB], ids=["nonsense", "bomb"])
def test_what_is_compressed_is_not_unpacked(venue: Venue, encoding: str, body: bytes) -> None:
    status, content = refused(venue, posted(body, f"Content-Encoding: {encoding}\r\n"))
    assert (status, content["code"]) == (415, 41510000)


def test_a_chunk_that_is_none_is_told_so(venue: Venue) -> None:
    with connected(venue) as wire:
        head = f"{POST}Transfer-Encoding: chunked\r\n\r\n"
        wire.sendall(head.encode() + b"5\r\nab")
        time.sleep(0.05)  # so that the handler reads what is not there yet
        wire.sendall(b"cdeZZ\r\n\r\n")
        answered = wire.recv(65_536)
    assert answered.split()[1] == b"400"
    assert b"application/json" in answered


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b'{"qty":' + b"9" * 5_000 + b"}",
        json.dumps({**ORDER, "qty": 10**400}).encode(),
        json.dumps({**ORDER}).replace('"1"', "1e400").encode(),
        json.dumps({**ORDER, "qty": float("nan")}).encode(),
        json.dumps({**ORDER, "symbol": "\x00"}).encode(),
        json.dumps({**ORDER, "symbol": "\u202eAAPL"}, ensure_ascii=False).encode(),
        json.dumps({**ORDER, "client_order_id": "\ud800"}).encode(),
        json.dumps({**ORDER, "symbol": {"a": [None] * 100}}).encode(),
        json.dumps(ORDER).encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b'{"symbol":"' + b"a" * 100_000 + b'"}',
    ],
    ids=lambda body: body[:40].hex(),
)
@pytest.mark.parametrize(
    "path", ["/v2/orders", "/_venue/clock", "/_venue/faults", "/v2/watchlists"]
)
def test_odd_bodies_are_refused_in_few_words(venue: Venue, path: str, body: bytes) -> None:
    status, content = refused(venue, posted(body, path=path))
    assert status < 500
    assert len(content["message"]) < 1_000


@pytest.mark.parametrize(
    "path", ["/%00", "/../../etc/passwd", "/_venue/page.html", "/_venue/%2e%2e/x"]
)
def test_no_path_leads_to_a_file(venue: Venue, path: str) -> None:
    assert refused(venue, f"GET {path} HTTP/1.1\r\n{HEAD}\r\n")[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        f"Host: rebound.example\r\n{KEYS}",
        f"Host: rebound.example\r\nOrigin: http://rebound.example\r\n{KEYS}",
        f"Host: localhost.example\r\n{KEYS}",
        f"{HEAD}Origin: http://elsewhere.example\r\n",
        f"{HEAD}Origin: null\r\n",
    ],
)
@pytest.mark.parametrize("asked", ["GET /_venue/status", "POST /_venue/clock", "GET /v2/account"])
def test_no_other_sites_page_reads_or_leads_it(venue: Venue, headers: str, asked: str) -> None:
    status, content = refused(venue, f"{asked} HTTP/1.1\r\n{headers}Content-Length: 0\r\n\r\n")
    assert (status, content["code"]) == (403, 40310000)


def test_no_other_sites_page_opens_a_stream(venue: Venue) -> None:
    for path in ("/stream", "/v2/sip"):
        more = "Origin: http://elsewhere.example\r\n"
        assert refused(venue, UPGRADE.format(path=path, more=more))[0] == 403
        assert told(venue, UPGRADE.format(path=path, more="Origin: http://127.0.0.1\r\n"))[0] == 101


@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1", "[::1]:80", "venue.localhost", "LOCALHOST"]
)
def test_this_machines_names_are_known(venue: Venue, host: str) -> None:
    assert told(venue, f"GET /v2/clock HTTP/1.1\r\nHost: {host}\r\n{KEYS}\r\n")[0] == 200


def frame(payload: bytes, opcode: int = 2) -> bytes:
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xff" + size.to_bytes(8, "big")
    return bytes((0x80 | opcode,)) + length + bytes(4) + payload


@pytest.mark.parametrize(
    "payload",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 500_000,
        b"\xc7\x01\x05a",
        b"\xc1",
        b"",
        b"[" * 500_000,
        b'{"action":"subscribe","trades":[' + b'"A",' * 100_000 + b'"A"]}',
    ],
    ids=lambda payload: payload[:8].hex(),
)
@pytest.mark.parametrize("kind", ["json", "msgpack"])
def test_odd_messages_leave_the_stream_open(venue: Venue, kind: str, payload: bytes) -> None:
    more = f"Content-Type: application/{kind}\r\n"
    with connected(venue) as wire:
        wire.sendall(UPGRADE.format(path="/v2/sip", more=more).encode())
        wire.sendall(frame(payload) + frame(b"{}", 1))
        seen = b""
        while seen.count(b"invalid syntax") + seen.count(b"not authenticated") < 2:
            more_of_it = wire.recv(65_536)
            assert more_of_it, seen
            seen += more_of_it
    assert b"connected" in seen


def test_a_flood_of_messages_leaves_others_their_turn(venue: Venue) -> None:
    wires = [connected(venue) for _ in range(4)]
    flood = frame(b"") * 20_000
    for wire in wires:
        wire.sendall(UPGRADE.format(path="/v2/sip", more="").encode())
        wire.settimeout(0.0)
    ended = 0
    for _ in range(20):
        for wire in wires:
            try:
                wire.send(flood)
            except BlockingIOError:
                continue
            except OSError:
                ended += 1
        assert venue.ask("GET", "/v2/clock")[0] == 200
    for wire in wires:
        wire.close()
    assert ended, "who floods and takes no answer is cut off"


def test_connections_that_only_wait_make_room(venue: Venue) -> None:
    process = psutil.Process(venue.process.pid)
    before, memory = process.num_fds(), process.memory_info().rss
    wires = []
    for number in range(2 * CONNECTIONS):
        wires.append(connected(venue))
        if number % 3 == 0:
            wires[-1].sendall(b"GET /v2/clock HTTP/1.1\r\nHost: ")
        elif number % 3 == 1:
            wires[-1].sendall(UPGRADE.format(path="/v2/sip", more="").encode())
    assert requests.get(f"{venue.rest_url}/v2/clock", timeout=10).status_code == 401
    assert process.num_fds() <= CONNECTIONS + FILES_KEPT
    for wire in wires:
        wire.close()
    eventually(lambda: process.num_fds() <= before + 5)
    assert process.memory_info().rss < memory + (200 << 20)


def test_clients_that_take_no_answer_hold_little_memory(venue: Venue) -> None:
    process = psutil.Process(venue.process.pid)
    query = "symbols=AAPL&timeframe=1Min&start=2012-02-01&limit=10000"
    asked = f"GET /v2/stocks/bars?{query} HTTP/1.1\r\n{HEAD}\r\n"
    assert told(venue, asked)[0] == 200
    memory = process.memory_info().rss
    wires = [connected(venue) for _ in range(30)]
    for wire in wires:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        wire.sendall(asked.encode())
    for _ in range(5):
        assert venue.ask("GET", "/v2/account")[0] == 200
    for wire in wires:
        wire.close()
    assert process.memory_info().rss < memory + (100 << 20)


def test_the_status_keeps_secrets(venue: Venue) -> None:
    assert SECRET not in json.dumps(venue.control("status"))
    page = requests.get(venue.status_url, auth=(KEY, SECRET), timeout=10)
    assert SECRET not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_it_stops_well_in_the_midst_of_traffic(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    venue = start(tmp_path, "--port", "0", "--journal", str(path), "--speed", "max")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wires = [connected(venue) for _ in range(3)]
    wires[0].sendall(UPGRADE.format(path="/v2/sip", more="").encode())
    keys = json.dumps({"action": "auth", "key": KEY, "secret": SECRET}).encode()
    wires[0].sendall(frame(keys, 1) + frame(b'{"action":"subscribe","trades":["*"]}', 1))
    wires[1].sendall(b"GET /v2/clock HTTP/1.1\r\nHost: ")  # a head that never ends
    wires[2].sendall(f"GET /v2/events/trades HTTP/1.1\r\n{HEAD}\r\n".encode())
    assert venue.ask("POST", "/v2/orders", ORDER)[0] == 200
    for _ in range(3):
        venue.process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert venue.process.wait(60) == 0
    venue.forget()
    for wire in wires:
        wire.close()
    assert venue.log.read_text() == ""


def test_wrong_keys_for_a_status_are_one_line(venue: Venue) -> None:
    port = venue.rest_url.rpartition(":")[2]
    assert ended("status", "--port", port, "--key", KEY, "--secret", HELD)[0] == 2
    assert ended("status", "--port", port, "--key", "a\nb", "--secret", f"{HELD}\n")[0] == 2
