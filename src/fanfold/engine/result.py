"""What a run leaves behind."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.engine import tables
from fanfold.engine.arena import Tape
from fanfold.engine.findings import findings_of, stale_equity_of
from fanfold.engine.ledger import LedgerFill, replay_cash
from fanfold.engine.metrics import measured, metrics_of
from fanfold.engine.outcomes import Outcomes
from fanfold.engine.run import Mode, run_chunk
from fanfold.engine.spec import Terms, code_hash, spec_hash
from fanfold.engine.step.state import STATUSES
from fanfold.engine.timeline import timeline_of
from fanfold.engine.trips import round_trips_of
from fanfold.errors import RunError
from fanfold.strategies.strategy import Strategy

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """The frozen result of one backtest.

    Metrics are there at once. Equity, fills, orders and round trips are recorded on
    first access, by running the same loop again with a tape of the known length.

    Attributes:
        strategy: What was run.
        bars: The market it ran on.
        terms: Money, costs, limits and options.
        first: Bar of the first decision; earlier ones warm the features up.
        outcome: The account's last state.
    """

    strategy: Strategy
    bars: Bars = field(repr=False)
    terms: Terms
    first: int
    outcome: Outcomes = field(repr=False)
    mode: Mode = "auto"
    tape: Tape | None = field(default=None, repr=False)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Metrics by name; see `fanfold.engine.metrics`."""
        columns = metrics_of(
            measured(self.outcome.accounts, self.bars, self.first),
            cash=self.terms.cash,
            periods_per_year=self.bars.periods_per_year,
            risk_free=self.terms.risk_free,
        )
        return {name: column[0].item() for name, column in columns.items()}

    @property
    def status(self) -> str:
        """`ok`, or `ruined` for a run that ended when equity was gone."""
        return STATUSES[int(self.outcome.accounts[0]["status"])]

    @property
    def final_cash(self) -> Decimal:
        """Cash at the end, exact [currency]."""
        return Decimal(int(self.outcome.accounts[0]["cash"])) / MICRO

    @cached_property
    def equity(self) -> "pd.Series[float]":
        """Equity at each bar's close from the first decision on [currency]."""
        return tables.equity_of(self._tape.curve, self._account, self.bars, self.first)

    @cached_property
    def returns(self) -> "pd.Series[float]":
        """Returns from one session's close to the next, which ratios are made of [1]."""
        return tables.returns_of(self.equity, self.bars, self.first)

    @cached_property
    def benchmark(self) -> "pd.Series[float]":
        """The benchmark's level at the same bars, rebased to the starting cash."""
        timeline = timeline_of(self.bars)
        return tables.benchmark_of(timeline, self.equity)

    @cached_property
    def exposure(self) -> "pd.DataFrame":
        """Gross and net exposure at the same bars [share of equity]."""
        return tables.exposure_of(self._tape.curve, self._account, self.bars, self.first)

    @cached_property
    def cash_flows(self) -> "pd.DataFrame":
        """Dividends, interest, borrowing and day's fees: ts, symbol, kind, amount [currency]."""
        return tables.cash_flows_of(self._tape.bookings, self._account, self.bars)

    @cached_property
    def stale_equity(self) -> float:
        """What is held at the end in assets absent for too long, at their last marks [currency]."""
        return stale_equity_of(self.fills, self.bars, self.terms.options.stale_sessions)

    @cached_property
    def findings(self) -> list[str]:
        """What a reader should know about this run's data: stale and delisted holdings."""
        return findings_of(self.fills, self.bars, self.terms.options.stale_sessions)

    @cached_property
    def fills(self) -> "pd.DataFrame":
        """Fills: ts of the bar, symbol, side, quantity, price, amount, fee, order_id."""
        return tables.fills_of(self._tape.fills, self._account, self.bars, self._parts)

    @cached_property
    def orders(self) -> "pd.DataFrame":
        """Orders with quantities, status and the named reason of a trim or refusal."""
        return tables.orders_of(self._tape.orders, self._account, self.bars, self._parts)

    @cached_property
    def round_trips(self) -> "pd.DataFrame":
        """Round trips from flat to flat: entry, exit, quantity, pnl after fees, return."""
        account, tape = self._account, self._tape
        fills = tape.fills[: int(account["fill_count"])]
        bookings = tape.bookings[: int(account["booking_rows"])]
        return round_trips_of(fills, bookings, self.bars, self._parts)

    @property
    def code_hash(self) -> str:
        """Hash of the strategy's decision."""
        return code_hash(self.strategy)

    @cached_property
    def hash(self) -> str:
        """Hash of all inputs; equal hashes mean equal bits."""
        return spec_hash(self.strategy, self.terms, self.bars.fingerprint)

    def replayed_cash(self) -> Decimal:
        """Final cash by the `Decimal` ledger, from fills and cash flows alone [currency]."""
        parts = self._parts
        fills = [
            LedgerFill(
                side="buy" if row["lots"] > 0 else "sell",
                quantity=Decimal(abs(int(row["lots"]))) / int(parts[row["asset"]]),
                price=Decimal(int(row["price"])) / MICRO,
                fee=Decimal(int(row["fee"])) / MICRO,
            )
            for row in self._tape.fills[: int(self._account["fill_count"])]
        ]
        bookings = self._tape.bookings[: int(self._account["booking_rows"])]
        flows = [Decimal(int(row["amount"])) / MICRO for row in bookings]
        return replay_cash(Decimal(self.terms.cash) / MICRO, fills, flows)

    @property
    def _account(self) -> Any:
        return self.outcome.accounts[0]

    @property
    def _parts(self) -> NDArray[np.int64]:
        return self.terms.parts(self.bars)

    @cached_property
    def _tape(self) -> Tape:
        if self.tape is not None:
            return self.tape
        account = self._account
        rows = [int(account[name]) for name in ("fill_count", "order_rows", "booking_rows")]
        tape = Tape.sized(self.bars.bar_count, *rows)
        again = run_chunk(
            [self.strategy], self.bars, self.terms, self.first, tape=tape, mode=self.mode
        )
        if int(again.accounts[0]["cash"]) != int(account["cash"]):
            raise RunError("a run must end with the same cash when it is recorded, but did not")
        return tape
