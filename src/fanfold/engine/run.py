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
from fanfold.domain.record import VECTOR_SIZE, view
from fanfold.engine.arena import Arena, Tape
from fanfold.engine.features import BANK_BYTES_MAX, Features, bank_of, groups_of, warm_up_of
from fanfold.engine.spec import Terms
from fanfold.engine.step.begin import begin_run
from fanfold.engine.step.loop import advance, run_bars
from fanfold.engine.step.runner import can_ask_ahead, prices_written, runner_of, wish_count
from fanfold.engine.step.state import (
    OK,
    OVERFLOW,
    TARGET_NOT_FINITE,
    Account,
    BookingRow,
    FillRow,
    OrderRow,
    Rules,
)
from fanfold.errors import ConfigError, FanfoldError
from fanfold.strategies.sizing import warm_up
from fanfold.strategies.strategy import Strategy, decision_of, features_of, memory_of, params_of

Mode = Literal["auto", "machine", "plain"]

PLAIN_ASSET_BARS_MAX = 40_000
"""Work below which plain Python is done before the compiler is loaded [asset-bars]."""

FAULTS = (TARGET_NOT_FINITE, OVERFLOW)
"""Statuses that are errors."""

TAPE_ROWS_START = 1_024
"""First size of a tape whose length is not known before the run [rows]."""

ROWS_PER_ASSET = 6
"""Most rows of one kind that a bar writes for an asset: a close, an open and an exit
twice over, or a split with its cash and a dividend with two kinds of interest."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How runs ended, in their order.

    Attributes:
        accounts: The accounts' last states, records of `Account`; shape [run].
        errors: Why each run failed, or "" if it did not.
    """

    accounts: NDArray[Any]
    errors: list[str]


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
        first = max(warm_up_of(features_of(strategy), bars), warm_up(terms.sizing)) - 1
    if first > bars.bar_count - 2:
        raise ConfigError(
            f"{type(strategy).__name__} needs {first + 2} bars or more, there were {bars.bar_count}"
        )
    return first


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

    Returns:
        The outcome of each strategy, in order; one that fails does not end the others.

    Raises:
        ConfigError: A strategy is not well formed.
    """
    decide: Compiled[..., None] | Callable[..., None] = decision_of(strategies[0])
    if mode == "auto":
        mode = mode_for(len(strategies), bars)
        _plain_work[0] += _work(len(strategies), bars) if mode == "plain" else 0
    if isinstance(decide, Compiled):
        compiled = cast("Compiled[..., None]", decide)
        plain = mode == "plain"
        chunk = _Compiled(strategies, bars, terms, tape, compiled, features=features, plain=plain)
        return chunk.run(first)
    alone = [_run_between(strategy, bars, terms, first, tape) for strategy in strategies]
    accounts = Account.zeros(len(alone))
    for place, one in enumerate(alone):
        accounts[place] = one.accounts[0]
    return Outcomes(accounts, [one.errors[0] for one in alone])


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
    ) -> None:
        _ = decide.content_hash  # refuses code outside the subset, run plain or not
        self.bars = bars
        self.cash = terms.cash
        self.decide = decide
        self.plain = plain
        self.params = np.zeros((len(strategies), VECTOR_SIZE))
        for row, strategy in zip(self.params, strategies, strict=True):
            values = params_of(strategy, bars.symbols)
            row[: len(values)] = values
        self.features = features or [features_of(strategy) for strategy in strategies]
        size = memory_of(strategies[0], bars.asset_count)
        self.arena = Arena(bars, terms, tape, size, written=prices_written(decide))
        self.accounts = Account.zeros(len(strategies))
        self.errors = [""] * len(strategies)

    def run(self, first: int, *, ahead: bool | None = None) -> Outcomes:
        """Run all, as many at a time as their features have room for.

        With `ahead` False the decision is asked bar by bar even if it need not be.
        """
        ahead = can_ask_ahead(self.decide) if ahead is None else ahead
        column_bytes = self.bars.bar_count * self.bars.asset_count * 8
        for group in groups_of(self.features, BANK_BYTES_MAX // column_bytes):
            span = slice(group.start, group.start + len(group.columns))
            with bank_of(group.indicators, self.bars, plain=self.plain) as bank:
                runs = _Group(self.params[span], group.columns, self.accounts[span], bank)
                self._run_group(first, group.start, runs, ahead=ahead)
        for k in np.flatnonzero(np.isin(self.accounts["status"], FAULTS)):
            self.errors[k] = self.errors[k] or fault_of(self.accounts[k], self.bars)
        return Outcomes(self.accounts, self.errors)

    def _run_group(self, first: int, start: int, group: "_Group", *, ahead: bool) -> None:
        """Run a group; one that raises is set aside and the rest goes on."""
        done = np.zeros(1, np.int64)
        while done[0] < len(group.params):
            try:
                self._call(first, done, group, ahead=ahead)
            except Exception as raised:
                k = int(done[0])
                # Asked ahead, a decision may raise at a bar that its run never gets to.
                self.errors[start + k] = self._again(first, group, k) if ahead else _reason(raised)
                done[0] = k + 1

    def _again(self, first: int, group: "_Group", k: int) -> str:
        one = _Group(group.params[: k + 1], group.columns[: k + 1], group.accounts, group.bank)
        one.accounts[k] = Account.zeros(1)[0]
        try:
            self._call(first, np.array([k]), one, ahead=False)
        except Exception as raised:
            return _reason(raised)
        return ""

    def _call(self, first: int, done: NDArray[np.int64], group: "_Group", *, ahead: bool) -> None:
        arena, bars = self.arena, self.bars
        runner = runner_of(self.decide, group.columns.shape[1])
        bar_count = bars.bar_count - first if ahead else 0
        changed = np.empty(bar_count + int(ahead), np.int64)
        wished = np.empty((bar_count, bars.asset_count, wish_count(self.decide)))
        head = first, bars.bar_count, int(ahead), self.cash
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
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """Runs that share a bank of features: one row of each array, and the bank."""

    params: NDArray[np.float64]
    columns: NDArray[np.int64]
    accounts: NDArray[Any]
    bank: NDArray[np.float64]


def _run_between(
    strategy: Strategy, bars: Bars, terms: Terms, first: int, tape: Tape | None
) -> Outcomes:
    """Run a plain decision, called between the compiled halves of the step."""
    size = memory_of(strategy, bars.asset_count)
    # What plain Python writes is seen when it does: all of it may come, none is sure to.
    arena = Arena(bars, terms, tape, size, written=None)
    decide: Callable[..., None] = decision_of(strategy)
    (group,) = groups_of([features_of(strategy)], 1)
    assets, assets_raw, desks, desks_raw, portfolios, memory, *own = arena.plain_state()
    wishes, delayed, _ = own
    account = Account.zeros(1)
    (seen,) = Account.views(account)
    (rules,) = Rules.views(arena.rules)
    begin_run(
        first,
        bars.bar_count,
        params_of(strategy, bars.symbols),
        terms.cash,
        view(arena.traits),
        view(arena.clock),
        assets,
        assets_raw,
        desks,
        desks_raw,
        portfolios[0],
        memory,
        wishes,
        delayed,
        seen,
        rules,
    )
    with bank_of(group.indicators, bars) as bank:
        prices = bars.panel, bars.seen, arena.marks, arena.facts
        market = *prices, bank, group.columns[0], arena.clock, arena.pulse
        books = arena.wishes, arena.delayed, arena.scratch
        changing = arena.assets, arena.desks, arena.portfolio, *books, account, arena.rules
        asked = assets, portfolios[0], memory
        error = _ask_between(decide, asked, first, market, changing, arena)
    return Outcomes(account, [error or fault_of(account[0], bars)])


def _ask_between(
    decide: Callable[..., None],
    asked: tuple[Any, ...],
    first: int,
    market: tuple[Any, ...],
    changing: tuple[Any, ...],
    arena: Arena,
) -> str:
    """Step from bar to bar with the decision in between; why it failed, or ""."""
    step, last, rows = advance.machine, len(arena.marks), ROWS_PER_ASSET * len(arena.desks)
    (account,) = Account.views(changing[-2])
    tape, record = arena.tape, arena.record()
    recording = arena.rules[0]["recording"] == 1
    for t in range(first, last + 1):
        if recording and _most_rows(account) + rows > len(tape.orders):
            _grow(tape)
            record = arena.record()
        if step(t, last, *market, *changing, *record) != OK or t == last:
            break
        try:
            decide(*asked)
        except Exception as raised:
            return _reason(raised)
    return ""


def _most_rows(account: Any) -> int:
    return max(account.order_rows, account.fill_count, account.booking_rows)


def _grow(tape: Tape) -> None:
    """Double a tape's room for rows of every kind."""
    more = max(len(tape.orders), TAPE_ROWS_START)
    tape.orders = np.concatenate([tape.orders, OrderRow.zeros(more)])
    tape.fills = np.concatenate([tape.fills, FillRow.zeros(more)])
    tape.bookings = np.concatenate([tape.bookings, BookingRow.zeros(more)])


def fault_of(account: Any, bars: Bars) -> str:
    """Why a run's status is an error, or "" if it is none."""
    status = int(account["status"])
    if status not in FAULTS:
        return ""
    symbol = bars.symbols[int(account["fault_asset"])]
    if status == OVERFLOW:
        return f"a position must stay below the money there can be, was above it for {symbol}"
    return f"target must be a finite number, was {account['fault_value']} for {symbol}"


def _reason(raised: Exception) -> str:
    if isinstance(raised, FanfoldError):
        return str(raised)
    return f"the decision raised {type(raised).__name__}: {raised}"
