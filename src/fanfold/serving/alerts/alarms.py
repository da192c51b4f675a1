"""From what is wrong at each look to what somebody is told: once, again later, and its end."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from fanfold.serving.alerts.rules import FIVE_MINUTES_S, RULES, Rule
from fanfold.serving.metrics.metric import Family, Kind
from fanfold.serving.metrics.reading import Reading

REPEAT_S: Final = 4 * 3_600.0
"""Time after which what is still wrong is told again [s]."""

QUIET_S: Final = 30.0
"""How long it must be well before its end is told [s]: what flutters is told once."""

LOOKS_MAX: Final = 1_024
"""Looks at counters that are remembered: five minutes of one a second, and room."""

RUNBOOK: Final = "infra/prometheus/README.md"
"""Where it stands what to do about each."""

Status = Literal["firing", "resolved"]
Event = dict[str, Any]
"""What is told: plain values for JSON."""


@dataclass(slots=True)
class _Wrong:
    """Something that is, or just was, wrong.

    Attributes:
        since_s: From when on [s UTC].
        seen_s: When it was last so.
        told_s: When it was last told, None if it was not yet.
        summary: The last sentence about it.
    """

    since_s: float
    seen_s: float
    summary: str
    told_s: float | None = None


class Alarms:
    """Follows the rules over time.

    Args:
        tell: Is handed each event; returns at once.
        rules: What may be wrong.
    """

    def __init__(self, tell: Callable[[Event], object], rules: Sequence[Rule] = RULES) -> None:
        self._tell = tell
        self._rules = rules
        self._wrong: dict[tuple[str, str], _Wrong] = {}
        self._looks: deque[tuple[float, dict[str, float]]] = deque(maxlen=LOOKS_MAX)

    def look(self, reading: Reading, families: Iterable[Family]) -> None:
        """Take in one look at the deployment."""
        now_s = reading.at_s
        self._remember(now_s, families)
        for rule in self._rules:
            found = dict(rule.find(reading, self._grown))
            for subject, summary in found.items():
                self._is_so(reading, rule, subject, summary)
            gone = [key for key in self._wrong if key[0] == rule.name and key[1] not in found]
            for key in gone:
                self._is_not(reading, rule, key[1])

    @property
    def firing(self) -> list[str]:
        """Names of what was told and has not ended."""
        return sorted({name for (name, _), one in self._wrong.items() if one.told_s is not None})

    def _is_so(self, reading: Reading, rule: Rule, subject: str, summary: str) -> None:
        now_s = reading.at_s
        one = self._wrong.setdefault((rule.name, subject), _Wrong(now_s, now_s, summary))
        one.seen_s, one.summary = now_s, summary
        due = one.told_s is None or now_s - one.told_s >= REPEAT_S
        if due and now_s - one.since_s >= rule.holds_s:
            one.told_s = now_s
            self._tell(_event(reading, rule, subject, "firing", one))

    def _is_not(self, reading: Reading, rule: Rule, subject: str) -> None:
        one = self._wrong[rule.name, subject]
        if one.told_s is None:
            del self._wrong[rule.name, subject]
        elif reading.at_s - one.seen_s >= QUIET_S:
            del self._wrong[rule.name, subject]
            self._tell(_event(reading, rule, subject, "resolved", one))

    def _remember(self, now_s: float, families: Iterable[Family]) -> None:
        sums = {
            family.metric.name: sum(point.value for point in family.points)
            for family in families
            if family.metric.kind is Kind.COUNTER
        }
        self._looks.append((now_s, sums))
        while now_s - self._looks[0][0] > FIVE_MINUTES_S:
            self._looks.popleft()

    def _grown(self, name: str, seconds: float) -> float:
        now_s, newest = self._looks[-1]
        first = next(sums for at_s, sums in self._looks if now_s - at_s <= seconds)
        return newest.get(name, 0.0) - first.get(name, 0.0)


def _event(reading: Reading, rule: Rule, subject: str, status: Status, one: _Wrong) -> Event:
    return {
        "alert": rule.name,
        "status": status,
        "severity": rule.severity,
        "deployment": reading.state.deployment,
        "subject": subject,
        "summary": one.summary,
        "runbook": f"{RUNBOOK}#{rule.name.lower()}",
        "since": round(one.since_s * 1e9),
        "at": reading.state.at,
    }
