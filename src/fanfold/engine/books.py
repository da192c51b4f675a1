"""The state of one run fed from outside: the engine's own records, and light views of them."""

from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np

from fanfold.domain.compiled import Compiled
from fanfold.domain.decision import Asset, Portfolio
from fanfold.domain.record import view
from fanfold.engine.rules import rules_of
from fanfold.engine.spec import Terms
from fanfold.engine.step.begin import begin_run
from fanfold.engine.step.runner import prices_written
from fanfold.engine.step.state import (
    CLOCK_ROWS,
    DELISTING_BAR,
    LEAST_NOTIONAL,
    PARTS,
    SECTOR,
    SHORTABLE,
    TICK_COARSE,
    TICK_FINE,
    TRAIT_ROWS,
    WISHES,
    Account,
    BookingRow,
    Desk,
    FillRow,
    OrderRow,
    Rules,
)
from fanfold.engine.universe import Universe
from fanfold.errors import ConfigError
from fanfold.risk.limits import sector_numbers
from fanfold.strategies.strategy import (
    Strategy,
    computes_columns,
    decision_of,
    memory_of,
    params_of,
)

_OUTSIDE: Final = {
    "slippage": 0.0,
    "half_spread": 0.0,
    "volatility_slippage": 0.0,
    "impact": 0.0,
    "regulatory": 0,
    "borrow_rate": 0,
    "margin_rate": 0,
    "participation": 0.0,
    "close_at_end": 0,
}
"""Rules of what a broker does to orders and money: it tells, and nothing is made up."""


class Books:
    """Account, desks and what the decision sees and writes, in memory of their own.

    Attributes:
        decide: The decision, called plain.
        written: Prices that it may write; None is not known.
        assets, desks, portfolio, account, rules: Light views of the records.
        arrays: The records and arrays that change, by name.
    """

    def __init__(
        self, strategy: Strategy, universe: Universe, terms: Terms, scratch: Any, *, facts: bool
    ) -> None:
        """Begin with the terms' cash and nothing else.

        Raises:
            ConfigError: The strategy is not well formed, or the venue takes no such orders.
        """
        decide: Any = decision_of(strategy)
        self.decide = decide
        self.written: frozenset[str] | None = None
        if isinstance(decide, Compiled):
            self.written = prices_written(cast("Compiled[..., None]", decide))
        count = len(universe.symbols)
        self.arrays: dict[str, Any] = {
            "assets": Asset.zeros(count),
            "desks": Desk.zeros(count),
            "portfolio": Portfolio.zeros(1),
            "memory": np.zeros(memory_of(strategy, count)),
            "wishes": np.zeros((count, WISHES)),
            "delayed": np.zeros((terms.options.delay_bars - 1, count, WISHES)),
            "scratch": scratch,
            "account": Account.zeros(1),
        }
        self.rules_array = _rules(universe, terms, self.written, facts=facts)
        self.assets = Asset.views(self.arrays["assets"])
        self.desks = Desk.views(self.arrays["desks"])
        (self.portfolio,) = Portfolio.views(self.arrays["portfolio"])
        (self.account,) = Account.views(self.arrays["account"])
        (self.rules,) = Rules.views(self.rules_array)
        self.memory = view(self.arrays["memory"])
        self._begin(strategy, universe, terms)

    def _begin(self, strategy: Strategy, universe: Universe, terms: Terms) -> None:
        arrays = self.arrays
        begin_run(
            0,
            0,
            params_of(strategy, universe.symbols),
            terms.cash,
            view(_traits(universe, terms)),
            view(np.zeros((CLOCK_ROWS, 1), np.int64)),
            self.assets,
            view(arrays["assets"].view("f8")),
            self.desks,
            view(arrays["desks"].view("f8")),
            self.portfolio,
            self.memory,
            view(arrays["wishes"]),
            view(arrays["delayed"]),
            self.account,
            self.rules,
        )

    def machine(self) -> tuple[Any, ...]:
        """Arguments of the step's halves for machine code, see `plain`."""
        arrays, nothing = self.arrays, (FillRow.zeros(0), OrderRow.zeros(0), BookingRow.zeros(0))
        state = arrays["account"], self.rules_array
        books = arrays["wishes"], arrays["delayed"], arrays["scratch"]
        return (
            (arrays["assets"], arrays["desks"], arrays["portfolio"], *state, *nothing),
            (arrays["assets"], *books),
            (arrays["desks"], *state, nothing[1]),
        )

    def plain(self) -> tuple[Any, ...]:
        """What `open_step` takes from `assets` on, `close_step` to `scratch`, from `desks` on."""
        arrays = self.arrays
        state = [self.account], [self.rules]
        books = [view(arrays[name]) for name in ("wishes", "delayed", "scratch")]
        return (
            (self.assets, self.desks, [self.portfolio], *state, (), (), ()),
            (self.assets, *books),
            (self.desks, *state, ()),
        )

    def renumber(self, shift: int) -> None:
        """Make all numbers of bars smaller."""
        desks = self.arrays["desks"]
        for name in ("order_bar", "entry_bar"):
            desks[name] = np.maximum(desks[name] - shift, -1)


def check_outside(strategy: type[Strategy], terms: Terms) -> None:
    """Refuse what cannot be run from outside, whatever the assets.

    Raises:
        ConfigError: The strategy computes columns, or orders are sized at the fill.
    """
    if computes_columns(strategy):
        raise ConfigError(
            f"{strategy.__name__} computes columns from whole bars; live there are none"
        )
    if terms.options.size_at == "fill":
        raise ConfigError(
            "options.size_at must be 'decision' where fills come from outside: an order's size "
            "is sent before its price is known, was 'fill'"
        )


def _rules(universe: Universe, terms: Terms, written: frozenset[str] | None, *, facts: bool) -> Any:
    # What `rules_of` reads of bars.
    bars: Any = SimpleNamespace(calendars=universe.calendars, delisted_day=None)
    rules = rules_of(terms, bars, written=written, facts=facts, recording=False)
    for name, number in _OUTSIDE.items():
        rules[name] = number
    rules["nights"] = int(terms.limits.max_daily_loss is not None)
    return rules


def _traits(universe: Universe, terms: Terms) -> Any:
    traits = np.zeros((TRAIT_ROWS, len(universe.symbols)), np.int64)
    traits[PARTS] = universe.parts
    traits[SECTOR] = sector_numbers(terms.limits, universe.symbols)[1]
    traits[DELISTING_BAR] = -1
    traits[SHORTABLE] = universe.shortable
    traits[TICK_COARSE : TICK_FINE + 1] = np.array(universe.ticks, np.int64).T
    traits[LEAST_NOTIONAL] = universe.least_notional
    return traits
