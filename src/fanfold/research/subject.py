"""A strategy under audit: how it is made, learns and decides on markets that differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.decisions import Decisions, decisions_of
from fanfold.engine.prepare import prepared
from fanfold.engine.run import first_bar
from fanfold.engine.spec import Terms
from fanfold.errors import FanfoldError, StrategyError
from fanfold.research.altered import altered, with_next_clock
from fanfold.research.leaks import Change, changed_column, changed_decisions
from fanfold.strategies.strategy import Span, Strategy, learns

Make = Callable[[Bars], Strategy]
"""Makes the strategy for a market: anew, if its module holds data of its own."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a strategy computed and decided on one market."""

    columns: Mapping[str, NDArray[np.float64]]
    decisions: Decisions
    learned: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is audited, and on what.

    Attributes:
        make: Makes the strategy.
        strategy: As it decides on the bars as they are; fitted, if it learns.
        first: Bar of the first decision.
        bars: The market.
        terms: What it trades under.
        seed: Of markets that differ.
    """

    make: Make
    strategy: Strategy
    first: int
    bars: Bars
    terms: Terms
    seed: int

    @property
    def learns(self) -> bool:
        """Whether it is fitted before it decides."""
        return learns(type(self.strategy))

    def anew(self, bars: Bars) -> Strategy:
        """The strategy as it would be made for other bars; what was learned stays."""
        return self.strategy if self.learns else self.make(bars)

    def fitted(self, bars: Bars, spans: Sequence[Span]) -> Seen:
        """What it decides on the bars as they are, having learned from others."""
        return self.seen(self.make(bars).fit(bars, spans), replace(self.bars))

    def seen(self, strategy: Strategy, bars: Bars, t: int | None = None) -> Seen:
        """What a strategy computes on a market, and decides up to bar t."""
        made = prepared(strategy, bars)
        columns = {name: made.extra[name] for name in made.extra if name not in bars.extra}
        clocked = with_next_clock(made, self.bars)
        last = None if t is None else t + 1
        decisions = decisions_of(strategy, clocked, self.terms, self.first, last)
        return Seen(columns, decisions, strategy.learned())

    def altered(self, first: int, last: int, *, gaps: bool = True) -> Bars:
        """The bars with another market from a bar on up to the one before another."""
        rng = np.random.default_rng([self.seed, 1, first, last])
        return altered(self.bars, (first, last), rng, gaps=gaps)

    def differences(self, test: str, t: int, true: Seen, other: Seen) -> list[Change]:
        """What differs up to bar t between the bars as they are and others."""
        changes = [
            changed_column(test, t, name, (true.columns[name], values), self.bars)
            for name, values in other.columns.items()
            if name in true.columns
        ]
        changes.append(changed_decisions(test, t, true.decisions, other.decisions, self.bars))
        return [change for change in changes if change is not None]


def subject_of(make: Make, bars: Bars, terms: Terms, seed: int) -> Subject:
    """The strategy on the bars as they are; one that learns is fitted on their first half.

    Raises:
        ConfigError: There are too few bars, or the strategy is not well formed.
        StrategyError: It cannot be made or cannot learn.
    """
    try:
        strategy = make(bars)
        if learns(type(strategy)):
            strategy = strategy.fit(bars, ((0, bars.bar_count // 2),))
        first = first_bar(strategy, bars, terms)
    except FanfoldError:
        raise
    except Exception as raised:
        raise StrategyError(f"a strategy must run to be audited, {text_of(raised)}") from raised
    return Subject(make=make, strategy=strategy, first=first, bars=bars, terms=terms, seed=seed)


def text_of(raised: Exception) -> str:
    """What was raised, in one line."""
    text = " ".join(str(raised).split())
    return text if isinstance(raised, FanfoldError) else f"raised {type(raised).__name__}: {text}"
