"""What is refused before a route sees it, over a real connection."""

import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
from starlette.types import Receive, Scope, Send
from tests.fakes.served import app_for, serving, token_of

from fanfold.live.folder import Folder
from fanfold.serving.guard import HEADERS
from fanfold.serving.limiting import Limits

READS = ("state", "positions", "orders", "fills", "audit", "stream", "me", "nothing", "openapi.js")
JSON = {"content-type": "application/json"}


def test_without_a_good_token_all_answers_are_the_same(client: httpx.Client) -> None:
    for path in READS:
        for header in (None, "Bearer wrong", "Basic YTpi", ""):
            headers = {} if header is None else {"Authorization": header}
            answer = client.get(f"/api/v1/{path}", headers=headers)
            assert answer.status_code == 401, (path, header)
            assert answer.json() == {"detail": "a good token must be sent"}
            assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_in_the_address_is_none(client: httpx.Client, folder: Folder) -> None:
    token = token_of(folder, "desk", "trade")["Authorization"].removeprefix("Bearer ")
    assert client.get(f"/api/v1/state?token={token}").status_code == 401


def test_a_token_that_may_look_may_not_act(client: httpx.Client, folder: Folder) -> None:
    view = token_of(folder, "phone", "view")
    assert client.get("/api/v1/state", headers=view).status_code == 200
    acts = ("kill/ask", "kill", "resume/ask", "resume", "promote", "deploy", "rollback", "odd")
    for path in acts:
        answer = client.post(f"/api/v1/{path}", headers=view, json={})
        assert answer.status_code == 403
        assert answer.json()["detail"] == "role must be trade to act, is view"
    assert not list(folder.halts.glob("kill*"))


def test_every_answer_has_the_headers(client: httpx.Client, folder: Folder) -> None:
    desk = token_of(folder, "desk", "trade")
    answers = [
        client.get("/"), client.get("/healthz"), client.get("/api/v1/state"),
        client.get("/api/v1/state", headers=desk), client.get("/nothing"),
        client.post("/api/v1/kill", headers=desk, json={}), client.patch("/"),
    ]  # fmt: skip
    for answer in answers:
        assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS), answer.url
        assert "access-control-allow-origin" not in answer.headers


def test_only_this_machines_names_are_known_by_any_port(client: httpx.Client) -> None:
    for name in ("evil.example", "127.0.0.1.evil.example", "", "localhost.", "[::2]"):
        answer = client.get("/healthz", headers={"Host": name})
        assert answer.status_code == 421, name
        assert "host must be one of" in answer.json()["detail"]
    for name in ("localhost", "localhost:8000", "127.0.0.1:1", "[::1]:80", "LOCALHOST"):
        assert client.get("/healthz", headers={"Host": name}).status_code == 200, name


def test_a_large_body_is_refused_whatever_it_says_of_its_size(
    client: httpx.Client, folder: Folder
) -> None:
    desk = token_of(folder, "desk", "trade") | JSON
    large = b'{"code": "' + b"0" * 20_000 + b'"}'

    def chunks() -> Iterator[bytes]:
        for begin in range(0, len(large), 1_000):
            yield large[begin : begin + 1_000]

    for content in (large, chunks()):
        answer = client.post("/api/v1/kill", headers=desk, content=content)
        assert answer.status_code == 413
        assert "16,384 bytes" in answer.json()["detail"]


def test_a_malformed_body_is_told_in_one_line(client: httpx.Client, folder: Folder) -> None:
    desk = token_of(folder, "desk", "trade") | JSON
    for content in (
        b"", b"{", b"[]", b"null", b"[" * 5_000, b"\xff\xfe", b'{"code": 7}',
        b'{"code": "0000", "more": 1}', b'{"code": "' + b"0" * 100 + b'"}',
        b'{"code": "00000000", "reason": ""}',
    ):  # fmt: skip
        answer = client.post("/api/v1/kill", headers=desk, content=content)
        assert answer.status_code == 422, content
        assert "\n" not in answer.json()["detail"]


def test_another_kind_of_body_is_refused(client: httpx.Client, folder: Folder) -> None:
    desk = token_of(folder, "desk", "trade")
    kinds = ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"]
    for kind in kinds:
        answer = client.post("/api/v1/kill", headers=desk | {"content-type": kind}, content=b"{}")
        assert answer.status_code == 415, kind
    with_charset = desk | {"content-type": "application/json; charset=utf-8"}
    assert client.post("/api/v1/kill", headers=with_charset, content=b"{}").status_code == 422


def test_a_body_that_does_not_come_is_given_up(
    client_for: Callable[[Limits], httpx.Client], folder: Folder
) -> None:
    client = client_for(Limits(body_s=0.05))
    desk = token_of(folder, "desk", "trade")
    head = (
        "POST /api/v1/kill HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: 50\r\nAuthorization: {desk['Authorization']}\r\n\r\n{{"
    )
    with socket.create_connection(("127.0.0.1", urlsplit(str(client.base_url)).port or 0)) as line:
        line.settimeout(30.0)
        line.sendall(head.encode())
        assert line.recv(4_096).startswith(b"HTTP/1.1 408")


def test_a_token_has_its_own_bound_and_is_told_when_to_come_again(
    client_for: Callable[[Limits], httpx.Client], folder: Folder
) -> None:
    client = client_for(Limits(reads_per_minute=3, acts_per_minute=1, strangers_per_minute=2))
    desk, phone = token_of(folder, "desk", "trade"), token_of(folder, "phone", "view")
    reads = [client.get("/api/v1/me", headers=desk) for _ in range(4)]
    assert [answer.status_code for answer in reads] == [200, 200, 200, 429]
    assert 1 <= int(reads[-1].headers["retry-after"]) <= 62
    assert client.get("/api/v1/me", headers=phone).status_code == 200
    acts = [client.post("/api/v1/kill/ask", headers=desk).status_code for _ in range(2)]
    assert acts == [200, 429]
    strangers = [client.get("/api/v1/me").status_code for _ in range(3)]
    assert strangers == [401, 401, 429]
    # Whoever knocks shuts nobody else out.
    assert client.get("/api/v1/me", headers=phone).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_an_unknown_path_or_method_is_told_so(client: httpx.Client, folder: Folder) -> None:
    desk = token_of(folder, "desk", "trade")
    missing = client.get("/api/v1/nothing", headers=desk)
    assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
    wrong = client.put("/api/v1/state", headers=desk)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert client.get("/page/../api.py", headers=desk).status_code == 404
    assert client.get("/page/%2e%2e%2fapi.py").status_code == 404
    for path in ("/nothing", "/metrics", "//api/v1/state", "/API/v1/state", "/api/v1/state/"):
        assert client.get(path).status_code == 401, path


def test_below_a_prefix_all_is_as_private(folder: Folder) -> None:
    desk = token_of(folder, "desk", "trade")
    inner = app_for(folder)

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await inner({**scope, "root_path": "/demo"}, receive, send)

    with serving(mounted) as client:
        for path in ("state", "audit", "nothing"):
            assert client.get(f"/demo/api/v1/{path}").status_code == 401
        assert client.get("/demo/metrics").status_code == 401
        assert client.get("/demo/api/v1/state", headers=desk).json()["deployment"] == "demo"
        for path in ("/demo/", "/demo/healthz", "/demo/api/v1/openapi.json", "/demo/page/page.css"):
            assert client.get(path).status_code == 200, path


def test_acts_and_refusals_are_in_the_audit_log(client: httpx.Client, folder: Folder) -> None:
    desk, phone = token_of(folder, "desk", "trade"), token_of(folder, "phone", "view")
    client.get("/api/v1/state", headers=desk)
    client.post("/api/v1/kill/ask", headers=desk)
    client.post("/api/v1/kill", headers=desk, json={"code": "00000000", "reason": "odd"})
    client.post("/api/v1/kill/ask", headers=phone)
    client.get("/api/v1/state", headers={"Authorization": "Bearer wrong"})
    rows = client.get("/api/v1/audit", headers=desk).json()
    assert [(one["who"], one["what"], one["status"]) for one in rows] == [
        ("", "GET /api/v1/state", 401),
        ("phone", "POST /api/v1/kill/ask", 403),
        ("desk", "POST /api/v1/kill", 409),
        ("desk", "POST /api/v1/kill/ask", 200),
    ]
    assert rows[2]["arguments"] == {"code": "(hidden)", "reason": "odd"}
    assert "must be the last one" in rows[2]["outcome"]
    assert {one["origin"] for one in rows} == {"127.0.0.1"}
    written = b"".join(file.read_bytes() for file in folder.path.glob("*.jsonl*"))
    assert desk["Authorization"].encode() not in written
