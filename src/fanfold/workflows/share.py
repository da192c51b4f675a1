"""A result as a page that can be handed to somebody else, in one call."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fanfold.engine.result import Result
from fanfold.errors import ConfigError, FanfoldError
from fanfold.workflows.facts import facts_of_run, notes_of_bars

PAGE = ".html"
"""How the file of a report ends."""


def report(
    result: Result,
    path: Path | str,
    *,
    title: str | None = None,
    notes: Sequence[str] = (),
    pdf: bool = False,
) -> Path:
    """Write the tear sheet of a backtest as one HTML file that needs no network.

    The strategy is run again on worse terms for it: at twice the cost, one bar later, up
    to its break-even cost; and beside all trials of it that the ledger of this folder has
    counted. Equal results and an equal ledger give equal bytes.

    Args:
        result: What `backtest` returned.
        path: The file to write, ending in .html; missing folders are made.
        title: Its headline; the strategy's name by default.
        notes: Sentences that a reader must know.
        pdf: Whether it is printed beside the file as well, by Chromium.

    Returns:
        The HTML file; a PDF is beside it, with the ending .pdf.

    Raises:
        ConfigError: The path does not end in .html.
        JobError: A file could not be written, or there is no Chromium for a PDF.
    """
    from fanfold.reporting import write_pdf, write_report
    from fanfold.reporting.pdf import found_browser
    from fanfold.workflows.views import run_view
    from fanfold.workflows.weighing import weighed_backtest

    page = Path(path)
    if page.suffix.lower() != PAGE:
        raise ConfigError(f"path of a report must end in {PAGE}, was {str(path)!r}")
    if pdf:
        found_browser()  # before the work, not after it
    name = type(result.strategy).__name__
    told = [*notes_of_bars(result.bars), *notes]
    evidence = None
    try:
        evidence = weighed_backtest(result)
    except FanfoldError as error:  # a page without it is better than none
        told.append(f"How much may be luck is not told: {error}")
    written = write_report(
        page,
        title=f"{name} backtest" if title is None else title,
        runs=[replace(run_view(name, result, told), evidence=evidence)],
        sweeps=[],
        facts=facts_of_run(result.bars, result.terms),
    )
    if pdf:
        write_pdf(written)
    return written
