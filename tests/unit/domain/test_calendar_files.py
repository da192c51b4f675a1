"""Calendars that are read from their files are those that were made."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from fanfold.domain import sessions
from fanfold.domain.place import home


@pytest.mark.parametrize("calendar", ["XNYS", "XHKG", "CMES"])
@pytest.mark.parametrize("damage", [None, b"", b"PK\x03\x04 no more"])
def test_a_calendar_is_the_same_from_its_file_and_a_damaged_one_is_made_again(
    calendar: str, damage: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    made = sessions._new_table(calendar, 2010, 2013)
    sessions._made_table.cache_clear()
    sessions._made_table(calendar, 2010, 2013)
    (file,) = (home() / "calendars").iterdir()
    if damage is not None:
        file.write_bytes(damage)
    sessions._made_table.cache_clear()
    read = sessions._made_table(calendar, 2010, 2013)
    sessions._made_table.cache_clear()
    for name, value in asdict(made).items():
        np.testing.assert_array_equal(asdict(read)[name], value)
    assert isinstance(read.regular[0][0], int)


def test_a_home_that_takes_no_file_costs_time_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file")
    monkeypatch.setenv("FANFOLD_HOME", str(blocked))
    sessions._made_table.cache_clear()
    assert len(sessions._made_table("XNYS", 2010, 2010).days) == 252
    sessions._made_table.cache_clear()
