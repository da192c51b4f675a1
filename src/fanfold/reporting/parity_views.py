"""What the page on parity shows, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One of the comparisons.

    Attributes:
        name: What was compared with what.
        verdict: "equal", "different" or "not compared".
        compared: How many decisions.
        different: How many of them differ.
        first: Where the first difference is, or why nothing was compared; "" for neither.
    """

    name: str
    verdict: str
    compared: int
    different: int
    first: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedRow:
    """A real fill beside what the model would have made of it.

    Attributes:
        when: Its instant, as text.
        symbol: Its asset.
        side: "buy" or "sell".
        quantity: [units]
        price, modelled: Real, and of the model on the next bar [currency].
        cost: What the difference of the two cost [currency].
    """

    when: str
    symbol: str
    side: str
    quantity: float
    price: float
    modelled: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityView:
    """A deployment's record beside its backtest.

    Attributes:
        name: The deployment.
        legs: The comparisons of decisions.
        live, backtest: Profit since the first bar, at each bar's end [currency]; one index.
        causes: Why the two differ, by name [currency]; they add up to the difference.
        meanings: What each cause means, in a sentence.
        traded: Real fills.
        refusals: How often each named reason refused or trimmed.
        facts: What else a reader needs.
    """

    name: str
    legs: Sequence[Leg]
    live: "Series[float]"
    backtest: "Series[float]"
    causes: Mapping[str, float]
    meanings: Mapping[str, str]
    traded: Sequence[TradedRow]
    refusals: Mapping[str, int]
    facts: Mapping[str, str]
