"""A page that does not come up is told of; what trades waits for it nowhere."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.venue_process import eventually

from fanfold.live.folder import Folder
from fanfold.live.settings import LiveSettings
from fanfold.serving.noted import Page, note_page, noted_page
from fanfold.workflows.live.page import Begun, await_page, begin_page, end_page, page_of


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "demo")
    made.make()
    return made


def ended(code: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])
    process.wait()
    return process


def test_none_is_begun_where_none_is_wanted(folder: Folder) -> None:
    note_page(folder, Page(url="http://127.0.0.1:4000/", pid=7))
    begun = begin_page(folder, LiveSettings.model_validate({"page": {"enabled": False}}))
    assert await_page(folder, begun) == {"page": "none"}
    assert page_of(folder) == {"page": "none"}


def test_a_port_that_is_taken_is_told_and_stops_nothing(folder: Folder) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        settings = LiveSettings.model_validate({"page": {"port": port}})
        found = await_page(folder, begin_page(folder, settings))
    assert found["page"] == f"down: live.page.port must be free at 127.0.0.1, {port} is taken"
    assert "url" not in found


def test_what_a_page_said_as_it_failed_is_told(folder: Folder) -> None:
    (folder.logs / "page.err").write_text("INFO something\nfanfold: Ray Serve must start\n")
    assert await_page(folder, Begun(ended(1))) == {"page": "down: Ray Serve must start"}


def test_a_page_that_is_on_its_way_can_be_ended(folder: Folder) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    begun = Begun(process)
    assert begun.trouble(folder) == ""
    begun.end()
    eventually(lambda: process.poll() is not None)
    process.communicate()


def test_one_that_ended_with_its_head_is_forgotten_but_for_its_place(folder: Folder) -> None:
    url = "http://127.0.0.1:4000/"
    note_page(folder, Page(url=url, application="live", pid=7, alone=True))
    assert page_of(folder)["page"].startswith("down: 127.0.0.1:4000 does not answer")
    assert end_page(folder, None) == "stopped"
    assert end_page(folder, None) == "none"
    assert noted_page(folder) == Page(url=url)
    assert json.loads((folder.path / "page.json").read_bytes())["pid"] == 0
