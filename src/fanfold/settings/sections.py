"""What every job may state: its data, strategy, account, and where it goes."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fanfold.engine.spec import CASH_MAX, LEVERAGE_MAX


class Section(BaseModel):
    """A part of the tree: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSettings(Section):
    """Which bars, as in `load_bars`: source, symbols, period, basis and what goes with them.

    `timeframe` and `universe` (a table of membership) are those of a store. `actions`,
    `members` and `columns` are files: splits and dividends by ex-date, spans of membership,
    further columns by the moment they were known. `calendar` is an exchange's or "24/7", for
    all or by symbol.
    """

    source: str = "sample"
    symbols: list[str] | None = None
    start: date | datetime | None = None
    end: date | datetime | None = None
    basis: Literal["raw", "split", "total_return"] | None = None
    stamp: Literal["start", "end", "session"] | None = None
    calendar: str | dict[str, str] | None = None
    timeframe: str | None = None
    universe: str | None = None
    actions: str | None = None
    delisted_at: dict[str, date] | None = None
    delisting_return: float | dict[str, float] = 0.0
    members: str | None = None
    columns: dict[str, str] = Field(default_factory=dict[str, str])


class StrategySettings(Section):
    """Which strategy, by name or as FILE.py:Class or package.module:Class.

    In a sweep a parameter may be `{range: [first, stop, step]}` (stop left out, as in
    Python) or `{values: [...]}`; a single value is the same for all. In a search it may
    also be `{between: [low, high]}`, and one that is not named has its own bounds.
    """

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


class AccountSettings(Section):
    """Starting cash [currency], leverage [1] and whose rules orders follow."""

    cash: float = Field(default=100_000, gt=0.0, le=CASH_MAX)
    leverage: float = Field(default=1.0, ge=1.0, le=LEVERAGE_MAX)
    venue: Literal["alpaca", "ideal"] = "alpaca"


class RunSettings(Section):
    """Where and how much: processors (0: this process), cluster, seed, random samples."""

    workers: int | None = Field(default=None, ge=0)
    address: str | None = None
    seed: int = Field(default=0, ge=0)
    samples: int | None = Field(default=None, ge=1)


class TrackSettings(Section):
    """Whether MLflow keeps the job, and in which experiment."""

    enabled: bool = True
    experiment: str = Field(default="fanfold", min_length=1)


class ReportSettings(Section):
    """Whether an HTML report is drawn, and printed as PDF beside it."""

    html: bool = True
    pdf: bool = False
