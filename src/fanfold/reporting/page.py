"""One report as one HTML file that needs nothing else.

Plotly's script is put in once, figures are plain values beside it, and the page
itself forbids the browser to load anything or to run any script but these two.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from fanfold.errors import JobError
from fanfold.reporting import tables
from fanfold.reporting.figures import (
    Figure,
    Shades,
    distribution,
    equity_figure,
    heat_map,
    parameter_line,
    shades,
)
from fanfold.reporting.markup import Markup, tag, together
from fanfold.reporting.numbers import CONVENTIONS, count, ratio
from fanfold.reporting.sweeps import Grid, SweepSummary, trial_count
from fanfold.reporting.views import RunView, SweepView


def write_report(
    path: Path,
    *,
    title: str,
    runs: Sequence[RunView],
    sweeps: Sequence[SweepView],
    facts: Mapping[str, str],
) -> Path:
    """Write a report; equal input gives equal bytes.

    Args:
        path: The file to write; missing folders are made.
        title: Its headline.
        runs: Backtests to show one by one.
        sweeps: Sweeps to show one by one.
        facts: What a reader needs to make the same results again: data and its
            fingerprint, period, costs, venue, seed, versions.

    Returns:
        The file.

    Raises:
        JobError: The file could not be written.
    """
    text = _Page().drawn(title, runs, sweeps, facts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise JobError(f"a report must be writable at {path}, was not: {error.strerror}") from error
    return path


class _Page:
    """Sections as they are written, and the figures that they ask for."""

    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}

    def drawn(
        self,
        title: str,
        runs: Sequence[RunView],
        sweeps: Sequence[SweepView],
        facts: Mapping[str, str],
    ) -> str:
        sections: list[Markup] = []
        if len(runs) > 1:
            sections.append(_section("glance", "At a glance", tables.glance(runs)))
        sections += [self._run(place, view) for place, view in enumerate(runs, start=1)]
        tried = sum(trial_count(view) for view in sweeps)
        sections += [self._sweep(place, view, tried) for place, view in enumerate(sweeps, start=1)]
        if runs or sweeps:
            sentences = (tag("li", sentence) for sentence in CONVENTIONS)
            sections.append(_section("conventions", "How it is counted", tag("ul", *sentences)))
        body = tag("main", _header(title, facts), *sections, _footer())
        return _document(title, body, self.figures)

    def _run(self, place: int, view: RunView) -> Markup:
        notes = [tag("li", note) for note in view.notes]
        words = [(view.name, "equity")]
        if view.benchmark is not None:
            words.append((f"{view.benchmark_name}, from the same capital", "benchmark"))
        words.append(("Drawdown", "drawdown"))
        return _section(
            f"run-{place}",
            view.name,
            tables.parameters(view.params),
            tag("ul", *notes, class_="notes") if notes else Markup(),
            tables.headlines(view),
            self._figure(
                equity_figure(view),
                f"Equity of {view.name} over time, with its drawdown underneath",
                class_="equity",
                caption=_legend(words, scale=True),
            ),
            tag("h3", "Measures"),
            tables.measures(view),
            tag(
                "div",
                tag("div", tag("h3", "Round trips"), tables.round_trips(view)),
                tag("div", tag("h3", "Orders refused or trimmed"), tables.refusals(view)),
                class_="pair",
            ),
        )

    def _sweep(self, place: int, view: SweepView, trial_count_all: int) -> Markup:
        summary = SweepSummary(view)
        blocks = [
            tag(
                "p",
                f"{view.strategy}, {count(summary.combination_count)} combinations of "
                f"{', '.join(view.params)}, ranked by {summary.objective_label}.",
                class_="lead",
            ),
            tables.parameters(
                {f"best {name}": view.best[name] for name in view.params if name in view.best}
            ),
            _warning(summary, trial_count_all),
        ]
        if len(summary.values):
            blocks += [
                tag("div", *self._sweep_figures(summary), class_="pair wide-first"),
                tag("h3", "Best combinations"),
                tables.best_combinations(summary),
            ]
        blocks += [tag("h3", "What became of each"), tables.outcomes(summary)]
        return _section(f"sweep-{place}", view.name, *blocks)

    def _sweep_figures(self, summary: SweepSummary) -> list[Markup]:
        label = summary.objective_label
        grid = summary.grid()
        shown: list[Markup] = []
        if grid is not None:
            flat = len(grid.y.labels) == 1
            where = grid.x.name if flat else f"{grid.x.name} and {grid.y.name}"
            figure = parameter_line(grid, label) if flat else heat_map(grid, label)
            shown.append(
                self._figure(
                    figure,
                    f"{label} over {where}",
                    class_="heat",
                    heading=f"{label} over {where}",
                    caption=tag(
                        "figcaption",
                        _grid_note(grid, flat=flat),
                        Markup() if flat else _colour_key(shades(grid)),
                    ),
                )
            )
        middle, best = (
            ratio(float(value)) for value in (np.median(summary.values), np.max(summary.values))
        )
        shown.append(
            self._figure(
                distribution(summary),
                f"Distribution of {label}",
                class_="heat",
                heading=f"Distribution of {label}",
                caption=tag(
                    "figcaption",
                    f"{count(len(summary.values))} combinations with a result; the dotted lines are"
                    f" their median, {middle}, and their best, {best}.",
                ),
            )
        )
        return shown

    def _figure(
        self, figure: Figure, meaning: str, *, class_: str, caption: Markup, heading: str = ""
    ) -> Markup:
        name = f"figure-{len(self.figures) + 1}"
        self.figures[name] = figure
        plot = tag("div", id=name, class_=f"plot {class_}", role="img", aria_label=meaning)
        return tag("figure", tag("h3", heading) if heading else Markup(), caption, plot)


def _section(name: str, title: str, *blocks: Markup) -> Markup:
    return tag("section", tag("h2", title), *blocks, id=name)


def _header(title: str, facts: Mapping[str, str]) -> Markup:
    pairs = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()]
    shown = tag("dl", *pairs, class_="facts") if pairs else Markup()
    return tag("header", tag("p", "fanfold", class_="brand"), tag("h1", title), shown)


def _footer() -> Markup:
    return tag("footer", tag("p", "Past results, simulated. Everything shown is inside this file."))


def _warning(summary: SweepSummary, trial_count_all: int) -> Markup:
    trials = count(summary.trial_count)
    text = (
        f"The best of {trials} trials is the luckiest of {trials}. Its"
        f" {summary.objective_label} is raw: nothing was taken off for having looked so often,"
        " and on new data it should be expected to do worse."
    )
    if trial_count_all > summary.trial_count:
        text += f" All sweeps on this page together are {count(trial_count_all)} trials."
    return tag("p", text, class_="warning", role="note")


def _grid_note(grid: Grid, *, flat: bool) -> str:
    note = "Each point" if flat else "Each cell"
    if grid.others:
        note += f" is the best over {' and '.join(grid.others)}."
    elif grid.x.binned or grid.y.binned:
        note += " is the best of the combinations that fall into it."
    else:
        note += " is one combination."
    return note if flat else note + " The ring marks the best; blank is without a result."


def _colour_key(colours: Shades) -> Markup:
    ramp = ", ".join(f"var(--heat-{name})" for name in colours.names)
    return tag(
        "span",
        ratio(colours.lowest),
        tag("i", style=f"background: linear-gradient(to right, {ramp})", aria_hidden="true"),
        ratio(colours.highest),
        class_="key",
    )


def _legend(words: list[tuple[str, str]], *, scale: bool) -> Markup:
    shown = [tag("span", tag("i", class_=role, aria_hidden="true"), text) for text, role in words]
    if scale:
        shown.append(tag("button", "Log scale", type="button", aria_pressed="false"))
    return tag("figcaption", *shown, class_="legend")


def _document(title: str, body: Markup, figures: Mapping[str, Figure]) -> str:
    scripts: list[str] = []
    if figures:
        from plotly.offline import get_plotlyjs

        scripts = [get_plotlyjs(), _own("page.js")]
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts) or "'none'"
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline';"
        " img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    values = json.dumps(figures, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    head = together(
        [
            Markup('<meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="color-scheme" content="light dark">'),
            tag("title", title),
            tag("style", Markup(_own("page.css"))),
        ]
    )
    data = tag(
        "script", Markup(values.replace("<", "\\u003c")), type="application/json", id="figures"
    )
    tail = together([data, *(tag("script", Markup(script)) for script in scripts)])
    page = tag(
        "html", tag("head", head), tag("body", body, tail if figures else Markup()), lang="en"
    )
    return f"<!doctype html>\n{page}\n"


def _own(name: str) -> str:
    return (files("fanfold.reporting") / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
