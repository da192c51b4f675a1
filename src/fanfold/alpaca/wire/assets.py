"""Assets, the clock and the calendar as the broker writes them."""

from msgspec import UNSET, Struct, UnsetType, field


class AssetMessage(Struct, frozen=True, kw_only=True):
    """What can be traded. Coins have steps of prices and sizes beside."""

    id: str
    asset_class: str = field(name="class")
    exchange: str
    symbol: str
    name: str = ""
    status: str = "active"
    tradable: bool
    marginable: bool
    shortable: bool
    easy_to_borrow: bool
    borrow_status: str | None = None
    fractionable: bool
    maintenance_margin_requirement: float | None = None
    margin_requirement_long: str | None = None
    margin_requirement_short: str | None = None
    attributes: tuple[str, ...] = ()
    cusip: str | None = None
    min_order_size: str | UnsetType = UNSET
    min_trade_increment: str | UnsetType = UNSET
    price_increment: str | UnsetType = UNSET


class ClockMessage(Struct, frozen=True, kw_only=True):
    """Where the exchange's day is; instants have New York's offset."""

    timestamp: str
    is_open: bool
    next_open: str
    next_close: str


class CalendarMessage(Struct, frozen=True, kw_only=True):
    """One session; times are New York's, `open` with a colon and `session_open` without."""

    date: str
    open: str
    close: str
    session_open: str
    session_close: str
    settlement_date: str


class WatchlistMessage(Struct, frozen=True, kw_only=True):
    """A list of assets that an account keeps."""

    id: str
    account_id: str
    name: str
    created_at: str
    updated_at: str
    assets: tuple[AssetMessage, ...] | UnsetType = UNSET
