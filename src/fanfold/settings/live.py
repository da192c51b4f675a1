"""One live deployment, as a tree of settings."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fanfold.engine.options import FillOptions
from fanfold.execution.costs import Costs
from fanfold.live.settings import LiveSettings
from fanfold.risk.limits import Limits
from fanfold.settings.gates import GatesSettings
from fanfold.settings.sections import (
    AccountSettings,
    Section,
    StrategySettings,
    TrackSettings,
)
from fanfold.strategies.sizing import Exposure, Sizing
from fanfold.venue.settings import VenueSettings


class LiveDataSettings(Section):
    """What is traded, and which bars a strategy has seen before the first live one.

    Attributes:
        symbols: Assets, in their order; coins as BTC/USD.
        warm_up: "venue" asks the broker, "sample" takes the packaged days; else the folder
            of a store, or a file.
        warm_up_bars: Bars before the first live one; indicators remember all of them.
        timeframe: Of a store.
    """

    symbols: list[str] = Field(min_length=1, max_length=10_000)
    warm_up: str = "venue"
    warm_up_bars: int = Field(default=500, ge=1, le=1_000_000)
    timeframe: str | None = None

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        if len(set(self.symbols)) < len(self.symbols):
            raise ValueError(f"symbols must differ, were {', '.join(self.symbols)}")
        return self


class LiveJob(Section):
    """One deployment: one strategy on one account.

    Attributes:
        job: "live".
        deployment: Its name; orders, journals and latches go by it.
        strategy: What decides: a shipped one by name, or package.module:Class.
        model: Where a fitted strategy is: runs:/ID/NAME, or the id of its run.
        data: What it trades and remembers.
        account, costs, limits, sizing, options: As in a backtest.
        live: What only live trading has.
        venue: The local venue, where `live.broker.at` is "local".
        gates: What it must have shown before it may trade real money.
    """

    job: Literal["live"]
    deployment: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    strategy: StrategySettings
    model: str = ""
    data: LiveDataSettings
    account: AccountSettings = AccountSettings()
    costs: Costs = Costs()
    limits: Limits = Limits()
    sizing: Sizing = Exposure()
    options: FillOptions = FillOptions()
    live: LiveSettings = LiveSettings()
    venue: VenueSettings = VenueSettings(port=0)
    track: TrackSettings = TrackSettings()
    gates: GatesSettings = GatesSettings()
