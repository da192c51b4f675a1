"""Words and cells that all that is said of risk has in common."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from fanfold.reporting.html.markup import Markup, tag
from fanfold.reporting.numbers import percent
from fanfold.reporting.verdict import likely

if TYPE_CHECKING:
    from fanfold.simulation.distribution import Estimate

SIGNIFICANCE = 0.05
"""A p-value below this speaks against what was tested [1]."""

SHOWN_LEVEL = 0.95
"""The level that is told first, where it is among those that were asked for [1]."""

CERTAIN_LOW = 0.0005
"""Chances that are shown as no more than this are shown as bounds [1]."""

ONE_IN = {0.9: "one {} in ten", 0.95: "one {} in twenty", 0.99: "one {} in a hundred"}


def first_level(levels: Sequence[float]) -> float:
    """The level that is told first."""
    return SHOWN_LEVEL if SHOWN_LEVEL in levels else sorted(levels)[len(levels) // 2]


def one_in(level: float, what: str) -> str:
    """How many are beyond a level, such as "one path in twenty"."""
    return ONE_IN[level].format(what) if level in ONE_IN else f"{level_name(1 - level)} of {what}s"


def level_name(level: float) -> str:
    """A level with as many digits as it has."""
    return f"{100 * level:.6g}%"


def spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    """The lowest and the highest of several values; one where they are shown alike."""
    low, high = show(min(values)), show(max(values))
    return low if low == high else f"{low} to {high}"


def middle(values: Sequence[float]) -> float:
    """The value in the middle."""
    return float(median(values))


def between(low: float, high: float, show: Callable[[float], str]) -> str:
    """An interval; the unit is written once."""
    word = "–" if low >= 0.0 else " to "
    return f"{show(low).removesuffix('%')}{word}{show(high)}"


def chance(value: float) -> str:
    """A probability; one that is hardly above zero, or below one, is not shown as either."""
    return likely(value)


def chance_between(low: float, high: float) -> str:
    """An interval of a probability."""
    if high < CERTAIN_LOW:
        return "under 0.1%"
    return between(low, high, percent)


def estimated(estimate: "Estimate", show: Callable[[float], str]) -> Markup:
    """A cell with an estimate and, under it, its 95 % interval."""
    return cell(show(estimate.value), _bare(between(estimate.low, estimate.high, show)))


def estimated_chance(estimate: "Estimate") -> Markup:
    """A cell with a probability and, under it, its 95 % interval."""
    return cell(chance(estimate.value), _bare(chance_between(estimate.low, estimate.high)))


def _bare(interval: str) -> str:
    """An interval under a value that has the unit already; many stand beside each other."""
    return interval if interval.startswith("under") else interval.removesuffix("%")


def cell(value: str, under: str) -> Markup:
    """A cell of two lines, the second quiet."""
    return tag("td", tag("div", value), tag("span", under, class_="small"), class_="number")


def tiles(rows: Sequence[tuple[str, str, str]]) -> Markup:
    """The few figures that are read first: what, how much, and what is beside it."""
    shown = [
        tag("div", tag("dt", name), tag("dd", value), tag("dd", note, class_="beside"))
        for name, value, note in rows
    ]
    return tag("dl", *shown, class_="tiles")


def noted(text: str, *notes: str) -> Markup:
    """A name that stays on one line, with quiet lines under it that are no wider for long."""
    under = [tag("div", tag("span", note, class_="small")) for note in notes if note]
    return tag("span", tag("span", text, class_="whole"), *under)


def dotted(text: str, colour: str) -> Markup:
    """A word with a dot in a colour before it."""
    return tag("span", tag("i", class_=colour, aria_hidden="true"), text, class_="named")


def capital(text: str) -> str:
    """With a capital first letter, the others as they are."""
    return text[:1].upper() + text[1:]
