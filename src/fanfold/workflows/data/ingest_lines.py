"""What became of an ingest, as a person reads it; and from a configuration to one."""

from typing import TYPE_CHECKING, Any

from fanfold.market.quality.finding import SEVERITIES
from fanfold.workflows.data.ingest_plan import Asked
from fanfold.workflows.data.ingested import COUNTED, Ingested
from fanfold.workflows.data.tables import LINES_MAX, table_lines

if TYPE_CHECKING:
    from fanfold.settings import Settings

INPUT_FAILED = 2
"""Exit code where the caller can mend what failed."""

SOURCE_FAILED = 1
"""Exit code where the source failed."""


def ingest_lines(done: Ingested) -> list[str]:
    """A line a symbol, what failed, and the sums."""
    head = ["symbol", "of", "added", "revised", "unchanged", "set aside"]
    head += [f"{severity}s" for severity in reversed(SEVERITIES)]
    rows = [
        [
            one.symbol or one.kind,
            one.timeframe or one.kind,
            *(f"{getattr(one, name):,}" for name in COUNTED),
            *(f"{one.findings[severity]:,}" for severity in reversed(SEVERITIES)),
        ]
        for one in done.tallies.values()
    ]
    lines = table_lines(head, rows, texts=(0, 1))
    failed = list(done.failures.values())
    lines += [f"failed  {one.symbol}: {one.reason}" for one in failed[:LINES_MAX]]
    if len(failed) > LINES_MAX:
        lines.append(f"and {len(failed) - LINES_MAX:,} more failed")
    sums = done.plain()
    counted = ", ".join(
        f"{sums[name]:,} {'set aside' if name == 'quarantined' else name}" for name in COUNTED
    )
    return [*lines, f"{done.store}: {counted}; {done.seconds:.1f} s"]


def exit_code(done: Ingested) -> int:
    """0, or what kind of failure there was: first what the caller can mend."""
    if not done.failures:
        return 0
    mendable = any(one.is_input for one in done.failures.values())
    return INPUT_FAILED if mendable else SOURCE_FAILED


def asked_by(settings: "Settings") -> Asked:
    """The ingest that a configuration asks for."""
    stated: dict[str, Any] = settings.ingest.model_dump()
    source = stated.pop("source")
    symbols = stated.pop("symbols")
    return Asked(
        source=(source,) if isinstance(source, str) else tuple(source),
        symbols=None if symbols is None else tuple(symbols),
        workers=settings.run.workers,
        address=settings.run.address,
        **stated,
    )
