"""Whether a strategy knows what came later: its decisions on other futures.

Reading code for leaks is hard, and a backtest with one only looks good. Here the future
is taken away and changed, at many bars, and what was decided before must be the same.
That nothing was found is no proof: a leak that never changed a decision does not show,
nor does what a strategy reads by other means than `load_bars`.

Source: López de Prado (2018), Advances in Financial Machine Learning, ch. 7, on leakage;
Chen et al. (1998), Metamorphic Testing: A New Approach for Generating Next Test Cases,
HKUST-CS98-01.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.period import day_text
from fanfold.engine.decisions import WISH_NAMES
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError
from fanfold.market.horizon import horizon
from fanfold.research.altered import known_at
from fanfold.research.leaks import (
    FIT,
    FUTURE,
    PREFIX,
    REPEAT,
    Change,
    Finding,
    changed_learning,
    failure,
    findings_of,
    unlike,
)
from fanfold.research.subject import Make, Seen, Subject, subject_of, text_of
from fanfold.strategies.strategy import Span, Strategy

CUTS: Final = 24
"""Random bars at which the future is changed, beside the first and the last [bars]."""

CUTS_MAX: Final = 10_000
"""Most that can be asked for [bars]."""

FIT_CUTS_MAX: Final = 4
"""Bars up to which a strategy learns anew; each takes four fits [bars]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookaheadAudit:
    """What an audit found.

    Attributes:
        strategy: What was audited; fitted on the first half of the bars, if it learns.
        findings: Leaks; none if it passed.
        warnings: What a person should know beside them.
        cut_bars: Bars after which the future was changed, in order.
        decision_count: Decisions that were compared, each of all assets at one bar.
    """

    strategy: Strategy
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    cut_bars: tuple[int, ...]
    decision_count: int


def audit_lookahead(
    make: Make | Strategy, bars: Bars, terms: Terms, *, cuts: int = CUTS, seed: int = 0
) -> LookaheadAudit:
    """Compare a strategy's decisions and columns on markets with other futures.

    At each cut it runs without the bars that follow, under a `horizon`, and with others.
    One that learns is fitted on the first half of the bars for that; what it learns up to
    a bar is compared with and without what follows.

    Args:
        make: The strategy, or what makes it.
        bars: The market.
        terms: What it trades under; the end of the data closes nothing here.
        cuts: Random bars at which the future is changed, beside the first and the last.
        seed: Of the cuts and the other futures.

    Raises:
        ConfigError: There are too few bars, or the strategy is not well formed.
        StrategyError: It does not run on the bars as they are.
    """
    if not 0 <= cuts <= CUTS_MAX:
        raise ConfigError(f"cuts must be 0 to {CUTS_MAX:,}, was {cuts}")
    options = terms.options.model_copy(update={"close_at_end": False})
    terms = replace(terms, options=options, end_bar=None)
    subject = subject_of(_maker(make), bars, terms, seed)
    audit = _Audit(subject, subject.seen(subject.strategy, bars))
    cut_bars = _cut_bars(subject, cuts)
    if audit.repeats():
        audit.cut(cut_bars)
        if subject.learns:
            audit.learn(_fit_bars(cut_bars, bars.bar_count))
        audit.replace_all()
    return LookaheadAudit(
        strategy=subject.strategy,
        findings=findings_of(audit.changes, bars, len(cut_bars)),
        warnings=tuple(dict.fromkeys([*_about(audit.true, bars), *audit.warnings])),
        cut_bars=cut_bars,
        decision_count=audit.decision_count,
    )


@dataclass(slots=True)
class _Audit:
    """An audit in progress: the run on the bars as they are, and what differed from it."""

    subject: Subject
    true: Seen
    changes: list[Change] = field(default_factory=list[Change])
    warnings: list[str] = field(default_factory=list[str])
    decision_count: int = 0

    def repeats(self) -> bool:
        """Whether it does the same when nothing has changed."""
        again = replace(self.subject.bars)  # the same to a strategy, new to what keeps columns
        seen = self.subject.seen(self.subject.anew(again), again)
        return not self._note(REPEAT, again.bar_count - 1, seen)

    def cut(self, cut_bars: Sequence[int]) -> None:
        """Take away what follows each bar, and change it."""
        ran: list[int] = []
        failed: list[tuple[int, str]] = []
        for t in cut_bars:
            reason = self._without_future(t)
            if reason:
                failed.append((t, reason))
            else:
                ran.append(t)
            self._with_other_future(t)
        for t, reason in failed:
            # What needs some bars to begin with fails on the shortest prefixes only.
            if ran and t < ran[0]:
                self.warnings.append(f"it does not run on the first {t + 1:,} bars alone: {reason}")
            else:
                self.changes.append(failure(PREFIX, t, self.subject.first, reason))

    def _without_future(self, t: int) -> str:
        """Run on the bars up to t; why its columns or features failed, or ""."""
        known = known_at(self.subject.bars, t)
        with horizon(int(self.subject.bars.ts[t])):
            try:
                strategy = self.subject.anew(known)
            except Exception as raised:  # such as a module whose own bars begin later
                self.changes.append(failure(PREFIX, t, self.subject.first, text_of(raised)))
                return ""
            try:
                seen = self.subject.seen(strategy, known, t)
            except Exception as raised:
                return text_of(raised)
        self._note(PREFIX, t, seen)
        return ""

    def _with_other_future(self, t: int) -> None:
        reason = ""
        for gaps in (True, False):  # not every strategy can do with missing bars
            other = self.subject.altered(t + 1, self.subject.bars.bar_count, gaps=gaps)
            try:
                seen = self.subject.seen(self.subject.anew(other), other, t)
            except Exception as raised:
                reason = text_of(raised)
                continue
            self._note(FUTURE, t, seen)
            return
        self.warnings.append(f"it does not run on all markets with later prices changed: {reason}")

    def learn(self, fit_bars: Sequence[int]) -> None:
        """Learn up to each bar: as it was, without what follows, and with other bars."""
        for t in fit_bars:
            spans = ((0, t + 1),)
            true = self.subject.fitted(replace(self.subject.bars), spans)
            again = self.subject.fitted(replace(self.subject.bars), spans)
            if self._note_fit(REPEAT, t, true, again):
                return
            self._learn_otherwise(t, spans, true, known=True)
            # Equal learning may look different to a hash; where it does not, it tells more.
            exact = again.learned == true.learned
            self._learn_otherwise(t, spans, true, known=False, exact=exact)
        self._learn_around(fit_bars[-1])

    def _learn_otherwise(
        self, t: int, spans: Sequence[Span], true: Seen, *, known: bool, exact: bool = False
    ) -> None:
        """Learn without what follows bar t (`known`), or with other bars there."""
        subject, bars = self.subject, self.subject.bars
        market = known_at(bars, t) if known else subject.altered(t + 1, bars.bar_count)
        with horizon(int(bars.ts[t])) if known else nullcontext():
            try:
                other = subject.fitted(market, spans)
            except Exception as raised:
                self.changes.append(failure(FIT, t, subject.first, text_of(raised)))
                return
        if not self._note_fit(FIT, t, true, other) and exact:
            change = changed_learning(FIT, t, true.learned, other.learned)
            self.changes += [change] if change else []

    def _learn_around(self, t: int) -> None:
        """Learn from two spans, and change what lies between them."""
        third = (t + 1) // 3
        spans = (0, third), (2 * third, t + 1)
        between = self.subject.altered(third, 2 * third, gaps=False)
        end = self.subject.bars.bar_count - 1
        try:
            true, other = (
                self.subject.fitted(bars, spans) for bars in (self.subject.bars, between)
            )
        except Exception as raised:
            self.warnings.append(f"it does not learn from two spans: {text_of(raised)}")
            return
        if self.subject.differences(FIT, end, true, other):
            self.warnings.append("what it learns from two spans depends on the bars between them")

    def replace_all(self) -> None:
        """Change all prices: a decision that changes with time alone has them from elsewhere."""
        wishes = self.true.decisions.wishes
        if len(wishes) == 0 or not unlike(wishes, wishes[:1], 0.0).any():
            return
        end = self.subject.bars.bar_count - 1
        other = self.subject.altered(0, end + 1, gaps=False)
        try:
            seen = self.subject.seen(self.subject.anew(other), other)
        except Exception as raised:
            self.warnings.append(f"it does not run on all other prices: {text_of(raised)}")
            return
        if not self.subject.differences(FUTURE, end, self.true, seen):
            self.warnings.append(
                "decisions do not depend on the prices given: they follow the calendar, or "
                "prices that the strategy has from elsewhere"
            )

    def _note(self, test: str, t: int, seen: Seen) -> bool:
        """Keep what differs up to bar t; whether anything does."""
        found = self.subject.differences(test, t, self.true, seen)
        self.changes += found
        self.decision_count += min(t + 1 - self.subject.first, len(seen.decisions.wishes))
        return bool(found)

    def _note_fit(self, test: str, t: int, true: Seen, other: Seen) -> bool:
        """Keep how what was learned up to bar t decides otherwise; whether it does."""
        found = self.subject.differences(test, self.subject.bars.bar_count - 1, true, other)
        self.changes += [replace(change, cut=t) for change in found]
        self.decision_count += len(other.decisions.wishes)
        return bool(found)


def _maker(make: Make | Strategy) -> Make:
    if not isinstance(make, Strategy):
        return make

    def same(_: Bars) -> Strategy:
        return make

    return same


def _cut_bars(subject: Subject, cuts: int) -> tuple[int, ...]:
    """The first bar that can be cut at, the last but one, and random ones between."""
    first, last = max(subject.first, 1), subject.bars.bar_count - 2
    if first > last:
        raise ConfigError(f"an audit needs {first + 2} bars or more, there were {last + 2}")
    rng = np.random.default_rng([subject.seed, 0])
    between: NDArray[np.int64] = rng.choice(
        last - first + 1, min(cuts, last - first + 1), replace=False
    )
    return tuple(sorted({first, last, *(first + int(place) for place in between)}))


def _fit_bars(cut_bars: Sequence[int], bar_count: int) -> list[int]:
    """A few of the cuts in the second half, evenly, the last among them."""
    late = [t for t in cut_bars if t >= bar_count // 2] or [cut_bars[-1]]
    steps = FIT_CUTS_MAX - 1
    return sorted({late[(len(late) - 1) * step // steps] for step in range(FIT_CUTS_MAX)})


def _about(true: Seen, bars: Bars) -> list[str]:
    """What makes an audit say less than it seems to."""
    decisions, notes = true.decisions, list[str]()
    if decisions.raised:
        day = day_text(bars.session_day[decisions.first + len(decisions.wishes)])
        notes.append(
            f"the decision failed on {day}, later ones were not compared: {decisions.raised}"
        )
    if not (decisions.wishes[:, :, WISH_NAMES.index("target")] != 0.0).any():
        notes.append("it never wanted a position, so its decisions show nothing")
    return notes
