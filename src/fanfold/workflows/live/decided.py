"""Whether what was decided live is decided again: three comparisons, bit for bit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.compiled import Compiled
from fanfold.domain.period import ts_text
from fanfold.engine.decisions import WISH_NAMES, decisions_of
from fanfold.engine.step.runner import can_ask_ahead
from fanfold.live.messages import encode
from fanfold.live.record.stored import frames
from fanfold.live.signal.decider import Decision
from fanfold.live.signal.making import strategy_from, terms_from
from fanfold.live.signal.restart import replay
from fanfold.strategies.strategy import decision_of
from fanfold.workflows.live.recorded import Recorded

EQUAL: Final = "equal"
DIFFERENT: Final = "different"
NOT_COMPARED: Final = "not compared"

PLAIN_ENVELOPES_MAX: Final = 50_000
"""Record below which plain Python is done before machine code would be compiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One comparison.

    Attributes:
        name: What with what.
        verdict: "equal", "different" or "not compared".
        compared: Decisions.
        different: How many of them differ.
        first: Where the first difference is, or why nothing was compared.
    """

    name: str
    verdict: str
    compared: int
    different: int
    first: str


def replayed(found: Recorded) -> Compared:
    """The recorded inputs once more through the engine's step: every wish and every intent.

    A long record goes through machine code, whatever live ran in: then two ways of running
    are compared as well as two times.
    """
    name = "recorded inputs, through the engine again"
    plan = found.plan
    if found.envelope_count > PLAIN_ENVELOPES_MAX:
        host = plan.settings.host.model_copy(update={"machine": True})
        settings = plan.settings.model_copy(update={"host": host})
        plan = plan.model_copy(update={"settings": settings})
    inputs = islice(frames(found.folder, "signal"), found.envelope_count)
    again = list(replay(found.folder, inputs, plan))
    if found.is_running:
        del again[len(found.decisions) :]
    return _compared(name, found.decisions, again)


def _compared(name: str, live: Sequence[Decision], again: Sequence[Decision]) -> Compared:
    different = [
        place for place, pair in enumerate(zip(live, again, strict=False)) if _differ(pair)
    ]
    lacking = abs(len(live) - len(again))
    first = ""
    if different:
        first = ts_text(live[different[0]].ts)
    elif lacking:
        longer = live if len(live) > len(again) else again
        first = f"{ts_text(longer[min(len(live), len(again))].ts)}, which one of the two has not"
    count = len(different) + lacking
    return Compared(
        name=name, verdict=DIFFERENT if count else EQUAL, compared=max(len(live), len(again)),
        different=count, first=first,
    )  # fmt: skip


def _differ(pair: tuple[Decision, Decision]) -> bool:
    """Bytes are compared, so that NaN equals NaN and nothing is rounded."""
    one, other = pair
    return encode(one) != encode(other)


def backtested(found: Recorded, bars: Bars, name: str, reference: Bars | None = None) -> Compared:
    """Decisions on some bars, by the loop that backtests use, beside others.

    Args:
        found: The record.
        bars: The warm-up's and what came after it.
        name: What is compared.
        reference: Bars whose decisions they are compared with; None for those of the record.
    """
    strategy = strategy_from(found.plan, found.folder)
    decide: Any = decision_of(strategy)
    ahead: Any = can_ask_ahead
    if found.begun_ts is None or not found.steps or found.plan.settings.market.clock == "quotes":
        return Compared(
            name=name, verdict=NOT_COMPARED, compared=0, different=0,
            first="no bar was decided on",
        )  # fmt: skip
    if not (isinstance(decide, Compiled) and ahead(decide)):
        return Compared(
            name=name, verdict=NOT_COMPARED, compared=0, different=0,
            first="its decisions look at the account, which fills of its own have changed",
        )  # fmt: skip
    wished = _wishes(found, bars)
    other = live_wishes(found) if reference is None else _wishes(found, reference)
    shared = sorted(wished.keys() & other.keys())
    differ = [ts for ts in shared if wished[ts].tobytes() != other[ts].tobytes()]
    lacking = len(wished.keys() ^ other.keys())
    first = ts_text(differ[0]) if differ else ""
    if lacking and not first:
        first = f"{ts_text(min(wished.keys() ^ other.keys()))}, which one of the two has not"
    count = len(differ) + lacking
    return Compared(
        name=name,
        verdict=DIFFERENT if count else EQUAL,
        compared=len(wished.keys() | other.keys()),
        different=count,
        first=first,
    )


def _wishes(found: Recorded, bars: Bars) -> dict[int, NDArray[np.float64]]:
    """What a backtest's decisions write, by bar, from the first that was decided live."""
    first = int(np.searchsorted(bars.ts, found.begun_ts or 0, side="right"))
    terms = replace(terms_from(found.plan), start_bar=first, end_bar=None)
    decided = decisions_of(strategy_from(found.plan, found.folder), bars, terms, first)
    return {
        int(ts): wishes
        for ts, wishes in zip(bars.ts[first:], decided.wishes, strict=False)
        if int(ts) in found.steps or int(ts) > (found.begun_ts or 0)
    }


def live_wishes(found: Recorded) -> dict[int, NDArray[np.float64]]:
    """What was written live, by bar; a decision that changed nothing has what stood before."""
    shape = len(found.plan.assets), len(WISH_NAMES)
    standing = np.zeros(shape)
    by_bar: dict[int, NDArray[np.float64]] = {}
    for one in found.decisions:
        if one.wishes:
            standing = np.frombuffer(one.wishes, np.float64).reshape(shape)
        if one.ts in found.steps:
            by_bar[one.ts] = standing
    return by_bar
