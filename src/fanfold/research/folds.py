"""Which bars are learned from and which are tested on, fold by fold.

When can you trade? A test window's first decision is made at the close of the bar before
it, with parameters that were chosen on bars that ended a gap earlier: the purge, for trades
and labels that reach from training into testing. Features may see purged bars.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, combinations, pairwise
from math import comb

from fanfold.domain.bars import Bars
from fanfold.engine.windows import Window
from fanfold.errors import ConfigError

FOLDS_MAX = 10_000
"""Folds of one study; more are a slip of the keyboard."""

WINDOW_BARS_MIN = 2
"""Fewer measured bars leave no deviation [bars]."""

Gap = int | timedelta
"""A distance in bars, or in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One choice of parameters and where it is tested.

    Attributes:
        number: From 0 on.
        train: Windows that parameters are chosen on, in time.
        test: Windows that the choice is tested on, in time.
        groups: Which of the study's test groups they are; of walk-forward its own number.
    """

    number: int
    train: tuple[Window, ...]
    test: tuple[Window, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """Windows that go forward in time; each test window follows the one before it.

    Attributes:
        train: Bars that parameters are chosen on; of an anchored one the first fold's.
        test: Bars of a test window, and from one to the next.
        anchored: Whether training always begins at the first bar.
        purge: Distance from training to testing.
        embargo: Further distance after the purge.
        carry_positions: Whether positions are handed over from window to window.
    """

    train: int
    test: int
    anchored: bool = False
    purge: Gap = 0
    embargo: Gap = 0
    carry_positions: bool = False

    def __post_init__(self) -> None:
        """Refuse gaps that lead backward."""
        _check_gaps(self.purge, self.embargo)

    @property
    def kind(self) -> str:
        """What it is called."""
        return f"walk-forward {'anchored' if self.anchored else 'rolling'}"

    def folds(self, bars: Bars, window: Window) -> tuple[Fold, ...]:
        """All folds whose test window is whole.

        Args:
            bars: The market.
            window: First decision that any trial can make, and the end.

        Raises:
            ConfigError: There is no room for one fold.
        """
        _check_sizes({"train": self.train, "test": self.test})
        start, gaps = window.first + 1, (self.purge, self.embargo)
        begun = session_edge(bars, _after(bars, start + self.train, gaps), up=True)
        count = max((window.last - begun) // self.test, 0)
        if count == 0:
            raise ConfigError(
                f"a walk-forward of {self.train} bars to train and {self.test} to test must have "
                f"{begun + self.test - start} bars after the warm-up or more, "
                f"had {window.last - start}"
            )
        _check_count(count)
        edges = [session_edge(bars, begun + number * self.test) for number in range(count + 1)]
        if any(b - a < WINDOW_BARS_MIN for a, b in pairwise(edges)):
            raise ConfigError(f"test must be whole sessions, was {self.test} bars")
        return tuple(
            self._fold(bars, number, start, span) for number, span in enumerate(pairwise(edges))
        )

    def latest(self, window: Window) -> tuple[Window, ...]:
        """The training window that ends with the bars: what it chooses is for those to come."""
        begin = window.first + 1 if self.anchored else window.last - self.train
        return (Window(begin - 1, window.last),)

    def _fold(self, bars: Bars, number: int, start: int, span: tuple[int, int]) -> Fold:
        end = session_edge(bars, _before(bars, span[0], (self.purge, self.embargo)))
        begin = start if self.anchored else max(end - self.train, start)
        if end - begin < WINDOW_BARS_MIN:
            raise ConfigError(f"train must be whole sessions, was {self.train} bars")
        return Fold(
            number=number,
            train=(Window(begin - 1, end),),
            test=(Window(span[0] - 1, span[1]),),
            groups=(number,),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """Every choice of some groups of consecutive bars is a test, the other groups train.

    With one group it is purged k-fold, with more it is combinatorial: each group is tested
    by several choices, and these make several paths through all bars.

    Attributes:
        groups: Groups that the bars are cut into.
        test_groups: Groups of one test.
        purge: Distance from training to testing, on either side.
        embargo: Further distance from a test to the training after it.

    Source: López de Prado (2018), Advances in Financial Machine Learning, ch. 7 and 12.
    """

    groups: int = 10
    test_groups: int = 2
    purge: Gap = 0
    embargo: Gap = 0

    def __post_init__(self) -> None:
        """Refuse gaps that lead backward."""
        _check_gaps(self.purge, self.embargo)

    @property
    def kind(self) -> str:
        """What it is called."""
        return "purged k-fold" if self.test_groups == 1 else "combinatorial purged"

    @property
    def split_count(self) -> int:
        """Choices of test groups."""
        return comb(self.groups, self.test_groups)

    @property
    def path_count(self) -> int:
        """Ways through all bars."""
        return comb(self.groups - 1, self.test_groups - 1)

    def folds(self, bars: Bars, window: Window) -> tuple[Fold, ...]:
        """All choices, in the order of their groups.

        Raises:
            ConfigError: There are too few bars for so many groups, or a purge leaves
                nothing to train on.
        """
        edges = self._edges(bars, window)
        _check_count(self.split_count)
        chosen = combinations(range(self.groups), self.test_groups)
        return tuple(self._fold(bars, number, tests, edges) for number, tests in enumerate(chosen))

    def paths(self, folds: Sequence[Fold]) -> list[list[int]]:
        """Of each path the fold that tests each group; shape [path][group]."""
        tests = [
            [fold.number for fold in folds if group in fold.groups] for group in range(self.groups)
        ]
        return [
            [tests[group][path] for group in range(self.groups)] for path in range(self.path_count)
        ]

    def _edges(self, bars: Bars, window: Window) -> list[int]:
        if not 1 <= self.test_groups < self.groups:
            raise ConfigError(
                f"test_groups must be 1 to groups - 1 = {self.groups - 1}, was {self.test_groups}"
            )
        start, bar_count = window.first + 1, window.bar_count
        if bar_count < self.groups * WINDOW_BARS_MIN:
            raise ConfigError(
                f"{self.groups} groups must have {self.groups * WINDOW_BARS_MIN} bars after the "
                f"warm-up or more, had {bar_count}"
            )
        size, longer = divmod(bar_count, self.groups)
        sizes = [size + (1 if group < longer else 0) for group in range(self.groups)]
        inner = list(accumulate(sizes, initial=start))[1:-1]
        return [start, *(session_edge(bars, edge) for edge in inner), window.last]

    def _fold(self, bars: Bars, number: int, tests: tuple[int, ...], edges: list[int]) -> Fold:
        test = tuple(Window(edges[group] - 1, edges[group + 1]) for group in tests)
        train = tuple(self._trained(bars, tests, edges))
        if not train:
            raise ConfigError(
                f"purge and embargo must leave bars to train on, left none beside groups {tests}"
            )
        return Fold(number=number, train=train, test=test, groups=tests)

    def _trained(self, bars: Bars, tests: tuple[int, ...], edges: list[int]) -> Iterator[Window]:
        """Stretches between tests, without what is too near to one."""
        begin, bounded = edges[0], False
        for group in (*tests, self.groups):
            is_test = group < self.groups
            end = edges[-1]
            if is_test:
                end = session_edge(bars, _before(bars, edges[group], (self.purge,)))
            start = _after(bars, begin, (self.purge, self.embargo)) if bounded else begin
            if end - start >= WINDOW_BARS_MIN:
                yield Window(start - 1, end)
            if is_test:
                begin, bounded = edges[group + 1], True


def session_edge(bars: Bars, bar: int, *, up: bool = False) -> int:
    """The nearest bar not after this one, or not before it, that begins a session.

    Returns are measured from one session's close to the next, so no window may end inside
    one. On daily bars it is the bar itself.
    """
    closes = bars.closes_session
    while 0 < bar < bars.bar_count and not closes[bar - 1]:
        bar += 1 if up else -1
    return bar


def _before(bars: Bars, bar: int, gaps: Sequence[Gap]) -> int:
    """The bar after the last one that ends all gaps before a bar begins."""
    for gap in reversed(gaps):
        if isinstance(gap, int):
            bar -= gap
        elif bar > 0:
            bar = bisect_right(bars.ts, int(bars.ts[bar - 1]) - _ns(gap))
    return max(bar, 0)


def _after(bars: Bars, bar: int, gaps: Sequence[Gap]) -> int:
    """The first bar that begins all gaps after the end of the bar before this one."""
    for gap in gaps:
        if isinstance(gap, int):
            bar += gap
        elif 0 < bar <= bars.bar_count:
            bar = bisect_left(bars.ts, int(bars.ts[bar - 1]) + _ns(gap)) + 1
    return min(bar, bars.bar_count)


def _ns(gap: timedelta) -> int:
    return round(gap / timedelta(microseconds=1)) * 1_000


def _check_gaps(purge: Gap, embargo: Gap) -> None:
    for name, gap in {"purge": purge, "embargo": embargo}.items():
        if not isinstance(gap, int | timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"{name} must be bars or a timedelta, was {gap!r}")
        if (gap if isinstance(gap, int) else gap.total_seconds()) < 0:
            raise ConfigError(f"{name} must not be negative, was {gap}")


def _check_sizes(sizes: dict[str, int]) -> None:
    for name, bar_count in sizes.items():
        if type(bar_count) is not int:
            raise ConfigError(f"{name} must be a whole number of bars, was {bar_count!r}")
        if bar_count < WINDOW_BARS_MIN:
            raise ConfigError(f"{name} must be {WINDOW_BARS_MIN} bars or more, was {bar_count}")


def _check_count(count: int) -> None:
    if count > FOLDS_MAX:
        raise ConfigError(f"a study must have {FOLDS_MAX:,} folds or fewer, had {count:,}")
