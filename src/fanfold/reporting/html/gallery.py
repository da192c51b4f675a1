"""The figures of a page, collected as its sections ask for them."""

from collections.abc import Sequence

import numpy as np

from fanfold.reporting.figures.plot import Figure, Floats
from fanfold.reporting.html.markup import Markup, tag

DECADES_SPAN = 10.0
"""Values whose highest is so many times their lowest are first shown on a log scale [1]."""


class Gallery:
    """Figures by the id of the box that each is drawn in."""

    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}

    def show(
        self,
        figure: Figure,
        *,
        meaning: str,
        reading: str | Markup,
        heading: str = "",
        size: str = "middle",
        legend: Sequence[tuple[str, str]] = (),
        log_scale: Floats | None = None,
        width_px_min: int = 0,
    ) -> Markup:
        """Take a figure in, and give the element that shows it.

        Args:
            figure: What Plotly draws.
            meaning: What it shows, for those who do not see it.
            reading: The sentence that says how to read it.
            heading: Its title.
            size: Class of the box: "tall", "heat", "middle" or "low".
            legend: Text and class of each colour.
            log_scale: Values that a reader may look at on a logarithmic scale.
            width_px_min: Where the screen is narrower than this, the figure scrolls in
                its box [px].
        """
        name = self._named(figure)
        marks = [
            tag("span", tag("i", class_=role, aria_hidden="true"), text) for text, role in legend
        ]
        if log_scale is not None:
            marks.append(_log_button(log_scale))
        return tag(
            "figure",
            tag("h3", heading) if heading else Markup(),
            tag("figcaption", reading),
            tag("div", *marks, class_="legend") if marks else Markup(),
            _box(name, size, meaning, width_px_min),
        )

    def choose(
        self,
        figures: Sequence[tuple[str, Figure]],
        *,
        what: str,
        meaning: str,
        reading: str | Markup,
        heading: str,
        legend: Sequence[tuple[str, str]] = (),
        log_scale: Floats | None = None,
        size: str = "middle",
    ) -> Markup:
        """Take several figures in, of which a reader chooses one to look at.

        Args:
            figures: Each with the word it is chosen by; the first is shown.
            what: What is chosen, such as "Asset".
            meaning: What a figure shows, for those who do not see it.
            reading: The sentence that says how to read it.
            heading: Title above the choice.
            legend: Text and class of each colour.
            log_scale: Values that a reader may look at on a logarithmic scale.
            size: Class of the box, as of one figure.
        """
        name = self._named({"choices": [figure for _, figure in figures]})
        options = [tag("option", word, value=str(place)) for place, (word, _) in enumerate(figures)]
        marks = [
            tag("span", tag("i", class_=role, aria_hidden="true"), text) for text, role in legend
        ]
        choice = tag("label", f"{what} ", tag("select", *options, autocomplete="off"))
        if log_scale is not None:
            marks.append(_log_button(log_scale))
        return tag(
            "figure",
            tag("h3", heading),
            tag("figcaption", reading),
            tag("div", choice, *marks, class_="legend"),
            _box(name, size, meaning, 0),
        )

    def _named(self, figure: Figure) -> str:
        name = f"figure-{len(self.figures) + 1}"
        self.figures[name] = figure
        return name


def _box(name: str, size: str, meaning: str, width_px_min: int) -> Markup:
    attributes = {"id": name, "class_": f"plot {size}", "role": "img", "aria_label": meaning}
    if not width_px_min:
        return tag("div", **attributes)
    box = tag("div", **attributes, style=f"--least: {width_px_min}px")
    return tag("div", box, class_="scroll", tabindex="0")


def _log_button(values: Floats) -> Markup:
    known = values[np.isfinite(values)]
    wide = len(known) > 0 and 0.0 < float(known.min()) * DECADES_SPAN < float(known.max())
    pressed = "true" if wide else "false"
    return tag("button", "Log scale", type="button", class_="log", aria_pressed=pressed)
