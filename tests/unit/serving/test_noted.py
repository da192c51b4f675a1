"""Where a page is, and whether it answers there."""

import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from fanfold.errors import LiveError
from fanfold.live.folder import Folder
from fanfold.serving.noted import Page, forget_page, note_page, noted_page, trouble_of
from fanfold.serving.ports import address_of, free_port


class Answers(BaseHTTPRequestHandler):
    """A page that is well below one path, and unwell below all others."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
        """Nothing."""


@pytest.fixture
def address() -> Generator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "demo")
    made.make()
    return made


def test_a_page_is_well_where_it_says_so(address: str) -> None:
    assert trouble_of(Page(url=f"{address}/well/")) == ""
    assert trouble_of(Page(url=f"{address}/")).endswith("answers 503")


def test_a_page_that_does_not_answer_is_told_with_its_place() -> None:
    port = free_port("127.0.0.1", 0, 0)
    trouble = trouble_of(Page(url=f"http://127.0.0.1:{port}/"))
    assert trouble == f"127.0.0.1:{port} does not answer: ConnectionRefusedError"


def test_of_a_page_that_has_ended_its_place_is_kept_and_nothing_else(folder: Folder) -> None:
    assert noted_page(folder) is None
    forget_page(folder)
    assert noted_page(folder) is None
    page = Page(url="http://127.0.0.1:4000/", application="live", pid=7, alone=True)
    note_page(folder, page)
    assert noted_page(folder) == page
    forget_page(folder)
    assert noted_page(folder) == Page(url=page.url)


def test_a_note_that_is_damaged_is_none(folder: Folder) -> None:
    (folder.path / "page.json").write_text("{")
    assert noted_page(folder) is None


def test_a_page_that_must_be_encrypted_is_not_asked_in_the_open(address: str) -> None:
    trouble = trouble_of(Page(url=f"{address}/well/".replace("http:", "https:")))
    assert trouble.endswith("does not answer: SSLError")


def test_addresses_of_both_families_can_be_opened() -> None:
    assert address_of("127.0.0.1", 80) == "http://127.0.0.1:80"
    assert address_of("::1", 80) == address_of("[::1]", 80) == "http://[::1]:80"


def test_a_port_is_the_one_before_if_it_is_free(address: str) -> None:
    taken = int(address.rpartition(":")[2])
    free = free_port("127.0.0.1", 0, 0)
    assert free_port("127.0.0.1", 0, free) == free
    assert free_port("127.0.0.1", free, 0) == free
    assert free_port("127.0.0.1", 0, taken) not in (0, taken)
    with pytest.raises(LiveError, match=rf"port must be free at 127\.0\.0\.1, {taken} is taken"):
        free_port("127.0.0.1", taken, 0)
