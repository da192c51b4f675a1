"""Whether a strategy looks ahead, as a job: `fanfold audit lookahead`.

A strategy in a file is imported anew for each market that it is asked on, with what
stands beside the file, so that bars which it loads for itself by `load_bars` end where
the market ends. What it reads by other means, such as `pandas.read_csv`, cannot be cut; a
warning tells if its decisions do not depend on the prices that it is given.
"""

import math
import os
import sys
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from fanfold.domain.bars import Bars
from fanfold.domain.period import day_text, ts_text
from fanfold.errors import ConfigError
from fanfold.research.leaks import Finding, Value
from fanfold.research.lookahead import CUTS, LookaheadAudit, audit_lookahead
from fanfold.research.subject import Make
from fanfold.settings import (
    DataSettings,
    Settings,
    StrategySettings,
    check_settings,
    read_settings,
)
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.inputs import checked_bars, terms_for
from fanfold.workflows.strategies import find_strategy, made, split_space

CONFIGS: Final = (".yaml", ".yml")
"""Endings of configurations."""

TEXT_MAX: Final = 200
"""Longest text of a finding's value [characters]."""

_TELLS: Final = {
    "prefix": "without later bars",
    "future": "with other later bars",
    "fit": "having learned without them",
    "repeat": "when run again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditClosed:
    """An audit that is done, for a person and for `--json`.

    Attributes:
        status: "ok", or "leak" if there are findings.
        lines: What a person reads.
        content: The same as plain values.
    """

    status: Literal["ok", "leak"]
    lines: list[str]
    content: dict[str, Any]


def audit_job(
    target: str,
    *,
    params: Mapping[str, Any] | None = None,
    data: DataSettings | None = None,
    overrides: Sequence[str] = (),
    cuts: int = CUTS,
    seed: int = 0,
) -> AuditClosed:
    """Audit one strategy.

    Args:
        target: A shipped strategy, FILE.py:Class, package.module:Class, or a YAML file
            whose data, strategy, parameters and terms are taken; of a parameter that it
            searches, the first value.
        params: Parameters, added to those of a YAML file.
        data: Which bars; by default those of the file, or the sample.
        overrides: Changes of a YAML file's settings, as "a.b=value".
        cuts: Random bars at which the future is changed, beside the first and the last.
        seed: Of the cuts and the other futures.

    Raises:
        ConfigError: The target, a parameter or the data is not what it must be.
        StrategyError: The strategy does not run on the bars as they are.
    """
    began = time.perf_counter()
    settings = _settings(target, data, overrides)
    (asked,) = settings.all_strategies
    bars = checked_bars(settings)
    make = _maker(asked.name, {**asked.params, **(params or {})}, int(bars.ts[-1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the strategy's own would come once a cut
        audit = audit_lookahead(make, bars, terms_for(settings), cuts=cuts, seed=seed)
    status: Literal["ok", "leak"] = "leak" if audit.findings else "ok"
    return AuditClosed(
        status=status,
        lines=_lines(audit, bars),
        content={
            "status": status,
            "strategy": asked.name,
            "params": audit.strategy.model_dump(mode="json"),
            "cuts": len(audit.cut_bars),
            "decisions": audit.decision_count,
            "findings": [_plain(finding, bars) for finding in audit.findings],
            "warnings": list(audit.warnings),
            "seconds": round(time.perf_counter() - began, 3),
        },
    )


def audited(
    target: str,
    params: Sequence[str],
    overrides: Sequence[str],
    data: Mapping[str, str | None],
) -> dict[str, Any]:
    """What a command line asks `audit_job` for, as its arguments.

    Args:
        target: A strategy or a configuration.
        params: Parameters as "name=value"; a value is YAML.
        overrides: Changes of a configuration's settings as "a.b=value".
        data: Source, symbols (by comma), start and end, where they are stated.

    Raises:
        ConfigError: One of them is not well formed, or does not go with the target.
    """
    import yaml

    values: dict[str, Any] = {}
    for stated in params:
        name, equals, text = stated.partition("=")
        if not equals or not name:
            raise ConfigError(f"--param must look like name=value, was {stated!r}")
        values[name] = yaml.safe_load(text)
    given: dict[str, Any] = {name: value for name, value in data.items() if value is not None}
    if "symbols" in given:
        given["symbols"] = [symbol.strip() for symbol in given["symbols"].split(",")]
    if given and target.endswith(CONFIGS):
        raise ConfigError(
            f"{', '.join(given)} of a configuration must be changed by --set data.NAME=VALUE"
        )
    settings = None
    if given:
        checked = {"job": "backtest", "strategy": {"name": target}, "data": given}
        settings = check_settings(checked, "audit").data
    return {
        "target": target,
        "params": values or None,
        "data": settings,
        "overrides": overrides,
    }


@contextmanager
def imported_anew(place: str) -> Generator[None]:
    """Forget a strategy's module and what belongs to it, and take it back afterwards.

    Args:
        place: A .py file, with which go the modules beside it, or a module, with which
            goes its package. Of fanfold itself, or without a place, nothing.
    """
    before = {name: sys.modules[name] for name in _belonging(place)}
    for name in before:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in _belonging(place):
            del sys.modules[name]
        sys.modules.update(before)


def _belonging(place: str) -> list[str]:
    """Modules that are loaded and belong to a place; `__main__` to none."""
    package = place.partition(".")[0]
    if not place or package == "fanfold":
        return []
    if not place.endswith(".py"):
        return [name for name in sys.modules if name.partition(".")[0] == package]
    file = Path(place)
    folders = {str(each.parent) for each in (file.absolute(), file.resolve())}
    files = {name: getattr(module, "__file__", None) for name, module in [*sys.modules.items()]}
    # As texts: thousands of modules are looked through.
    beside = [n for n, where in files.items() if where and where.rpartition(os.sep)[0] in folders]
    return [name for name in beside if name != "__main__"]


def _settings(target: str, data: DataSettings | None, overrides: Sequence[str]) -> Settings:
    """The job whose strategy is meant, with one strategy."""
    if not target.endswith(CONFIGS):
        if overrides:
            raise ConfigError(f"settings can be changed of a YAML file only, was {target}")
        strategy = StrategySettings(name=target)
        return Settings(job="backtest", data=data or DataSettings(), strategy=strategy)
    settings = read_settings(Path(target), overrides)
    if len(settings.all_strategies) != 1:
        names = ", ".join(one.name for one in settings.all_strategies)
        raise ConfigError(f"an audit takes one strategy, {target} has {names}: name one of them")
    return settings if data is None else settings.model_copy(update={"data": data})


def _maker(name: str, params: Mapping[str, Any], end: int) -> Make:
    """Makes the strategy; from a module of its own for bars that end before the last."""
    swept, fixed = split_space(params)
    chosen = fixed | {key: next(iter(values)) for key, values in swept.items()}
    place, colon, _ = name.rpartition(":")
    with imported_anew(place):
        strategy = made(find_strategy(name), chosen)

    def make(bars: Bars) -> Strategy:
        shipped = not colon or place.partition(".")[0] == "fanfold"
        if shipped or int(bars.ts[-1]) == end:
            return strategy
        with imported_anew(place):
            return made(find_strategy(name), chosen)

    return make


def _lines(audit: LookaheadAudit, bars: Bars) -> list[str]:
    fields = ", ".join(f"{name}={value}" for name, value in audit.strategy)
    verdict = "looks ahead, or is not the same twice" if audit.findings else "no look-ahead found"
    first, last = (day_text(bars.session_day[t]) for t in (audit.cut_bars[0], audit.cut_bars[-1]))
    return [
        f"{type(audit.strategy).__name__}({fields}): {verdict}",
        f"{len(audit.cut_bars)} cuts from {first} to {last}, "
        f"{audit.decision_count:,} decisions compared",
        *(_line(finding, len(audit.cut_bars)) for finding in audit.findings),
        *(f"note: {warning}" for warning in audit.warnings),
    ]


def _line(finding: Finding, cut_count: int) -> str:
    what = f"{finding.wish} of {finding.symbol}" if finding.symbol else finding.origin
    where = f"{what} at {ts_text(finding.ts)}"
    values = (
        f"was {_said(finding.with_future)}, {_TELLS[finding.test]} {_said(finding.without_future)}"
    )
    count = f"{finding.count:,} value{'s' if finding.count > 1 else ''}"
    return (
        f"{finding.test}: {finding.kind}; {where} {values} "
        f"({count} at {finding.cut_count} of {cut_count} cuts)"
    )


def _said(value: Value) -> str:
    return (value[:TEXT_MAX] or "made") if isinstance(value, str) else f"{value:.6g}"


def _plain(finding: Finding, bars: Bars) -> dict[str, Any]:
    """A finding as JSON has it: NaN is null."""
    return {
        "test": finding.test,
        "kind": finding.kind,
        "origin": finding.origin,
        "ts": ts_text(finding.ts),
        "bar": finding.bar,
        "symbol": finding.symbol,
        "wish": finding.wish,
        "with_future": _json(finding.with_future),
        "without_future": _json(finding.without_future),
        "cut": ts_text(int(bars.ts[finding.cut])),
        "count": finding.count,
        "cut_count": finding.cut_count,
    }


def _json(value: Value) -> Value | None:
    if isinstance(value, str):
        return value[:TEXT_MAX]
    return None if math.isnan(value) else value if math.isfinite(value) else str(value)
