"""Secrets, from the environment or a file that nobody else can read; never from a setting.

What is a setting is written into results, logs and tracking stores. A secret shows in
none of these: it is hidden from `repr` and `str`, and refuses to be pickled, so that no
cluster stores it; each machine reads its own.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from fanfold.errors import ConfigError

SECRETS_FILE_VARIABLE: Final = "FANFOLD_SECRETS"
"""Names a file of lines NAME=VALUE, read where the environment does not have a name."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_FILE_BYTES_MAX: Final = 65_536
"""Largest file of secrets [bytes]: nobody has that many keys."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows only when it is asked to.

    Attributes:
        source: Where it was found, for messages.
    """

    _text: str = field(repr=False)
    source: str = ""

    def reveal(self) -> str:
        """The text itself, to be handed on at once."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a secret must not be pickled: let each machine read its own from its environment "
            f"or the file that {SECRETS_FILE_VARIABLE} names"
        )


def find_secret(names: Sequence[str], environ: Mapping[str, str] | None = None) -> Secret | None:
    """The first secret there is among names that mean the same.

    Args:
        names: Variables, the best known first.
        environ: The environment; None for this process's.

    Raises:
        ConfigError: The file of secrets cannot be read, is malformed, or others can read it.
    """
    environ = os.environ if environ is None else environ
    for name in names:
        if text := environ.get(name, "").strip():
            return Secret(_checked(text, name), name)
    place = environ.get(SECRETS_FILE_VARIABLE, "").strip()
    if not place:
        return None
    held = _read(Path(place).expanduser())
    for name in names:
        if text := held.get(name, ""):
            return Secret(_checked(text, name), f"{name} in {place}")
    return None


def _read(file: Path) -> dict[str, str]:
    label = f"the file of secrets {file} ({SECRETS_FILE_VARIABLE})"
    try:
        with file.open("rb") as opened:
            # Of what was opened, so that nothing can be put in its place in between.
            mode = os.fstat(opened.fileno()).st_mode
            if mode & _OTHERS:
                raise ConfigError(
                    f"{label} must be readable by its owner only, its mode was "
                    f"{stat.S_IMODE(mode):04o}: chmod 600 {file}"
                )
            content = opened.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{label} must be a readable file: {error.strerror}") from error
    if len(content) > _FILE_BYTES_MAX:
        raise ConfigError(f"{label} must be at most {_FILE_BYTES_MAX} bytes, was larger")
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        # Not chained: that error holds the file's content.
        raise ConfigError(f"{label} must be text in UTF-8") from None
    return _parsed(lines, label)


def _parsed(lines: list[str], label: str) -> dict[str, str]:
    held: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        shown = line.strip()
        if not shown or shown.startswith("#"):
            continue
        name, equals, text = shown.removeprefix("export ").partition("=")
        if not equals or not name.strip().isidentifier():
            raise ConfigError(f"{label} must hold lines NAME=VALUE, line {number} is none")
        text = text.strip()
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
        held[name.strip()] = text[1:-1] if quoted else text
    return held


def _checked(text: str, name: str) -> str:
    """Refuse what no header can carry, before a library repeats it in an error."""
    if not text.isascii() or not text.isprintable():
        raise ConfigError(f"{name} must be printable ASCII text, it is not (its value is hidden)")
    return text
