"""The venue's clock, as far as asking it now and then tells.

A venue that replays the past runs at another speed than ours, so both its offset and its
rate are estimated, by medians of the latest answers. What decides takes the surest reading:
an answer's instant was true before it arrived, and it is carried on for one interval at
most and no faster than ours. A replay that is faster tells its time by what it sends.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

ANSWERS: Final = 9
"""Answers that estimates are made of."""

POLL_S: Final = 5.0
"""Time between two questions [s]."""

_POLL_NS: Final = int(POLL_S * 1e9)
_ANSWERS_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class _Answer:
    middle: int
    received_at: int
    ts: int


class VenueClock:
    """Answers to "what time is it", and what follows of them."""

    def __init__(self) -> None:
        self._answers: deque[_Answer] = deque(maxlen=ANSWERS)

    def take(self, ts: int, asked_at: int, received_at: int) -> None:
        """An answer: the venue's instant, and ours before and after it [ns UTC]."""
        if self._answers and received_at <= self._answers[-1].received_at:
            self._answers.clear()  # our own clock was set back
        self._answers.append(_Answer((asked_at + received_at) // 2, received_at, ts))

    @property
    def is_known(self) -> bool:
        """Whether there is an answer."""
        return bool(self._answers)

    @property
    def offset_ns(self) -> int:
        """The venue's clock against ours; 0 where too few have answered [ns]."""
        if len(self._answers) < _ANSWERS_MIN:
            return 0
        return int(median(one.ts - one.middle for one in self._answers))

    @property
    def rate(self) -> float:
        """How fast it runs against ours; 0 where too few have answered [1]."""
        answers = list(self._answers)
        if len(answers) < _ANSWERS_MIN:
            return 0.0
        pairs = pairwise(answers)
        rates = [(b.ts - a.ts) / (b.middle - a.middle) for a, b in pairs if b.middle > a.middle]
        return max(median(rates), 0.0) if rates else 0.0

    def now(self, now: int) -> int:
        """What it shows at the least at an instant of ours, 0 where nobody has answered [ns]."""
        if not self._answers:
            return 0
        last = self._answers[-1]
        since = min(max(now - last.received_at, 0), _POLL_NS)
        return last.ts + int(min(self.rate, 1.0) * since)
