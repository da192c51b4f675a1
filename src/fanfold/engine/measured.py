"""What quotes that change nothing do to the account, in numbers of their own."""

from typing import Any

from fanfold.engine.books import Books
from fanfold.engine.step.state import EQUITY_SUM_SHIFT


class Measured:
    """What the quotes that went by have done to the account, until its record has it.

    Attributes:
        sizes, sides, parts, values: Of each asset: lots held, unsigned; 1 or -1; lots in a
            unit; worth [micro-units].
        counts: Quotes of each asset while anything was held.
        equity, gross, peak, peak_ts, worst_equity, worst_peak, underwater, underwater_max:
            As the account's.
        equity_sum: Of the quotes so far but those of the run.
        run: Quotes since the equity is what it is.
        known: Equity that is measured, of the run; None before the first quote.
    """

    __slots__ = (
        *("sizes", "sides", "parts", "values", "counts", "equity", "gross", "peak", "peak_ts"),
        *("worst_equity", "worst_peak", "underwater", "underwater_max"),
        *("equity_sum", "run", "known"),
    )

    def __init__(self, books: Books) -> None:
        account, desks = books.account, books.desks
        self.sizes: list[int] = [abs(desk.units) for desk in desks]
        self.sides = [1 if desk.units > 0 else -1 for desk in desks]
        self.parts: list[int] = [desk.parts for desk in desks]
        self.values: list[int] = [desk.value for desk in desks]
        self.counts = [0] * len(desks)
        self.equity: int = account.cash + sum(self.values)
        self.gross = sum(map(abs, self.values))
        self.peak, self.peak_ts = account.peak, account.peak_ts
        self.worst_equity, self.worst_peak = account.worst_equity, account.worst_peak
        self.underwater, self.underwater_max = account.underwater, account.underwater_max
        self.equity_sum = self.run = 0
        self.known: int | None = None

    def measure(self, equity: int, run: int, ts: int, before: int) -> None:
        """Take another equity from a quote on, as `fanfold.engine.step.close.measure` does.

        Args:
            equity: From this quote on [micro-units].
            run: Quotes that went by at the equity before.
            ts: The quote's instant [ns UTC].
            before: That of the quote before [ns UTC].
        """
        known = self.known
        if known is not None:
            self.equity_sum += (known >> EQUITY_SUM_SHIFT) * run
            if known >= self.peak:
                self.peak_ts = before
        self.known = equity
        if equity >= self.peak:
            if self.underwater == 1:
                self.underwater_max = max(self.underwater_max, ts - self.peak_ts)
            self.peak, self.peak_ts, self.underwater = equity, ts, 0
            return
        self.underwater = 1
        if float(equity) * self.worst_peak < float(self.worst_equity) * self.peak:
            self.worst_equity, self.worst_peak = equity, self.peak

    def write(self, count: int, ts: int, account: Any) -> None:
        """Give the account what was measured of so many quotes, the last of them at `ts`."""
        equity = self.equity
        sums = self.equity_sum + (equity >> EQUITY_SUM_SHIFT) * self.run
        account.bar_count += count
        account.equity_sum += sums
        account.net_sum += sums - (account.cash >> EQUITY_SUM_SHIFT) * count
        account.held_bar_count += sum(self.counts)
        account.peak = self.peak
        account.peak_ts = ts if equity >= self.peak else self.peak_ts
        account.worst_equity, account.worst_peak = self.worst_equity, self.worst_peak
        account.underwater, account.underwater_max = self.underwater, self.underwater_max
        account.equity, account.gross = equity, self.gross
