"""Where each metric is read: small functions of a reading, for the table."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from fanfold.live.execution.states import State as OrderState
from fanfold.live.statistics import BOUNDS_NS
from fanfold.serving.metrics.metric import Point
from fanfold.serving.metrics.reading import THERE, Reading
from fanfold.serving.state import StageTimes

Read = Callable[[Reading], Iterator[Point]]

STATUSES: Final = ("up", "waiting", "halted", "down")
"""What the status of a deployment may be."""

RANKS: Final = (("0.5", "p50"), ("0.99", "p99"), ("0.999", "p999"), ("1", "max"))
"""Ranks of quantiles, and their names in a summary."""

_NS: Final = 1e9


def money(name: str) -> Read:
    """A figure of the account."""
    return _single(lambda reading: getattr(reading.state.money, name))


def gauge(component: str, name: str, scale: float = 1.0) -> Read:
    """A component's gauge, in the metric's unit."""

    def value(reading: Reading) -> float | None:
        found = reading.gauge(component, name)
        return None if found is None else found * scale

    return _single(value)


def each_gauge(*names: str) -> Read:
    """The sum of some gauges, of each component that has one of them."""

    def points(reading: Reading) -> Iterator[Point]:
        for one in reading.components:
            found = [reading.gauge(one.name, name) for name in names]
            known = [value for value in found if value is not None]
            if known:
                yield Point((one.name,), sum(known))

    return points


def each_count(*names: str) -> Read:
    """Of each component the first of some counts that it has."""

    def points(reading: Reading) -> Iterator[Point]:
        for one in reading.components:
            known = [one.counts[name] for name in names if name in one.counts]
            if known:
                yield Point((one.name,), known[0], one.incarnation)

    return points


def count(component: str, name: str) -> Read:
    """One count of a component."""

    def points(reading: Reading) -> Iterator[Point]:
        counts = reading.counts(component)
        if name in counts:
            yield Point((), counts[name], reading.incarnation(component))

    return points


def family(component: str, name: str) -> Read:
    """Counts of a component that are named ``<name>.<member>``, by member."""

    def points(reading: Reading) -> Iterator[Point]:
        incarnation = reading.incarnation(component)
        for counted, value in reading.counts(component).items():
            first, _, member = counted.partition(".")
            if first == name and member:
                yield Point((member,), value, incarnation)

    return points


def fact(name: str) -> Read:
    """A number of the surroundings."""
    return _single(lambda reading: reading.fact(name))


def statuses(reading: Reading) -> Iterator[Point]:
    """Each status, 1 for the one that it has."""
    for status in STATUSES:
        yield Point((status,), float(reading.state.status == status))


def mode(reading: Reading) -> Iterator[Point]:
    """Where it trades."""
    yield Point((reading.state.mode,), 1.0)


def restarts(reading: Reading) -> Iterator[Point]:
    """As the supervisor has counted them."""
    yield Point((), reading.state.restarts)


def up(reading: Reading) -> Iterator[Point]:
    """Whether each component is there."""
    for one in reading.components:
        yield Point((one.name,), float(one.state in THERE))


def starts(reading: Reading) -> Iterator[Point]:
    """Incarnations."""
    for one in reading.components:
        yield Point((one.name,), float(one.incarnation))


def latches(reading: Reading) -> Iterator[Point]:
    """Each latch that was ever seen."""
    for name, is_set in reading.latches.items():
        yield Point((name,), float(is_set))


def open_orders(reading: Reading) -> Iterator[Point]:
    """How many are in each state, also where there are none."""
    counted: dict[str, int] = {str(state): 0 for state in OrderState}
    for one in reading.state.orders:
        counted[one.state] = counted.get(one.state, 0) + 1
    for state, number in counted.items():
        yield Point((state,), float(number))


def units(reading: Reading) -> Iterator[Point]:
    """Units of each symbol, 0 where nothing is held."""
    held: Mapping[str, float] = {one.symbol: one.units for one in reading.state.positions}
    for symbol in reading.state.symbols:
        yield Point((symbol,), held.get(symbol, 0.0))


def values(reading: Reading) -> Iterator[Point]:
    """Value of each symbol's position, 0 where nothing is held, left out where unknown."""
    held = {one.symbol: one.value for one in reading.state.positions}
    for symbol in reading.state.symbols:
        value = held.get(symbol, 0.0)
        if value is not None:
            yield Point((symbol,), value)


def band(reading: Reading) -> Iterator[Point]:
    """What is expected of the equity."""
    for name, value in reading.around.band.items():
        yield Point((name,), value)


def bounds(reading: Reading) -> Iterator[Point]:
    """Limits by name."""
    for name, value in reading.around.bounds.items():
        yield Point((name,), value)


def latencies(reading: Reading) -> Iterator[Point]:
    """Each stage's times, as buckets."""
    for one, stage, times in reading.latencies():
        counts = (*cumulative(times), times.count)
        yield Point((one.name, stage), times.sum / _NS, one.incarnation, counts)


def quantiles(reading: Reading) -> Iterator[Point]:
    """Each stage's quantiles since its component's start."""
    for one, stage, times in reading.latencies():
        known = {"p50": times.p50, "p99": times.p99, "p999": times.p999, "max": times.max}
        for rank, name in RANKS:
            yield Point((one.name, stage, rank), known[name] / _NS)


def cumulative(times: StageTimes) -> tuple[int, ...]:
    """How many times of a stage were below each bound; its summary leaves out some."""
    given = times.__pydantic_extra__
    found: list[int] = []
    below = 0
    for bound in BOUNDS_NS:
        below = given.get(f"le_{bound}", below)
        found.append(below)
    return tuple(found)


def _single(read: Callable[[Reading], float | None]) -> Read:
    """A value without tags, left out where it is not known."""

    def points(reading: Reading) -> Iterator[Point]:
        value = read(reading)
        if value is not None:
            yield Point((), value)

    return points


polled_at: Final = _single(lambda reading: reading.at_s)
supervisor: Final = _single(lambda reading: float(reading.state.supervisor == "running"))
net: Final = _single(lambda reading: reading.net)
inside: Final = _single(lambda reading: reading.is_inside)
