"""The state of one run fed from outside: the engine's own records, and light views of them."""

from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np

from fanfold.domain.compiled import Compiled
from fanfold.domain.decision import Asset, Portfolio
from fanfold.domain.record import view
from fanfold.engine import light
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
        lag: Bars by which wishes are delayed.
        is_light: Whether desks, account and rules are objects of their own.
        memory, wishes, scratch: Views of the decision's memory, of what was heard of what it
            wrote, and of the limits' working rows.
        assets, desks, portfolio, account, rules: The records, one object each: views of their
            memory, or for plain Python objects of its own.
    """

    def __init__(
        self,
        strategy: Strategy,
        universe: Universe,
        terms: Terms,
        scratch: Any,
        *,
        facts: bool,
        machine: bool,
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
        self._arrays: dict[str, Any] = {
            "assets": Asset.zeros(count),
            "desks": Desk.zeros(count),
            "portfolio": Portfolio.zeros(1),
            "memory": np.zeros(memory_of(strategy, count)),
            "wishes": np.zeros((count, WISHES)),
            "delayed": np.zeros((terms.options.delay_bars - 1, count, WISHES)),
            "scratch": scratch,
            "account": Account.zeros(1),
        }
        self._rules_array = _rules(universe, terms, self.written, facts=facts)
        self.is_light = False
        self.lag = len(self._arrays["delayed"])
        self.assets = Asset.views(self._arrays["assets"])
        self.desks: list[Any] = Desk.views(self._arrays["desks"])
        (self.portfolio,) = Portfolio.views(self._arrays["portfolio"])
        self.account: Any = Account.views(self._arrays["account"])[0]
        self.rules: Any = Rules.views(self._rules_array)[0]
        self.memory = view(self._arrays["memory"])
        self.wishes, self.scratch = view(self._arrays["wishes"]), view(scratch)
        self._begin(strategy, universe, terms)
        if not machine:
            self.is_light = True
            self.desks = light.light(Desk, self._arrays["desks"])
            (self.account,) = light.light(Account, self._arrays["account"])
            (self.rules,) = light.light(Rules, self._rules_array)

    @property
    def arrays(self) -> dict[str, Any]:
        """The records and arrays that change, by name, as they are now.

        Whoever changes them calls `take_over` after it.
        """
        self._keep()
        return self._arrays

    @property
    def rules_array(self) -> Any:
        """The rules as machine code and snapshots take them."""
        self._keep()
        return self._rules_array

    def _keep(self) -> None:
        if self.is_light:
            light.keep(Desk, self.desks, self._arrays["desks"])
            light.keep(Account, [self.account], self._arrays["account"])
            light.keep(Rules, [self.rules], self._rules_array)

    def take_over(self) -> None:
        """Go on with what was written into the arrays."""
        if self.is_light:
            light.take_over(Desk, self._arrays["desks"], self.desks)
            light.take_over(Account, self._arrays["account"], [self.account])
            light.take_over(Rules, self._rules_array, [self.rules])

    def _begin(self, strategy: Strategy, universe: Universe, terms: Terms) -> None:
        arrays = self._arrays
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
        arrays, nothing = self._arrays, (FillRow.zeros(0), OrderRow.zeros(0), BookingRow.zeros(0))
        state = arrays["account"], self._rules_array
        books = arrays["wishes"], arrays["delayed"], arrays["scratch"]
        return (
            (arrays["assets"], arrays["desks"], arrays["portfolio"], *state, *nothing),
            (arrays["assets"], *books),
            (arrays["desks"], *state, nothing[1]),
        )

    def plain(self) -> tuple[Any, ...]:
        """What `open_step` takes from `assets` on, `close_step` to `scratch`, from `desks` on."""
        arrays = self._arrays
        state = [self.account], [self.rules]
        books = [view(arrays[name]) for name in ("wishes", "delayed", "scratch")]
        return (
            (self.assets, self.desks, [self.portfolio], *state, (), (), ()),
            (self.assets, *books),
            (self.desks, *state, ()),
        )

    def renumber(self, shift: int) -> None:
        """Make all numbers of bars smaller."""
        for desk in self.desks:
            desk.order_bar = max(desk.order_bar - shift, -1)
            desk.entry_bar = max(desk.entry_bar - shift, -1)


def renumbered(desks: Any, shift: int) -> Any:
    """Records of desks with smaller numbers of bars."""
    made = desks.copy()
    for name in ("order_bar", "entry_bar"):
        made[name] = np.maximum(made[name] - shift, -1)
    return made


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
