"""A home of their own for tests that keep versions, with what was compiled and converted."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kept = Path(os.environ["FANFOLD_HOME"])
    made = tmp_path / "home"
    made.mkdir()
    for each in kept.iterdir() if kept.is_dir() else ():
        if each.name not in ("live", "versions"):
            (made / each.name).symlink_to(each)
    monkeypatch.setenv("FANFOLD_HOME", str(made))
    monkeypatch.setenv("FANFOLD_LEDGER", str(tmp_path / "ledger"))
    return made
