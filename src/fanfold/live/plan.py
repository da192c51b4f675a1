"""What a deployment is: resolved once when it is brought up, then read by every component.

No secret stands in it. A component finds the keys itself, in the environment or the file of
secrets that its process was given.
"""

import hashlib
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from fanfold.errors import DataError
from fanfold.live.folder import Folder, write_durably
from fanfold.live.settings import LiveSettings

TAG_LENGTH: Final = 8
"""Letters of a deployment that begin each of its orders' ids."""


class Session(BaseModel):
    """One trading session of one calendar.

    Attributes:
        day: Its date [days since 1970-01-01].
        open_ts, close_ts: Its bounds [ns UTC].
        is_month_end: Whether it is the last of its month.
        nights: Calendar nights since the one before.
    """

    model_config = ConfigDict(frozen=True)

    day: int
    open_ts: int
    close_ts: int
    is_month_end: bool
    nights: int


class AssetPlan(BaseModel):
    """One asset: its names, its class, and what its orders must be.

    Attributes:
        symbol: As strategies and streams call it, such as AAPL or BTC/USD.
        asset_class: "us_equity" or "crypto".
        calendar: Name of its calendar, "24/7" for coins.
        parts: Lots in one unit.
        tick_coarse, tick_fine: Steps of order prices from one unit of currency on, and
            below [micro-units]; 0 for none.
        shortable: Whether it can be sold short.
        sector: For the limit on sectors, "" for none.
    """

    model_config = ConfigDict(frozen=True)

    symbol: str
    asset_class: str
    calendar: str
    parts: int
    tick_coarse: int
    tick_fine: int
    shortable: bool
    sector: str = ""


class Addresses(BaseModel):
    """Where the broker is."""

    model_config = ConfigDict(frozen=True)

    rest_url: str
    data_url: str
    market_stream_url: str
    trade_stream_url: str


class Plan(BaseModel):
    """A deployment, resolved.

    Attributes:
        deployment: Its name.
        assets: In the order of their numbers.
        strategy: Name of a known strategy, or "module:Class".
        params: Its parameters.
        model_uri: Where a fitted strategy came from, "" for none; it lies in the folder.
        job: The settings it was made from, as plain values, with `account`, `costs`,
            `limits`, `sizing` and `options` as in every job.
        addresses: Of the broker.
        sessions: Of each calendar that the assets trade on, from the warm-up's start on.
        warm_up_bars: Bars in the warm-up.
        data_fingerprint: Of the warm-up's bars.
        spec_hash, code_hash: Of strategy, terms and data; of the decision.
        made_at: When it was resolved [ns UTC].
        numbered_from: Number of the last intent before this plan: a version that takes over
            another's journal goes on from there, since an older number counts as known.
        settings: Of live trading.
    """

    model_config = ConfigDict(frozen=True)

    deployment: str
    assets: tuple[AssetPlan, ...]
    strategy: str
    params: dict[str, Any]
    model_uri: str = ""
    job: dict[str, Any]
    addresses: Addresses
    sessions: dict[str, tuple[Session, ...]]
    warm_up_bars: int
    data_fingerprint: str
    spec_hash: str
    code_hash: str
    made_at: int
    numbered_from: int = 0
    settings: LiveSettings

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the assets, in the order of their numbers."""
        return tuple(asset.symbol for asset in self.assets)

    @property
    def tag(self) -> str:
        """What the ids of this deployment's orders begin with, after ``ff-``."""
        return hashlib.sha256(self.deployment.encode()).hexdigest()[:TAG_LENGTH]


def write_plan(folder: Folder, plan: Plan) -> None:
    """Keep a plan in its folder."""
    write_durably(folder.plan, plan.model_dump_json(indent=1).encode())


def read_plan(folder: Folder) -> Plan:
    """The plan of a folder.

    Raises:
        DataError: There is none, or it is damaged.
    """
    try:
        return Plan.model_validate_json(folder.plan.read_bytes())
    except (OSError, ValueError) as error:  # not chained: it would repeat the content
        raise DataError(
            f"{folder.plan} must be a deployment's plan, is not: {type(error).__name__}"
        ) from None
