"""What a version is tested on: the bars, and the settings of research that its live job implies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.timeframe import SECOND_NS
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError
from fanfold.market.sample import SAMPLE
from fanfold.research.space import Space, space_of
from fanfold.settings import (
    DataSettings,
    RunSettings,
    SearchSettings,
    Settings,
    StrategySettings,
    WalkForwardSettings,
)
from fanfold.settings.live import LiveJob
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.inputs import checked_bars, terms_for
from fanfold.workflows.strategies import search_space
from fanfold.workflows.versions.version import Version, strategy_of, version_of

DAY_S: Final = 86_400
"""What the bar of a session counts as [s]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A version that is to be tested.

    Attributes:
        job: The live job that it is of.
        version: Its name and what goes into it.
        strategy: As it would trade, before it has learned anything.
        settings: Of its research.
        bars: What it is tested on.
        terms: Money, costs, limits and options.
        space: What a walk-forward searches; empty where there is nothing to choose.
    """

    job: LiveJob
    version: Version
    strategy: Strategy
    settings: Settings
    bars: Bars
    terms: Terms
    space: Space


def subject_of(job: LiveJob) -> Subject:
    """A live job as a version that can be tested.

    Raises:
        InputError: Bars are not named, not there, or sealed; or a setting is at fault.
    """
    strategy = strategy_of(job)
    space, params = _space(job, strategy)
    settings = _settings(job, params)
    bars = checked_bars(settings)
    return Subject(
        job=job,
        version=version_of(job, data=bars.fingerprint, seed=job.gates.seed),
        strategy=strategy,
        settings=settings,
        bars=bars,
        terms=terms_for(settings),
        space=space,
    )


def data_of(job: LiveJob) -> DataSettings:
    """The bars that a version is tested on: those stated, or what its warm-up comes from.

    Raises:
        ConfigError: They are not stated, and the warm-up comes from a broker.
    """
    stated, symbols = job.gates.data, job.data.symbols
    if stated is not None:
        return stated if stated.symbols else stated.model_copy(update={"symbols": symbols})
    if job.data.warm_up == SAMPLE:
        return DataSettings(source=SAMPLE, symbols=symbols)
    if job.data.warm_up != "venue":
        return DataSettings(source=job.data.warm_up, symbols=symbols, timeframe=job.data.timeframe)
    replay = job.venue.replay
    if job.live.broker.at != "local" or job.live.broker.rest_url is not None or replay.simulate:
        raise ConfigError(
            "gates.data must say which bars the version is tested on, such as a store that "
            "fanfold data ingest made; the broker's own past is too short"
        )
    return DataSettings(
        source=replay.source,
        symbols=symbols,
        start=replay.start,
        end=_before(replay.begin) or replay.end,
        timeframe=replay.timeframe,
        stamp=replay.stamp,
        calendar=replay.calendar,
    )


def bar_seconds_of(bars: Bars) -> int:
    """Length of the bars [s]; a session counts as `DAY_S`."""
    if bars.closes_session.all() or bars.bar_count < 2:  # noqa: PLR2004  (a length takes two)
        return DAY_S
    return round(float(np.median(np.diff(bars.ts))) / SECOND_NS)


def _space(job: LiveJob, strategy: Strategy) -> tuple[Space, dict[str, Any]]:
    """What is searched, and the parameters of the research: stated, own bounds, or fixed."""
    stated, _ = search_space(job.gates.walk_forward.space)
    kind, own = type(strategy), strategy.model_dump()
    fixed: dict[str, Any] = {}
    for name in kind.model_fields:
        if name not in stated and not _is_bounded(kind, name, own):
            fixed[name] = own[name]
    if len(fixed) == len(kind.model_fields):
        return (), fixed
    params: dict[str, Any] = {**fixed, **job.gates.walk_forward.space}
    return space_of(kind, stated, fixed), params


def _is_bounded(kind: type[Strategy], name: str, own: Mapping[str, Any]) -> bool:
    """Whether a parameter could be searched by the strategy's own bounds."""
    try:
        space_of(kind, None, {other: own[other] for other in own if other != name})
    except ConfigError:
        return False
    return True


def _settings(job: LiveJob, params: Mapping[str, Any]) -> Settings:
    walk = job.gates.walk_forward
    return Settings(
        job="walk_forward",
        data=data_of(job),
        strategy=StrategySettings(name=job.strategy.name, params=dict(params)),
        account=job.account,
        costs=job.costs,
        limits=job.limits,
        sizing=job.sizing,
        options=job.options,
        search=SearchSettings(sampler=walk.sampler, trials=walk.trials),
        walk_forward=WalkForwardSettings(
            train=walk.train,
            test=walk.test,
            anchored=walk.anchored,
            purge=walk.purge,
            embargo=walk.embargo,
        ),
        run=RunSettings(workers=job.gates.workers, seed=job.gates.seed),
        track=job.track,
        objective=walk.objective,
        folder=Path("runs"),
    )


def _before(begin: date | datetime | None) -> date | datetime | None:
    """The last day before a replay: what it rehearses on was not tested on."""
    if begin is None:
        return None
    day = begin.date() if isinstance(begin, datetime) else begin
    return date.fromordinal(day.toordinal() - 1)
