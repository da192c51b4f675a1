"""Latches: breakers and the kill switch, as files that outlast every process.

One file a latch. Whoever may send orders looks for the folder's latches before each write;
a latch that is set stays set until it is reset in two steps: ask for a code, then repeat it.

No lock is taken, since whoever holds one may be stopped. Every file has a name of its own,
and a code is for the files that were there when it was asked for: a latch that is set
during a reset is another file, and stands. Any file that does not begin with a dot counts,
so ``touch halts/kill`` sets a latch too.
"""

import hashlib
import json
import logging
import os
import re
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.errors import ConfigError
from fanfold.live.folder import PRIVATE, Folder, write_durably
from fanfold.live.messages import UNREADABLE

KILL: Final = "kill"
"""The latch that lets nothing through but what lessens owned positions."""

RESET_S: Final = 60
"""Longest time between the two steps of a reset [s]."""

NAME: Final = re.compile(r"[a-z0-9_]{1,40}")
"""Names of latches: they stand in names of files."""

LOG: Final = ".log"
"""Name of the file that every set and reset is appended to, one JSON line each."""

_TOKEN_BYTES: Final = 4
_CODE: Final = ".code."
_SETTLED_NS: Final = 2_000_000_000
_READ_MAX: Final = 65_536
"""Most of a latch's file that is looked at [bytes]."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """A breaker that has acted.

    Attributes:
        name: "kill", "max_drawdown", "max_daily_loss", "parity" …
        reason: What happened, with its numbers.
        by: Who or what set it.
        at: When [ns UTC].
    """

    name: str
    reason: str
    by: str
    at: int


def set_latch(folder: Folder, latch: Latch) -> None:
    """Set it durably; one that is set already keeps its first reason.

    On a disk that takes no content an empty file is left, which counts as well.

    Raises:
        ConfigError: The name has other characters than small letters, digits and "_".
        OSError: Not even an empty file could be made.
    """
    if not NAME.fullmatch(latch.name):
        raise ConfigError(
            f"a latch's name must be small letters, digits and _, 40 at most, was {latch.name!r}"
        )
    folder.halts.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    # First the code, then the files: one that is asked for in between covers this latch too.
    covered = _asked(folder, latch.name).files
    if any(file not in covered for file in _files(folder, latch.name)):
        return
    file = folder.halts / f"{latch.name}.{secrets.token_hex(_TOKEN_BYTES)}.json"
    try:
        write_durably(file, json.dumps(asdict(latch)).encode())
    except OSError as error:
        _log.error("latch %s has no content: %s", latch.name, error)
        file.touch(mode=0o600)
    try:
        _note(folder, "set", latch)
    except OSError as error:  # the latch stands, which is what counts
        _log.error("latch %s is not in the log: %s", latch.name, error)


def latches(folder: Folder) -> tuple[Latch, ...]:
    """All that are set, the oldest first. A file that cannot be read counts as set."""
    oldest: dict[str, Latch] = {}
    for file in _files(folder):
        latch = _read(folder.halts / file)
        known = oldest.get(latch.name)
        if known is None or (latch.at, latch.reason) < (known.at, known.reason):
            oldest[latch.name] = latch
    return tuple(sorted(oldest.values(), key=lambda latch: (latch.at, latch.name)))


def is_halted(folder: Folder) -> bool:
    """Whether any is set: one look at a folder, a few microseconds.

    A folder that cannot be looked at counts as halted.
    """
    try:
        with os.scandir(folder.halts) as entries:
            return any(entry.name[0] != "." for entry in entries)
    except OSError:
        return True


class Watch:
    """The names of the latches that are set, for whoever looks before each order.

    The folder's instant of change is looked at first, which is cheaper than its content. It
    is trusted once it is `_SETTLED_NS` old: two changes within one tick of the clock would
    look like one.

    Args:
        folder: Of the deployment.
    """

    def __init__(self, folder: Folder) -> None:
        self._path = str(folder.halts)
        self._changed = -1
        self._names: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Names of the latches in order; a folder that cannot be looked at is `KILL`."""
        try:
            changed = os.stat(self._path).st_mtime_ns  # noqa: PTH116 - cheaper than a path
            if changed == self._changed:
                return self._names
            with os.scandir(self._path) as entries:
                found = {_name_of(entry.name) for entry in entries if entry.name[0] != "."}
        except OSError:
            self._changed = -1
            return (KILL,)
        self._names = tuple(sorted(found))
        self._changed = changed if time.time_ns() - changed > _SETTLED_NS else -1
        return self._names


def ask_reset(folder: Folder, name: str, now: int) -> str:
    """The first step of a reset: a code that is good for `RESET_S`.

    Raises:
        ConfigError: That latch is not set.
    """
    files = _files_or_refuse(folder, name)
    code = secrets.token_hex(_TOKEN_BYTES)
    asked = _Asked(hash=_hash_of(code), at=now, files=tuple(files))
    write_durably(_code_file(folder, name), msgspec.json.encode(asked))
    return code


def reset(folder: Folder, name: str, code: str, by: str, now: int) -> None:
    """The second step: the latch goes, and the reset is written into the folder's log.

    Raises:
        ConfigError: The code is another, or too old, or the latch is not set, or it was set
            again since the code was asked for.
    """
    files = _files_or_refuse(folder, name)
    asked = _asked(folder, name)
    if not secrets.compare_digest(asked.hash, _hash_of(code)):
        raise ConfigError(f"the code must be the last one asked for {name}, it is another")
    age = now - asked.at
    if not 0 <= age <= RESET_S * 1_000_000_000:
        raise ConfigError(f"the code for {name} is good for {RESET_S} s, was {age / 1e9:.0f} s old")
    done = Latch(name=name, reason="", by=by, at=now)
    _note(folder, "reset", done)  # no reset without its line
    for file in asked.files:
        (folder.halts / file).unlink(missing_ok=True)
    _code_file(folder, name).unlink(missing_ok=True)  # last: until then a new set is seen
    _flush(folder.halts)
    again = [file for file in files if file not in asked.files]
    if again:
        raise ConfigError(f"{name} was set again during its reset, so it stands; ask once more")


def _files(folder: Folder, name: str | None = None) -> list[str]:
    """Names of the files that are latches, of one name or of all."""
    try:
        with os.scandir(folder.halts) as entries:
            found = sorted(entry.name for entry in entries if entry.name[0] != ".")
    except FileNotFoundError:
        return []
    return [file for file in found if name is None or _name_of(file) == name]


def _files_or_refuse(folder: Folder, name: str) -> list[str]:
    files = _files(folder, name)
    if not files:
        raise ConfigError(f"only a latch that is set can be reset, {name!r} is not")
    return files


def _name_of(file: str) -> str:
    return file.partition(".")[0]


def _read(file: Path) -> Latch:
    try:
        with file.open("rb") as opened:
            found = json.loads(opened.read(_READ_MAX))
        return Latch(
            name=_name_of(file.name),
            reason=str(found["reason"]),
            by=str(found["by"]),
            at=int(found["at"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        return Latch(
            name=_name_of(file.name),
            reason=f"its file cannot be read: {type(error).__name__}",
            by="unknown",
            at=_made_at(file),
        )


def _made_at(file: Path) -> int:
    try:
        return file.lstat().st_mtime_ns
    except OSError:
        return 0


def _code_file(folder: Folder, name: str) -> Path:
    return folder.halts / f"{_CODE}{name}"


class _Asked(Struct, frozen=True):
    """A reset that was asked for and is not done; with no code there is none."""

    hash: str = ""
    at: int = 0
    files: tuple[str, ...] = ()


_asked_of: Final = msgspec.json.Decoder(_Asked).decode


def _asked(folder: Folder, name: str) -> _Asked:
    try:
        return _asked_of(_code_file(folder, name).read_bytes())
    except (OSError, *UNREADABLE):
        return _Asked()


def _hash_of(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _note(folder: Folder, what: str, latch: Latch) -> None:
    """Append one line; a single write, so that lines of two processes do not mix."""
    line = json.dumps({"what": what} | asdict(latch)) + "\n"
    opened = os.open(folder.halts / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(opened, line.encode())
        os.fsync(opened)
    finally:
        os.close(opened)


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
