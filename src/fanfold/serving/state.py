"""What the API shows of a deployment, as models: documented once, for code and for OpenAPI.

Instants are nanoseconds since 1970 in UTC, money is in the account's currency, and what is
not known is null: a dead component takes its figures with it.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Status = Literal["up", "waiting", "halted", "down"]
Mode = Literal["local", "paper", "live"]


class Shown(BaseModel):
    """A part of an answer: frozen, and what is no number is null in it."""

    model_config = ConfigDict(frozen=True)


class Money(Shown):
    """The account as risk sees it [currency].

    Attributes:
        equity: Cash and positions at believed quotes.
        cash: Settled money.
        peak: Highest equity that breakers measure from.
        day_start: Equity at the session's start.
        drawdown: 1 − equity / peak [1].
        gross: Absolute value of all positions.
        reserved: What open orders may still take.
        pnl_day: Equity less `day_start`.
    """

    equity: float | None = None
    cash: float | None = None
    peak: float | None = None
    day_start: float | None = None
    drawdown: float | None = None
    gross: float | None = None
    reserved: float | None = None
    pnl_day: float | None = None


class QuoteRow(Shown):
    """The newest quote of one symbol."""

    symbol: str
    bid: float | None
    ask: float | None
    ts: int


class PositionRow(Shown):
    """What is held of one symbol.

    Attributes:
        units: Signed.
        price: Middle of the newest quote [currency].
        value: Signed [currency].
        share: `value` of the equity [1].
    """

    symbol: str
    units: float
    price: float | None
    value: float | None
    share: float | None


class OrderRow(Shown):
    """An open order.

    Attributes:
        role: "entry", "exit", "stop", "target" or "flatten".
        left: Signed units that may still fill.
        limit, stop: Prices [currency].
    """

    client_order_id: str
    symbol: str
    role: str
    state: str
    left: float
    limit: float | None
    stop: float | None
    created_at: int


class FillRow(Shown):
    """An executed part of an order.

    Attributes:
        units: Unsigned; `side` says which way.
        fee: What came with the fill; the broker books others once a day [currency].
    """

    ts: int
    symbol: str
    side: Literal["buy", "sell"]
    units: float
    price: float
    fee: float
    role: str
    client_order_id: str


class RefusalRow(Shown):
    """What risk has refused or trimmed, with the numbers of the reason."""

    at: int
    symbol: str
    reason: str
    bound: float | None
    reached: float | None
    allowed: float | None


class LatchRow(Shown):
    """What halts the deployment until it is reset."""

    name: str
    reason: str
    by: str
    at: int


class StageTimes(Shown):
    """Latency of one stage since the component's start [ns].

    Beside these: ``le_<ns>``, how many times were below so many ns, at powers of two; bounds
    that nothing or everything was below are left out, but the first of the latter.

    Attributes:
        sum: Of all times.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride]  (pydantic's own way)

    count: int
    p50: int
    p99: int
    p999: int
    max: int
    sum: int = 0


class ComponentRow(Shown):
    """One component.

    Attributes:
        state: "armed", "halted", "starting", "stopped", "silent" or "down".
        incarnation: Rises with each start.
        latency: By stage.
        counts: Since the start.
        gauges: Values of now.
    """

    name: str
    state: str
    pid: int | None
    incarnation: int
    latency: dict[str, StageTimes] = {}
    counts: dict[str, int] = {}
    gauges: dict[str, bool | int | float | str | None] = {}


class State(Shown):
    """A deployment at one instant.

    Attributes:
        at: When it was looked at.
        waits_for: What the next arming waits for, "" for nothing.
        restarts: Of components, since the supervisor began.
        gate: "open", or "closed: " and why no order goes.
        clock: The newest instant that was heard of the market.
        version: Of the strategy.
        fills, refusals: The newest first.
    """

    at: int
    deployment: str
    status: Status
    mode: Mode
    strategy: str
    symbols: list[str]
    epoch: int
    waits_for: str
    restarts: int
    gate: str
    supervisor: Literal["running", "down"]
    clock: int
    version: str
    money: Money
    quotes: list[QuoteRow]
    positions: list[PositionRow]
    orders: list[OrderRow]
    fills: list[FillRow]
    refusals: list[RefusalRow]
    latches: list[LatchRow]
    components: list[ComponentRow]


class Risk(Shown):
    """What keeps losses small: money, latches, and the limits that are set."""

    money: Money
    gate: str
    latches: list[LatchRow]
    limits: dict[str, Any]


class ProfitAndLoss(Shown):
    """What was earned [currency].

    Attributes:
        since: First instant that is known of the equity, 0 where none is.
        pnl: Equity less what it was then.
    """

    at: int
    clock: int
    equity: float | None
    day_start: float | None
    pnl_day: float | None
    since: int
    pnl: float | None


class EquityCurve(Shown):
    """Equity and drawdown by the venue's clock, thinned: of each stretch the deepest point."""

    ts: list[int] = []
    equity: list[float] = []
    drawdown: list[float] = []


class Expectation(Shown):
    """Where the equity was expected to be, and whether it is there.

    Attributes:
        source: What the expectation comes from.
        start_ts, start_equity: Where the band begins.
        median, lower, upper: At each `ts`.
        level: Share of paths that stay inside all the way [1].
        inside: Whether live results have stayed inside.
        bars: Bars that the band covers.
    """

    source: str
    bar_seconds: int
    start_ts: int
    start_equity: float
    ts: list[int]
    median: list[float]
    lower: list[float]
    upper: list[float]
    level: float
    inside: bool
    bars: int


class Comparison(Shown):
    """What the last `fanfold audit parity` said of live and backtest.

    Attributes:
        status: "ok", or "different" where recorded inputs give other decisions.
        legs: Each comparison: name, verdict, how many decisions, how many differ.
        metrics: Differences in money, by cause.
    """

    status: str
    at: int
    legs: list[dict[str, Any]] = []
    metrics: dict[str, Any] = {}


class AuditRow(Shown):
    """Something that was asked for: by whom, and what became of it.

    Attributes:
        who: Name of the token, "" for none or a wrong one.
        origin: Address that it came from.
        what: Method and path.
        arguments: What was said with it; codes are left out.
        status: Of the answer.
        outcome: In a few words.
    """

    at: int
    who: str
    origin: str
    what: str
    arguments: dict[str, Any]
    status: int
    outcome: str


class Me(Shown):
    """Whose token it is, and what it may do."""

    name: str
    role: Literal["view", "trade"]
