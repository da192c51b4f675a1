"""The page on the quality of data: one file that needs nothing else, without Plotly."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fanfold.reporting.html.document import document, written
from fanfold.reporting.html.markup import Markup, tag
from fanfold.reporting.quality_views import QualityView
from fanfold.reporting.sections.quality import (
    kinds_blocks,
    overview_blocks,
    series_blocks,
    tiles_blocks,
)

SECTIONS_MAX = 60
"""Series that are drawn one by one, the worst; all are in the table."""


def write_quality(
    path: Path,
    *,
    title: str,
    lead: str,
    views: Sequence[QualityView],
    meanings: Mapping[str, str],
) -> Path:
    """Write a report on market data; equal input gives equal bytes.

    Args:
        path: The file to write; missing folders are made.
        title: Its headline.
        lead: What was looked at.
        views: Each series, with what was found.
        meanings: What each kind of finding means, in a sentence.

    Returns:
        The file.

    Raises:
        JobError: The file could not be written.
    """
    worst = sorted(views, key=lambda view: [-count for count in view.counts.values()])
    shown = [view for view in worst if view.findings or len(views) <= SECTIONS_MAX][:SECTIONS_MAX]
    places = {view.name: f"series-{place}" for place, view in enumerate(shown, start=1)}
    body = tag(
        "main",
        tag(
            "header",
            tag("p", "fanfold", class_="brand"),
            tag("h1", title),
            tag("p", lead, class_="lead"),
        ),
        _section("summary", "At a glance", tiles_blocks(views)),
        _section("kinds", "What was found", kinds_blocks(views, meanings)),
        _section("all", "Series", overview_blocks(worst, places, len(views) - len(shown))),
        *(_section(places[view.name], view.name, series_blocks(view)) for view in shown),
        tag("footer", tag("p", "Everything shown is inside this file.")),
    )
    return written(path, document(title, body, {}, scripted=len(views) > 1))


def _section(name: str, title: str, blocks: Sequence[Markup]) -> Markup:
    return tag("section", tag("h2", title), *blocks, id=name)
