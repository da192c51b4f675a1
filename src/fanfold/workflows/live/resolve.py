"""From a live job to a plan: everything settled once, and kept in the deployment's folder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fanfold.alpaca import Credentials, Secret
from fanfold.domain.calendars import DEFAULT_CALENDAR
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FRACTION_PARTS
from fanfold.engine.spec import Terms, code_hash, spec_hash
from fanfold.errors import ConfigError
from fanfold.execution.venue_rules import asset_class_of
from fanfold.live.folder import Folder
from fanfold.live.plan import Addresses, AssetPlan, Plan, read_plan, write_plan
from fanfold.live.settings import LiveSettings
from fanfold.settings.live import LiveJob
from fanfold.strategies.learning import LearningStrategy
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.live.addresses import (
    broker_addresses,
    checked_credentials,
    class_of_symbols,
    settled,
    venue_addresses,
)
from fanfold.workflows.live.history import feed_of, timeframe_of
from fanfold.workflows.live.local_venue import broker_now, start_venue
from fanfold.workflows.live.numbers import last_number
from fanfold.workflows.live.outside import check_reach, check_steps
from fanfold.workflows.live.past import Asked, past_bars, sessions_around, sessions_until
from fanfold.workflows.strategies import find_strategy, made
from fanfold.workflows.versions.standing import check_promoted

DECIDES: Final = ("strategy", "model", "data", "account", "costs", "limits", "sizing", "options")
"""Settings that a deployment keeps for its life: with others its state would be of another."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A job that can be brought up, as far as can be said without connecting.

    Attributes:
        job: As it was read.
        settings: Of live trading, with the feed that is meant.
        strategy: What decides.
        terms: Of its account.
        asset_class: Of all assets.
        addresses: Of the broker; None where a local venue is to be started.
        keys: Of the account; None for that venue's.
    """

    job: LiveJob
    settings: LiveSettings
    strategy: Strategy
    terms: Terms
    asset_class: str
    addresses: Addresses | None
    keys: Credentials | None

    @property
    def calendar(self) -> str:
        """Of all assets."""
        return calendar_for(self.asset_class)


def calendar_for(asset_class: str) -> str:
    """The calendar of a class of assets."""
    return ROUND_THE_CLOCK if asset_class == "crypto" else DEFAULT_CALENDAR


def checked(job: LiveJob) -> Checked:
    """Settle what can be settled without connecting.

    Raises:
        ConfigError: The strategy is unknown, keys are missing, settings do not go together, or
            real money is meant for a version that is not promoted.
    """
    asset_class = class_of_symbols(job.data.symbols)
    settings = settled(job.live, asset_class)
    if job.data.warm_up == "venue":
        timeframe_of(settings.market.bar_seconds)
    addresses, keys = None, None
    if settings.broker.at != "local":
        addresses, keys = broker_addresses(settings), checked_credentials(settings.broker)
    elif settings.broker.rest_url is not None:
        addresses, keys = _own_venue(settings), checked_credentials(settings.broker)
    strategy, terms = _strategy_of(job), _terms_of(job)
    if settings.broker.at == "live":
        check_promoted(job)
    check_steps(strategy, terms, job.data.symbols, calendar_for(asset_class))
    return Checked(
        job=job,
        settings=settings,
        strategy=strategy,
        terms=terms,
        asset_class=asset_class,
        addresses=addresses,
        keys=keys,
    )


def resolve(folder: Folder, found: Checked, say: Say) -> Plan:
    """Make the plan of a deployment, or take up the one that is there.

    A venue on this machine is started here, since only it knows where it is and what its
    past holds.

    Args:
        folder: Of the deployment, made.
        found: The job.
        say: Told what takes long.

    Raises:
        InputError: Something cannot be had as the settings want it.
        RunError: The venue, the broker or a run's model does not answer.
    """
    before = read_plan(folder) if folder.plan.is_file() else None
    if before is not None:
        _check_the_same(before, found)
    addresses, keys = found.addresses, found.keys
    if addresses is None:
        say("starting the local venue")
        line = start_venue(folder, found.job.venue, found.job.data.symbols)
        addresses = venue_addresses(line, found.settings.broker, found.asset_class)
        account = found.job.venue.accounts[0]
        keys = Credentials(
            key_id=Secret(account.key), secret=Secret(account.secret.get_secret_value())
        )
    assert keys is not None  # noqa: S101  (both are settled together)
    if before is not None:
        plan = before.model_copy(
            update={
                "addresses": addresses,
                "settings": found.settings,
                "job": _plain(found.job),
                "sessions": sessions_until(before.sessions, broker_now(addresses.rest_url, keys)),
            }
        )
        write_plan(folder, plan)
        return plan
    say("fetching the bars before the first live one")
    plan = _made_plan(folder, found, addresses, keys)
    write_plan(folder, plan)
    return plan


def _made_plan(folder: Folder, found: Checked, addresses: Addresses, keys: Credentials) -> Plan:
    from fanfold.live.signal.warm_up import write_warm_up

    job, strategy = found.job, _fitted(folder, found)
    now = broker_now(addresses.rest_url, keys)
    asked = Asked(
        source=job.data.warm_up,
        symbols=tuple(job.data.symbols),
        count=job.data.warm_up_bars,
        bar_seconds=found.settings.market.bar_seconds,
        timeframe=job.data.timeframe,
        calendar=found.calendar,
        now=now,
    )
    bars = past_bars(
        asked,
        data_url=addresses.data_url,
        feed=feed_of(addresses.market_stream_url),
        keys=keys,
    )
    check_reach(found.terms, bars)
    write_warm_up(folder, bars)
    return Plan(
        deployment=job.deployment,
        assets=tuple(_asset(symbol, found) for symbol in job.data.symbols),
        strategy=job.strategy.name,
        params=job.strategy.params,
        model_uri=job.model,
        job=_plain(job),
        addresses=addresses,
        sessions={found.calendar: sessions_around(int(bars.ts[0]), now, found.calendar)},
        warm_up_bars=bars.bar_count,
        data_fingerprint=bars.fingerprint,
        spec_hash=spec_hash(strategy, found.terms, bars.fingerprint),
        code_hash=code_hash(strategy),
        made_at=time.time_ns(),
        numbered_from=last_number(folder),
        settings=found.settings,
    )


def _check_the_same(plan: Plan, found: Checked) -> None:
    """Refuse to go on with a deployment as if it were another."""
    now = _plain(found.job)
    changed = [name for name in DECIDES if plan.job.get(name) != now.get(name)]
    if changed:
        raise ConfigError(
            f"deployment {plan.deployment} must go on with its {', '.join(changed)}, which the "
            "configuration changes: name another deployment, or begin anew with --fresh"
        )
    if plan.settings.broker.at != found.settings.broker.at:
        raise ConfigError(
            f"deployment {plan.deployment} must stay at {plan.settings.broker.at}, its orders are "
            f"there, was {found.settings.broker.at}: name another deployment"
        )


def _plain(job: LiveJob) -> dict[str, Any]:
    """The job as plain values; the venue's made-up keys stay out of the plan too."""
    return job.model_dump(mode="json", exclude={"venue": {"accounts"}})


def _asset(symbol: str, found: Checked) -> AssetPlan:
    coarse, fine = found.terms.ticks(found.calendar)
    return AssetPlan(
        symbol=symbol,
        asset_class=asset_class_of(found.calendar),
        calendar=found.calendar,
        parts=FRACTION_PARTS if found.terms.fractional(found.calendar) else 1,
        tick_coarse=coarse,
        tick_fine=fine,
        shortable=found.terms.is_shortable(found.calendar),
        sector=found.job.limits.sectors.get(symbol, ""),
    )


def _strategy_of(job: LiveJob) -> Strategy:
    name = job.strategy.name
    if name.rpartition(":")[0].endswith(".py"):
        raise ConfigError(
            "a live strategy must be importable by every process, as package.module:Class, was "
            f"the file {name}"
        )
    strategy = made(find_strategy(name), job.strategy.params)
    if isinstance(strategy, LearningStrategy) != bool(job.model):
        needs = "needs `model`, the run that it was fitted in" if not job.model else "takes none"
        raise ConfigError(f"model must be there for strategies that learn; {name} {needs}")
    return strategy


def _terms_of(job: LiveJob) -> Terms:
    return terms_of(
        cash=job.account.cash,
        costs=job.costs,
        limits=job.limits,
        sizing=job.sizing,
        venue=job.account.venue,
        options=job.options,
        leverage=job.account.leverage,
    )


def _fitted(folder: Folder, found: Checked) -> Strategy:
    """The strategy with its model, which is put into the folder."""
    strategy = found.strategy
    if not isinstance(strategy, LearningStrategy):
        return strategy
    from fanfold.live.signal.models import write_model
    from fanfold.tracking import load_model

    uri = found.job.model
    if "/" not in uri:
        from fanfold.tracking import find_run

        uri = f"runs:/{find_run(uri).run_id}/model"
    fitted = load_model(uri, type(strategy))
    if fitted.model_dump() != strategy.model_dump():
        raise ConfigError(
            f"strategy.params must be those that the model was fitted with, {fitted.model_dump()}, "
            f"were {strategy.model_dump()}"
        )
    write_model(folder, fitted)
    return fitted


def _own_venue(settings: LiveSettings) -> Addresses:
    """A venue that somebody else runs."""
    broker = settings.broker
    given = {name: getattr(broker, name) for name in Addresses.model_fields}
    missing = [name for name, address in given.items() if address is None]
    if missing:
        raise ConfigError(
            "live.broker must name all addresses of a venue that runs already, left out "
            f"{', '.join(missing)}"
        )
    return Addresses(**given)
