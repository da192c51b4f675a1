"""How far long work has come: a bar on a terminal, a line now and then in a log."""

import logging
import math
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fanfold.research.chunks import Pace

_log = logging.getLogger(__name__)

LINE_SECONDS = 10.0
"""Between two lines of a log [s]."""

SLOW_PER_SECOND = 3.0
"""Below this a rate is told by the minute [1/s]."""

WORKER_BYTES = 170_000_000
"""Memory of a worker before it has any bars [bytes]."""

ANNOUNCED_SECONDS_MIN = 2.0
"""Work below which nobody needs an estimate [s]."""


@dataclass(slots=True)
class Progress:
    """Work that is under way.

    Attributes:
        name: What is done.
        total: Units that there are.
        done: Units that are finished.
        best: Best value so far; NaN before there is one.
        measure: What the best is of.
        unit: What is counted.
    """

    name: str
    total: int
    measure: str = ""
    done: int = 0
    best: float = math.nan
    unit: str = "run"
    shown: Callable[["Progress", int], None] = field(default=lambda _self, _count: None)

    def advance(self, count: int) -> None:
        """So many units more are finished."""
        self.done += count
        self.shown(self, count)

    @property
    def best_text(self) -> str:
        """The best so far, in words."""
        return "" if math.isnan(self.best) else f"best {self.measure} {self.best:.4g}"


@contextmanager
def progress(
    name: str,
    total: int,
    *,
    done: int = 0,
    measure: str = "",
    unit: str = "run",
    shown: bool,
) -> Generator[Progress]:
    """Show how far work has come, with rate, time left and the best so far.

    Args:
        name: What is done.
        total: Units that there are.
        done: Units that were finished before.
        measure: What the best is of.
        unit: What is counted.
        shown: Whether to show anything.
    """
    state = Progress(name, total, measure, done, unit=unit)
    if not shown:
        yield state
    elif sys.stderr.isatty():
        with _bar(state) as bar:
            state.shown = bar
            yield state
    else:
        state.shown = _lines(done)
        yield state


@contextmanager
def _bar(state: Progress) -> Generator[Callable[[Progress, int], None]]:
    from tqdm import tqdm

    with tqdm(
        desc=state.name,
        total=state.total,
        initial=state.done,
        unit=state.unit,
        unit_scale=True,
        file=sys.stderr,
        dynamic_ncols=True,
    ) as bar:

        def show(now: Progress, count: int) -> None:
            bar.set_postfix_str(now.best_text, refresh=False)
            bar.update(count)

        yield show


def _lines(done: int) -> Callable[[Progress, int], None]:
    began = latest = time.monotonic()

    def show(now: Progress, _count: int) -> None:
        nonlocal latest
        moment = time.monotonic()
        if moment - latest < LINE_SECONDS:
            return
        latest = moment
        rate = (now.done - done) / (moment - began)
        left = (now.total - now.done) / rate if rate > 0 else math.inf
        parts = [f"{now.done:,} of {now.total:,}", _pace(rate), f"{left:,.0f} s left"]
        _log.info("%s: %s", now.name, ", ".join([*parts, now.best_text]).rstrip(", "))

    return show


def _pace(rate: float) -> str:
    """So many a second, or a minute where that says more."""
    return f"{rate:,.0f}/s" if rate >= SLOW_PER_SECOND else f"{60 * rate:,.0f}/min"


def announce(
    name: str, count: int, pace: Pace, processors: int, inputs: Any, *, shown: bool
) -> None:
    """Say before long work how much there is, how long it takes and how much memory.

    Args:
        name: What is done.
        count: Units that there are.
        pace: How long one takes.
        processors: Where they run; 0 is this process.
        inputs: What they share; its bars are in every process.
        shown: Whether to say anything.
    """
    seconds = pace.seconds(count) / max(processors, 1)
    if not shown or seconds < ANNOUNCED_SECONDS_MIN:
        return
    from fanfold.engine.features import BANK_BYTES_MAX

    held = inputs.bars.panel.nbytes * 2 + BANK_BYTES_MAX
    where = f"on {processors} processors" if processors else "in this process"
    memory = f"{(_resident_bytes() + held) / 1e6:,.0f} MB here"
    if processors:
        memory += f" and {(WORKER_BYTES + held) / 1e6:,.0f} MB a processor"
    _log.info(
        "%s: %s runs %s at %.3g ms each, about %s and %s",
        name,
        f"{count:,}",
        where,
        pace.seconds_each * 1e3,
        f"{seconds:,.0f} s",
        memory,
    )


def _resident_bytes() -> int:
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024
