"""`fanfold live token`: who may open a page, from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.fakes.served import written

from fanfold.cli import main
from fanfold.serving.access import Access, Who


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    return written(tmp_path / "live").path


def run(*words: str, code: int = 0) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["live", "token", *words, "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout.splitlines()[-1])


def test_a_token_from_add_to_revoke(place: Path) -> None:
    access = Access.of(place, {})
    assert run("list")["tokens"] == []
    first = run("add", "phone")["token"]
    assert access.who(f"Bearer {first}") == Who("phone", "view")
    second = run("rotate", "phone")["token"]
    assert access.who(f"Bearer {first}") is None
    assert access.who(f"Bearer {second}") == Who("phone", "view")
    assert run("add", "desk", "--role", "trade", "--deployment", "demo")["role"] == "trade"
    listed = run("list")["tokens"]
    assert [(one["name"], one["role"]) for one in listed] == [("desk", "trade"), ("phone", "view")]
    assert "token" not in listed[0]
    run("revoke", "phone")
    assert access.who(f"Bearer {second}") is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "A B"), "token's name must be"),
        (("rotate", "nobody"), "was 'nobody'"),
        (("revoke", "nobody"), "was 'nobody'"),
        (("list", "--deployment", "other"), "deployment must be one"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(place: Path, words: tuple[str, ...], told: str) -> None:
    assert told in run(*words, code=2)["error"]
