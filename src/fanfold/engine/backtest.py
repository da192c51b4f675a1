"""The public way to run one backtest."""

from collections.abc import Sequence
from decimal import Decimal

from fanfold.domain.bars import Bars
from fanfold.domain.compiled import Compiled
from fanfold.engine.arena import Tape
from fanfold.engine.between import TAPE_ROWS_START, Heir, run_between
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.run import Mode, first_bar, run_chunk
from fanfold.engine.spec import Terms, cash_in_micro
from fanfold.errors import ConfigError, StrategyError
from fanfold.execution.costs import Costs
from fanfold.execution.venue_rules import venue_rules
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure, Sizing
from fanfold.strategies.strategy import Strategy, computes_columns, decision_of


def terms_of(
    *,
    cash: float | Decimal = 100_000,
    costs: Costs | None = None,
    limits: Limits | None = None,
    sizing: Sizing | None = None,
    venue: str = "alpaca",
    options: FillOptions | None = None,
    leverage: float = 1.0,
    start_bar: int | None = None,
    risk_free: float = 0.0,
) -> Terms:
    """Gather the terms of a run from public arguments.

    Raises:
        ConfigError: One of them is out of bounds.
    """
    return Terms(
        cash=cash_in_micro(cash),
        costs=costs or Costs(),
        limits=limits or Limits(),
        sizing=sizing or Exposure(),
        venue=venue_rules(venue),
        options=options or FillOptions(),
        leverage=leverage,
        start_bar=start_bar,
        risk_free=risk_free,
    )


def run_backtest(strategy: Strategy, bars: Bars, terms: Terms, *, mode: Mode = "auto") -> Result:
    """Run one strategy on these terms.

    Raises:
        ConfigError: There are too few bars, or the strategy is not well formed.
        StrategyError: The decision raised, or wrote what cannot be traded.
    """
    first = first_bar(strategy, bars, terms)
    # A plain decision is slow and may be changed by having run once: record it at once.
    tape = None if isinstance(decision_of(strategy), Compiled) else _open_tape(bars)
    outcome = run_chunk([strategy], bars, terms, first, tape=tape, mode=mode)
    if outcome.errors[0]:
        raise StrategyError(f"{type(strategy).__name__}: {outcome.errors[0]}")
    return Result(
        strategy=strategy,
        bars=bars,
        terms=terms,
        first=first,
        outcome=outcome,
        mode=mode,
        tape=tape,
    )


def run_handed_over(line: Sequence[Heir], bars: Bars, terms: Terms) -> Result:
    """Run strategies of one class one after the other in one account.

    Each takes over all that is held and wished, from its bar on; the decision's memory
    begins anew.

    Args:
        line: The first bar of each strategy's decisions, and the strategy, in time.
        bars: The market.
        terms: Money, costs, limits and options.

    Raises:
        ConfigError: The strategies bring columns of their own.
        StrategyError: A decision raised, or wrote what cannot be traded.
    """
    (first, strategy), *heirs = line
    if computes_columns(type(strategy)):
        raise ConfigError(
            f"{type(strategy).__name__} brings columns of its own and cannot carry positions over"
        )
    first_bar(strategy, bars, terms)
    tape = _open_tape(bars)
    outcome = run_between(strategy, bars, terms, first, tape, heirs=heirs)
    if outcome.errors[0]:
        raise StrategyError(f"{type(strategy).__name__}: {outcome.errors[0]}")
    return Result(
        strategy=line[-1][1], bars=bars, terms=terms, first=first, outcome=outcome, tape=tape
    )


def _open_tape(bars: Bars) -> Tape:
    return Tape.sized(bars.bar_count, *[TAPE_ROWS_START] * 3)


def backtest(
    strategy: Strategy,
    bars: Bars,
    *,
    cash: float | Decimal = 100_000,
    costs: Costs | None = None,
    limits: Limits | None = None,
    sizing: Sizing | None = None,
    venue: str = "alpaca",
    options: FillOptions | None = None,
    leverage: float = 1.0,
    start_bar: int | None = None,
    risk_free: float = 0.0,
) -> Result:
    """Run one strategy over bars.

    Args:
        strategy: What to hold.
        bars: The market.
        cash: Starting cash [currency].
        costs: Commission, slippage, impact, interest; none by default.
        limits: What may not be passed; nothing by default.
        sizing: What a target means: a share of equity by default.
        venue: Whose rules orders follow: "alpaca", or "ideal" for a venue without.
        options: How orders are sized and filled.
        leverage: Gross exposure over equity that the account may hold [1].
        start_bar: First bar of decisions and measures; the strategy's own warm-up by
            default.
        risk_free: Yearly risk-free return that the Sharpe ratio is measured above [1].

    Raises:
        ConfigError: An argument is out of bounds, or there are too few bars.
        StrategyError: The decision raised, or wrote a target that is no finite number.
    """
    terms = terms_of(
        cash=cash,
        costs=costs,
        limits=limits,
        sizing=sizing,
        venue=venue,
        options=options,
        leverage=leverage,
        start_bar=start_bar,
        risk_free=risk_free,
    )
    return run_backtest(strategy, bars, terms)
