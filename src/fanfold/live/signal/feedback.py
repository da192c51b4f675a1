"""What execution and risk say of orders and money, taken into signal's state."""

from collections.abc import Callable

import msgspec

from fanfold.engine.stepper import Stepper
from fanfold.live.messages import AccountState, Fill, OrderChange, Refusal, Split
from fanfold.live.signal.state import (
    DENIED,
    EXECUTIONS,
    FULFILLED,
    GATE_CLOSED,
    ORDERS,
    RETRIED,
    RETRY_NS,
    ROLES,
    State,
    is_ratio,
)

Told = Fill | OrderChange | Refusal | AccountState | Split
"""What a decider is told of its orders."""


class Feedback:
    """Takes in what became of intents.

    Args:
        state: The decider's.
        stepper: Whose account it is.
        count: Counts something by its name.
    """

    def __init__(self, state: State, stepper: Stepper, count: Callable[[str], None]) -> None:
        self._state, self._stepper, self._count = state, stepper, count

    def take(self, value: Told) -> None:
        """One of them; what it changes of the goals, the stepper says."""
        match value:
            case Fill():
                self._fill(value)
            case OrderChange():
                self._order_change(value)
            case Refusal():
                self._refusal(value)
            case AccountState():
                self._account_state(value)
            case Split():
                self._split(value)

    def _fill(self, fill: Fill) -> None:
        state = self._state
        sound = 0 <= fill.asset < len(self._state.held) and fill.role in ROLES and fill.price > 0
        # What was never wanted is not booked as if it were: the account's state settles it.
        known = fill.execution_id in state.executions
        if known or not sound or state.goals[fill.asset] is None:
            self._count("ignored.fill")
            return
        state.executions[fill.execution_id] = None
        if len(state.executions) > EXECUTIONS:
            del state.executions[next(iter(state.executions))]
        if fill.client_order_id in state.open_orders:
            state.open_orders[fill.client_order_id] -= fill.lots
        self._count("fills")
        state.held[fill.asset] += fill.lots
        if fill.held != state.held[fill.asset]:
            self._count("drifted")  # the next state of the account settles it
        self._stepper.fill(fill.asset, fill.role, fill.lots, fill.price, fill.fee, fill.ts)

    def _order_change(self, change: OrderChange) -> None:
        known = self._state.open_orders
        if not 0 <= change.asset < len(self._state.held):
            self._count("ignored.order")
        elif change.left:
            known[change.client_order_id] = change.left
            if len(known) > ORDERS:
                del known[next(iter(known))]
        else:
            left = known.pop(change.client_order_id, 0)
            waits = change.state in RETRIED and self._deny(change.asset, change.number)
            if not waits and change.state not in FULFILLED and change.role in ROLES:
                self._stepper.ended(change.asset, change.role, left, change.reason)

    def _deny(self, asset: int, number: int) -> bool:
        """Nothing came of it, for a reason that may pass: the goal is asked for later."""
        goal = self._state.goals[asset]
        if goal is None or goal.number != number:
            return False
        self._count("denied")
        self._state.denied[asset] = self._state.ts
        return True

    def ask_again(self, ts: int) -> None:
        """Let the step ask anew for what was denied long enough ago."""
        denied = self._state.denied
        for asset in [one for one, since in denied.items() if ts >= since + RETRY_NS]:
            del denied[asset]
            for role in ("exit", "entry"):
                self._stepper.ended(asset, role, 0, DENIED)

    def _refusal(self, refusal: Refusal) -> None:
        goals = self._state.goals
        goal = goals[refusal.asset] if 0 <= refusal.asset < len(self._state.held) else None
        if goal is None or refusal.number != goal.number:
            self._count("ignored.refusal")  # of a goal that is no more
            return
        if refusal.reason == GATE_CLOSED:
            self._deny(refusal.asset, refusal.number)
            return
        self._count("refused")
        goals[refusal.asset] = msgspec.structs.replace(goal, goal=refusal.allowed)
        self._stepper.refused(refusal.asset, refusal.allowed, refusal.reason)

    def _account_state(self, account: AccountState) -> None:
        state = self._state
        if len(account.held) != len(self._state.held):
            self._count("ignored.account")
        elif state.unsettled or list(account.held) != state.held:
            self._count("settled")
            state.held, state.unsettled = list(account.held), False
            self._stepper.settle(account.held, account.cash)

    def _split(self, split: Split) -> None:
        sound = 0 <= split.asset < len(self._state.held) and is_ratio(split, self._state.held)
        if not sound or split.ts <= self._state.splits.get(split.asset, 0):  # told again
            self._count("ignored.split")
            return
        self._count("splits")
        self._state.splits[split.asset] = split.ts
        self._stepper.split(split.asset, split.ratio)
        # What was paid for fractions, and how they were rounded, the account says next.
        self._state.held[split.asset], self._state.unsettled = split.held, True
