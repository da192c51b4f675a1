"""Whatever the venue's command is given, it starts, or says in one line why not."""

import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.fakes.venue_command import HELD, ended

from fanfold.domain.place import home

ANYWHERE = "0.0.0.0"  # noqa: S104  (to be refused)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fault", "{"), "--fault must be a JSON object"),
        (("--fault", "kind: lose"), "--fault must be a JSON object"),
        (("--fault", '{"kind": "disconect"}'), "did you mean disconnect"),
        (("--fault", '{"kind": "lose", "probabilty": 1}'), "did you mean probability"),
        (("--host", ANYWHERE, "--key", "PKX", "--secret", HELD), "allow_remote"),
        (("--host", ANYWHERE, "--allow-remote"), "keys of your own"),
        (("--key", "akx", "--secret", HELD), "must not begin with AK"),
        (("--journal", "/"), "journal"),
        (("--journal", "/proc/none/a.db"), "journal"),
    ],
)
def test_what_cannot_be_is_one_line(options: tuple[str, ...], words: str) -> None:
    code, said = ended("--port", "0", *options)
    assert code == 2
    assert words in said


def test_a_folder_that_cannot_be_made_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "venue").write_text("no folder")
    if (home() / "data").is_dir():
        (tmp_path / "data").symlink_to(home() / "data")  # the sample, ready
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    code, said = ended("--port", "0")
    assert (code, "--journal" in said) == (2, True)


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = ended("--port", str(taken.getsockname()[1]))
    assert (code, "must be free to listen on" in said) == (2, True)


class _Other(BaseHTTPRequestHandler):
    """A server that is no venue, and would send keys elsewhere."""

    def do_GET(self) -> None:
        said = self.server.said  # type: ignore[attr-defined]
        self.wfile.write(said)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "a venue must answer"),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>", "a venue must answer"),
        (b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}', "something else does"),
        (b"HTTP/1.0 404 No\r\n\r\n", "said 404"),
        (b"HTTP/1.0 302 Go\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "said 302"),
    ],
)
def test_a_status_of_something_else_is_one_line(said: bytes, words: str) -> None:
    with HTTPServer(("127.0.0.1", 0), _Other) as server:
        server.said = said  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            code, told = ended("status", "--port", str(server.server_port), "--secret", HELD)
        finally:
            server.shutdown()
            thread.join()
    assert code == 1
    assert words in told
