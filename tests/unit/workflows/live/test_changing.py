"""One command at a time brings a deployment up or down."""

from pathlib import Path

import pytest

from fanfold.errors import ConfigError
from fanfold.live.folder import Folder
from fanfold.workflows.live import changing
from fanfold.workflows.live.changing import Change


def test_one_at_a_time_may_change_a_deployment(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "live" / "demo")
    first, second = Change(folder), Change(folder)
    assert first.take()
    assert first.take()  # it has it
    assert not second.take()
    assert Change(Folder(tmp_path / "live" / "other")).take()
    first.release()
    assert second.take()
    assert not first.take()


def test_a_command_that_waits_in_vain_says_who_is_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changing, "WAIT_S", 0.0)
    folder = Folder(tmp_path / "demo")
    holder = Change(folder)
    holder.wait()
    with pytest.raises(ConfigError, match="demo must be left alone by others to be changed"):
        Change(folder).wait()
    holder.release()
    Change(folder).wait()


def test_the_right_outlasts_a_folder_that_is_put_aside(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "demo")
    folder.make()
    holder = Change(folder)
    assert holder.take()
    folder.path.rename(tmp_path / "aside")
    assert not Change(folder).take()
