"""What a decision sees and writes: the compiled interface of every strategy.

The layout is fixed: compiled strategies are called through one signature,
``decide(assets, portfolio, memory)``.
"""

from typing import Any

from fanfold.domain.compiled import Compiled, compiled_as
from fanfold.domain.record import Record, Vector


class Asset(Record):
    """One asset as a decision sees it at a bar's end, and what it writes.

    Prices are in the bars' basis [currency per unit]; on raw bars they are adjusted
    forward, so no split shows, while `units` are those held now. Fields keep the values
    of the asset's last bar while it has none (`fresh` is 0 then). `member` is 0 while
    the asset does not belong to the universe. The last six are written by the decision
    and keep their values until written again; they begin as 0 and NaN, which is none:

    - `target`: the position to hold, in the unit of the sizing.
    - `limit`, `stop`: prices of the order that brings the position to its target.
    - `stop_loss`, `take_profit`: prices that end the position once it is there.
    - `trailing_stop`: distance from the best price since the entry that ends it.
    """

    index: int
    features: Vector
    open: float
    high: float
    low: float
    close: float
    volume: float
    fresh: int
    member: int
    units: float
    weight: float
    entry_price: float
    bars_held: int
    realised_pnl: float
    open_order_units: float
    target: float
    limit: float
    stop: float
    stop_loss: float
    take_profit: float
    trailing_stop: float


class Portfolio(Record):
    """The account and the clock as a decision sees them.

    `ts` is the bar's end [ns UTC], `session_day` the session's date [days since
    1970-01-01], `minutes_to_close` counts down to the session's end [min],
    `is_month_end` is 1 in the last session of a month; `equity` and `cash` are in
    currency. `params` holds the strategy's fields in their order.
    """

    params: Vector
    ts: int
    session_day: int
    minutes_to_close: float
    is_month_end: int
    equity: float
    cash: float


def decision(function: Any) -> Compiled[Any, None]:
    """Mark a decision function as compiled.

    It may use ``+ - * /``, comparisons, `math`, loops and other compiled
    functions; anything else is refused with the line that holds it. An
    undecorated function may use all of Python and runs uncompiled.
    """
    return compiled_as(decision_type)(function)


def decision_type() -> Any:
    """numba's type of a compiled decision."""
    from numba import float64, from_dtype, void

    return void(from_dtype(Asset.dtype)[::1], from_dtype(Portfolio.dtype), float64[::1])
