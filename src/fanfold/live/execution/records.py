"""An order of ours, its executions, and what a message changes, as values."""

from typing import Final

from msgspec import Struct

from fanfold.live.execution.amounts import NAN
from fanfold.live.execution.states import State, is_terminal

PROTECTIVE: Final = frozenset(("stop", "target"))
"""Roles of orders that rest for a position, and end what its approval had begun."""


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order of ours, or a leg of one.

    Attributes:
        client_order_id: Its name; of a leg the broker's.
        number: Of the approval that it was made for.
        event_ts: What was decided on [ns UTC].
        asset: Number of the asset.
        role: "entry", "exit", "stop", "target" or "flatten".
        revision: Of its name.
        side: 1 buys, -1 sells.
        lots: Asked for, unsigned; what the broker says of it later, too.
        parts: Lots in one unit.
        type: "market", "limit", "stop" or "stop_limit".
        limit, stop: Prices, NaN for none [currency].
        time_in_force: "day", "gtc" …
        order_class: "", "bracket", "oco" or "oto".
        take_profit, stop_loss: Prices of the legs, NaN for none [currency].
        parent: client_order_id of the order whose leg it is, "" for none.
        group: client_order_id of the first order of its family, "" for its own.
        replaces: client_order_id of the order whose place it takes, "" for none.
        broker_id: Its name at the broker, "" until it is known.
        state: Where it stands.
        status: The broker's last word for it.
        reason: Why it was refused or ended, as far as it was said.
        created_at: When we made it [ns UTC].
        updated_at: Of the newest message that was believed [ns, the broker's clock].
        cumulative, cumulative_amount: The most that the broker has named as filled [lots],
            and its money [micro-units].
        executed, executed_amount: Sum of executions seen by id [lots], [micro-units].
        executions: Their ids.
    """

    client_order_id: str
    number: int
    event_ts: int
    asset: int
    role: str
    revision: int
    side: int
    lots: int
    parts: int
    type: str
    limit: float = NAN
    stop: float = NAN
    time_in_force: str
    order_class: str = ""
    take_profit: float = NAN
    stop_loss: float = NAN
    parent: str = ""
    group: str = ""
    replaces: str = ""
    broker_id: str = ""
    state: State = State.INTENDED
    status: str = ""
    reason: str = ""
    created_at: int = 0
    updated_at: int = 0
    cumulative: int = 0
    cumulative_amount: int = 0
    executed: int = 0
    executed_amount: int = 0
    executions: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """What an entry or exit, its legs, and whatever takes their places have in common."""
        return self.group or self.client_order_id

    @property
    def filled(self) -> int:
        """Lots filled, unsigned."""
        return max(self.executed, self.cumulative)

    @property
    def filled_amount(self) -> int:
        """Money of them, unsigned [micro-units]."""
        return self.executed_amount if self.executed >= self.cumulative else self.cumulative_amount

    @property
    def left(self) -> int:
        """Lots that may still fill, unsigned; 0 once it is over, all of it while UNKNOWN."""
        return 0 if is_terminal(self.state) else max(self.lots - self.filled, 0)

    @property
    def signed_left(self) -> int:
        """The same, negative for a sale."""
        return self.side * self.left


class Execution(Struct, frozen=True, kw_only=True):
    """A fill to be booked once: told to others where its lots are not 0.

    The lots and amounts of an order's executions add up to its `filled` and
    `filled_amount`, always.

    Attributes:
        execution_id: The broker's, or ``inferred:<client_order_id>:<cumulative lots>`` of
            what the stream has lost.
        client_order_id, asset, role: Of the order.
        ts: When [ns UTC].
        lots: Signed; 0 of an execution that was inferred before it was told.
        price: Of a unit [micro-units].
        amount: Its money, with the sign of `lots` of a purchase: paid is positive
            [micro-units]; of lots 0 a correction of rounding.
        told: Lots that the broker named for it, unsigned.
        is_inferred: Whether it follows from cumulative amounts alone.
    """

    execution_id: str
    client_order_id: str
    asset: int
    role: str
    ts: int
    lots: int
    price: int
    amount: int
    told: int
    is_inferred: bool = False


class Change(Struct, frozen=True):
    """What a message has made of an order.

    Attributes:
        order: As it is now.
        executions: To be booked, the oldest first.
        refused: The event that could not happen, "" for none: count it.
        unknown: The broker's word that is not known, "" for none: count it.
    """

    order: Order
    executions: tuple[Execution, ...] = ()
    refused: str = ""
    unknown: str = ""
