"""An ingest from its plan to its report, here or on a cluster.

Each unit writes straight to the store: writes there are whole and lose nothing, so what
was stored before a stop, a crash or a symbol that fails stays, and the same command goes
on from there.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fanfold.errors import DataError, SourceError
from fanfold.workflows.data.ingest_files import file_units
from fanfold.workflows.data.ingest_plan import (
    SAMPLE,
    Asked,
    Part,
    Unit,
    request_of,
    service_units,
    store_name,
)
from fanfold.workflows.data.ingest_sources import opened
from fanfold.workflows.data.ingested import Failure, Ingested, Outcome, failure_of, tally_of
from fanfold.workflows.progress import progress

if TYPE_CHECKING:
    from fanfold.market.sources.source import Source
    from fanfold.market.store import Store
    from fanfold.workflows.fleet import Fleet

REQUEST_SECONDS: Final = 0.5
"""What a unit of a service takes, about: to know whether a cluster pays [s]."""

FILE_BYTES_PER_SECOND: Final = 20e6
"""How fast files are read, examined and stored on one core, about [bytes/s]."""

LITTLE_SECONDS: Final = 2.0
"""Work so short is done here before what a cluster needs would be imported [s]."""

FAILURES_IN_A_ROW_MAX: Final = 5
"""Units in a row that a source may fail before the rest is not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What all units of an ingest share.

    Attributes:
        asked: The ingest.
        store: Where rows go.
        worker_count: Processes that share a service's limit.
    """

    asked: Asked
    store: "Store"
    worker_count: int


def ingest(asked: Asked, *, shown: bool = True) -> Ingested:
    """Fetch what is asked for and store what is sound of it.

    A symbol or a file that fails does not keep the others from being stored.

    Args:
        asked: What, from where, into which store.
        shown: Whether to show how far it has come.

    Raises:
        ConfigError: An argument cannot be understood, or keys are missing or refused.
        DataError: A file is not there, or the store cannot be used.
    """
    from fanfold.market.store import Store

    began = time.monotonic()
    units, missing = planned(asked)
    store = Store.at(store_name(asked))
    _ = store.exists  # refuses one that cannot be used
    done = Ingested(store=store.name)
    with ExitStack() as stack:
        fleet, worker_count = _gathered(asked, units, stack)
        work = Work(asked=asked, store=store, worker_count=worker_count)
        total, counted = sum(unit.count for unit in units), "range" if asked.is_service else "file"
        with progress("ingest", total, unit=counted, shown=shown) as state:
            outcomes = _until_hopeless(_mapped(fleet, work, units), units)
            for unit, outcome in zip(units, outcomes, strict=False):
                done.take(outcome)
                state.advance(unit.count)
    done.take(_absent(missing, "no file has rows of it", is_input=True))
    if asked.is_service:
        nothing = f"{asked.source[0]} has no rows of it in the period"
        done.take(_absent(_unknown(asked, store, done), nothing, is_input=True))
    done.seconds = time.monotonic() - began
    return done


def planned(asked: Asked) -> tuple[tuple[Unit, ...], tuple[str, ...]]:
    """The units of an ingest, in the order in which they count, and symbols that nobody has.

    Raises:
        ConfigError: An argument cannot be understood, or keys are missing.
        DataError: A file is not there.
    """
    request = request_of(asked)
    missing: tuple[str, ...] = ()
    if asked.is_service:
        units = service_units(asked.source[0], request, together=asked.replace)
        opened(asked, asked.source[0], 1).check(request)
    elif asked.source == (SAMPLE,):
        units = (Unit(parts=(Part(source=SAMPLE, request=request),)),)
        opened(asked, SAMPLE, 1).check(request)
    else:
        units, missing = file_units(asked, request)
    if len(units) == 1 and not asked.is_service:
        for part in units[0].parts:
            opened(asked, part.source, 1).check(part.request)
    return units, missing


def run_unit(work: Work, unit: Unit) -> Outcome:
    """Fetch and store one unit; what it fails on is part of the outcome.

    Raises:
        ConfigError: Keys are refused, or the plan does not include the feed: no unit
            would fare better.
        DataError: The store cannot be written to.
    """
    total = Ingested(store="")
    step = _of_service if work.asked.is_service else _of_file
    for part in unit.parts:
        step(work, part, opened(work.asked, part.source, work.worker_count), total)
    return Outcome(tallies=tuple(total.tallies.values()), failures=tuple(total.failures.values()))


def _of_service(work: Work, part: Part, source: "Source", total: Ingested) -> None:
    from fanfold.market.intake.fetch import Refused, fetching
    from fanfold.market.intake.ingest import Manner

    asked, known = work.asked, {symbol for symbol, _, _ in total.tallies}
    for is_first in (True, False):
        symbols = tuple(one for one in part.request.symbols or () if (one in known) != is_first)
        if not symbols:
            continue
        # Of several ranges only the first that has rows may forget what is stored.
        manner = Manner(
            strict=asked.strict,
            replace=asked.replace and is_first,
            refresh=asked.refresh or asked.replace,
        )
        for step in fetching(work.store, source, replace(part.request, symbols=symbols), manner):
            if isinstance(step, Refused):
                total.take(Outcome(failures=(failure_of(step.symbol, step.error),)))
            else:
                total.take(Outcome(tallies=(tally_of(step),)))


def _of_file(work: Work, part: Part, source: "Source", total: Ingested) -> None:
    """Symbols of a file, each by itself: one that is refused keeps none of the others out."""
    from fanfold.market.intake.ingest import Origin
    from fanfold.market.intake.ingest import ingest as ingest_one

    asked, origin = work.asked, Origin(source=source.name, feed=source.feed)
    try:
        for delivery in source.fetch(part.request):
            seen = delivery.symbol, delivery.kind, delivery.timeframe
            replace = asked.replace and seen not in total.tallies
            try:
                receipt = ingest_one(
                    work.store, delivery, origin=origin, strict=asked.strict, replace=replace
                )
            except DataError as error:
                total.take(Outcome(failures=(failure_of(delivery.symbol, error),)))
            else:
                total.take(Outcome(tallies=(tally_of(receipt),)))
    except (DataError, SourceError) as error:
        total.take(Outcome(failures=(failure_of(part.name, error),)))


def _gathered(
    asked: Asked, units: tuple[Unit, ...], stack: ExitStack
) -> "tuple[Fleet | None, int]":
    """A fleet, if one is asked for or pays, and how many processes work."""
    seconds = _seconds(asked, units)
    few = asked.workers == 0 or (asked.workers is None and seconds < LITTLE_SECONDS)
    if few and asked.address is None:
        return None, 1
    from fanfold.strategies.strategy import Strategy
    from fanfold.workflows.fleet import Fleet

    fleet = stack.enter_context(Fleet(asked.workers, asked.address))
    processors = fleet.gather(seconds, Strategy)
    return (fleet, processors) if processors else (None, 1)


def _seconds(asked: Asked, units: tuple[Unit, ...]) -> float:
    if asked.is_service:
        return len(units) * REQUEST_SECONDS
    if asked.source == (SAMPLE,):
        return 0.0
    files = {part.source for unit in units for part in unit.parts}
    return sum(Path(file).stat().st_size for file in files) / FILE_BYTES_PER_SECOND


def _mapped(fleet: "Fleet | None", work: Work, units: Iterable[Unit]) -> Iterator[Outcome]:
    if fleet is not None:
        return fleet.map(run_unit, units, shared=work)
    return (run_unit(work, unit) for unit in units)


def _until_hopeless(outcomes: Iterator[Outcome], units: tuple[Unit, ...]) -> Iterator[Outcome]:
    """Outcomes, until the source has failed so often in a row that the rest would too."""
    in_a_row = 0
    for place, outcome in enumerate(outcomes):
        yield outcome
        failed = any(not one.is_input for one in outcome.failures)
        in_a_row = in_a_row + 1 if failed else 0
        if in_a_row == FAILURES_IN_A_ROW_MAX:
            rest = dict.fromkeys(name for unit in units[place + 1 :] for name in unit.names)
            yield _absent(rest, f"not asked for, the source failed {in_a_row} times in a row")
            return


def _absent(symbols: Iterable[str], reason: str, *, is_input: bool = False) -> Outcome:
    failures = (Failure(symbol=one, reason=reason, is_input=is_input) for one in symbols)
    return Outcome(failures=tuple(failures))


def _unknown(asked: Asked, store: "Store", done: Ingested) -> list[str]:
    """Symbols of a service of which nothing came and nothing is stored: misspelt, most likely."""
    from fanfold.market.store import Series

    seen = {one.symbol for one in done.tallies.values()} | set(done.failures)
    request = request_of(asked)
    timeframe = request.timeframe if request.kind == "bars" else ""
    return [
        symbol
        for symbol in request.symbols or ()
        if symbol not in seen
        and not store.has(Series(kind=request.kind, symbol=symbol, timeframe=timeframe))
    ]
