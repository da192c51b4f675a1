"""The part of the data that nobody looks at: cut off before a job, sealed, opened once."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.period import day_text
from fanfold.errors import ConfigError
from fanfold.settings import Settings
from fanfold.workflows.inputs import bars_for, checked_bars

SEALING = ("walk_forward", "study")
"""Jobs that may keep a holdout."""

BESIDE: dict[str, Any] = {
    "run": {"workers", "address"},
    **dict.fromkeys(("folder", "track", "report", "top"), True),
}
"""Settings that make no other study."""

NAME_CHARACTERS_MAX = 80
"""Of a study's name, before its digest [characters]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A market and the part of it that is kept back.

    Attributes:
        bars: What may be looked at; it holds nothing of the rest.
        first_day: First session of the rest [days since 1970-01-01].
        last_day: Last session of the rest [days since 1970-01-01].
    """

    bars: Bars
    first_day: int
    last_day: int


def study_name(settings: Settings) -> str:
    """What a study is called by whoever opens its holdout.

    Where it runs and what is kept of it does not count: else another experiment's name would
    be another look.
    """
    asked = settings.model_dump_json(exclude=BESIDE)
    names = [one.name.split(":")[-1] for one in settings.all_strategies]
    digest = hashlib.sha256(asked.encode()).hexdigest()[:8]
    return f"{'-'.join([settings.job, *names])[:NAME_CHARACTERS_MAX]}-{digest}"


def open_bars(settings: Settings) -> tuple[Bars, Kept | None]:
    """The bars of a job without its holdout, which is sealed before anything is run.

    Raises:
        ConfigError: The holdout leaves no bars, or bars of the job are sealed by a study.
    """
    from fanfold.tracking import check_unsealed, seal

    stated = settings.walk_forward.holdout
    if settings.job not in SEALING or stated is None:
        return checked_bars(settings), None
    kept = keep_back(bars_for(settings), stated)
    days = kept.bars.session_day
    check_unsealed(kept.bars.symbols, int(days[0]), int(days[-1]))
    seal(
        study_name(settings),
        kept.bars.symbols,
        kept.first_day,
        kept.last_day,
        {"settings": settings.model_dump(mode="json", exclude=BESIDE)},
    )
    return kept.bars, kept


def keep_back(bars: Bars, stated: float | date) -> Kept:
    """Cut the holdout off, at the beginning of a session.

    Args:
        bars: The whole market.
        stated: Bars at the end, a share of all below 1, or the first date.
    """
    first = _first_day(bars, stated)
    inside = bars.session_day < first
    if not inside.any() or inside.all():
        raise ConfigError(
            f"holdout must leave bars on both sides, was {stated} of {bars.bar_count} bars"
        )
    last_open = day_text(bars.session_day[inside][-1])
    return Kept(
        bars=bars.select(end=last_open),
        first_day=int(bars.session_day[~inside][0]),
        last_day=int(bars.session_day[-1]),
    )


def _first_day(bars: Bars, stated: float | date) -> int:
    if isinstance(stated, date):
        day = stated.date() if isinstance(stated, datetime) else stated
        return int(np.datetime64(day, "D").astype(np.int64))
    if isinstance(stated, bool):
        raise ConfigError(f"holdout must be bars, a share below 1, or a date, was {stated}")
    bar_count = round(stated * bars.bar_count) if isinstance(stated, float) else stated
    if not 0 < bar_count < bars.bar_count or (isinstance(stated, float) and stated >= 1.0):
        raise ConfigError(
            f"holdout must be bars, a share below 1, or a date, was {stated} of "
            f"{bars.bar_count} bars"
        )
    return int(bars.session_day[bars.bar_count - bar_count])
