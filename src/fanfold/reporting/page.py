"""One report as one HTML file that needs nothing else: which sections, in which order."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fanfold.reporting.html.document import document, written
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, tag
from fanfold.reporting.risk_views import RiskView
from fanfold.reporting.sections.comparison import (
    calendar_blocks,
    curve_blocks,
    glance,
    relation_blocks,
)
from fanfold.reporting.sections.evidence import evidence_blocks
from fanfold.reporting.sections.folds import explored_folds, folds_blocks
from fanfold.reporting.sections.returns import drawdown_blocks, returns_blocks
from fanfold.reporting.sections.risk.parts import Part, risk_parts
from fanfold.reporting.sections.robustness import robustness_blocks
from fanfold.reporting.sections.run import summary_blocks
from fanfold.reporting.sections.study import explored_blocks, study_blocks
from fanfold.reporting.sections.sweep import sweep_blocks
from fanfold.reporting.sections.trading import cost_blocks, order_blocks, trip_blocks
from fanfold.reporting.studies import study_of_sweep
from fanfold.reporting.study_views import EvidenceView, FoldsView, StudyView
from fanfold.reporting.sweeps import trial_count
from fanfold.reporting.together import put_together
from fanfold.reporting.views import RunView, SweepView
from fanfold.reporting.words import CONVENTIONS

LEAD_FACTS = ("Assets", "Period", "Costs")
"""Facts that stand under the headline; all of them are at the end."""

Entry = tuple[str, str]
"""Id and title of a section, for the contents."""


def write_report(
    path: Path,
    *,
    title: str,
    runs: Sequence[RunView],
    sweeps: Sequence[SweepView],
    facts: Mapping[str, str],
    studies: Sequence[StudyView] = (),
    folds: Sequence[FoldsView] = (),
    risks: Sequence[RiskView] = (),
) -> Path:
    """Write a report; equal input gives equal bytes.

    Where any view comes with evidence, the page asks of it whether it is luck.

    Args:
        path: The file to write; missing folders are made.
        title: Its headline.
        runs: Backtests to show one by one.
        sweeps: Sweeps to show one by one.
        facts: What a reader needs to make the same results again: data and its
            fingerprint, period, costs, venue, seed, versions.
        studies: Tuned strategies to show one by one.
        folds: Walk-forwards and cross-validations to show one by one.
        risks: What was found of risk, shown before everything that it is about.

    Returns:
        The file.

    Raises:
        JobError: The file could not be written.
    """
    page = _Page(title, facts)
    for place, risk in enumerate(risks, start=1):
        page.risk(f"risk-{place}", risk, alone=len(risks) == 1)
    if len(runs) > 1:
        page.add("glance", "At a glance", [glance(runs, linked=True)])
    page.luck([*runs, *folds, *studies, *sweeps])
    if len(runs) > 1:
        page.compare(runs)
    for place, run in enumerate(runs, start=1):
        page.run(f"run-{place}", run, alone=len(runs) == 1)
    for place, fold in enumerate(folds, start=1):
        page.add(f"folds-{place}", _told(fold), folds_blocks(fold, page.gallery))
    for place, study in enumerate(studies, start=1):
        page.add(f"study-{place}", _told(study), study_blocks(study, page.gallery))
    tried = sum(trial_count(view) for view in sweeps)
    for place, view in enumerate(sweeps, start=1):
        blocks = sweep_blocks(view, tried, page.gallery)
        page.add(f"sweep-{place}", _told(view), blocks)
    counted = bool(runs or sweeps or studies or folds)
    return page.write(path, conventions=counted, scripted=len(runs) > 1)


def write_explorer(
    path: Path,
    *,
    title: str,
    studies: Sequence[StudyView] = (),
    sweeps: Sequence[SweepView] = (),
    folds: Sequence[FoldsView] = (),
) -> Path:
    """Write a page for looking through trials and folds; equal input gives equal bytes.

    It has fewer words than a report and more to choose from.

    Args:
        path: The file to write; missing folders are made.
        title: Its headline.
        studies: Tuned strategies.
        sweeps: Sweeps.
        folds: Walk-forwards and cross-validations.

    Returns:
        The file.

    Raises:
        JobError: The file could not be written.
    """
    page = _Page(title, {})
    page.luck([*folds, *studies, *sweeps])
    seen = [study_of_sweep(view) for view in sweeps]
    for place, study in enumerate([*studies, *seen], start=1):
        what = "tuning" if place <= len(studies) else "sweep"
        blocks = explored_blocks(study, page.gallery)
        page.add(f"explore-{place}", _called(study.name, what), blocks)
    for place, fold in enumerate(folds, start=1):
        blocks = explored_folds(fold, page.gallery)
        page.add(f"folds-{place}", _told(fold), blocks)
    return page.write(path, conventions=False, scripted=False)


def write_comparison(
    path: Path, title: str, runs: Sequence[RunView], facts: Mapping[str, str]
) -> Path:
    """Write a page that sets runs beside each other; equal input gives equal bytes.

    Args:
        path: The file to write; missing folders are made.
        title: Its headline.
        runs: Backtests of any strategies, data and periods.
        facts: What a reader needs to make the same results again.

    Returns:
        The file.

    Raises:
        JobError: The file could not be written.
    """
    page = _Page(title, facts)
    page.add("glance", "Measures", [glance(runs, linked=False)])
    page.luck(runs)
    if runs:
        page.compare(runs)
    return page.write(path, conventions=True, scripted=True)


class _Page:
    """Sections as they are added, and the figures that they ask for."""

    def __init__(self, title: str, facts: Mapping[str, str]) -> None:
        self.gallery = Gallery()
        self._title, self._facts = title, facts
        self._sections: list[Markup] = []
        self._contents: list[Entry] = []

    def add(
        self,
        name: str,
        title: str,
        blocks: Sequence[Markup],
        *,
        entry: str | None = None,
        starts_page: bool = False,
    ) -> None:
        """One section; without an entry of its own the contents take its title."""
        class_ = {"class_": "starts-page"} if starts_page else {}
        self._sections.append(tag("section", tag("h2", title), *blocks, id=name, **class_))
        if entry != "":
            self._contents.append((name, entry or title))

    def run(self, name: str, view: RunView, *, alone: bool) -> None:
        """All sections of one run; beside others, only its first is in the contents."""
        blocks = summary_blocks(view, self.gallery)
        entry = "Summary" if alone else view.name
        self.add(name, view.name, blocks, entry=entry, starts_page=not alone)
        parts: dict[str, Part] = {"robustness": ("Will it hold", robustness_blocks(view))}
        if view.risk is not None:
            found = risk_parts(view.risk, self.gallery)
            parts |= {f"risk-{part}": shown for part, shown in found.items()}
        parts |= {
            "returns": ("Returns", returns_blocks(view, self.gallery)),
            "drawdowns": ("Drawdowns", drawdown_blocks(view, self.gallery)),
            "trips": ("Round trips", trip_blocks(view, self.gallery)),
            "costs": ("Exposure and costs", cost_blocks(view, self.gallery)),
            "orders": ("Orders", order_blocks(view)),
        }
        self._parts(name, view.name, parts, alone=alone)

    def risk(self, name: str, view: RiskView, *, alone: bool) -> None:
        """All that was found of the risk of one thing; of several, each has one entry."""
        parts = risk_parts(view, self.gallery)
        self._parts(name, view.title, parts, alone=alone, entry=f"{view.title}: risk")

    def _parts(
        self, name: str, what: str, parts: Mapping[str, Part], *, alone: bool, entry: str = ""
    ) -> None:
        """Sections that are not empty; beside others each says whose it is.

        Of those, only the first is in the contents, as `entry`, if that is not empty.
        """
        shown = {part: held for part, held in parts.items() if held[1]}
        for place, (part, (title, blocks)) in enumerate(shown.items()):
            told = title if alone else f"{what}: {title[0].lower()}{title[1:]}"
            listed = None if alone else entry if place == 0 else ""
            self.add(f"{name}-{part}", told, blocks, entry=listed)

    def luck(self, views: Sequence[RunView | FoldsView | StudyView | SweepView]) -> None:
        """Asks of all that come with evidence whether they are luck."""
        found = [
            EvidenceView(name=_told(view), evidence=view.evidence)
            for view in views
            if view.evidence is not None
        ]
        if found:
            self.add("luck", "Is it luck?", evidence_blocks(found))

    def compare(self, runs: Sequence[RunView]) -> None:
        """Several runs in common figures and tables."""
        found = put_together(runs)
        self.add("curves", "Equity and drawdowns", curve_blocks(found, self.gallery))
        self.add("relations", "Correlation and risk", relation_blocks(runs, found, self.gallery))
        self.add("calendar", "Year by year", calendar_blocks(found))

    def write(self, path: Path, *, conventions: bool, scripted: bool) -> Path:
        """The whole as a file."""
        if conventions:
            sentences = (tag("li", sentence) for sentence in CONVENTIONS)
            self.add("conventions", "How it is counted", [tag("ul", *sentences)], entry="Counting")
        if self._facts:
            pairs = [tag("div", tag("dt", k), tag("dd", v)) for k, v in self._facts.items()]
            shown = [tag("dl", *pairs, class_="facts")]
            self.add("facts", "What it was run on", shown, entry="Terms")
        body = tag("main", self._header(), *self._sections, _footer())
        return written(path, document(self._title, body, self.gallery.figures, scripted=scripted))

    def _header(self) -> Markup:
        lead = " · ".join(self._facts[name] for name in LEAD_FACTS if name in self._facts)
        links = [tag("a", title, href=f"#{name}") for name, title in self._contents]
        return tag(
            "header",
            tag("p", "fanfold", class_="brand"),
            tag("h1", self._title),
            tag("p", lead, class_="lead") if lead else Markup(),
            tag("nav", *links, aria_label="Contents") if len(links) > 1 else Markup(),
        )


def _told(view: RunView | FoldsView | StudyView | SweepView) -> str:
    if isinstance(view, RunView):
        return view.name
    if isinstance(view, FoldsView):
        return _called(view.name, view.kind)
    return _called(view.name, "tuning" if isinstance(view, StudyView) else "sweep")


def _called(name: str, what: str) -> str:
    """A name that says what it is, if it does not say so itself."""
    return name if what.lower() in name.lower() else f"{name}: {what}"


def _footer() -> Markup:
    return tag("footer", tag("p", "Past results, simulated. Everything shown is inside this file."))
