"""Tiny markets, written wishes and every way of running them.

A script says at which bar the decision writes what. It travels in extra columns of the
bars, so one compiled decision serves all tests, and each test runs four ways: asked
ahead, asked bar by bar, as machine code, and plain between compiled halves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.fakes.panels import DAY_NS, FIRST_DAY, bars_of

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.decision import decision
from fanfold.engine.arena import Tape
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.run import _Compiled, first_bar
from fanfold.strategies import Strategy
from fanfold.strategies.indicators import Column, Indicator
from fanfold.strategies.sizing import FixedUnits
from fanfold.strategies.strategy import decision_of

Row = Sequence[float]
Script = Mapping[int, Any]
Ran = Callable[..., Result]

WRITTEN = ("target", "limit", "stop", "stop_loss", "take_profit", "trailing_stop")
NAN = float("nan")
ABSENT = (NAN, NAN, NAN, NAN, NAN)
NAMES = "ABCDEFGH"


def flat(price: float, volume: float = 1_000.0) -> Row:
    """A bar that stands still."""
    return price, price, price, price, volume


def market(
    *assets: Sequence[Row],
    days: Sequence[str | int] | None = None,
    session_bars: int = 1,
    **more: Any,
) -> Bars:
    """Bars of assets A, B, … from rows of open, high, low, close and maybe volume.

    Days are dates, or days after the first; `splits` and `dividends` are values by
    (bar, asset), `delisted` returns by (day, asset).
    """
    rows = [[(*row, 1_000.0)[:5] for row in asset] for asset in assets]
    panel = np.ascontiguousarray(np.array(rows, float).transpose(2, 1, 0))
    calendar = more.pop("calendar", "XNYS")
    bars = bars_of(
        panel, symbols=NAMES[: len(assets)], session_bars=session_bars, calendar=calendar
    )
    shape = bars.bar_count, bars.asset_count
    if days is not None:
        day = np.array([_day(each) for each in days], np.int64)
        place = np.arange(len(day)) - np.searchsorted(day, day)
        bars = replace(bars, session_day=day, ts=day * DAY_NS + (place + 1) * (DAY_NS // 100))
    for name, neutral in (("splits", 1.0), ("dividends", 0.0)):
        if name in more:
            values = np.full(shape, neutral)
            for at, value in more.pop(name).items():
                values[at] = value
            more[name] = values
    if "delisted" in more:
        gone, returns = np.full(len(assets), NEVER), np.zeros(len(assets))
        for (day, asset), change in more.pop("delisted").items():
            gone[asset], returns[asset] = _day(day), change
        more |= {"delisted_day": gone, "delisting_return": returns}
    if "members" in more:
        more["members"] = np.array(more["members"], bool).reshape(shape)
    return replace(bars, **more)


def _day(day: str | int) -> int:
    if isinstance(day, int):
        return FIRST_DAY + 1 + day
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


@decision
def follow_script(assets: Any, portfolio: Any, memory: Any) -> None:
    """Write what the columns say."""
    for asset in assets:
        asset.target = asset.features[0]
        asset.limit = asset.features[1]
        asset.stop = asset.features[2]
        asset.stop_loss = asset.features[3]
        asset.take_profit = asset.features[4]
        asset.trailing_stop = asset.features[5]


class Scripted(Strategy):
    """Wishes from columns of the bars."""

    decide: ClassVar[Any] = follow_script

    def features(self) -> tuple[Indicator, ...]:
        return tuple(Column(name) for name in WRITTEN)


class ScriptedPlainly(Scripted):
    """The same without a compiler."""

    decide: ClassVar[Any] = staticmethod(follow_script.function)


def scripted(bars: Bars, script: Script) -> Bars:
    """Bars with the columns that say which wishes stand at each bar.

    A script gives, for a bar, the wishes that change there: for one asset, or a list of
    one for each. Other wishes stay; they start at 0 and none.
    """
    shape = bars.bar_count, bars.asset_count
    columns = {name: np.full(shape, 0.0 if name == "target" else NAN) for name in WRITTEN}
    for bar, said in sorted(script.items()):
        for asset, changes in enumerate(said if isinstance(said, list) else [said]):
            for name, value in changes.items():
                columns[name][bar:, asset] = value
    return replace(bars, extra=columns)


def terms_for(options: dict[str, Any], **terms: Any) -> Any:
    """100 units a target, 10,000 of cash and the ideal venue, unless told otherwise."""
    usual: dict[str, Any] = {"cash": 10_000, "sizing": FixedUnits(100), "venue": "ideal"}
    return terms_of(**(usual | terms), options=FillOptions(**options))


def _ahead(bars: Bars, terms: Any) -> Result:
    return run_backtest(Scripted(), bars, terms, mode="plain")


def _by_bar(bars: Bars, terms: Any) -> Result:
    strategy = Scripted()
    tape = Tape.sized(bars.bar_count, *[12 * bars.bar_count * bars.asset_count] * 3)
    first = first_bar(strategy, bars, terms)
    chunk = _Compiled([strategy], bars, terms, tape, decision_of(strategy), plain=True)
    outcome = chunk.run(first, ahead=False)
    return Result(
        strategy=strategy, bars=bars, terms=terms, first=first, outcome=outcome, tape=tape
    )


def _machine(bars: Bars, terms: Any) -> Result:
    return run_backtest(Scripted(), bars, terms, mode="machine")


def _between(bars: Bars, terms: Any) -> Result:
    return run_backtest(ScriptedPlainly(), bars, terms)


WAYS = {"ahead": _ahead, "by_bar": _by_bar, "machine": _machine, "between": _between}


@pytest.fixture(params=WAYS)
def run(request: pytest.FixtureRequest) -> Ran:
    """Run a script on a market; the money must come out in the `Decimal` ledger too."""
    way = WAYS[request.param]

    def ran(bars: Any, script: Script, *, options: dict[str, Any] | None = None, **terms: Any):  # noqa: ANN202
        bars = bars if isinstance(bars, Bars) else market(bars)
        result = way(scripted(bars, script), terms_for(options or {}, **terms))
        assert result.replayed_cash() == result.final_cash
        return result

    return ran


def fills(result: Result, *names: str) -> list[tuple[Any, ...]]:
    """Fills as bar, side, quantity, price and what else is named."""
    table = result.fills
    bars = np.searchsorted(result.bars.ts, table["ts"].dt.as_unit("ns").astype("int64"))
    columns = [table[name] for name in ("side", "quantity", "price", *names)]
    return list(zip(bars.tolist(), *columns, strict=True))


def orders(result: Result, *names: str) -> list[tuple[Any, ...]]:
    """Orders as the named columns."""
    return list(zip(*[result.orders[name] for name in names], strict=True))


def flows(result: Result) -> list[tuple[int, str, str, float]]:
    """Cash flows as bar, symbol, kind and amount."""
    table = result.cash_flows
    bars = np.searchsorted(result.bars.ts, table["ts"].dt.as_unit("ns").astype("int64"))
    columns = [table[name] for name in ("symbol", "kind", "amount")]
    return list(zip(bars.tolist(), *columns, strict=True))
