"""Runs one strategy, or a chunk of parameters of one, over shared bars.

The three ways of running give the same bits: machine code throughout, plain
Python throughout (a short run is done before a compiler would be loaded), and a
plain decision between compiled halves.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.compiled import Compiled
from fanfold.domain.record import view
from fanfold.engine.arena import Arena, Tape
from fanfold.engine.between import run_between
from fanfold.engine.blocks import block_cuts, block_sums
from fanfold.engine.features import BANK_BYTES_MAX, Features, bank_of, groups_of, warm_up_of
from fanfold.engine.outcomes import FAULTS, Outcomes, fault_of, reason_of, together
from fanfold.engine.params import param_rows
from fanfold.engine.prepare import prepared
from fanfold.engine.spec import Terms
from fanfold.engine.step.loop import run_bars
from fanfold.engine.step.runner import can_ask_ahead, prices_written, runner_of, wish_count
from fanfold.engine.step.state import SUMS, Account, Rules
from fanfold.errors import ConfigError
from fanfold.strategies.sizing import warm_up
from fanfold.strategies.strategy import (
    Strategy,
    computes_columns,
    decision_of,
    features_of,
    memory_of,
)

Mode = Literal["auto", "machine", "plain"]

PLAIN_ASSET_BARS_MAX = 40_000
"""Work below which plain Python is done before the compiler is loaded [asset-bars]."""


def first_bar(strategy: Strategy, bars: Bars, terms: Terms) -> int:
    """The bar of a run's first decision.

    Raises:
        ConfigError: No bar is left to decide on and to be measured.
    """
    if not isinstance(strategy, Strategy):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"strategy must be an instance of a Strategy, was {strategy!r}")
    check_bars(bars)
    first = terms.start_bar
    if first is None:
        first = max(warm_up_in(strategy, bars), warm_up(terms.sizing)) - 1
    if first > terms.last(bars) - 2:
        raise ConfigError(
            f"{type(strategy).__name__} needs {first + 2} bars or more, "
            f"there were {terms.last(bars)}"
        )
    return first


def warm_up_in(strategy: Strategy, bars: Bars) -> int:
    """Bars until every feature of a strategy has a value over these bars; at least 1."""
    return warm_up_of(features_of(strategy), prepared(strategy, bars))


def check_bars(bars: Bars) -> None:
    """Refuse what are no bars.

    Raises:
        ConfigError: They are something else, such as a data frame.
    """
    if not isinstance(bars, Bars):  # pyright: ignore[reportUnnecessaryIsInstance]
        found = type(bars).__name__
        raise ConfigError(f"bars must be Bars, of load_bars or Bars.from_frame, was {found}")


def run_chunk(
    strategies: Sequence[Strategy],
    bars: Bars,
    terms: Terms,
    first: int,
    *,
    features: Sequence[Features] | None = None,
    tape: Tape | None = None,
    mode: Mode = "auto",
    block_count: int = 0,
) -> Outcomes:
    """Run parameters of one strategy class, each as if it were alone.

    Args:
        strategies: At least one, all of one class.
        bars: The market.
        terms: Money, costs, limits and options.
        first: Bar of the first decision.
        features: Those of each strategy, if they are known already.
        tape: Where a single run is recorded; None records nothing.
        mode: "auto" takes machine code unless the work is small and the compiler is
            not loaded yet.
        block_count: Blocks of bars whose returns are added up apart.

    Returns:
        The outcome of each strategy, in order; one that fails does not end the others.

    Raises:
        ConfigError: A strategy is not well formed.
    """
    if mode == "auto":
        mode = mode_for(len(strategies), bars)
        _plain_work[0] += _work(len(strategies), bars) if mode == "plain" else 0
    if computes_columns(type(strategies[0])):
        own = [
            _run([one], prepared(one, bars), terms, first, tape=tape, mode=mode, blocks=block_count)
            for one in strategies
        ]
        return together(own)
    return _run(
        strategies, bars, terms, first, features=features, tape=tape, mode=mode, blocks=block_count
    )


def _run(
    strategies: Sequence[Strategy],
    bars: Bars,
    terms: Terms,
    first: int,
    *,
    features: Sequence[Features] | None = None,
    tape: Tape | None,
    mode: Mode,
    blocks: int,
) -> Outcomes:
    cuts = block_cuts(bars, first, terms.last(bars), blocks)
    decide: Compiled[..., None] | Callable[..., None] = decision_of(strategies[0])
    if isinstance(decide, Compiled):
        compiled = cast("Compiled[..., None]", decide)
        plain = mode == "plain"
        chunk = _Compiled(
            strategies, bars, terms, tape, compiled, features=features, plain=plain, cuts=cuts
        )
        return chunk.run(first)
    return together([run_between(one, bars, terms, first, tape, cuts=cuts) for one in strategies])


def mode_for(run_count: int, bars: Bars) -> Mode:
    """Plain for work that is done before the compiler would be loaded, else machine code.

    Many short runs are one long one: what this process has run plain counts too.
    """
    work = _work(run_count, bars) + _plain_work[0]
    return "plain" if work <= PLAIN_ASSET_BARS_MAX and "numba" not in sys.modules else "machine"


_plain_work = [0]
"""What this process has run plain by its own choice [asset-bars]."""


def _work(run_count: int, bars: Bars) -> int:
    return run_count * bars.bar_count * bars.asset_count


class _Compiled:
    """A chunk of runs whose decision is compiled, in machine code or plain."""

    def __init__(
        self,
        strategies: Sequence[Strategy],
        bars: Bars,
        terms: Terms,
        tape: Tape | None,
        decide: Compiled[..., None],
        *,
        features: Sequence[Features] | None = None,
        plain: bool,
        cuts: NDArray[np.int64] | None = None,
    ) -> None:
        _ = decide.content_hash  # refuses code outside the subset, run plain or not
        self.bars = bars
        self.cash = terms.cash
        self.decide = decide
        self.plain = plain
        self.params = param_rows(strategies, bars.symbols)
        self.features = features or [features_of(strategy) for strategy in strategies]
        size = memory_of(strategies[0], bars.asset_count)
        self.arena = Arena(bars, terms, tape, size, written=prices_written(decide))
        self.accounts = Account.zeros(len(strategies))
        self.errors = [""] * len(strategies)
        self.last = terms.last(bars)
        self.cuts = np.zeros(0, np.int64) if cuts is None else cuts
        self.blocks = np.zeros((len(strategies), len(self.cuts), SUMS))

    def run(self, first: int, *, ahead: bool | None = None) -> Outcomes:
        """Run all, as many at a time as their features have room for.

        With `ahead` False the decision is asked bar by bar even if it need not be.
        """
        ahead = can_ask_ahead(self.decide) if ahead is None else ahead
        column_bytes = self.bars.bar_count * self.bars.asset_count * 8
        for group in groups_of(self.features, BANK_BYTES_MAX // column_bytes):
            span = slice(group.start, group.start + len(group.columns))
            with bank_of(group.indicators, self.bars, plain=self.plain) as bank:
                accounts, blocks = self.accounts[span], self.blocks[span]
                runs = _Group(self.params[span], group.columns, accounts, bank, blocks)
                self._run_group(first, group.start, runs, ahead=ahead)
        for k in np.flatnonzero(np.isin(self.accounts["status"], FAULTS)):
            self.errors[k] = self.errors[k] or fault_of(self.accounts[k], self.bars)
        sums = block_sums(self.blocks, self.accounts, len(self.cuts))
        return Outcomes(self.accounts, self.errors, sums)

    def _run_group(self, first: int, start: int, group: "_Group", *, ahead: bool) -> None:
        """Run a group; one that raises is set aside and the rest goes on."""
        done = np.zeros(1, np.int64)
        while done[0] < len(group.params):
            try:
                self._call(first, done, group, ahead=ahead)
            except Exception as raised:
                k = int(done[0])
                # Asked ahead, a decision may raise at a bar that its run never gets to.
                self.errors[start + k] = (
                    self._again(first, group, k) if ahead else reason_of(raised)
                )
                done[0] = k + 1

    def _again(self, first: int, group: "_Group", k: int) -> str:
        params, columns = group.params[: k + 1], group.columns[: k + 1]
        one = _Group(params, columns, group.accounts, group.bank, group.blocks)
        one.accounts[k] = Account.zeros(1)[0]
        try:
            self._call(first, np.array([k]), one, ahead=False)
        except Exception as raised:
            return reason_of(raised)
        return ""

    def _call(self, first: int, done: NDArray[np.int64], group: "_Group", *, ahead: bool) -> None:
        arena, bars = self.arena, self.bars
        runner = runner_of(self.decide, group.columns.shape[1])
        bar_count = self.last - first if ahead else 0
        changed = np.empty(bar_count + int(ahead), np.int64)
        wished = np.empty((bar_count, bars.asset_count, wish_count(self.decide)))
        head = first, self.last, int(ahead), self.cash
        if self.plain:
            runner(
                *head,
                view(arena.traits),
                view(done),
                group.params.tolist(),
                group.columns.tolist(),
                *map(view, (bars.panel, bars.seen, arena.marks, arena.facts, group.bank)),
                *map(view, (arena.clock, arena.pulse)),
                run_bars,
                self.decide,
                view(changed),
                view(wished),
                *arena.plain_state(),
                Account.views(group.accounts),
                Rules.views(arena.rules),
                *arena.plain_record(),
                view(self.cuts),
                [view(blocks) for blocks in group.blocks],
            )
            return
        runner.machine(
            *head,
            arena.traits,
            done,
            group.params,
            group.columns,
            bars.panel,
            bars.seen,
            arena.marks,
            arena.facts,
            group.bank,
            arena.clock,
            arena.pulse,
            run_bars.value,
            self.decide.value,
            changed,
            wished,
            *arena.state(),
            group.accounts,
            arena.rules,
            *arena.record(),
            self.cuts,
            group.blocks,
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """Runs that share a bank of features: one row of each array, and the bank."""

    params: NDArray[np.float64]
    columns: NDArray[np.int64]
    accounts: NDArray[Any]
    bank: NDArray[np.float64]
    blocks: NDArray[np.float64]
