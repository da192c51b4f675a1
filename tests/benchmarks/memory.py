"""Peak memory of our sweeps in their process: does it grow with the plan?"""

from collections.abc import Iterator
from typing import Any

from cases import CASES
from engines import OURS
from four import asked_of
from measurements import Bench, Question
from tables import Row, Samples

LIMIT_MEGABYTES = 400.0

GROWTH_MAX = 0.1
"""Largest change from a thousand combinations to the many [1]."""


def measure_memory(bench: Bench) -> Iterator[Row]:
    """The cross with 1,000 and 100,000 combinations, the others with 1,000 and 10,000."""
    yield from _growth(bench, CASES["sma"].title, _bands(bench, 10, 1), _bands(bench, 2, 20))
    for case, chosen in CASES.items():
        if "many" in chosen.counts:
            asked = asked_of(bench, case, "raptorbt")
            less, more = (("sweep", {**asked, "size": size}) for size in ("thousand", "many"))
            yield from _growth(bench, chosen.title, less, more)


def _bands(bench: Bench, slow_step: int, band_count: int) -> Question:
    space: dict[str, list[Any]] = {
        "fast": list(range(2, 52)),
        "slow": list(range(52, 252, slow_step)),
        "band": [place / 1_000 for place in range(band_count)],
    }
    asked = {"file": str(bench.files["daily"]), "space": space, "habit": bench.daily_habit}
    return "sweep_bands", asked


def _growth(bench: Bench, title: str, less: Question, more: Question) -> Iterator[Row]:
    with bench.engine(OURS) as us:  # compiles what is not cached yet, which takes memory too
        us.ask(less[0], **less[1])
    peaks: list[float] = []
    counts: list[int] = []
    for work, asked in (less, more):
        bench.said(f"memory: {title} in a fresh process")
        with bench.engine(OURS) as us:
            counts.append(us.ask(work, **asked)["count"])
            peaks.append(us.ask("peak_megabytes"))
        yield Row(
            f"peak memory, {title}, {counts[-1]:,}",
            "MB",
            Samples([peaks[-1]]),
            judged=peaks[-1],
            floor=LIMIT_MEGABYTES,
            goal=LIMIT_MEGABYTES,
            at_most=True,
        )
    growth = peaks[1] / peaks[0]
    yield Row(
        f"  over {counts[0]:,} combinations",
        "×",
        Samples([growth]),
        judged=abs(growth - 1.0),
        floor=GROWTH_MAX,
        goal=GROWTH_MAX,
        at_most=True,
        note="judged: its change",
    )
