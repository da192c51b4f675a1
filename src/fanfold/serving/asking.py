"""What must be asked twice: a code first, then the deed with the code."""

import secrets
import time
from collections.abc import Callable
from typing import Final

from fanfold.errors import ConfigError

_CODE_BYTES: Final = 4


class Codes:
    """One code for each who asks: it is good once, and for a while.

    They live with the app: whoever asked before a restart asks again.

    Args:
        good_for_s: For how long [s].
        clock: Seconds that only rise.
    """

    def __init__(self, good_for_s: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.good_for_s = good_for_s
        self._clock = clock
        self._codes: dict[str, tuple[str, float]] = {}

    def ask(self, name: str) -> str:
        """A new code; the one before it is good no more."""
        code = secrets.token_hex(_CODE_BYTES)
        self._codes[name] = code, self._clock()
        return code

    def take(self, name: str, code: str) -> None:
        """Use a code.

        Raises:
            ConfigError: It is another, or too old.
        """
        known, asked_at = self._codes.get(name, ("", 0.0))
        if not known or not secrets.compare_digest(known.encode(), code.encode()):
            raise ConfigError("code must be the last one that this token asked for, was another")
        del self._codes[name]
        age_s = self._clock() - asked_at
        if age_s > self.good_for_s:
            raise ConfigError(f"code is good for {self.good_for_s} s, was {age_s:.0f} s old")
