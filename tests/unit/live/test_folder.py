"""A deployment's folders are its owner's alone, also where everybody may write."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from fanfold.errors import ConfigError
from fanfold.live.folder import RESERVED, Folder, own_folder
from fanfold.live.wires import remove_sockets, write_addresses


@pytest.fixture
def folder(tmp_path: Path) -> Generator[Folder]:
    made = Folder(tmp_path / ("long" * 50) / "deployment")
    yield made
    if made.sockets.is_symlink():
        made.sockets.unlink()
    remove_sockets(made)


def test_folders_are_the_owners_alone_whatever_the_mask(folder: Folder) -> None:
    before = os.umask(0)
    try:
        folder.make()
        write_addresses(folder, ("signal",), "ipc")
    finally:
        os.umask(before)
    for each in (folder.path, folder.tapes, folder.logs, folder.halts, folder.sockets):
        assert each.stat().st_mode & 0o777 == 0o700
    assert (folder.path / "addresses.json").stat().st_mode & 0o777 == 0o600


def test_sockets_have_short_paths_that_every_shell_finds(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder.sockets
    monkeypatch.setattr(tempfile, "tempdir", "/elsewhere")
    assert folder.sockets == place
    assert len(str(place / "market_data.door")) < 100
    link = folder.path.parents[1] / "link"
    link.symlink_to(folder.path.parents[0])
    assert Folder(link / "deployment").sockets == place


def test_a_link_in_place_of_the_sockets_is_refused_and_what_it_leads_to_stays(
    folder: Folder, tmp_path: Path
) -> None:
    folder.make()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").touch()
    folder.sockets.symlink_to(tmp_path / "theirs")
    with pytest.raises(ConfigError, match="somebody else made it"):
        write_addresses(folder, ("signal",), "ipc")
    remove_sockets(folder)
    assert (tmp_path / "theirs" / "file").is_file()


def test_sockets_where_others_could_have_put_something_are_refused(folder: Folder) -> None:
    folder.make()
    folder.sockets.mkdir()
    folder.sockets.chmod(0o777)
    with pytest.raises(ConfigError, match="its mode was 0777"):
        write_addresses(folder, ("signal",), "ipc")
    folder.sockets.chmod(0o700)
    write_addresses(folder, ("signal",), "ipc")


def test_a_file_in_place_of_a_folder_is_refused(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="must be a folder of yours"):
        own_folder(tmp_path / "file")
    with pytest.raises(ConfigError, match="must be a folder of yours"):
        Folder(tmp_path / "file" / "deployment").make()


@pytest.mark.parametrize("name", [*RESERVED, "../x", "", "A"])
def test_names_that_are_ours_or_none_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="deployment must be"):
        Folder.of(name)
