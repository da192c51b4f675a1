"""What a venue demands of orders, as one value for backtests, the venue and live risk.

Orders that a venue would not take must not fill in a backtest. So what it takes, and
at which prices, quantities and margins, stands here once. `ideal` takes everything;
reports print which venue a run was made under.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from fanfold.domain.compiled import compiled
from fanfold.domain.money import MICRO, RATE_ONE, share
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.errors import ConfigError

EQUITY: Final = "us_equity"
CRYPTO: Final = "crypto"
OPTION: Final = "us_option"
ASSET_CLASSES: Final = (EQUITY, CRYPTO, OPTION)
"""Kinds of assets that rules differ by."""

KINDS: Final = ("market", "limit", "stop", "stop_limit", "trailing_stop")
"""Types of orders."""

TIMES_IN_FORCE: Final = ("day", "gtc", "opg", "cls", "ioc", "fok")
"""How long orders work: the day, until cancelled, the opening or closing auction, at once."""

FINE_BELOW: Final = MICRO
"""Below this price the fine tick holds [micro-units]: one unit of the currency."""

HIGH_COLLAR_FROM: Final = 50 * MICRO
"""From this price `collar_high` holds [micro-units]."""


class OrderRow(NamedTuple):
    """Types of orders that a venue takes for one class, quantity and time in force."""

    asset_class: str
    fractional: bool
    time_in_force: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRules:
    """What a venue demands of orders and of accounts.

    Attributes:
        name: As in settings and reports.
        min_notional: Smallest order [currency].
        min_notional_crypto: Smallest order in coins [currency].
        fractional_classes: Classes that trade in parts of a unit.
        tick_classes: Classes whose prices lie on ticks.
        coarse_tick: Step of prices from one unit of the currency on [micro-units]; 0
            is none.
        fine_tick: Step of lower prices [micro-units]; 0 is none.
        orders: What is taken; nothing listed takes everything.
        bracket_times: Times in force of an entry with stop and target.
        bracket_whole_only: Whether such an entry must be of whole units.
        short_classes: Classes that can be sold short.
        short_equity_min: Least equity of an account that sells short [currency].
        short_whole_only: Whether short sales must be of whole units.
        short_reserve: Buying power that a short sale at market reserves [share of its
            value].
        stop_is_collared: Whether a buy stop becomes a limit order, at its stop plus the
            collar, where it triggers.
        collar_low: How far above its price a buy at market may fill, and so what it
            reserves, below `HIGH_COLLAR_FROM` [share of the price].
        collar_high: The same from there on.
        maintenance_margin: Least equity [share of gross exposure].
        crypto_fee_asset: Whether fees on coins come out of what is received, or of cash.
        fee_posting_sessions: Sessions after the fill's in which fees are listed; they
            are out of the balance at once.
    """

    name: str
    min_notional: float
    min_notional_crypto: float = 0.0
    fractional_classes: tuple[str, ...] = ASSET_CLASSES
    tick_classes: tuple[str, ...] = ()
    coarse_tick: int = 0
    fine_tick: int = 0
    orders: tuple[OrderRow, ...] = ()
    bracket_times: tuple[str, ...] = TIMES_IN_FORCE
    bracket_whole_only: bool = False
    short_classes: tuple[str, ...] = ASSET_CLASSES
    short_equity_min: float = 0.0
    short_whole_only: bool = False
    short_reserve: float = 1.0
    stop_is_collared: bool = False
    collar_low: float = 0.0
    collar_high: float = 0.0
    maintenance_margin: float
    crypto_fee_asset: Literal["received", "cash"] = "cash"
    fee_posting_sessions: int = 0

    @property
    def collar_rates(self) -> tuple[int, int]:
        """Low and high collar [billionths], for compiled code."""
        return round(self.collar_low * RATE_ONE), round(self.collar_high * RATE_ONE)

    def allows_fractions(self, asset_class: str) -> bool:
        """Whether parts of a unit trade."""
        return asset_class in self.fractional_classes

    def least_notional(self, asset_class: str) -> float:
        """Smallest order [currency]."""
        return self.min_notional_crypto if asset_class == CRYPTO else self.min_notional

    def ticks(self, asset_class: str) -> tuple[int, int]:
        """Coarse and fine tick [micro-units] for `to_tick`; 0 is none."""
        ticked = asset_class in self.tick_classes
        return (self.coarse_tick, self.fine_tick) if ticked else (0, 0)

    def default_time_in_force(self, asset_class: str, *, fractional: bool) -> str:
        """How long orders work that do not say: until cancelled, where that is taken."""
        refused = self.check_order("market", "gtc", asset_class, fractional=fractional)
        return "day" if refused else "gtc"

    def check_order(
        self, kind: str, time_in_force: str, asset_class: str, *, fractional: bool
    ) -> str:
        """Why the venue refuses an order, or "".

        Args:
            kind: One of `KINDS`.
            time_in_force: One of `TIMES_IN_FORCE`.
            asset_class: One of `ASSET_CLASSES`.
            fractional: Whether the quantity is not whole, where that matters: coins
                always trade in parts.

        Returns:
            "asset_class", "fractional", "time_in_force" or "order_type": the first that
            no other choice of the later ones could mend.
        """
        if not self.orders:
            return ""
        of_class = [row for row in self.orders if row.asset_class == asset_class]
        if not of_class:
            return "asset_class"
        parts = [row for row in of_class if row.fractional == fractional]
        if not parts:
            return "fractional"
        timely = [row for row in parts if row.time_in_force == time_in_force]
        if not timely:
            return "time_in_force"
        return "" if any(kind in row.kinds for row in timely) else "order_type"

    def check_bracket(self, time_in_force: str, *, fractional: bool) -> str:
        """Why the venue refuses an entry with stop and target, or "".

        Returns:
            "fractional" or "time_in_force".
        """
        if fractional and self.bracket_whole_only:
            return "fractional"
        return "" if time_in_force in self.bracket_times else "time_in_force"

    def check_short(self, equity: float, asset_class: str, *, fractional: bool) -> str:
        """Why the venue refuses a short sale, or "".

        Args:
            equity: Of the account [currency].
            asset_class: One of `ASSET_CLASSES`.
            fractional: Whether the quantity is not whole.

        Returns:
            "not_shortable", "fractional" or "short_equity".
        """
        if asset_class not in self.short_classes:
            return "not_shortable"
        if fractional and self.short_whole_only:
            return "fractional"
        return "" if equity >= self.short_equity_min else "short_equity"


@compiled
def to_tick(price: int, direction: int, coarse: int, fine: int) -> int:
    """A price on the venue's ticks [micro-units].

    Limits go away from the market (a buy down, a sell up: `direction` is minus the
    side), stops away from triggering (a buy up, a sell down: `direction` is the side).
    An order is so never more eager than was asked.

    Args:
        price: Not negative [micro-units].
        direction: 1 up, -1 down.
        coarse: Tick from `FINE_BELOW` on [micro-units]; 0 is none.
        fine: Tick below it [micro-units]; 0 is none.

    Returns:
        0 where the price is below its smallest tick: there is no such order.
    """
    tick = coarse if price >= FINE_BELOW else fine
    if tick == 0:
        return price
    below = price // tick * tick
    return below + tick if direction > 0 and below < price else below


@compiled
def collared(price: int, low: int, high: int) -> int:
    """The highest price that a buy at market, or of a triggered stop, may pay [micro-units].

    Half to even; the caller brings it to a tick.

    Args:
        price: Stop, or price in the market, not negative [micro-units].
        low: Collar below `HIGH_COLLAR_FROM` [billionths].
        high: Collar from there on [billionths].
    """
    rate = high if price >= HIGH_COLLAR_FROM else low
    return share(price, RATE_ONE + rate, RATE_ONE)


_FOUR_KINDS: Final = ("market", "limit", "stop", "stop_limit")

_ALPACA_ORDERS: Final = (
    OrderRow(EQUITY, fractional=False, time_in_force="day", kinds=KINDS),
    OrderRow(EQUITY, fractional=False, time_in_force="gtc", kinds=KINDS),
    OrderRow(EQUITY, fractional=False, time_in_force="opg", kinds=("market", "limit")),
    OrderRow(EQUITY, fractional=False, time_in_force="cls", kinds=("market", "limit")),
    OrderRow(EQUITY, fractional=False, time_in_force="ioc", kinds=("market", "limit")),
    OrderRow(EQUITY, fractional=False, time_in_force="fok", kinds=("market", "limit")),
    OrderRow(EQUITY, fractional=True, time_in_force="day", kinds=_FOUR_KINDS),
    OrderRow(OPTION, fractional=False, time_in_force="day", kinds=("market", "limit")),
    *(
        OrderRow(CRYPTO, fractional=parts, time_in_force=time, kinds=kinds)
        for parts in (False, True)
        for time, kinds in (
            ("gtc", ("market", "limit", "stop_limit")),
            ("ioc", ("market", "limit")),
        )
    ),
)

VENUES: Final = {
    "alpaca": VenueRules(
        name="alpaca",
        min_notional=1.0,
        min_notional_crypto=10.0,
        fractional_classes=(EQUITY, CRYPTO),
        tick_classes=(EQUITY,),
        coarse_tick=10_000,
        fine_tick=100,
        orders=_ALPACA_ORDERS,
        bracket_times=("day", "gtc"),
        bracket_whole_only=True,
        short_classes=(EQUITY,),
        short_equity_min=2_000.0,
        short_whole_only=True,
        short_reserve=1.03,
        stop_is_collared=True,
        collar_low=0.04,
        collar_high=0.025,
        maintenance_margin=0.30,
        crypto_fee_asset="received",
        fee_posting_sessions=1,
    ),
    "ideal": VenueRules(name="ideal", min_notional=0.0, maintenance_margin=0.25),
}
"""Venues by name. `ideal` takes every order at every price, and margins as FINRA 4210 does."""


def venue_rules(name: str) -> VenueRules:
    """The rules of a venue.

    Raises:
        ConfigError: The venue is not known.
    """
    if name not in VENUES:
        raise ConfigError(f"venue must be one of {', '.join(VENUES)}, was {name!r}")
    return VENUES[name]


def asset_class_of(calendar: str) -> str:
    """Class of the assets that trade on a calendar: coins round the clock, else shares."""
    return CRYPTO if calendar == ROUND_THE_CLOCK else EQUITY
