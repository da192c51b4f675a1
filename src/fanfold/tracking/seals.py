"""Holdouts that are sealed when a study is made, and opened once.

Data that nobody has looked at is worth something only as long as that is true, so a
seal is a file that every job asks about, and so are its opening and each look. Each
file is made whole and by one process only; none is ever changed.
"""

import getpass
import json
import os
import platform
import re
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from fanfold.domain.names import nearest_hint
from fanfold.domain.period import day_text, ts_text
from fanfold.errors import ConfigError, DataError
from fanfold.tracking.ledger import ledger_folder
from fanfold.tracking.ledger_files import SEALS

LOOKS_MAX = 1_000
"""Numbers that a look tries before it gives up [looks]."""

NAMED_MAX = 5
"""Assets, or studies, that a message names."""

_STUDY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SEAL, _OPENING = ".seal.json", ".opening.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A part of the data that a study keeps for its end.

    Attributes:
        study: Hash of the study.
        symbols: Assets whose bars are sealed.
        first_day: First sealed day [days since 1970-01-01].
        last_day: Last sealed day [days since 1970-01-01].
        details: What the study notes beside it.
        sealed_at: When it was sealed [ns UTC].
        opened_at: When it was opened [ns UTC]; None while it is closed.
        opened_by: Who opened it, as user@machine.
        looks: What came of each look, in the order of the looks.
    """

    study: str
    symbols: tuple[str, ...]
    first_day: int
    last_day: int
    details: Mapping[str, Any]
    sealed_at: int
    opened_at: int | None = None
    opened_by: str = ""
    looks: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the holdout may be read."""
        return self.opened_at is not None

    @property
    def look_count(self) -> int:
        """How many different results the holdout has given [looks]."""
        return len(self.looks)


def seal(
    study: str,
    symbols: Collection[str],
    first_day: int,
    last_day: int,
    details: Mapping[str, Any],
    *,
    folder: Path | None = None,
) -> Seal:
    """Seal a holdout; sealing the same again changes nothing.

    Args:
        study: Hash of the study.
        symbols: Assets whose bars are sealed.
        first_day: First sealed day [days since 1970-01-01].
        last_day: Last sealed day [days since 1970-01-01].
        details: What to note beside it, as JSON can hold it.
        folder: The ledger; see `ledger_folder`.

    Raises:
        ConfigError: The study has sealed something else, or a value is not one.
        DataError: A file is damaged, or the folder cannot be written to.
    """
    _check(study, symbols, first_day, last_day)
    content = {
        "study": study,
        "symbols": sorted(set(symbols)),
        "first_day": int(first_day),
        "last_day": int(last_day),
        "details": _plain(details, "details of a seal"),
    }
    place = _place(folder)
    if not _created(place / f"{study}{_SEAL}", {**content, "sealed_at": time.time_ns()}):
        known = _read(place / f"{study}{_SEAL}")
        if {name: known.get(name) for name in content} != content:
            raise ConfigError(
                f"a study's holdout must stay what it was, study {study} has sealed "
                f"{_content_text(known)}; asked for was {_content_text(content)}"
            )
    return _seal_of(place, study)


def seals(folder: Path | None = None) -> list[Seal]:
    """All seals, the earliest sealed day first.

    Raises:
        DataError: A file is damaged.
    """
    place = _place(folder)
    studies = [file.name.removesuffix(_SEAL) for file in place.glob(f"*{_SEAL}")]
    found = [_seal_of(place, study) for study in studies if not study.startswith(".")]
    return sorted(found, key=lambda one: (one.first_day, one.study))


def sealed(
    symbols: Collection[str], *, first_day: int, last_day: int, folder: Path | None = None
) -> Seal | None:
    """The first closed seal that shares an asset and a day with what is asked for.

    Args:
        symbols: Assets.
        first_day: First day [days since 1970-01-01].
        last_day: Last day [days since 1970-01-01].
        folder: The ledger; see `ledger_folder`.

    Raises:
        DataError: A file is damaged.
    """
    wanted = set(symbols)
    for one in seals(folder):
        overlaps = one.first_day <= last_day and one.last_day >= first_day
        if overlaps and not one.is_open and wanted.intersection(one.symbols):
            return one
    return None


def check_unsealed(
    symbols: Collection[str], first_day: int, last_day: int, folder: Path | None = None
) -> None:
    """Refuse to read what is sealed.

    Args:
        symbols: Assets that a job reads.
        first_day: First day that it reads [days since 1970-01-01].
        last_day: Last day that it reads [days since 1970-01-01].
        folder: The ledger; see `ledger_folder`.

    Raises:
        ConfigError: A closed seal covers a part of it.
        DataError: A file is damaged.
    """
    found = sealed(symbols, first_day=first_day, last_day=last_day, folder=folder)
    if found is None:
        return
    names = _named(sorted(set(symbols).intersection(found.symbols)))
    before = f"set data.end to {day_text(found.first_day - 1)} or earlier"
    raise ConfigError(
        f"{names} must not be read from {day_text(found.first_day)} on: study "
        f"{found.study} has sealed {_period(found.first_day, found.last_day)} as its "
        f"holdout; {before if first_day < found.first_day else 'read other days'}, "
        f"or open it once and for all with `fanfold unseal {found.study}`"
    )


def open_seal(study_prefix: str, folder: Path | None = None) -> Seal:
    """Open a holdout; who and when is kept, and only one process ever succeeds.

    Args:
        study_prefix: Hash of the study, or the start of it.
        folder: The ledger; see `ledger_folder`.

    Raises:
        ConfigError: No study, or several, go by it, or its holdout was opened before.
        DataError: A file is damaged, or the folder cannot be written to.
    """
    place = _place(folder)
    study = _found(study_prefix, folder).study
    opening = {"opened_at": time.time_ns(), "opened_by": _who()}
    if not _created(place / f"{study}{_OPENING}", opening):
        before = _seal_of(place, study)
        raise ConfigError(
            f"a holdout must be opened once, that of study {study} was opened at "
            f"{ts_text(before.opened_at or 0)} by {before.opened_by}, looks: {before.look_count}"
        )
    return _seal_of(place, study)


def record_look(study: str, result: Mapping[str, Any], folder: Path | None = None) -> Seal:
    """Keep what an opened holdout has shown; an equal result is the same look.

    Args:
        study: Hash of the study, or the start of it.
        result: What came of the look, as JSON can hold it; numbers that are not finite
            become null.
        folder: The ledger; see `ledger_folder`.

    Raises:
        ConfigError: The holdout is still closed, or too many look at once.
        DataError: A file is damaged, or the folder cannot be written to.
    """
    place, content = _place(folder), _plain(result, "result of a look")
    for _ in range(LOOKS_MAX):  # another process may take the number in between
        found = _found(study, folder)
        if not found.is_open:
            raise ConfigError(
                f"a holdout must be opened before a look at it, that of study "
                f"{found.study} is closed: `fanfold unseal {found.study}`"
            )
        if content in found.looks:
            return found
        file = place / f"{found.study}.look-{found.look_count + 1:05d}.json"
        _created(file, {"looked_at": time.time_ns(), "looked_by": _who(), "result": content})
    raise ConfigError(f"fewer than {LOOKS_MAX:,} may look at a holdout at once, did")


def _check(study: str, symbols: Collection[str], first_day: int, last_day: int) -> None:
    if not _STUDY.fullmatch(study):
        raise ConfigError(f"study of a seal must be letters, digits, '_' or '-', was {study!r}")
    if isinstance(symbols, str) or not symbols:
        raise ConfigError(f"symbols of a seal must name at least one asset, was {symbols!r}")
    if last_day < first_day:
        raise ConfigError(
            f"last day of a seal must not be before {day_text(first_day)}, was {day_text(last_day)}"
        )


def _place(folder: Path | None) -> Path:
    return ledger_folder(folder) / SEALS


def _found(prefix: str, folder: Path | None) -> Seal:
    known = seals(folder)
    exact = [one for one in known if one.study == prefix]
    found = exact or [one for one in known if prefix and one.study.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(one.study for one in (found or known)[:NAMED_MAX])
    if found:
        raise ConfigError(f"a sealed study must be named clearly, {prefix!r} may be: {listed}")
    hint = nearest_hint(prefix, [one.study for one in known])
    raise ConfigError(
        f"study must be one that has sealed a holdout ({listed or 'none has'}), "
        f"was {prefix!r}{hint}"
    )


def _seal_of(place: Path, study: str) -> Seal:
    file, opening_file = place / f"{study}{_SEAL}", place / f"{study}{_OPENING}"
    stated = _read(file)
    opening = _read(opening_file) if opening_file.exists() else {}
    look_files = sorted(place.glob(f"{study}.look-*.json"))
    try:
        looks = tuple(_read(look)["result"] for look in look_files)
        return Seal(**{**stated, "symbols": tuple(stated["symbols"])}, **opening, looks=looks)
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{file} and those beside it must be of a seal, were not: {error}"
        ) from None


def _created(file: Path, content: Mapping[str, Any]) -> bool:
    """Make the file with all of its content; False if it is there already."""
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("x", encoding="utf-8") as written:
            json.dump(content, written, indent=1, sort_keys=True)
            written.flush()
            os.fsync(written.fileno())
        try:
            # Like O_EXCL, but nobody ever sees a file without its content.
            file.hardlink_to(unfinished)
        except FileExistsError:
            return False
        finally:
            unfinished.unlink()
    except OSError as error:
        raise DataError(f"{file.parent} must be writable: {error}") from error
    return True


def _read(file: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} must be readable and whole, was not: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{file} must hold one object, held {type(content).__name__}")
    return cast("dict[str, Any]", content)


def _plain(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(dict(values)), parse_constant=lambda _: None)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} must be what JSON can hold, was not: {error}") from None


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return f"{user}@{platform.node()}"


def _content_text(content: Mapping[str, Any]) -> str:
    period = _period(content["first_day"], content["last_day"])
    return f"{period} of {_named(content['symbols'])} with {json.dumps(content['details'])[:80]}"


def _named(symbols: Sequence[str]) -> str:
    return ", ".join(symbols[:NAMED_MAX]) + (" …" if len(symbols) > NAMED_MAX else "")


def _period(first_day: int, last_day: int) -> str:
    return f"{day_text(first_day)} to {day_text(last_day)}"
