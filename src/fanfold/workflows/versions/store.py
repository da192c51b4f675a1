"""Where versions and their evidence are kept, and the log of who let which go live.

A record is written by what measured it and sealed with a hash over all of it: one that was
changed by hand is refused. Verdicts are not kept, they are made of the figures each time.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fanfold.domain.names import nearest_hint
from fanfold.domain.place import home
from fanfold.errors import ConfigError, DataError
from fanfold.live.folder import PRIVATE, write_durably
from fanfold.workflows.versions.version import NAME_LENGTH, Version

if TYPE_CHECKING:
    from fanfold.measures.series import Floats

PROMOTE: Final = "promote"
DEMOTE: Final = "demote"
ROLL_BACK: Final = "roll_back"

FORMER: Final = "former"
"""Folder in a deployment's where versions that it ran before are put aside."""

NAME: Final = re.compile(rf"[0-9a-f]{{{NAME_LENGTH}}}")
"""Names of versions: they stand in paths."""

SHORTEST: Final = 4
"""Letters of a version's name that may stand for all of it."""

RECORD_BYTES_MAX: Final = 4_000_000
"""Largest record that is read [bytes]."""

LOG_BYTES_MAX: Final = 16_000_000
"""Most of the log that is read, its end [bytes]."""

_LOG: Final = "log.jsonl"
_RECORD: Final = "record.json"
_RETURNS: Final = "returns.npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured for one gate.

    Attributes:
        key: Hash of all that it was measured with: with another it is measured again.
        figures: By name; None where one is not known.
        notes: What a person should know.
        at: When it was measured [ns UTC].
    """

    key: str
    figures: dict[str, float | None]
    notes: tuple[str, ...] = ()
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A version and its evidence.

    Attributes:
        version: It.
        job: The settings that it was made from, as plain values.
        at: When it was first measured [ns UTC].
        evidence: By gate.
        returns: Of its out-of-sample bars: their digest, length [s], first and last instant
            [ns UTC] and what they come from; empty where there are none.
    """

    version: Version
    job: dict[str, Any]
    at: int
    evidence: dict[str, Evidence] = field(default_factory=dict[str, Evidence])
    returns: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of the log.

    Attributes:
        at: When [ns UTC].
        by: Who.
        what: "promote", "demote" or "roll_back", which takes the version away from going live.
        version, line: Which.
        deployment: For which, or of which it was.
        reason: Why, "" where nothing was said.
    """

    at: int
    by: str
    what: str
    version: str
    line: str
    deployment: str
    reason: str = ""


def versions_folder() -> Path:
    """Where all versions are."""
    return home() / "versions"


def folder_of(version_id: str) -> Path:
    """Where one is.

    Raises:
        ConfigError: It is no version's name.
    """
    if not NAME.fullmatch(version_id):
        raise ConfigError(
            f"a version must be {NAME_LENGTH} hexadecimal digits, was {version_id[:80]!r}"
        )
    return versions_folder() / version_id


def write_record(record: Record) -> None:
    """Keep a record, whole or not at all."""
    place = folder_of(record.version.id)
    place.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    content = _plain(record)
    sealed = {"seal": _seal(content), **content}
    write_durably(place / _RECORD, json.dumps(sealed, indent=1).encode())


def read_record(version_id: str) -> Record | None:
    """The record of a version; None where it was never measured.

    Raises:
        ConfigError: It is no version's name.
        DataError: It is damaged, or was changed by hand.
    """
    file = folder_of(version_id) / _RECORD
    try:
        with file.open("rb") as opened:
            content: dict[str, Any] = json.loads(opened.read(RECORD_BYTES_MAX))
        seal = content.pop("seal")
        if seal != _seal(content):
            raise DataError(
                f"{file} must be as it was written, was changed since: measure it again"
            )
        record = _record(content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file} must be a version's record, is not: {type(error).__name__}"
        ) from None
    if record.version.id != version_id:
        raise DataError(f"{file} must be of version {version_id}, is of {record.version.id}")
    return record


def records() -> list[Record]:
    """All versions that can be read, the newest first."""
    found: list[Record] = []
    for place in versions_folder().glob("*/" + _RECORD):
        if NAME.fullmatch(place.parent.name):
            try:
                record = read_record(place.parent.name)
            except DataError:
                continue  # whoever asks for it by name is told
            if record is not None:
                found.append(record)
    return sorted(found, key=lambda one: -one.at)


def record_named(name: str) -> Record:
    """The version of a name, or of the start of one.

    Raises:
        ConfigError: There is none, or there are several.
        DataError: It is damaged, or was changed by hand.
    """
    known = sorted(one.parent.name for one in versions_folder().glob("*/" + _RECORD))
    found = [one for one in known if len(name) >= SHORTEST and one.startswith(name)]
    if len(found) > 1:
        raise ConfigError(f"version {name!r} must be one, may be {', '.join(found[:5])}")
    record = read_record(found[0]) if found else None
    if record is None:
        hint = nearest_hint(name, known)
        raise ConfigError(f"version must be one that was measured, was {name[:80]!r}{hint}")
    return record


def write_returns(version_id: str, returns: "Floats") -> str:
    """Keep a version's out-of-sample returns; their digest."""
    import numpy as np

    place = folder_of(version_id)
    place.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    packed = io.BytesIO()
    np.save(packed, np.ascontiguousarray(returns, np.float64), allow_pickle=False)
    write_durably(place / _RETURNS, packed.getvalue())
    return hashlib.sha256(packed.getvalue()).hexdigest()


def read_returns(record: Record) -> "Floats":
    """A version's out-of-sample returns, `[bar]` [1 per bar].

    Raises:
        DataError: There are none, or they are not those that were measured.
    """
    import numpy as np

    file = folder_of(record.version.id) / _RETURNS
    try:
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != record.returns.get("digest"):
            raise DataError(f"{file} must be the returns that were measured, holds others")
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file} must hold returns, does not: {type(error).__name__}") from None


def append(event: Event) -> None:
    """Write an event down; one write, so that lines of two processes do not mix."""
    place = versions_folder()
    place.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    line = json.dumps(_event_dict(event)) + "\n"
    opened = os.open(place / _LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(opened, line.encode())
        os.fsync(opened)
    finally:
        os.close(opened)


def events() -> list[Event]:
    """All that was written down, the oldest first; a damaged line is left out."""
    return list(_events())


def _events() -> Iterator[Event]:
    try:
        with (versions_folder() / _LOG).open("rb") as opened:
            opened.seek(max(opened.seek(0, os.SEEK_END) - LOG_BYTES_MAX, 0))
            lines = opened.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield Event(**json.loads(line))
        except (ValueError, TypeError):
            continue


def _event_dict(event: Event) -> dict[str, Any]:
    return {
        name: getattr(event, name)
        for name in ("at", "by", "what", "version", "line", "deployment", "reason")
    }


def _seal(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(record: Record) -> dict[str, Any]:
    return {
        "id": record.version.id,
        "line": record.version.line,
        "version": record.version.as_dict(),
        "job": record.job,
        "at": record.at,
        "evidence": {
            name: {
                "key": one.key, "figures": one.figures, "notes": list(one.notes), "at": one.at,
            }
            for name, one in record.evidence.items()
        },
        "returns": record.returns,
    }  # fmt: skip


def _record(content: dict[str, Any]) -> Record:
    return Record(
        version=Version(**content["version"]),
        job=dict(content["job"]),
        at=int(content["at"]),
        evidence={
            str(name): Evidence(
                key=one["key"],
                figures=dict(one["figures"]),
                notes=tuple(one["notes"]),
                at=one["at"],
            )
            for name, one in content["evidence"].items()
        },
        returns=dict(content["returns"]),
    )
