"""Every setting of a job, as one tree; YAML files mirror it.

Configuration lives beside what it configures; here it is only put together, read
and, where it is wrong, explained by file, field and value.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from fanfold.engine.options import FillOptions
from fanfold.engine.spec import CASH_MAX, LEVERAGE_MAX
from fanfold.errors import ConfigError
from fanfold.execution.costs import Costs
from fanfold.research.search import Pruner, Sampler, checked_storage
from fanfold.research.spec import GENERATION_SIZE_MAX, SCORE_FOLDS_MAX
from fanfold.research.study import GENERATION_SIZE, OBJECTIVES_MAX, TRIALS_MAX
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure, Sizing

MANY = ("demo", "study")
"""Jobs that run several strategies."""

CONFIG_BYTES_MAX = 1_000_000
"""Largest configuration file that is read [bytes]."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSettings(_Section):
    """Which bars, as in `load_bars`: source, symbols, period, basis and what goes with them.

    `actions`, `members` and `columns` are files: splits and dividends by ex-date, spans of
    membership, further columns by the moment they were known. `calendar` is an exchange's
    or "24/7", for all or by symbol.
    """

    source: str = "sample"
    symbols: list[str] | None = None
    start: date | datetime | None = None
    end: date | datetime | None = None
    basis: Literal["raw", "split", "total_return"] | None = None
    stamp: Literal["start", "end", "session"] | None = None
    calendar: str | dict[str, str] | None = None
    actions: str | None = None
    delisted_at: dict[str, date] | None = None
    delisting_return: float | dict[str, float] = 0.0
    members: str | None = None
    columns: dict[str, str] = Field(default_factory=dict[str, str])


class StrategySettings(_Section):
    """Which strategy, by name or as FILE.py:Class or package.module:Class.

    In a sweep a parameter may be `{range: [first, stop, step]}` (stop left out, as in
    Python) or `{values: [...]}`; a single value is the same for all. In a search it may
    also be `{between: [low, high]}`, and one that is not named has its own bounds.
    """

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


class AccountSettings(_Section):
    """Starting cash [currency], leverage [1] and whose rules orders follow."""

    cash: float = Field(default=100_000, gt=0.0, le=CASH_MAX)
    leverage: float = Field(default=1.0, ge=1.0, le=LEVERAGE_MAX)
    venue: Literal["alpaca", "ideal"] = "alpaca"


class RunSettings(_Section):
    """Where and how much: processors (0: this process), cluster, seed, random samples."""

    workers: int | None = Field(default=None, ge=0)
    address: str | None = None
    seed: int = Field(default=0, ge=0)
    samples: int | None = Field(default=None, ge=1)


class SearchSettings(_Section):
    """How parameters are searched: by whom, for how long, and what makes one better.

    `objectives` are metrics, by default the job's `objective`; `constraints` are bounds of
    metrics; `folds` are stretches that a trial is scored on, between which `pruner` may give
    it up. `storage` is a database for Optuna's view of the study, without a password.
    """

    sampler: Sampler = "tpe"
    trials: int = Field(default=100, ge=1, le=TRIALS_MAX)
    generation: int = Field(default=GENERATION_SIZE, ge=1, le=GENERATION_SIZE_MAX)
    objectives: list[str] | None = Field(default=None, min_length=1, max_length=OBJECTIVES_MAX)
    constraints: dict[str, float] = Field(default_factory=dict[str, float])
    pruner: Pruner | None = None
    folds: int = Field(default=1, ge=1, le=SCORE_FOLDS_MAX)
    storage: str | None = None

    @field_validator("storage")
    @classmethod
    def _holds_no_secret(cls, address: str | None) -> str | None:
        try:
            return None if address is None else checked_storage(address)
        except ConfigError as error:
            raise ValueError(str(error)) from None


def _as_gap(value: Any) -> Any:
    """Bars as a number, time as `5d`, `12h` or `30min`."""
    if isinstance(value, float):
        value = str(value)  # a fraction of a bar is none, nor is it seconds
    if isinstance(value, str) and not value.startswith("P"):  # as a stored one is written
        found = re.fullmatch(r"(\d+) *(d|h|min)", value.strip())
        if found is None:
            raise ValueError("must be bars, or a time such as 5d, 12h or 30min")
        units = {"d": "days", "h": "hours", "min": "minutes"}
        return timedelta(**{units[found[2]]: int(found[1])})
    return value


GapSetting = Annotated[int | timedelta, BeforeValidator(_as_gap)]
"""A distance in bars, or in time."""


class WalkForwardSettings(_Section):
    """Windows of a walk-forward [bars], gaps between them, and what is sealed at the end.

    `holdout` is the last bars, a share of all, or the date from which nobody looks; it is
    sealed when the job begins and `fanfold unseal` opens it once.
    """

    train: int = Field(default=504, ge=2)
    test: int = Field(default=126, ge=2)
    anchored: bool = False
    purge: GapSetting = 0
    embargo: GapSetting = 0
    carry_positions: bool = False
    holdout: int | float | date | None = None


class CrossValidationSettings(_Section):
    """Groups of consecutive bars, how many are tested at a time, and the gaps beside them."""

    groups: int = Field(default=10, ge=2, le=100)
    test_groups: int = Field(default=2, ge=1)
    purge: GapSetting = 0
    embargo: GapSetting = 0


class TrackSettings(_Section):
    """Whether MLflow keeps the job, and in which experiment."""

    enabled: bool = True
    experiment: str = Field(default="fanfold", min_length=1)


class ReportSettings(_Section):
    """Whether an HTML report is drawn, and printed as PDF beside it."""

    html: bool = True
    pdf: bool = False


class Settings(_Section):
    """One job.

    Attributes:
        job: What to do; a study tunes, walks forward and cross-validates.
        strategy: What to run; a demo or a study runs `strategies`.
        objective: Metric that ranks combinations; larger is better.
        top: Best combinations that are kept as runs of their own.
        folder: Where tables and reports go.
    """

    job: Literal["backtest", "sweep", "demo", "tune", "walk_forward", "cross_validate", "study"]
    data: DataSettings = DataSettings()
    strategy: StrategySettings | None = None
    strategies: list[StrategySettings] = Field(default_factory=list[StrategySettings])
    account: AccountSettings = AccountSettings()
    costs: Costs = Costs()
    limits: Limits = Limits()
    sizing: Sizing = Exposure()
    options: FillOptions = FillOptions()
    search: SearchSettings = SearchSettings()
    walk_forward: WalkForwardSettings = WalkForwardSettings()
    cross_validation: CrossValidationSettings = CrossValidationSettings()
    run: RunSettings = RunSettings()
    track: TrackSettings = TrackSettings()
    report: ReportSettings = ReportSettings()
    objective: str = "sharpe"
    top: int = Field(default=10, ge=1, le=100)
    folder: Path = Path("runs")

    @model_validator(mode="after")
    def _has_what_it_runs(self) -> Self:
        if self.job in MANY:
            if not self.strategies or self.strategy is not None:
                raise ValueError(f"a {self.job} needs `strategies`, a list, and no `strategy`")
        elif self.strategy is None or self.strategies:
            raise ValueError(f"a {self.job} needs `strategy`, and no `strategies`")
        return self

    @property
    def all_strategies(self) -> Sequence[StrategySettings]:
        """What the job runs, one or more."""
        return self.strategies or [cast("StrategySettings", self.strategy)]


def read_settings(file: Path, overrides: Sequence[str] = ()) -> Settings:
    """Read a YAML file, change single settings, and check the whole.

    Args:
        file: The configuration.
        overrides: Changes as "a.b=value"; the value is YAML.

    Raises:
        ConfigError: The file is missing or no YAML, a key is unknown, or a value is
            out of bounds; names file, field and value.
    """
    import yaml

    if not file.is_file():
        raise ConfigError(f"configuration must be a file, {file} is not there")
    if file.stat().st_size > CONFIG_BYTES_MAX:
        raise ConfigError(f"{file} must be smaller than {CONFIG_BYTES_MAX:,} bytes")
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
        if not isinstance(read, dict):
            raise ConfigError(f"{file} must hold settings by name, held {type(read).__name__}")
        content = cast("dict[str, Any]", read)
        for override in overrides:
            _override(content, override, yaml.safe_load)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} must be YAML: {' '.join(str(error).split())}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} must be UTF-8 text") from None
    return check_settings(content, str(file))


def check_settings(content: Mapping[str, Any], name: str) -> Settings:
    """Check settings that were read from somewhere.

    Raises:
        ConfigError: A key is unknown, or a value is out of bounds.
    """
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{name}: {_explained(error)}") from None


def _override(content: dict[str, Any], override: str, parse: Any) -> None:
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set must look like a.b=value, was {override!r}")
    place: dict[str, Any] = content
    for key in keys[:-1]:
        inner = place.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {path}: {key} holds a value, not settings")
        place = cast("dict[str, Any]", inner)
    place[keys[-1]] = parse(text)


def _explained(error: ValidationError) -> str:
    """The first finding in one line: field, what must hold, what it was."""
    found = error.errors(include_url=False)[0]
    path = [str(part) for part in found["loc"]]
    where = ".".join(path)
    if found["type"] == "extra_forbidden":
        known = _names_at(path[:-1])
        near = difflib.get_close_matches(path[-1], known, 1)
        hint = f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
        return f"{where} is not a setting{hint}"
    message = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if not where:
        return message
    if where == "search.storage":  # what was refused may be a secret
        return f"{where} {message}"
    return f"{where} {message}, was {found['input']!r}"


def _names_at(path: Sequence[str]) -> list[str]:
    """Names of the settings that may stand at a place in the tree."""
    sections: dict[str, type[BaseModel]] = {
        "data": DataSettings,
        "strategy": StrategySettings,
        "strategies": StrategySettings,
        "account": AccountSettings,
        "costs": Costs,
        "limits": Limits,
        "options": FillOptions,
        "search": SearchSettings,
        "walk_forward": WalkForwardSettings,
        "cross_validation": CrossValidationSettings,
        "run": RunSettings,
        "track": TrackSettings,
        "report": ReportSettings,
    }
    model = sections.get(path[0], Settings) if path else Settings
    return list(model.model_fields)
