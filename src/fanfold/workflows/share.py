"""A result as a page that can be handed to somebody else, in one call."""

from collections.abc import Sequence
from pathlib import Path

from fanfold.engine.result import Result
from fanfold.errors import ConfigError
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
    to its break-even cost. Equal results give equal bytes.

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

    page = Path(path)
    if page.suffix.lower() != PAGE:
        raise ConfigError(f"path of a report must end in {PAGE}, was {str(path)!r}")
    if pdf:
        found_browser()  # before the work, not after it
    name = type(result.strategy).__name__
    written = write_report(
        page,
        title=f"{name} backtest" if title is None else title,
        runs=[run_view(name, result, [*notes_of_bars(result.bars), *notes])],
        sweeps=[],
        facts=facts_of_run(result.bars, result.terms),
    )
    if pdf:
        write_pdf(written)
    return written
