"""The state of one run, as records: all of it, so that a run is its arguments.

Money is in micro-units, quantities in lots (`fanfold.domain.money`). Prices of
resting orders are raw: as the engine's bars have them.
"""

from typing import Final

from fanfold.domain.record import Record

TS: Final = 0
SESSION_DAY: Final = 1
IS_MONTH_END: Final = 2
CLOSES_SESSION: Final = 3
SESSIONS_CLOSED: Final = 4
NIGHTS: Final = 5
NEXT_EVENT: Final = 6
SEC_RATE: Final = 7
TAF_RATE: Final = 8
TAF_CAP: Final = 9
CAT_RATE: Final = 10
CLOCK_ROWS: Final = 11
"""Rows of `clock`, int64 of shape [row, bar]: bar's end [ns UTC], session's date
[days since 1970-01-01], whether it is the last of its month, whether the bar is the
session's last (where returns are measured), how many such bars so far, calendar
nights since the session before (0 within a session), the first bar from here on with
a corporate action, a delisting or a change of membership, and the regulatory fees of
the day (`fanfold.execution.regulatory`)."""

EQUITY_SUM_SHIFT: Final = 20
"""Equity is added up in units of 2**20 micro-units: exact, and no sum of bars overflows."""

MINUTES_TO_CLOSE: Final = 0
BENCHMARK_RETURN: Final = 1
PULSE_ROWS: Final = 2
"""Rows of `pulse`, float64 of shape [row, bar]: time to the session's end [min], the
benchmark's return over the session [1] on the session's last bar, else NaN."""

FORWARD: Final = 0
REAL: Final = 1
SPLIT: Final = 2
DIVIDEND: Final = 3
MEMBER: Final = 4
SCALE: Final = 5
VOLATILITY: Final = 6
AVERAGE_VOLUME: Final = 7
CLOSES_OWN: Final = 8
DAILY_VOLUME: Final = 9
JUMP: Final = 10
FACT_ROWS: Final = 11
"""Rows of `facts`, float64 of shape [row, bar, asset], each known at the bar's end:
product of all split ratios so far, units as traded in one unit of these bars, ratio of
a split before the bar's open (1: none), dividend before its open [currency per unit],
membership, scale of sizing [1], deviation of recent bar returns [1], mean recent volume
[units], whether the asset's own session ends with the bar, mean volume of recent sessions
[units] (NaN before there was one), jump of the close that is not confirmed yet [1] (NaN:
believed). Without bars where a run needs none of them."""

PARTS: Final = 0
SECTOR: Final = 1
DELISTING_BAR: Final = 2
DELISTING_RATE: Final = 3
SHORTABLE: Final = 4
TICK_COARSE: Final = 5
TICK_FINE: Final = 6
LEAST_NOTIONAL: Final = 7
TRAIT_ROWS: Final = 8
"""Rows of `traits`, int64 of shape [row, asset]: lots in one unit, sector, bar before
whose open the asset is delisted (-1: never), its return then [billionths], whether it
can be sold short, ticks of its order prices from one unit of currency on and below
[micro-units], its smallest order [micro-units]."""

TARGET: Final = 0
LIMIT: Final = 1
STOP: Final = 2
STOP_LOSS: Final = 3
TAKE_PROFIT: Final = 4
TRAILING_STOP: Final = 5
WISHES: Final = 6
"""Columns of `wishes`, float64 of shape [asset, wish]: what the decision wrote, in its
own basis of prices."""


UNLIMITED: Final = 4_000_000_000_000_000_000
"""Lots that no bar limits."""


SUMS: Final = 4
"""Power sums of returns that a block keeps: of r, r², r³ and r⁴."""


class Rules(Record):
    """Costs, limits, sizing and options of one run, as numbers.

    `prices` is 1 if the decision may write more than targets, `facts` if there are
    facts, `nights` if anything happens before an open, `every_bar` if no bar may be passed
    quietly.
    """

    slippage: float
    half_spread: float
    volatility_slippage: float
    impact: float
    commission_rate: int
    commission_per_unit: int
    commission_per_trade: int
    commission_min: int
    regulatory: int
    borrow_rate: int
    margin_rate: int
    leverage: int
    maintenance: float
    short_equity_min: int
    max_position: float
    max_gross: float
    max_net: float
    max_sector: float
    max_order_notional: float
    max_volume_share: float
    max_daily_volume_share: float
    max_price_distance: float
    outlier: float
    max_orders: float
    max_drawdown: float
    max_daily_loss: float
    max_deviation: float
    var_z: float
    deviation_window: int
    sizing_kind: int
    sizing_value: float
    size_at_fill: int
    rebalance_band: float
    min_trade_weight: float
    participation: float
    time_in_force: int
    through: int
    intrabar: int
    exit_arming: int
    exit_reference: int
    rearm: int
    delay: int
    close_at_end: int
    collar_low: int
    collar_high: int
    recording: int
    prices: int
    facts: int
    nights: int
    every_bar: int


class Desk(Record):
    """One asset's book: position, goal, working orders, protective exits, open round trip.

    Of the two working orders the close goes before the open; both have the same
    `limit` and `stop` (NaN: none), and `triggered` is 1 once that stop was reached.
    `unsized` is 1 while the open order waits for the fill to be sized; `forced` is 1
    while the close order is the engine's own and waits for no price. `reference`,
    `price`, `take` and `room` belong to the bar at hand: where the open order meets it,
    what it pays, the lots of it that fill, and the lots that participation leaves. Levels
    of exits are NaN where there is none; `heard_*` is what the decision last wrote.
    Between `low_watch` and `high_watch` nothing happens.
    """

    index: int
    parts: int
    sector: int
    delisting_bar: int
    delisting_rate: int
    shortable: int
    tick_coarse: int
    tick_fine: int
    least_notional: int
    listed: int
    traded: int
    barred: float
    mark: int
    value: int
    units: int
    goal: int
    target: float
    disarmed: int
    close_order: int
    open_order: int
    unsized: int
    limit: float
    stop: float
    triggered: int
    close_row: int
    open_row: int
    close_lots: int
    close_amount: int
    close_fee: int
    open_lots: int
    open_amount: int
    open_fee: int
    order_bar: int
    signal_close: float
    asked: int
    reason: int
    bound: float
    reached: float
    reference: float
    price: int
    take: int
    room: int
    forced: int
    low_watch: float
    high_watch: float
    heard_limit: float
    heard_stop: float
    heard_stop_loss: float
    heard_take_profit: float
    heard_trailing: float
    stop_loss: float
    take_profit: float
    trailing: float
    extreme: float
    entry_bar: int
    entry_inside: int
    entry_lots: int
    entry_amount: int
    exit_lots: int
    exit_amount: int
    trip_pnl: int
    realised: int


class Account(Record):
    """Money, measures so far and the state of the loop.

    `working` counts what needs the step at the next bar, `watching` is 1 while levels
    rest that a bar may reach, `stirred` is 1 when either has to be found out again. `block`
    is the block of bars whose sums are being added up.
    """

    cash: int
    equity: int
    gross: int
    working: int
    watching: int
    stirred: int
    touched: int
    halted: int
    day_halted: int
    margin_called: int
    status: int
    fault_asset: int
    fault_value: float
    session_equity: int
    order_session: int
    order_count: int
    sec_due: int
    taf_due: int
    cat_due: int
    peak: int
    peak_ts: int
    worst_equity: int
    worst_peak: int
    underwater: int
    underwater_max: int
    close_equity: int
    return_sum: float
    square_sum: float
    downside_sum: float
    cross_sum: float
    cube_sum: float
    fourth_sum: float
    block: int
    return_count: int
    bar_count: int
    held_bar_count: int
    equity_sum: int
    net_sum: int
    fees: int
    carry: int
    dividends: int
    traded: int
    fill_count: int
    trip_count: int
    win_count: int
    win_sum: int
    loss_count: int
    loss_sum: int
    recording: int
    closing_bar: int
    order_rows: int
    booking_rows: int


class FillRow(Record):
    """One fill; `lots` is signed, `amount` is price × quantity, not negative."""

    bar: int
    phase: int
    asset: int
    lots: int
    price: int
    amount: int
    fee: int
    role: int
    order_bar: int


class OrderRow(Record):
    """One order, from the decision that asked for it to its end.

    `bound` is the limit that trimmed or refused it, `reached` what it would have been.
    """

    bar: int
    asset: int
    role: int
    asked: int
    approved: int
    filled: int
    limit: float
    stop: float
    status: int
    reason: int
    bound: float
    reached: float
    done_bar: int


class BookingRow(Record):
    """Money or units that came or went without a fill; `asset` is -1 for the account."""

    bar: int
    asset: int
    kind: int
    amount: int
    lots: int


EQUITY_ROW: Final = 0
CASH_ROW: Final = 1
GROSS_ROW: Final = 2
CURVE_ROWS: Final = 3
"""Rows of a recorded curve, int64 of shape [row, bar]: equity, cash and the sum of
absolute positions at each bar's close [micro-units]."""

OK = 0
RUINED = 1
TARGET_NOT_FINITE = 2
OVERFLOW = 3
STATUSES = ("ok", "ruined", "target_not_finite", "overflow")
