"""What signal takes in, remembers and records, as values."""

import math
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.engine.universe import Goal, StepRow
from fanfold.live.messages import Intent, Quote, Row, Split, Step

EXECUTIONS: Final = 4_096
"""Executions that are remembered, so that none is booked twice."""

ROLES: Final = frozenset({"entry", "exit", "stop", "target", "flatten"})
"""What an order of ours may be for."""

ORDERS: Final = 20_000
"""Orders that may be open at once; of more, the oldest is forgotten."""

DENIED: Final = "denied"
"""State of what execution was approved and did not send."""

RETRIED: Final = frozenset({DENIED, "rejected"})
"""States of what came to nothing, and would again at once: asked for after `RETRY_NS`."""

FULFILLED: Final = frozenset({DENIED, "filled", "replaced"})
"""States in which an order is over and leaves nothing to be asked for at the next step."""

GATE_CLOSED: Final = "gate_closed"
"""Risk's reason to refuse what would only come too soon."""

RATIO_MAX: Final = 10_000.0
"""Most units that a split makes of one; also 1 / the least."""

LOTS_MAX: Final = 10**15
"""Most that can be held after a split [lots]."""

RETRY_NS: Final = 1_000_000_000
"""How long after a denial a goal is asked for again, on the stream's clock [ns]."""

_encode: Final = msgspec.msgpack.Encoder().encode


class Decision(Struct, frozen=True, array_like=True):
    """What came of an event, as it is recorded.

    Attributes:
        number: Rises by one with each.
        ts: The bar's end, the quote's instant or the arming's [ns UTC].
        wishes: What the decision wrote, float64 of [asset, wish]; empty where it is what
            it was at the decision before.
        intents: What was sent.
    """

    number: int
    ts: int
    wishes: bytes
    intents: tuple[Intent, ...]


def as_bytes(decision: Decision) -> bytes:
    """As it is recorded; two decisions are the same if their bytes are."""
    return _encode(decision)


class State(Struct, array_like=True):
    """All that a decider remembers beside what its stepper does.

    Attributes:
        held: Signed lots of each asset, as fills and accounts told.
        goals: What was wanted last of each asset, with its number once it was sent.
        quote_ts: Of each asset's last quote [ns UTC].
        open_orders: Signed lots that orders may still bring, by id.
        executions: Ids of the last fills, the oldest first.
        denied: When the goal of an asset was denied [ns UTC], until it is asked for again.
        armed, begun: Whether intents are sent; whether it was ever armed.
        gate_open: Whether execution's gate is open, None until it was told.
        unsettled: Whether the next state of the account counts in any case.
        ts: Of the last event that was decided on [ns UTC].
        session_day: Its session [days since 1970-01-01].
        intent, decision: Numbers of the last ones.
        wishes: What the decision wrote last.
        splits: Day of the last split of an asset that was heard of [ns UTC].
        error, latch: Why it decides no more, and the latch of that; "" while it does.
    """

    held: list[int]
    goals: list[Intent | None]
    quote_ts: list[int]
    open_orders: dict[str, int]
    executions: dict[str, None]
    denied: dict[int, int]
    armed: bool = False
    begun: bool = False
    gate_open: bool | None = None
    unsettled: bool = False
    ts: int = 0
    session_day: int | None = None
    intent: int = 0
    decision: int = 0
    wishes: bytes = b""
    error: str = ""
    latch: str = ""
    splits: dict[int, int] = msgspec.field(default_factory=dict[int, int])


def fresh_state(asset_count: int, intent: int = 0) -> State:
    """Before the first event; intents are numbered from `intent` on."""
    return State(
        held=[0] * asset_count,
        goals=[None] * asset_count,
        quote_ts=[0] * asset_count,
        open_orders={},
        executions={},
        denied={},
        intent=intent,
    )


class Saved(Struct, frozen=True, array_like=True):
    """A snapshot of a decider."""

    state: State
    stepper: bytes
    counts: dict[str, int]


def gauges_of(state: State) -> dict[str, int | bool | str]:
    """What of a state people look at."""
    return {
        "begun": state.begun,
        "gate_open": state.gate_open is True,
        "last_ts": state.ts,
        "intent": state.intent,
        "decision": state.decision,
        "open_orders": len(state.open_orders),
        "error": state.error,
    }


def sound_bars(step: Step, asset_count: int) -> list[StepRow]:
    """The bars of a step, each asset once, without those that cannot be."""
    sound = {row.asset: row for row in step.rows if _is_sound(row, asset_count)}
    return [
        (row.asset, row.open, row.high, row.low, row.close, row.volume) for row in sound.values()
    ]


def _is_sound(row: Row, asset_count: int) -> bool:
    within = 0 <= row.asset < asset_count and PRICE_MIN <= row.open <= PRICE_MAX
    ordered = PRICE_MIN <= row.low <= row.close <= row.high <= PRICE_MAX
    return within and ordered and not (row.volume < 0.0 or row.volume == math.inf)


def bar_of(quote: Quote) -> StepRow:
    """A quote as a bar of its middle."""
    middle = (quote.bid + quote.ask) / 2.0
    return quote.asset, middle, middle, middle, middle, math.nan


def intent_of(goal: Goal, ts: int) -> Intent:
    """A goal as an intent of an event, without a number yet."""
    return Intent(
        number=0,
        event_ts=ts,
        asset=goal.asset,
        goal=goal.lots,
        limit=goal.limit,
        stop=goal.stop,
        stop_loss=goal.stop_loss,
        take_profit=goal.take_profit,
        mark=goal.mark,
        forced=goal.forced,
    )


def is_due(goal: Intent, held: list[int]) -> bool:
    """Whether a goal is not reached, or has levels that may have moved unheard."""
    levels = not (math.isnan(goal.stop_loss) and math.isnan(goal.take_profit))
    return goal.goal != held[goal.asset] or (levels and goal.goal != 0)


def is_ratio(split: Split, held: list[int]) -> bool:
    """Whether a split can be one, and lots remain numbers that can be counted with."""
    within = 1.0 / RATIO_MAX <= split.ratio <= RATIO_MAX
    return within and abs(held[split.asset]) * split.ratio <= LOTS_MAX


def says_the_same(one: Intent, other: Intent) -> bool:
    """Whether two intents ask for the same, whenever they were decided on."""
    if (one.goal, one.forced) != (other.goal, other.forced):
        return False
    pairs = zip(_prices(one), _prices(other), strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)


def _prices(intent: Intent) -> tuple[float, float, float, float]:
    return intent.limit, intent.stop, intent.stop_loss, intent.take_profit
