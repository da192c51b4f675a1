"""A page on paper, or one clear line. The browser is a script: the command meets the real one."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import JobError
from fanfold.reporting import pdf, write_pdf, write_report

Make = Callable[..., Any]


@pytest.fixture
def page(tmp_path: Path, full_view: Make) -> Path:
    return write_report(
        tmp_path / "report.html", title="On paper", runs=[full_view()], sweeps=[], facts={}
    )


def fake_browser(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of that name in front of all others."""
    file = folder / "bin" / "chromium"
    file.parent.mkdir()
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin:/bin")


def test_a_page_is_printed_beside_itself(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints = 'case "$word" in --print-to-pdf=*) echo %PDF- > "${word#*=}";; esac'
    fake_browser(tmp_path, monkeypatch, f'for word in "$@"; do {prints}; done')
    printed = write_pdf(page)
    assert printed == page.with_suffix(".pdf")
    assert printed.read_bytes() == b"%PDF-\n"
    assert sorted(page.parent.iterdir()) == sorted((page, printed, tmp_path / "bin"))


def test_without_a_browser_one_line_says_what_to_do(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(JobError, match=r"needs Chromium on the PATH .* apt-get install chromium"):
        write_pdf(page)


def test_a_browser_that_prints_nothing_is_quoted(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_browser(tmp_path, monkeypatch, "echo it broke >&2")
    with pytest.raises(JobError, match="wrote nothing and said: it broke"):
        write_pdf(page)
    assert not page.with_suffix(".pdf").exists()


def test_a_browser_that_hangs_is_ended(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_browser(tmp_path, monkeypatch, "sleep 600")
    monkeypatch.setattr(pdf, "PDF_SECONDS_MAX", 0.2)
    with pytest.raises(JobError, match=r"must be printed within 0\.2 s"):
        write_pdf(page)


def test_the_browser_reaches_no_network_and_keeps_its_sandbox_for_users(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = tmp_path / "heard"
    script = f'for word in "$@"; do echo "$word"; done > {heard}'
    fake_browser(tmp_path, monkeypatch, script)
    for root in (True, False):
        monkeypatch.setattr(pdf, "_is_root", lambda root=root: root)
        with pytest.raises(JobError, match="wrote nothing"):
            write_pdf(page)
        words = heard.read_text().splitlines()
        assert ("--no-sandbox" in words) is root
        assert "--host-resolver-rules=MAP * ~NOTFOUND" in words
        assert words[-1] == f"{page.as_uri()}#paper"
