"""Runs over several windows of bars, put together as one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.period import day_text
from fanfold.engine.metrics import Measured
from fanfold.engine.step.state import Account

SUMMED = (
    *("return_sum", "square_sum", "downside_sum", "cross_sum", "cube_sum", "fourth_sum"),
    *(
        "return_count",
        "bar_count",
        "held_bar_count",
        "equity_sum",
        "net_sum",
        "fees",
        "carry",
        "dividends",
    ),
    *("traded", "fill_count", "trip_count", "win_count", "win_sum", "loss_count", "loss_sum"),
)
"""Fields of an account whose values over several windows add up."""


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Bars of one run: it decides from `first` on, and its returns are of the bars after.

    Attributes:
        first: Bar of the first decision.
        last: The bar after the last.
    """

    first: int
    last: int

    @property
    def bar_count(self) -> int:
        """Bars whose returns are measured."""
        return self.last - self.first - 1

    def days(self, bars: Bars) -> tuple[str, str]:
        """Sessions of the first and last measured bar, as dates."""
        return day_text(bars.session_day[self.first + 1]), day_text(bars.session_day[self.last - 1])


def merged(windows: Sequence[Measured], cash: Sequence[int]) -> Measured:
    """The runs of each window as if one account had gone through all of them.

    Equity begins with the first window's cash and grows by what each made of its own. The
    deepest and the longest drawdown are those within a window.

    Args:
        windows: Runs of equal number and order, a window each.
        cash: Starting cash of each window's runs [micro-units].
    """
    if len(windows) == 1:
        return windows[0]
    first = windows[0].accounts
    accounts = Account.zeros(len(first))
    growth = np.ones(len(first))
    accounts["worst_equity"] = accounts["worst_peak"] = 1
    for one, start in zip(windows, cash, strict=True):
        own = one.accounts
        for name in SUMMED:
            accounts[name] += own[name]
        growth *= np.where(growth > 0.0, own["equity"] / start, 1.0)  # all that is lost stays lost
        accounts["status"] = np.maximum(accounts["status"], own["status"])
        kept = accounts["worst_equity"] / accounts["worst_peak"]
        deeper = own["worst_equity"] / own["worst_peak"] < kept
        for name in ("worst_equity", "worst_peak"):
            accounts[name] = np.where(deeper, own[name], accounts[name])
    accounts["equity"] = np.rint(growth * cash[0])
    return Measured(
        accounts,
        np.max([one.underwater_ns for one in windows], axis=0),
        np.sum([one.benchmark_sum for one in windows], axis=0),
        np.sum([one.benchmark_squares for one in windows], axis=0),
    )
