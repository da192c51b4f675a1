"""What the journal says is held, open and filled, for whoever looks again and again.

The journal is opened once and asked only where its file has changed.
"""

import contextlib
import math
import os
import threading
import time
from dataclasses import dataclass
from typing import Final

from fanfold.domain.money import MICRO
from fanfold.errors import FanfoldError
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.records import Execution, Order
from fanfold.live.folder import Folder
from fanfold.live.plan import Plan
from fanfold.serving.state import FillRow, OrderRow

ORDERS_MAX: Final = 500
"""Open orders that are shown, the newest first."""

FILLS_MAX: Final = 500
"""Fills that are read at most."""

_SETTLED_NS: Final = 100_000_000
"""Age from which a file's instant of change is trusted: later ones differ from it [ns]."""

_Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """The books at one instant.

    Attributes:
        held: Signed units by number of the asset, without those of which nothing is held.
        orders: Open orders, the newest first.
        fills: The newest first.
    """

    held: dict[int, float]
    orders: list[OrderRow]
    fills: list[FillRow]


EMPTY: Final = Booked(held={}, orders=[], fills=[])


class Books:
    """Reads the journal of one deployment; from any thread, one at a time.

    Args:
        folder: Of the deployment.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._journal: Journal | None = None
        self._file = (0, 0)
        self._stamp: _Stamp = ()
        self._booked = EMPTY

    def read(self, plan: Plan) -> Booked:
        """The books now; empty while there is no journal.

        Raises:
            DataError, LiveError: The journal cannot be read.
        """
        with self._lock:
            stamp = self._stamp_now()
            if not stamp:
                self._close()
            elif stamp != self._stamp or time.time_ns() - max(stamp[2:]) < _SETTLED_NS:
                self._read(plan, stamp)
            return self._booked

    def _read(self, plan: Plan, stamp: _Stamp) -> None:
        if self._journal is not None and stamp[:2] != self._file:  # begun anew
            self._close()
        if self._journal is None:
            self._journal = Journal.read(self._folder.journal)
            self._file = stamp[0], stamp[1]
        try:
            held, orders = self._journal.held(), self._journal.open_orders()
            fills = self._journal.newest(FILLS_MAX)
        except FanfoldError:
            self._close()
            raise
        self._stamp = stamp
        self._booked = Booked(
            held={
                asset: lots / plan.assets[asset].parts
                for asset, lots in sorted(held.items())
                if lots
            },
            orders=[order_row(plan, one) for one in reversed(orders[-ORDERS_MAX:])],
            fills=[fill_row(plan, one) for one in fills],
        )

    def _stamp_now(self) -> _Stamp:
        """The file, and when it and its log last changed; empty where there is none."""
        try:
            file = os.stat(self._folder.journal)  # noqa: PTH116 - cheaper than a path
        except FileNotFoundError:
            return ()
        log = file
        with contextlib.suppress(FileNotFoundError):
            log = os.stat(f"{self._folder.journal}-wal")  # noqa: PTH116
        return file.st_dev, file.st_ino, file.st_mtime_ns, log.st_mtime_ns

    def _close(self) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal, self._stamp, self._booked = None, (), EMPTY


def order_row(plan: Plan, order: Order) -> OrderRow:
    """An order as it is shown."""
    return OrderRow(
        client_order_id=order.client_order_id,
        symbol=plan.assets[order.asset].symbol,
        role=order.role,
        state=str(order.state),
        left=order.signed_left / order.parts,
        limit=number(order.limit),
        stop=number(order.stop),
        created_at=order.created_at,
    )


def fill_row(plan: Plan, execution: Execution) -> FillRow:
    """An execution as it is shown."""
    asset = plan.assets[execution.asset]
    return FillRow(
        ts=execution.ts,
        symbol=asset.symbol,
        side="buy" if execution.lots > 0 else "sell",
        units=abs(execution.lots) / asset.parts,
        price=execution.price / MICRO,
        fee=0.0,
        role=execution.role,
        client_order_id=execution.client_order_id,
    )


def number(value: float | None) -> float | None:
    """A number, None for what is none."""
    return value if value is not None and math.isfinite(value) else None
