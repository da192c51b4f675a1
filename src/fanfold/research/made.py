"""From parameters to strategies, and from strategies to outcomes.

What cannot be, or fails, is said by its reason and takes nothing else with it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError

from fanfold.domain.bars import Bars
from fanfold.engine.blocks import block_cuts
from fanfold.engine.features import Features, sharing, warm_up_of
from fanfold.engine.outcomes import Outcomes, together
from fanfold.engine.prepare import prepared
from fanfold.engine.run import Mode, run_chunk
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import STATUSES, SUMS, Account
from fanfold.errors import FanfoldError
from fanfold.research.plan import Params
from fanfold.strategies.sizing import warm_up
from fanfold.strategies.strategy import Span, Strategy, computes_columns, features_of, learns

INFEASIBLE = "infeasible"
FAILED = "failed"


class Made(NamedTuple):
    """One combination as a strategy, or why it is none.

    Attributes:
        strategy: None if the parameters do not go together.
        features: Its features.
        reason: Why there is no strategy, or "".
    """

    strategy: Strategy | None
    features: Features = ()
    reason: str = ""


def make(strategy: type[Strategy], fixed: Params, chosen: Params) -> Made:
    """Make one combination of a plan."""
    return _made(strategy, dict(**fixed, **chosen), features_of)


def make_all(strategy: type[Strategy], fixed: Params, chosen: Iterable[Params]) -> list[Made]:
    """Make combinations of a plan; those with equal features have the same object."""
    shared = sharing(strategy)
    return [_made(strategy, fixed | params, shared) for params in chosen]


def _made(
    strategy: type[Strategy], params: Params, features: Callable[[Strategy], Features]
) -> Made:
    try:
        # What calling the class does, in half the time.
        made = strategy.__pydantic_validator__.validate_python(params)
    except ValidationError as error:
        return Made(None, reason=reason_of(error))
    try:
        return Made(made, features(made))
    except FanfoldError:
        raise
    except Exception as error:  # the user's own code: this combination's affair
        return Made(None, reason=f"features raised {type(error).__name__}: {error}")


def reason_of(error: ValidationError) -> str:
    """The first finding of a validation, in one line with field and value."""
    found = error.errors(include_url=False)[0]
    message = found["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in found["loc"])
    return f"{where}: {message}, was {found['input']!r}" if where else message


def fitted(one: Made, bars: Bars, spans: Sequence[Span]) -> Made:
    """A combination that has learned from some bars, or why it could not."""
    if one.strategy is None or not learns(type(one.strategy)):
        return one
    try:
        return Made(one.strategy.fit(bars, spans), one.features)
    except Exception as error:  # the user's own code: this combination's affair
        return Made(one.strategy, one.features, f"fit raised {type(error).__name__}: {error}")


def largest_warm_up(combinations: Sequence[Made], bars: Bars, terms: Terms) -> int:
    """Largest warm-up of the feasible combinations and their sizing [bars]."""
    feasible = next((one.strategy for one in combinations if one.strategy is not None), None)
    if feasible is None or not computes_columns(type(feasible)):
        combinations = list({id(one.features): one for one in combinations}.values())
    longest = max((_warm_up(one, bars) for one in combinations), default=0)
    return max(longest, warm_up(terms.sizing))


def _warm_up(one: Made, bars: Bars) -> int:
    if one.strategy is not None and computes_columns(type(one.strategy)):
        return warm_up_of(one.features, prepared(one.strategy, bars))
    return warm_up_of(one.features, bars)


@dataclass(frozen=True, slots=True)
class Ended:
    """How every combination of a chunk ended, those that could not be run too.

    Attributes:
        outcomes: Accounts, reasons and blocks, in the combinations' order.
        statuses: One word each, shape [combination].
    """

    outcomes: Outcomes
    statuses: np.ndarray[tuple[int], np.dtype[np.object_]]


def run_made(
    made: Sequence[Made], bars: Bars, terms: Terms, first: int, *, mode: Mode, block_count: int
) -> Ended:
    """Run combinations of one class from one bar on; what fails is set aside.

    Args:
        made: The combinations.
        bars: The market.
        terms: Money, costs, limits and options.
        first: Bar of the first decision.
        mode: How they run; the same bits either way.
        block_count: Blocks of bars whose returns are added up apart.
    """
    chosen = [one for one in made if one.strategy is not None and not one.reason]
    ran = _run(chosen, bars, terms, first, mode, block_count)
    ended = ran if len(chosen) == len(made) else _beside_others(ran, made)
    failed = np.array([reason != "" for reason in ended.errors], np.bool_)
    ended.accounts["worst_peak"][failed] = 1  # without metrics, but no division by zero either
    statuses = np.array(STATUSES, object)[ended.accounts["status"]]
    statuses[failed] = FAILED
    statuses[[one.strategy is None for one in made]] = INFEASIBLE
    return Ended(ended, statuses)


def _beside_others(ran: Outcomes, made: Sequence[Made]) -> Outcomes:
    """Outcomes of those that ran, in their places among all combinations."""
    runnable = [one.strategy is not None and not one.reason for one in made]
    accounts = Account.zeros(len(made))
    accounts["worst_peak"] = 1
    accounts[runnable] = ran.accounts
    blocks = np.zeros((len(made), *ran.blocks.shape[1:]))
    blocks[runnable] = ran.blocks
    errors = iter(ran.errors)
    reasons = [
        next(errors) if runs else one.reason for one, runs in zip(made, runnable, strict=True)
    ]
    return Outcomes(accounts, reasons, blocks)


def _run(  # noqa: PLR0917
    made: Sequence[Made], bars: Bars, terms: Terms, first: int, mode: Mode, block_count: int
) -> Outcomes:
    kept = len(block_cuts(bars, first, terms.last(bars), block_count))
    strategies = [one.strategy for one in made if one.strategy is not None]
    if not strategies:
        return Outcomes(Account.zeros(0), [], np.zeros((0, kept, SUMS)))
    features = [one.features for one in made]
    try:
        return run_chunk(
            strategies, bars, terms, first, features=features, mode=mode, block_count=block_count
        )
    except FanfoldError as error:
        if len(made) == 1:
            return Outcomes(Account.zeros(1), [str(error)], np.zeros((1, kept, SUMS)))
    # One of them is not well formed: find out which, and let the others run.
    return together([_run([one], bars, terms, first, mode, block_count) for one in made])
