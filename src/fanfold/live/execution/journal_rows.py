"""What the journal keeps, as rows: how each is written, and how it is read again."""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from fanfold.live.execution.records import Execution, Order
from fanfold.live.execution.states import is_terminal
from fanfold.live.messages import ApprovedOrder

INTEND: Final = "INSERT INTO orders VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
NOTE: Final = f"""{INTEND} ON CONFLICT (client_order_id) DO UPDATE SET
    is_over = excluded.is_over, body = excluded.body"""
EXECUTE: Final = "INSERT OR IGNORE INTO executions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
EVENT: Final = "INSERT INTO events VALUES (NULL, ?, ?, ?, ?)"
APPROVE: Final = """INSERT INTO approvals VALUES (?, ?, 0, ?) ON CONFLICT (asset) DO UPDATE
    SET number = excluded.number, is_spent = 0, body = excluded.body
    WHERE excluded.number > number"""
SPEND: Final = "UPDATE approvals SET is_spent = 1 WHERE asset = ?"
RESTATE: Final = "UPDATE approvals SET body = ? WHERE asset = ?"
KEEP: Final = "INSERT OR REPLACE INTO meta VALUES (?, ?)"

_encode: Final = msgspec.msgpack.Encoder().encode
order_of: Final = msgspec.msgpack.Decoder(Order).decode
"""An order from its body."""

execution_of: Final = msgspec.msgpack.Decoder(Execution).decode
"""An execution from its body."""

approval_of: Final = msgspec.msgpack.Decoder(ApprovedOrder).decode
"""An approval from its body."""


def approval_row(approved: ApprovedOrder) -> tuple[Any, ...]:
    """Of `APPROVE`."""
    return approved.asset, approved.number, _encode(approved)


def restated_row(approved: ApprovedOrder) -> tuple[Any, ...]:
    """Of `RESTATE`."""
    return _encode(approved), approved.asset


def order_row(order: Order, now: int) -> tuple[Any, ...]:
    """Of `INTEND` and `NOTE`.

    Executions have a table of their own: an order's row stays short, however many it has.
    """
    body = _encode(replace(order, executions=()) if order.executions else order)
    made = order.created_at or now
    return (
        order.client_order_id, order.asset, order.number, order.event_ts, order.role, made,
        is_terminal(order.state), body,
    )  # fmt: skip


def execution_row(execution: Execution) -> tuple[Any, ...]:
    """Of `EXECUTE`."""
    e = execution
    return (
        e.execution_id, e.client_order_id, e.asset, e.ts, e.lots, e.amount, e.is_inferred,
        _encode(e),
    )  # fmt: skip
