"""What trading at the venue is made of: orders, positions, accounts, events.

All of them are values. A change is another value, kept in the `Book` and written to the
journal; what clients are sent is made from them.
"""

from decimal import Decimal
from typing import Final

from msgspec import Struct

ZERO: Final = Decimal(0)

OPEN_STATUSES: Final = frozenset(
    (
        "accepted",
        "pending_new",
        "accepted_for_bidding",
        "new",
        "held",
        "partially_filled",
        "done_for_day",
        "pending_cancel",
        "pending_replace",
        "pending_review",
        "stopped",
        "suspended",
        "calculated",
    )
)
"""States of orders that may still trade."""

CLOSED_STATUSES: Final = frozenset(("filled", "canceled", "expired", "replaced", "rejected"))
"""States that no order leaves, except that a late fill may come after a cancellation."""


class Order(Struct, frozen=True, kw_only=True):
    """An order, as of its last event. Instants are of the venue's clock [ns UTC].

    Attributes:
        id: Its name at the venue, a UUID.
        client_order_id: Its name at the client.
        account: Id of the account.
        symbol: What is traded, as the asset has it ("BTC/USD" with its slash).
        asset_class: "us_equity" or "crypto".
        side: "buy" or "sell".
        kind: "market", "limit", "stop", "stop_limit" or "trailing_stop".
        time_in_force: "day", "gtc", "opg", "cls", "ioc" or "fok".
        order_class: "simple", "bracket", "oco" or "oto".
        position_intent: "buy_to_open", "buy_to_close", "sell_to_open" or "sell_to_close".
        qty: Units asked for; of a notional order None until it is filled.
        notional: Money to be spent instead of `qty`.
        limit_price: Limit, if any.
        stop_price: Price that triggers it; of a trailing stop the present one.
        trail_price: Distance of a trailing stop as money.
        trail_percent: The same as percent of the extreme.
        hwm: Highest (sell) or lowest (buy) price since a trailing stop was accepted.
        extended_hours: Whether it may trade outside the regular session.
        status: One of `OPEN_STATUSES` or `CLOSED_STATUSES`.
        before: Status to go back to from pending_cancel, pending_replace or suspended.
        triggered: Whether its stop was reached.
        collar: Highest price that a buy at market or after its stop may pay, if any.
        filled_qty: Units filled.
        filled_value: Sum of the amounts of its fills, exact to a millionth [currency].
        filled_at_prices: The same without rounding, for the mean price [currency].
        reserved: Buying power held for what is open of it [currency].
        parent: Id of the order of which it is a leg.
        legs: Ids of its legs.
        role: "" or what a leg is: "take_profit" or "stop_loss".
        due_at: When what is pending of it is due, None if nothing is [ns UTC].
        resting_since: When it began to wait in the book, None before; from then on a fill
            is a maker's.
    """

    id: str
    client_order_id: str
    account: str
    symbol: str
    asset_class: str
    side: str
    kind: str
    time_in_force: str
    order_class: str = "simple"
    position_intent: str = ""
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    extended_hours: bool = False
    status: str = "pending_new"
    before: str = ""
    triggered: bool = False
    collar: Decimal | None = None
    filled_qty: Decimal = ZERO
    filled_value: Decimal = ZERO
    filled_at_prices: Decimal = ZERO
    reserved: Decimal = ZERO
    parent: str = ""
    legs: tuple[str, ...] = ()
    role: str = ""
    due_at: int | None = None
    resting_since: int | None = None
    created_at: int
    updated_at: int
    submitted_at: int
    filled_at: int | None = None
    expired_at: int | None = None
    expires_at: int | None = None
    canceled_at: int | None = None
    failed_at: int | None = None
    replaced_at: int | None = None
    replaced_by: str | None = None
    replaces: str | None = None

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "buy" else -1

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in OPEN_STATUSES

    @property
    def open_qty(self) -> Decimal:
        """Units still to be traded; 0 of a notional order, which has none before its fill."""
        return ZERO if self.qty is None else self.qty - self.filled_qty


class Position(Struct, frozen=True, kw_only=True):
    """What an account holds of an asset.

    Attributes:
        account: Id of the account.
        symbol: The asset's.
        qty: Units, negative for short; a flat position is kept with 0 and not shown.
        cost: What it cost, fees excluded, negative for short: the sum of what its units
            were bought or sold short for [currency].
        intraday_qty: Units at the session's start, to tell today's profit.
        realised: Profit realised so far [currency].
    """

    account: str
    symbol: str
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    intraday_qty: Decimal = ZERO
    realised: Decimal = ZERO


class Account(Struct, frozen=True, kw_only=True):
    """An account, without its positions.

    Attributes:
        id: A UUID.
        number: Its number, for people.
        cash: Settled and unsettled money, negative when borrowed; fees are out of it at
            once [currency].
        accrued_fees: Fees of the day, out of `cash` already, not yet listed [currency].
        fee_parts: `accrued_fees` by kind: "SEC", "TAF", "CAT".
        last_equity: Equity at the previous session's close [currency].
        last_maintenance: Maintenance margin then [currency].
        volume_30d: Crypto traded in the last 30 days, by day, newest last [currency].
        created_at: When it was opened [ns UTC].
        no_shorting: Whether its owner forbids short sales.
        suspend_trade: Whether its owner forbids orders.
        fractional_trading: Whether its owner allows fractions.
        trade_confirm_email: "all" or "none".
        max_margin_multiplier: "1", "2" or "4".
        ptp_no_exception_entry: As its owner set it.
        disable_overnight_trading: As its owner set it.
        max_options_trading_level: As its owner set it.
    """

    id: str
    number: str
    cash: Decimal
    accrued_fees: Decimal = ZERO
    fee_parts: dict[str, Decimal] = {}
    last_equity: Decimal = ZERO
    last_maintenance: Decimal = ZERO
    volume_30d: tuple[tuple[int, Decimal], ...] = ()
    created_at: int = 0
    no_shorting: bool = False
    suspend_trade: bool = False
    fractional_trading: bool = True
    trade_confirm_email: str = "all"
    max_margin_multiplier: str = "4"
    ptp_no_exception_entry: bool = False
    disable_overnight_trading: bool = False
    max_options_trading_level: int | None = None


class Execution(Struct, frozen=True, kw_only=True):
    """One fill of an order.

    Attributes:
        id: A UUID.
        price: Price [currency].
        qty: Units.
        amount: Price times units, rounded once to a millionth [currency].
        fee: What it was charged in `fee_asset`, regulators' fees included.
        fee_asset: "USD" or the coin.
        position_qty: Units held after it.
    """

    id: str
    price: Decimal
    qty: Decimal
    amount: Decimal
    fee: Decimal
    fee_asset: str
    position_qty: Decimal


class Event(Struct, frozen=True, kw_only=True):
    """What happened to an order: one journal record, one message, one snapshot.

    Attributes:
        seq: Number in the journal, from 1, without gaps.
        ts: When [ns UTC of the venue's clock].
        account: Whose.
        name: As on the wire: "new", "fill", "partial_fill", "canceled" …
        order: The order after it.
        execution: Of a fill.
    """

    seq: int
    ts: int
    account: str
    name: str
    order: Order
    execution: Execution | None = None


class Booking(Struct, frozen=True, kw_only=True):
    """What moved money or units without a fill: fees, dividends, splits, interest.

    Attributes:
        seq: Number in the journal, shared with events.
        ts: When [ns UTC].
        account: Whose.
        kind: The activity's type: "FEE", "CFEE", "DIV", "SPLIT", "INT", "JNLC".
        symbol: Of which asset, if any.
        qty: Units that it added.
        amount: Money that it added [currency].
        per_unit: Money per unit, for dividends.
        note: Words for people.
    """

    seq: int
    ts: int
    account: str
    kind: str
    symbol: str = ""
    qty: Decimal = ZERO
    amount: Decimal = ZERO
    per_unit: Decimal = ZERO
    note: str = ""


class EquityPoint(Struct, frozen=True, kw_only=True):
    """Equity of an account at an instant, for its history.

    Attributes:
        ts: When [ns UTC].
        account: Whose.
        equity: Equity [currency].
        session_day: Date of the session [days since 1970-01-01].
    """

    ts: int
    account: str
    equity: Decimal
    session_day: int


class Changes(Struct, frozen=True, kw_only=True):
    """What a command or an instant of the market changed: written as one, or not at all.

    Attributes:
        seq: Last number that was given to an event or a booking.
        ts: Last instant that was given to one [ns UTC].
        events: In their order.
        bookings: In their order.
        orders: Orders that are another value now, each once.
        positions: Positions that are another value now, each once.
        accounts: Accounts that are another value now, each once.
        equity: Points of accounts' histories.
    """

    seq: int
    ts: int
    events: tuple[Event, ...] = ()
    bookings: tuple[Booking, ...] = ()
    orders: tuple[Order, ...] = ()
    positions: tuple[Position, ...] = ()
    accounts: tuple[Account, ...] = ()
    equity: tuple[EquityPoint, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(
            self.events
            or self.bookings
            or self.orders
            or self.positions
            or self.accounts
            or self.equity
        )
