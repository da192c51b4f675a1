"""One run whose decision is called from Python, between the compiled halves of the step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.compiled import Compiled
from fanfold.domain.record import VECTOR_SIZE, view
from fanfold.engine.arena import Arena, Tape
from fanfold.engine.blocks import block_sums
from fanfold.engine.features import bank_of, groups_of
from fanfold.engine.outcomes import Outcomes, fault_of, reason_of
from fanfold.engine.spec import Terms
from fanfold.engine.step.begin import begin_run
from fanfold.engine.step.loop import advance
from fanfold.engine.step.runner import prices_written
from fanfold.engine.step.state import (
    OK,
    SUMS,
    Account,
    BookingRow,
    FillRow,
    OrderRow,
    Rules,
)
from fanfold.strategies.strategy import Strategy, decision_of, features_of, memory_of, params_of

TAPE_ROWS_START = 1_024
"""First size of a tape whose length is not known before the run [rows]."""

ROWS_PER_ASSET = 6
"""Most rows of one kind that a bar writes for an asset: a close, an open and an exit
twice over, or a split with its cash and a dividend with two kinds of interest."""

Watch = Callable[[int, Any], None]
"""Looks at what a decision wrote at a bar."""

Heir = tuple[int, Strategy]
"""The bar from which a strategy decides, and the strategy."""

FEATURES_MAX = VECTOR_SIZE
"""Feature values of one strategy."""


def run_between(
    strategy: Strategy,
    bars: Bars,
    terms: Terms,
    first: int,
    tape: Tape | None = None,
    *,
    watch: Watch | None = None,
    cuts: NDArray[np.int64] | None = None,
    heirs: Sequence[Heir] = (),
) -> Outcomes:
    """Run one strategy bar by bar; its decision, compiled or not, is called plain.

    Args:
        strategy: What to run.
        bars: The market, with the strategy's own columns.
        terms: Money, costs, limits and options.
        first: Bar of the first decision.
        tape: Where the run is recorded; None records nothing.
        watch: Called with a bar's number and the assets after each decision.
        cuts: Bars after the last of each block whose returns are added up.
        heirs: Strategies of the same class that take the account over, each from a bar on,
            with all that is held and wished; only the decision's memory begins anew.
    """
    last = terms.last(bars)
    cuts = np.zeros(0, np.int64) if cuts is None else cuts
    line = [strategy, *(heir for _, heir in heirs)]
    size = max(memory_of(one, bars.asset_count) for one in line)
    decide = cast("Callable[..., None]", decision_of(strategy))
    arena = Arena(bars, terms, tape, size, written=_prices_of(decide))
    (group,) = groups_of([features_of(one) for one in line], FEATURES_MAX * len(line))
    assets, assets_raw, desks, desks_raw, portfolios, memory, *own = arena.plain_state()
    wishes, delayed, _ = own
    account = Account.zeros(1)
    (seen,) = Account.views(account)
    (rules,) = Rules.views(arena.rules)
    begin_run(
        first,
        last,
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
        columns = group.columns[0].copy()
        market = *prices, bank, columns, arena.clock, arena.pulse
        books = arena.wishes, arena.delayed, arena.scratch
        changing = arena.assets, arena.desks, arena.portfolio, *books, account, arena.rules
        blocks = np.zeros((len(cuts), SUMS))
        turns = {
            bar: _Turn(
                cast("Callable[..., None]", decision_of(heir)),
                params_of(heir, bars.symbols),
                group.columns[place],
            )
            for place, (bar, heir) in enumerate(heirs, start=1)
        }
        asked = _Asked(decide, (assets, portfolios[0], memory), watch, columns, turns)
        error = _ask(asked, (first, last), market, changing, arena, (cuts, blocks))
    sums = block_sums(blocks[np.newaxis], account, len(cuts))
    return Outcomes(account, [error or fault_of(account[0], bars)], sums)


def _prices_of(decide: Any) -> frozenset[str] | None:
    """Prices that a decision may write.

    What plain Python writes is seen when it does: all of it may come, none is sure to.
    """
    if not isinstance(decide, Compiled):
        return None
    return prices_written(cast("Compiled[..., None]", decide))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A decision, what it sees, and who looks at what it wrote."""

    decide: Callable[..., None]
    seen: tuple[Any, ...]
    watch: Watch | None
    columns: NDArray[np.int64]
    turns: Mapping[int, "_Turn"]

    def taken_over(self, turn: "_Turn") -> Callable[..., None]:
        """The decision of an heir, who finds parameters and features of its own."""
        _, portfolio, memory = self.seen
        for place, value in enumerate(turn.params):
            portfolio.params[place] = value
        self.columns[:] = turn.columns
        for place in range(len(memory)):
            memory[place] = 0.0
        return turn.decide


@dataclass(frozen=True, slots=True)
class _Turn:
    """Who decides from a bar on: the decision, its parameters, where its features are."""

    decide: Callable[..., None]
    params: Sequence[float]
    columns: NDArray[np.int64]


def _ask(
    asked: _Asked,
    span: tuple[int, int],
    market: tuple[Any, ...],
    changing: tuple[Any, ...],
    arena: Arena,
    summed: tuple[Any, ...],
) -> str:
    """Step from bar to bar with the decision in between; why it failed, or ""."""
    (first, last), rows = span, ROWS_PER_ASSET * len(arena.desks)
    step, decide, seen, watch = advance.machine, asked.decide, asked.seen, asked.watch
    (account,) = Account.views(changing[-2])
    tape, record = arena.tape, arena.record()
    recording = arena.rules[0]["recording"] == 1
    for t in range(first, last + 1):
        if recording and _most_rows(account) + rows > len(tape.orders):
            _grow(tape)
            record = arena.record()
        if t in asked.turns:
            decide = asked.taken_over(asked.turns[t])
        if step(t, last, *market, *changing, *record, *summed) != OK or t == last:
            break
        try:
            decide(*seen)
        except Exception as raised:
            return reason_of(raised)
        if watch is not None:
            watch(t, seen[0])
    return ""


def _most_rows(account: Any) -> int:
    return max(account.order_rows, account.fill_count, account.booking_rows)


def _grow(tape: Tape) -> None:
    """Double a tape's room for rows of every kind."""
    more = max(len(tape.orders), TAPE_ROWS_START)
    tape.orders = np.concatenate([tape.orders, OrderRow.zeros(more)])
    tape.fills = np.concatenate([tape.fills, FillRow.zeros(more)])
    tape.bookings = np.concatenate([tape.bookings, BookingRow.zeros(more)])
