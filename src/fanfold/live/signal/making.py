"""From a plan to what decides: the strategy, its terms, its assets, its calendar."""

import importlib
import inspect
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

import fanfold.strategies
from fanfold.domain.money import MICRO
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.spec import Terms, code_hash
from fanfold.engine.stepper import Stepper
from fanfold.engine.universe import Universe
from fanfold.errors import ConfigError
from fanfold.execution.costs import Costs
from fanfold.live.folder import Folder
from fanfold.live.plan import Plan
from fanfold.live.signal.models import with_model
from fanfold.live.signal.moments import panel_calendar
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure, Sizing
from fanfold.strategies.strategy import Strategy

EQUITY: Final = "us_equity"

CASH: Final = 100_000.0
"""Starting cash where a job states none [currency]."""


class _Account(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    cash: float = CASH
    leverage: float = 1.0
    venue: str = "alpaca"


class _Job(BaseModel):
    """What of a job decides; the rest of it is for others."""

    model_config = ConfigDict(frozen=True)

    account: _Account = _Account()
    costs: Costs = Costs()
    limits: Limits = Limits()
    sizing: Sizing = Exposure()
    options: FillOptions = FillOptions()


def terms_from(plan: Plan) -> Terms:
    """The terms of a plan's job.

    Raises:
        ConfigError: One of them is none.
    """
    try:
        job = _Job.model_validate(plan.job)
    except ValidationError as error:
        raise ConfigError(f"a plan's job must be one: {_first(error)}") from None
    return terms_of(
        cash=job.account.cash,
        costs=job.costs,
        limits=job.limits,
        sizing=job.sizing,
        venue=job.account.venue,
        options=job.options,
        leverage=job.account.leverage,
    )


def calendar_of(plan: Plan) -> str:
    """The calendar that the plan's bars follow together.

    Raises:
        ConfigError: The plan holds no sessions of it.
    """
    return panel_calendar([asset.calendar for asset in plan.assets], plan.sessions)


def exits_rest(plan: Plan) -> bool:
    """Whether stops and targets rest at the venue, which takes them for whole shares only."""
    whole = all(one.asset_class == EQUITY and one.parts == 1 for one in plan.assets)
    return whole and plan.settings.execution.protect


def universe_from(plan: Plan, terms: Terms) -> Universe:
    """The assets of a plan, as the step takes them."""
    assets = plan.assets
    return Universe(
        symbols=plan.symbols,
        calendars=tuple(one.calendar for one in assets),
        parts=tuple(one.parts for one in assets),
        shortable=tuple(one.shortable for one in assets),
        ticks=tuple((one.tick_coarse, one.tick_fine) for one in assets),
        calendar=calendar_of(plan),
        session_days=tuple(one.day for one in plan.sessions.get(calendar_of(plan), ())),
        least_notional=tuple(round(terms.least_notional(one.calendar) * MICRO) for one in assets),
    )


def strategy_from(plan: Plan, folder: Folder) -> Strategy:
    """The strategy of a plan, with its model if it has one.

    Raises:
        ConfigError: There is none of that name, a parameter is out of bounds, or its
            decision is not the one that the plan was made with.
        DataError: Its model is not there, or is damaged.
    """
    kind = _class_of(plan.strategy)
    try:
        strategy = kind(**plan.params)
    except ValidationError as error:
        raise ConfigError(f"{plan.strategy} must have its parameters: {_first(error)}") from None
    found = code_hash(strategy)
    if found != plan.code_hash:
        raise ConfigError(
            f"{plan.strategy} must decide as when the deployment was made (code "
            f"{plan.code_hash[:12]}), its code is {found[:12]}: bring up a new deployment"
        )
    return with_model(folder, strategy)


def stepper_from(plan: Plan, folder: Folder) -> Stepper:
    """What decides, before its first bar.

    Raises:
        ConfigError, DataError: As in `terms_from` and `strategy_from`.
    """
    terms = terms_from(plan)
    return Stepper(
        strategy_from(plan, folder),
        universe_from(plan, terms),
        terms,
        machine=plan.settings.host.machine,
        resting_exits=exits_rest(plan),
    )


def _class_of(name: str) -> type[Strategy]:
    place, colon, class_name = name.rpartition(":")
    if colon:
        try:
            found: Any = getattr(importlib.import_module(place), class_name, None)
        except ImportError as error:
            raise ConfigError(f"a strategy's module must be importable, {error}") from None
    else:
        known = name in fanfold.strategies.__all__
        found = getattr(fanfold.strategies, name) if known else None
    if isinstance(found, type) and issubclass(found, Strategy) and not inspect.isabstract(found):
        return found
    raise ConfigError(f"strategy must be one of fanfold's or module:Class, was {name!r}")


def _first(error: ValidationError) -> str:
    said = error.errors()[0]
    return f"{'.'.join(map(str, said['loc']))}: {said['msg']}"
