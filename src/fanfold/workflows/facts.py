"""What anybody needs to make the same results again, as text and as tags."""

import platform
from typing import Any

import fanfold
from fanfold.domain.bars import Bars
from fanfold.engine.spec import Terms
from fanfold.engine.timeline import timeline_of
from fanfold.market.sample import CHOSEN_WITH_HINDSIGHT, SAMPLE
from fanfold.settings import Settings


def facts_of(settings: Settings, bars: Bars, terms: Terms) -> dict[str, str]:
    """Data, period, costs, venue and versions, for the head of a report."""
    options = {
        name: value
        for name, value in terms.options.model_dump().items()
        if value != type(terms.options).model_fields[name].default
    }
    return {
        "Data": bars.source or settings.data.source,
        "Assets": ", ".join(bars.symbols),
        "Period": f"{_day(bars, 0)} to {_day(bars, -1)}, {bars.bar_count:,} bars",
        "Price basis": bars.basis.replace("_", " "),
        "Calendar": f"{bars.calendar}, ratios by {bars.periods_per_year} sessions a year",
        "Benchmark": timeline_of(bars).benchmark_name,
        "Cash": f"{terms.cash / 1e6:,.0f}",
        "Leverage": f"{terms.leverage:g}",
        "Costs": f"commission {terms.costs.commission_bps:g} bps, "
        f"slippage {terms.costs.slippage_bps:g} bps",
        "Limits": _listed(terms.limits.model_dump(exclude_none=True)) or "none",
        "Sizing": _listed(terms.sizing.model_dump()),
        "Venue": terms.venue.name,
        "Options": _listed(options) or "defaults: orders fill at the next open",
        "Seed": str(settings.run.seed),
        "Data fingerprint": bars.fingerprint[:16],
        "Versions": f"fanfold {fanfold.__version__}, Python {platform.python_version()}",
    }


def notes_of(settings: Settings) -> list[str]:
    """What a reader of any result of this job must know."""
    return [CHOSEN_WITH_HINDSIGHT] if settings.data.source == SAMPLE else []


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
