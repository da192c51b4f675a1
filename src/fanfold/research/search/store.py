"""Studies that survive the process, in a journal file or a database."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fanfold.errors import ConfigError, JobError
from fanfold.research.search.past import Past, noted
from fanfold.research.search.quiet import quiet
from fanfold.research.search.terms import Search

NOTE = "fanfold.noted_after_"
"""How a study's attribute begins that keeps what a sampler noted after so many trials."""


class Store:
    """Studies that survive: a journal file, or a database by its address.

    One process writes a study; a generation is written when all of it is known.
    """

    def __init__(self, place: Path | str) -> None:
        """Open it; what is missing is made."""
        self.place = place
        with quiet(), _speaking(place):
            self._storage = _storage(place)

    def read(self, name: str, search: Search) -> Past:
        """What a study has done so far; nothing if it is new."""
        with quiet(), _speaking(self.place):
            study = self._open(name, search)
            notes = _notes_of(study)
            last = noted(notes, max(notes, default=0))
            return Past(history=study.get_trials(), attributes=last, notes=notes)

    def write(self, name: str, search: Search, past: Past) -> None:
        """Add what is not there yet."""
        with quiet(), _speaking(self.place):
            study = self._open(name, search)
            study.add_trials(past.history[len(study.get_trials(deepcopy=False)) :])
            count = len(past.history)
            known = noted({k: v for k, v in _notes_of(study).items() if k < count}, count)
            new = {k: v for k, v in past.attributes.items() if k not in known or known[k] != v}
            study.set_user_attr(f"{NOTE}{count}", new)

    def _open(self, name: str, search: Search) -> Any:
        import optuna

        return optuna.create_study(
            study_name=name,
            storage=self._storage,
            directions=list(search.directions),
            load_if_exists=True,
        )


def checked_storage(address: str) -> str:
    """A database's address, without a password: settings are stored, secrets are not.

    Raises:
        ConfigError: It carries a password.
    """
    before, at, _ = address.partition("@")
    stated = re.search(r"[?&](password|passwd|pwd)=", address, re.IGNORECASE)
    if stated or (at and ":" in before.partition("://")[2]):
        raise ConfigError(
            "storage must carry no password, did: name it in PGPASSWORD or in a password file"
        )
    return address


def _storage(place: Path | str) -> Any:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if isinstance(place, str):
        return RDBStorage(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(place)))


@contextmanager
def _speaking(place: Path | str) -> Generator[None]:
    try:
        yield
    except (ConfigError, JobError):
        raise
    except Exception as error:
        lines = str(error).split("\n")
        raise JobError(
            f"the study's storage at {place} must work, was stopped by "
            f"{type(error).__name__}: {lines[0]}"
        ) from error


def _notes_of(study: Any) -> dict[int, dict[str, Any]]:
    """What a stored study noted anew after so many trials."""
    found = study.user_attrs.items()
    return {int(key.removeprefix(NOTE)): value for key, value in found if key.startswith(NOTE)}
