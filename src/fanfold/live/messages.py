"""What the components of a deployment tell each other: small typed values in envelopes.

An envelope is one ZeroMQ message. Values are written as arrays with a number in front, so
a receiver decodes an envelope in one call. Assets are numbers: places in the deployment's
list of symbols. Money and prices of fills are micro-units, quantities are lots
(`fanfold.domain.money`); what the market says is in units and currency, as it came.
"""

from typing import Final

import msgspec
from msgspec import Struct

MARKET_DATA: Final = "market_data"
SIGNAL: Final = "signal"
RISK: Final = "risk"
EXECUTION: Final = "execution"
RECORDER: Final = "recorder"
COMPONENTS: Final = (MARKET_DATA, SIGNAL, RISK, EXECUTION)
"""The four that trade; the recorder only writes down."""


class _Value(Struct, frozen=True, array_like=True, gc=False):
    """Base of all values."""


# What the market says: market data → signal and risk.


class Quote(_Value, frozen=True, tag=1):
    """The best bid and ask from `ts` on [ns UTC]; a missing side has price and size 0."""

    asset: int
    ts: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float


class Trade(_Value, frozen=True, tag=2):
    """A public trade."""

    asset: int
    ts: int
    price: float
    size: float


class Depth(_Value, frozen=True, tag=3):
    """The best levels of an order book after a change: (price, size), the best first."""

    asset: int
    ts: int
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]


class Row(_Value, frozen=True):
    """One asset's bar within a step."""

    asset: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Step(_Value, frozen=True, tag=4):
    """All bars that end at `ts`: one decision. Assets without a row have no bar."""

    ts: int
    rows: tuple[Row, ...]


class Late(_Value, frozen=True, tag=5):
    """A bar that came after its step, or changed after it: recorded, never decided on."""

    ts: int
    row: Row


class Trading(_Value, frozen=True, tag=6):
    """Trading in an asset was halted or goes on."""

    asset: int
    ts: int
    halted: bool
    reason: str


class Feed(_Value, frozen=True, tag=7):
    """Whether the stream can be trusted: `stale` are assets that have been silent too long."""

    ts: int
    up: bool
    stale: tuple[int, ...]
    reason: str


class Prior(_Value, frozen=True, tag=8):
    """What risk needs of an asset beside quotes: usual daily volume [units], last close.

    Attributes:
        ts: End of the day that the close is of [ns UTC]: a split may have come since.
    """

    asset: int
    daily_volume: float
    close: float
    ts: int


# What the strategy wants: signal → risk.


class Intent(_Value, frozen=True, tag=10):
    """A goal for one asset; it stands until the next one for that asset.

    Attributes:
        number: Rises with each intent of a deployment, also over restarts.
        event_ts: The bar's end or the quote's instant that was decided on [ns UTC].
        goal: Signed lots to hold.
        limit, stop: Prices of the order that leads there, NaN for none [currency].
        stop_loss, take_profit: Prices that end the position, NaN for none; a trailing stop
            is a stop that moves from intent to intent.
        mark: Price that the goal was sized at [currency].
        forced: Whether it is an exit, a breaker or a margin call: it waits for no price.
    """

    number: int
    event_ts: int
    asset: int
    goal: int
    limit: float
    stop: float
    stop_loss: float
    take_profit: float
    mark: float
    forced: bool


# What risk says of it: risk → execution, and risk → signal.


class ApprovedOrder(_Value, frozen=True, tag=20):
    """An intent that passed all checks: the only value that execution turns into orders.

    Attributes:
        goal: Signed lots that may be held in the end; at most the intent's.
        most: Largest order that may lead there, unsigned [lots].
        reference: Live price that the checks looked at [currency].
        reduce_only: Whether only orders that lessen the position may go.
        approved_at: When [ns UTC]; execution refuses what is too old.
        epoch: Of the arming of risk; execution refuses another.
    """

    number: int
    event_ts: int
    asset: int
    goal: int
    most: int
    limit: float
    stop: float
    stop_loss: float
    take_profit: float
    reference: float
    reduce_only: bool
    approved_at: int
    epoch: int


class Refusal(_Value, frozen=True, tag=21):
    """An intent was trimmed or refused by a named limit.

    Attributes:
        allowed: Signed lots that the goal becomes: what is held where nothing is left.
        bound, reached: The limit, and what it would have been; NaN where there is no number.
        at: When [ns UTC].
    """

    number: int
    asset: int
    reason: str
    allowed: int
    bound: float
    reached: float
    at: int


# What became of it: execution → signal and risk.


class Fill(_Value, frozen=True, tag=30):
    """A part of one of our orders was executed; each execution is told once.

    Attributes:
        role: "entry", "exit", "stop", "target" or "flatten".
        lots: Signed.
        price: [micro-units]
        fee: [micro-units]
        held: Signed lots that the deployment holds after it.
    """

    execution_id: str
    client_order_id: str
    asset: int
    role: str
    ts: int
    lots: int
    price: int
    fee: int
    held: int


class OrderChange(_Value, frozen=True, tag=31):
    """An order is in another state.

    Attributes:
        state: Name of a state (`fanfold.live.execution.states`).
        left: Signed lots that may still fill; 0 once it is over.
        reason: Of the venue, or ours; "" where there is none.
    """

    client_order_id: str
    number: int
    asset: int
    role: str
    state: str
    left: int
    limit: float
    stop: float
    ts: int
    reason: str


class AccountState(_Value, frozen=True, tag=32):
    """The account as the broker has it, after each reconciliation and poll.

    Attributes:
        held: Signed lots of each asset that the deployment holds.
        external: Signed lots that the account holds beside them.
        cash, equity, buying_power: [micro-units]
    """

    ts: int
    held: tuple[int, ...]
    external: tuple[int, ...]
    cash: int
    equity: int
    buying_power: int


class Gate(_Value, frozen=True, tag=33):
    """Whether orders may go: closed until stream and REST agree, or without the lease."""

    ts: int
    open: bool
    reason: str


class Split(_Value, frozen=True, tag=34):
    """An asset was split overnight: one unit became `ratio`; goals and levels go with it.

    Attributes:
        held: Signed lots that the deployment holds after it.
    """

    asset: int
    ts: int
    ratio: float
    held: int


class Arming(_Value, frozen=True, tag=40):
    """A component was armed or disarmed; signal writes it on its tape, where it counts."""

    armed: bool
    epoch: int
    at: int
    reason: str


Value = (
    Quote
    | Trade
    | Depth
    | Step
    | Late
    | Trading
    | Feed
    | Prior
    | Intent
    | ApprovedOrder
    | Refusal
    | Fill
    | OrderChange
    | AccountState
    | Gate
    | Split
    | Arming
)


class Envelope(Struct, frozen=True, array_like=True, gc=False):
    """One message: values of one sender, in order.

    Attributes:
        sender: Name of the component.
        incarnation: Of the sender; another one has begun anew and counts from 1.
        number: Rises by one with each envelope to one receiver: a gap is a loss.
        sent_at: When [ns UTC].
    """

    sender: str
    incarnation: int
    number: int
    sent_at: int
    values: tuple[Value, ...]


encode: Final = msgspec.msgpack.Encoder().encode
"""An envelope, or any value, as bytes."""

decode: Final = msgspec.msgpack.Decoder(Envelope).decode
"""An envelope from bytes; raises one of `UNREADABLE` for anything else."""

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What bytes raise that are no message or no file of ours: texts may be no UTF-8 either."""
