"""What anybody needs to make the same results again, as text and as tags."""

import platform
from typing import Any

import fanfold
from fanfold.domain.bars import Bars
from fanfold.engine.spec import Terms
from fanfold.engine.timeline import timeline_of
from fanfold.market.sample import CHOSEN_WITH_HINDSIGHT, SAMPLE
from fanfold.settings import Settings

NAMED_MAX = 4
"""Strategies that a title names [strategies]."""

SAMPLE_ORIGIN = "bokeh-sampledata"
"""How the source of the packaged sample's bars begins, as its dataset states it."""


def title_of(settings: Settings) -> str:
    """What a job is called, by its strategies."""
    strategies = [asked.name.split(":")[-1] for asked in settings.all_strategies]
    many = len(strategies) > NAMED_MAX
    names = f"{len(strategies)} strategies" if many else ", ".join(strategies)
    return f"{names}: {settings.job.replace('_', ' ')}"


def facts_of(settings: Settings, bars: Bars, terms: Terms) -> dict[str, str]:
    """What the report of a job tells of its run: that of any run, its source and its seed."""
    facts = facts_of_run(bars, terms)
    return {
        **facts,
        "Data": facts["Data"] or settings.data.source,
        "Seed": str(settings.run.seed),
    }


def facts_of_run(bars: Bars, terms: Terms) -> dict[str, str]:
    """Data, period, costs, venue and versions, for a report of any run."""
    options = terms.options.model_dump(exclude_defaults=True)
    events = [
        name
        for name in ("splits", "dividends", "members", "delisted_day")
        if getattr(bars, name) is not None
    ]
    return {
        "Data": bars.source,
        "Assets": ", ".join(bars.symbols),
        "Period": f"{_day(bars, 0)} to {_day(bars, -1)}, {bars.bar_count:,} bars",
        "Price basis": bars.basis.replace("_", " "),
        "Calendar": f"{', '.join(dict.fromkeys(bars.calendars))}, "
        f"ratios by {bars.periods_per_year} sessions a year",
        "Benchmark": timeline_of(bars).benchmark_name,
        "Cash": f"{terms.cash / 1e6:,.0f}",
        "Leverage": f"{terms.leverage:g}",
        "Booked events": ", ".join(events).replace("_day", "") or "none in these bars",
        "Costs": _listed(terms.costs.model_dump(exclude_defaults=True)) or "none",
        "Limits": _listed(terms.limits.model_dump(exclude_defaults=True)) or "none",
        "Sizing": _listed(terms.sizing.model_dump()),
        "Venue": f"{terms.venue.name}, orders work {terms.time_in_force(bars.calendars)}, "
        f"maintenance margin {_maintenance(terms):.0%}",
        "Options": _listed(options) or "defaults",
        "Data fingerprint": bars.fingerprint[:16],
        "Versions": f"fanfold {fanfold.__version__}, Python {platform.python_version()}",
    }


def _maintenance(terms: Terms) -> float:
    own = terms.options.maintenance_margin
    return terms.venue.maintenance_margin if own is None else own


def notes_of(settings: Settings) -> list[str]:
    """What a reader of any result of this job must know."""
    return [CHOSEN_WITH_HINDSIGHT] if settings.data.source == SAMPLE else []


def notes_of_bars(bars: Bars) -> list[str]:
    """What a reader of any result on these bars must know."""
    return [CHOSEN_WITH_HINDSIGHT] if bars.source.startswith(SAMPLE_ORIGIN) else []


def tags_of(settings: Settings, bars: Bars, code: str) -> dict[str, Any]:
    """Tags of a tracked run: data, code, seed and environment."""
    from fanfold.tracking import environment

    return {
        "data_fingerprint": bars.fingerprint,
        "code_hash": code,
        "seed": settings.run.seed,
        **environment(),
    }


def _day(bars: Bars, bar: int) -> str:
    return str(bars.session_day[bar].astype("datetime64[D]"))


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())
