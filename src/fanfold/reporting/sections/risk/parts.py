"""All that is said of the risk of one thing, in the order in which it is asked."""

from collections.abc import Mapping, Sequence

from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, tag
from fanfold.reporting.risk_views import RiskView
from fanfold.reporting.sections.risk.paths import paths_blocks
from fanfold.reporting.sections.risk.simulated import simulated_blocks
from fanfold.reporting.sections.risk.sizing import sizing_blocks
from fanfold.reporting.sections.risk.stress import stress_blocks
from fanfold.reporting.sections.risk.trips import redrawn_blocks
from fanfold.reporting.sections.risk.value_at_risk import forecast_blocks

Part = tuple[str, Sequence[Markup]]
"""Title and content of a section."""


def risk_parts(view: RiskView, gallery: Gallery) -> Mapping[str, Part]:
    """Sections by the ends of their ids; what is missing has none.

    Notes stand in the first, and in one of their own where there is no other.
    """
    parts: dict[str, Part] = {
        "paths": ("What may come", paths_blocks(view, gallery)),
        "simulated": ("On prices that never were", simulated_blocks(view, gallery)),
        "redrawn": ("Round trips drawn again", redrawn_blocks(view, gallery)),
        "forecasts": ("Value at risk, tested", forecast_blocks(view, gallery)),
        "stress": ("In crises and under shocks", stress_blocks(view, gallery)),
        "sizing": ("How large a stake", sizing_blocks(view, gallery)),
    }
    shown = {name: part for name, part in parts.items() if part[1]}
    if view.notes:
        notes = tag("ul", *(tag("li", note) for note in view.notes), class_="notes")
        first = next(iter(shown), "notes")
        title, blocks = shown.get(first, ("Risk", ()))
        shown[first] = (title, [notes, *blocks])
    return shown
