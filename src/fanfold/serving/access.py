"""Who may look, and who may act: bearer tokens, each with a name and a role.

A file of tokens holds their hashes alone. It is read again when it changes, so that a token
that is revoked is refused from the next request on.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import secrets
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from fanfold.errors import ConfigError, DataError
from fanfold.live.folder import write_durably
from fanfold.live.messages import UNREADABLE

TOKEN_VARIABLE: Final = "FANFOLD_API_TOKEN"  # noqa: S105  (its name, not its value)
"""Environment variable that holds the only token, instead of a file."""

FILE: Final = "access.json"
"""Name of the file in a deployment's folder."""

OWNER: Final = "owner"
"""Name of the token that is made when a deployment is brought up."""

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Names of tokens: they stand in the audit log."""

TOKENS_MAX: Final = 32
"""Tokens of one deployment."""

TOKEN_CHARACTERS_MIN: Final = 24
TOKEN_CHARACTERS_MAX: Final = 256
"""Shortest and longest token that is looked at."""

_TOKEN_BYTES: Final = 32

Role = Literal["view", "trade"]
ROLES: Final[tuple[Role, ...]] = ("view", "trade")

_log = logging.getLogger(__name__)


class Who(Struct, frozen=True):
    """Somebody with a token."""

    name: str
    role: Role


class Token(Struct, frozen=True, kw_only=True):
    """A token as it is kept.

    Attributes:
        hash: SHA-256 of it; it has 256 random bits, so nothing slower is needed.
        made_at: When [ns UTC].
    """

    name: str
    role: Role
    hash: str
    made_at: int


class Access:
    """Tells whose a token is.

    Args:
        file: Of tokens.
        token: The only one, which goes before the file; "" for none.

    Raises:
        ConfigError: The token is too short to be none that is guessed.
    """

    def __init__(self, file: Path, token: str = "") -> None:
        if token and not TOKEN_CHARACTERS_MIN <= len(token) <= TOKEN_CHARACTERS_MAX:
            raise ConfigError(
                f"{TOKEN_VARIABLE} must have {TOKEN_CHARACTERS_MIN} to {TOKEN_CHARACTERS_MAX} "
                f"characters, had {len(token)}"
            )
        self._file = file
        self._fixed = (
            (Token(name="environment", role="trade", hash=_hash_of(token), made_at=0),)
            if token
            else ()
        )
        self._stamp: tuple[int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    @staticmethod
    def of(place: Path, environ: Mapping[str, str] = os.environ) -> "Access":
        """That of a deployment's folder: the environment's token, or else its file.

        Raises:
            ConfigError: The environment's token is too short.
        """
        return Access(place / FILE, environ.get(TOKEN_VARIABLE, ""))

    def who(self, authorization: str) -> Who | None:
        """Whose the header's token is; None for none, or a wrong one."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= TOKEN_CHARACTERS_MAX:
            return None
        shown, found = _hash_of(token), None
        for known in self._fixed or self._read():  # all of them: how long it takes tells nothing
            if secrets.compare_digest(known.hash, shown):
                found = Who(known.name, known.role)
        return found

    def _read(self) -> tuple[Token, ...]:
        try:
            state = self._file.stat()
            stamp = state.st_ino, state.st_mtime_ns
            if stamp != self._stamp:
                self._tokens, self._stamp = tokens_in(self._file), stamp
        except (OSError, DataError) as error:  # nobody may
            if self._stamp is not None or isinstance(error, DataError):
                _log.error("no token is good: %s", error)
            self._tokens, self._stamp = (), None
        return self._tokens


def tokens_in(file: Path) -> tuple[Token, ...]:
    """All tokens of a file, by name.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return tuple(msgspec.json.decode(file.read_bytes(), type=list[Token]))
    except FileNotFoundError:
        return ()
    except (OSError, *UNREADABLE) as error:
        raise DataError(
            f"{file} must be a file of tokens, is not: {type(error).__name__}"
        ) from None


def add_token(file: Path, name: str, role: Role) -> str:
    """Make a token; it is shown this once.

    Raises:
        ConfigError: The name is none, or is there already, or there are too many.
        DataError: The file cannot be read.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"a token's name must be small letters, digits and dashes, 40 at most, was {name!r}"
        )
    with _changing(file) as tokens:
        if name in tokens:
            raise ConfigError(f"a token's name must be new, {name!r} is there: rotate or revoke it")
        return _put(tokens, name, role)


def rotate_token(file: Path, name: str) -> str:
    """Make a new token in place of one; the old one is refused from now on.

    Raises:
        ConfigError: There is none of that name.
        DataError: The file cannot be read.
    """
    with _changing(file) as tokens:
        return _put(tokens, name, _known(tokens, name).role)


def owner_token(file: Path) -> str:
    """A new token for whoever brings the deployment up; the one before is good no more.

    Raises:
        DataError: The file cannot be read.
    """
    with _changing(file) as tokens:
        return _put(tokens, OWNER, "trade")


def revoke_token(file: Path, name: str) -> None:
    """Refuse a token from now on.

    Raises:
        ConfigError: There is none of that name.
        DataError: The file cannot be read.
    """
    with _changing(file) as tokens:
        del tokens[_known(tokens, name).name]


@contextlib.contextmanager
def _changing(file: Path) -> Generator[dict[str, Token]]:
    """The tokens by name, to be changed by one process at a time, and written where it ends."""
    lock = os.open(file.with_name(f".{file.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tokens = {token.name: token for token in tokens_in(file)}
        yield tokens
        content = [tokens[name] for name in sorted(tokens)]
        write_durably(file, msgspec.json.format(msgspec.json.encode(content)) + b"\n")
    finally:
        os.close(lock)


def _put(tokens: dict[str, Token], name: str, role: Role) -> str:
    if name not in tokens and len(tokens) >= TOKENS_MAX:
        raise ConfigError(f"a deployment has at most {TOKENS_MAX} tokens: revoke one")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    tokens[name] = Token(name=name, role=role, hash=_hash_of(token), made_at=time.time_ns())
    return token


def _known(tokens: Mapping[str, Token], name: str) -> Token:
    if name not in tokens:
        raise ConfigError(
            f"token must be one of {', '.join(sorted(tokens)) or 'none, there is none'}, "
            f"was {name!r}"
        )
    return tokens[name]


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
