"""How often a service is asked, and how long it is waited for when it does not answer.

A vendor's limit is kept by a bucket of tokens, so that it is seldom met; what passes by
itself, a limit met all the same, a server restarting, a connection lost, is waited out:
longer each time, not in step with other processes, and never without end.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

from fanfold.errors import ConfigError, SourceError

R = TypeVar("R")

_log = logging.getLogger(__name__)

_SAID_MAX: Final = 200
"""How much of an answer an error repeats [characters]."""

_EPOCH_S_MIN: Final = 1e9
"""From here on a reset is an instant [s since 1970], below it a time to wait [s]."""


@dataclass(slots=True, eq=False)
class TokenBucket:
    """Lets requests through at a rate, some at once after a pause. Safe among threads.

    Attributes:
        rate_per_second: Requests in the long run [1/s].
        burst: Requests at once after a pause long enough.
        clock: Time that only grows [s].
        sleep: Waits [s].
    """

    rate_per_second: float
    burst: float
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _tokens: float = field(init=False, repr=False)
    _at: float = field(init=False, repr=False)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for name, least in (("rate_per_second", 0), ("burst", 1)):
            value = getattr(self, name)
            if not (value > 0 and least <= value < float("inf")):
                raise ConfigError(f"{name} must be a finite number above 0, was {value}")
        self._tokens, self._at = self.burst, self.clock()

    def __reduce__(self) -> tuple[Any, ...]:
        """A process that it is sent to begins with a full one: what was sent is not its."""
        return TokenBucket, (self.rate_per_second, self.burst, self.clock, self.sleep)

    def take(self, count: float = 1) -> float:
        """Wait until `count` more requests may be sent.

        Those who come first are let through first: each books its place, then waits.

        Returns:
            How long was waited [s].
        """
        with self._lock:
            now = self.clock()
            earned = max(0.0, now - self._at) * self.rate_per_second
            self._tokens = min(self.burst, self._tokens + earned) - count
            self._at = now
            wait_s = max(0.0, -self._tokens / self.rate_per_second)
        if wait_s > 0:
            self.sleep(wait_s)
        return wait_s


def bucket_of(per_minute: float, burst: float, processes: int = 1) -> TokenBucket:
    """A bucket that lets no more through than a limit, not in its first minute either.

    Args:
        per_minute: The limit of all processes together [1/min].
        burst: Requests at once after a pause, of all together.
        processes: How many share it.
    """
    each = max(burst / processes, 1.0)
    steady = max(per_minute - (each * processes - 1), per_minute / 2)
    return TokenBucket(steady / 60 / processes, burst=each)


def requests_per_minute(variable: str, free: float) -> float:
    """What a plan allows [1/min].

    Args:
        variable: Of the environment, tells of another plan.
        free: Of the plan that costs nothing.

    Raises:
        ConfigError: The variable holds no number.
    """
    text = os.environ.get(variable, "").strip()
    rate = _number(text) if text else free
    if rate is None or rate <= 0:
        raise ConfigError(f"{variable} must be a finite number above 0, was {text!r}")
    return rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to go on asking.

    Attributes:
        attempts_max: Requests in all, the first included.
        wait_first_s: Before the second [s]; twice as long before each further one.
        wait_max_s: Longest of these waits [s].
        jitter: Up to which share of itself a wait is lengthened at random [1].
        total_s_max: From the first request to the last [s]; what a service asks to wait
            counts, so a limit that is lifted tomorrow is an error today.
        clock: Time that only grows [s].
        sleep: Waits [s].
    """

    attempts_max: int = 6
    wait_first_s: float = 1.0
    wait_max_s: float = 60.0
    jitter: float = 0.5
    total_s_max: float = 300.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.attempts_max < 1:
            raise ConfigError(f"attempts_max must be at least 1, was {self.attempts_max}")
        for name in ("wait_first_s", "wait_max_s", "jitter", "total_s_max"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ConfigError(f"{name} must be finite and not negative, was {value}")

    def wait_s(self, attempt: int, asked_s: float | None = None) -> float:
        """How long to wait after an attempt [s].

        Args:
            attempt: Its number, from 1.
            asked_s: What the service asks for at least [s]; None if it does not say.
        """
        # No power beyond what a float holds, however many attempts.
        own = min(self.wait_max_s, self.wait_first_s * 2.0 ** min(attempt - 1, 64))
        shaken = own * self.jitter * random.random()  # noqa: S311  (no secret hangs on it)
        return (own if asked_s is None else max(0.0, asked_s)) + shaken


def said(error: BaseException) -> str:
    """What an error says, on one line and not too long; its type if it says nothing."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SAID_MAX else text[:_SAID_MAX] + " …"


def no_wait_asked(_error: BaseException) -> float | None:
    """For services that do not say how long to wait."""
    return None


def patiently(
    call: Callable[[], R],
    patience: Patience,
    is_transient: Callable[[BaseException], bool],
    retry_after: Callable[[BaseException], float | None] = no_wait_asked,
    *,
    source: str,
    asked: str,
    tell: Callable[[BaseException], str] = said,
) -> R:
    """Call until it answers, for as long as patience lasts; each wait is logged.

    Args:
        call: Sends one request, and raises if it fails. A bucket's token is taken in it.
        patience: How often, how long.
        is_transient: Whether an error may pass; any other is raised as it is, at once.
        retry_after: How long the service asks to wait after an error [s], or None.
        source: Who is asked, for messages.
        asked: What is asked, such as "1min bars of AAPL".
        tell: One line about an error, without secrets.

    Raises:
        SourceError: Patience has run out; names the source, what was asked and the
            last answer.
    """
    import tenacity

    started_s = patience.clock()

    def wait_s(state: Any) -> float:
        return patience.wait_s(state.attempt_number, retry_after(state.outcome.exception()))

    def is_over(state: Any) -> bool:
        at_next_s = patience.clock() - started_s + state.upcoming_sleep
        return state.attempt_number >= patience.attempts_max or at_next_s > patience.total_s_max

    def log_wait(state: Any) -> None:
        _log.info(
            "%s: %s: %s; waiting %.1f s (attempt %d of %d)",
            *(source, asked, tell(state.outcome.exception()), state.upcoming_sleep),
            *(state.attempt_number, patience.attempts_max),
        )

    def give_up(state: Any) -> R:
        error = state.outcome.exception()
        count, spent_s = state.attempt_number, patience.clock() - started_s
        wait = retry_after(error)
        further = f", which asks to wait {wait:.0f} s" if wait else ""
        raise SourceError(
            f"{source} must answer when asked for {asked}; gave up after {count} "
            f"attempt{'s' * (count > 1)} in {spent_s:.0f} s, the last answer was: "
            f"{tell(error)}{further}"
        ) from error

    attempts = tenacity.Retrying(
        sleep=patience.sleep,
        stop=is_over,
        wait=wait_s,
        retry=tenacity.retry_if_exception(is_transient),
        before_sleep=log_wait,
        retry_error_callback=give_up,
    )
    return attempts(call)


def asked_wait_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """How long an answer's headers ask to wait [s]; None if they do not say.

    Args:
        headers: ``Retry-After`` (seconds or a date), else ``X-RateLimit-Reset`` (an
            instant [s since 1970] or seconds to wait).
        now_s: What the time is [s since 1970]; None for now.
    """
    now_s = time.time() if now_s is None else now_s
    named = {name.lower(): value.strip() for name, value in headers.items()}
    after, reset = named.get("retry-after", ""), named.get("x-ratelimit-reset", "")
    seconds = _number(after)
    if seconds is not None:
        return max(0.0, seconds)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - now_s)
    except (TypeError, ValueError):  # no date either
        seconds = _number(reset)
    if seconds is None:
        return None
    return max(0.0, seconds - now_s) if seconds >= _EPOCH_S_MIN else max(0.0, seconds)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124
