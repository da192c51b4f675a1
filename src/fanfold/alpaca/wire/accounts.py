"""Accounts, positions and what moved them, as the broker writes them: decimals are texts."""

from msgspec import Struct


class AccountMessage(Struct, frozen=True, kw_only=True):
    """An account. Money is in its currency; what is short counts negative.

    Attributes:
        portfolio_value: The same as `equity`, under its old name.
        multiplier: "1", "2" or "4": how often its equity may be used.
        balance_asof: Date of `last_equity`.
    """

    id: str
    account_number: str
    status: str
    crypto_status: str | None = None
    currency: str = "USD"
    buying_power: str | None = None
    regt_buying_power: str | None = None
    effective_buying_power: str | None = None
    non_marginable_buying_power: str | None = None
    options_buying_power: str | None = None
    cash: str | None = None
    accrued_fees: str | None = None
    pending_reg_taf_fees: str | None = None
    pending_transfer_in: str | None = None
    pending_transfer_out: str | None = None
    portfolio_value: str | None = None
    equity: str | None = None
    last_equity: str | None = None
    long_market_value: str | None = None
    short_market_value: str | None = None
    position_market_value: str | None = None
    initial_margin: str | None = None
    maintenance_margin: str | None = None
    last_maintenance_margin: str | None = None
    sma: str | None = None
    multiplier: str | None = None
    intraday_adjustments: str | None = None
    balance_asof: str | None = None
    trading_blocked: bool = False
    transfers_blocked: bool = False
    account_blocked: bool = False
    trade_suspended_by_user: bool = False
    shorting_enabled: bool = False
    options_approved_level: int | None = None
    options_trading_level: int | None = None
    crypto_tier: int | None = None
    created_at: str | None = None


class ConfigurationMessage(Struct, frozen=True, kw_only=True):
    """What an account's owner may set of it."""

    fractional_trading: bool
    max_margin_multiplier: str
    no_shorting: bool
    suspend_trade: bool
    trade_confirm_email: str
    ptp_no_exception_entry: bool
    max_options_trading_level: int | None = None
    disable_overnight_trading: bool = False


class PositionMessage(Struct, frozen=True, kw_only=True):
    """What an account holds of an asset; coins are named without a slash.

    Attributes:
        qty: Units, negative for short.
        qty_available: Units that no open order holds.
        unrealized_plpc: Profit as a share of the cost [1].
        change_today: Change of the price since the last session's close [1].
    """

    asset_id: str
    symbol: str
    exchange: str
    asset_class: str
    asset_marginable: bool | None = None
    qty: str
    qty_available: str | None = None
    side: str
    avg_entry_price: str
    cost_basis: str
    market_value: str | None = None
    unrealized_pl: str | None = None
    unrealized_plpc: str | None = None
    unrealized_intraday_pl: str | None = None
    unrealized_intraday_plpc: str | None = None
    current_price: str | None = None
    lastday_price: str | None = None
    change_today: str | None = None


class FillMessage(Struct, frozen=True, kw_only=True):
    """A fill in the list of an account's activities.

    Attributes:
        id: Instant and UUID, joined by "::".
        type: "fill" or "partial_fill".
        leaves_qty: Units that are still to be filled.
        cum_qty: Units that were filled in all.
        order_status: The order's after it.
    """

    id: str
    activity_type: str = "FILL"
    transaction_time: str
    type: str
    price: str
    qty: str
    side: str
    symbol: str
    leaves_qty: str
    order_id: str
    cum_qty: str
    order_status: str


class ActivityMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Any other of an account's activities: fees, dividends, interest."""

    id: str
    activity_type: str
    activity_sub_type: str | None = None
    date: str
    net_amount: str
    description: str = ""
    symbol: str | None = None
    qty: str | None = None
    price: str | None = None
    per_share_amount: str | None = None
    status: str = "executed"
    created_at: str | None = None


class PortfolioHistoryMessage(Struct, frozen=True, kw_only=True):
    """An account's equity through time; here numbers are numbers.

    Attributes:
        timestamp: When each window begins [s UTC].
        equity: Equity at its end [currency].
        profit_loss: Since the base [currency].
        profit_loss_pct: The same as a share of the base [1]; None where that is 0.
        base_value: Equity before the first window [currency].
        base_value_asof: Date of it.
        timeframe: Length of a window.
        cashflow: Money that came and went, by kind.
    """

    timestamp: list[int]
    equity: list[float]
    profit_loss: list[float]
    profit_loss_pct: list[float | None]
    base_value: float
    base_value_asof: str | None = None
    timeframe: str
    cashflow: dict[str, list[float]] = {}
