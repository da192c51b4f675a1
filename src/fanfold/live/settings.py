"""Settings of live trading; a YAML file mirrors them under `live:`."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

BAR_SECONDS_MAX: Final = 86_400
"""Longest bar of a live clock [s]."""

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this machine reaches."""


class Section(BaseModel):
    """A part of the settings: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BrokerSettings(Section):
    """Where orders go.

    Real money takes two settings: `at: live` and `real_money: true`; keys come from the
    environment alone.

    Attributes:
        at: "local" is a venue on this machine, started with the deployment; "paper" and
            "live" are Alpaca's.
        real_money: Must be true for "live", and for nothing else.
        rest_url, data_url, market_stream_url, trade_stream_url: Other addresses than usual.
        connect_timeout_s, read_timeout_s: Of each request [s].
        requests_per_minute: What the broker allows to trade.
        reserve: Requests of a minute that are kept for cancels and reconciliation.
        connections: Kept-alive connections to send orders on.
    """

    at: Literal["local", "paper", "live"] = "local"
    real_money: bool = False
    rest_url: str | None = None
    data_url: str | None = None
    market_stream_url: str | None = None
    trade_stream_url: str | None = None
    connect_timeout_s: float = Field(default=3.0, gt=0, le=60)
    read_timeout_s: float = Field(default=10.0, gt=0, le=120)
    requests_per_minute: int = Field(default=200, ge=1, le=1_000_000)
    reserve: int = Field(default=40, ge=0)
    connections: int = Field(default=4, ge=1, le=32)

    @model_validator(mode="after")
    def _real_money_takes_two(self) -> Self:
        if self.at == "live" and not self.real_money:
            raise ValueError("at: live needs real_money: true beside it, which is off")
        if self.real_money and self.at != "live":
            raise ValueError(f"real_money: true goes with at: live only, at was {self.at}")
        if self.reserve >= self.requests_per_minute:
            raise ValueError(
                f"reserve must be below requests_per_minute ({self.requests_per_minute}), "
                f"was {self.reserve}"
            )
        return self


class MarketSettings(Section):
    """What is listened to, and when it is no longer believed.

    Attributes:
        feed: The broker's; "local" takes whatever the venue has.
        clock: What a decision follows: "bars" of `bar_seconds`, or every quote.
        bars: "venue" takes the minutes that the broker sends; "local" builds bars of any
            length from trades; "quotes" builds them from the quotes' middle.
        grace_s: How long a step waits for missing bars after their end, on the venue's
            clock [s].
        depth: Whether order books are followed (coins).
        silence_s: Silence of a whole channel after which the connection is made anew [s].
        stale_s: Silence of one symbol in trading hours after which it is not traded [s].
        clock_offset_s: Difference to the broker's clock that halts [s]; None does not look,
            as at a venue with a clock of its own.
        backoff_s, backoff_max_s: First and longest pause between connections [s].
        pending_max: Messages that may wait for a slow receiver before quotes conflate.
    """

    feed: Literal["local", "iex", "sip", "crypto", "test"] = "local"
    clock: Literal["bars", "quotes"] = "bars"
    bars: Literal["venue", "local", "quotes"] = "venue"
    bar_seconds: int = Field(default=60, ge=1, le=BAR_SECONDS_MAX)
    grace_s: float = Field(default=1.0, ge=0, le=60)
    depth: bool = False
    silence_s: float = Field(default=30.0, gt=0, le=3_600)
    stale_s: float = Field(default=120.0, gt=0, le=86_400)
    clock_offset_s: float | None = Field(default=None, gt=0)
    backoff_s: float = Field(default=1.0, gt=0, le=60)
    backoff_max_s: float = Field(default=30.0, gt=0, le=600)
    pending_max: int = Field(default=10_000, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _minutes_of_the_venue(self) -> Self:
        if self.bars == "venue" and self.bar_seconds % 60:
            raise ValueError(
                f"bar_seconds must be whole minutes where bars: venue, was {self.bar_seconds}; "
                "bars: local builds others"
            )
        return self


class RiskSettings(Section):
    """What only live trading has to refuse; positions and losses stand in `limits`.

    Attributes:
        price_collar: Farthest that an order's price, or a market order's reference, may be
            from the live quote's middle [share].
        spread_max: Widest spread that is traded in [share of the middle].
        quote_age_s: Oldest quote that is believed, on the venue's clock [s].
        daily_volume_share: Largest order against the usual daily volume [1].
        orders_per_second: Most approved orders in any second.
        duplicate_s: Time within which an equal order is a duplicate [s].
        open_orders_max: Most orders that may be open at once.
        confirm, confirm_of: A price beyond `outlier` counts once so many of so many in a
            row agree (N of M); until then nothing is decided on it.
        outlier: Jump from the last believed price that needs confirmation [share].
    """

    price_collar: float = Field(default=0.05, gt=0, le=1)
    spread_max: float = Field(default=0.02, gt=0, le=1)
    quote_age_s: float = Field(default=30.0, gt=0, le=86_400)
    daily_volume_share: float = Field(default=0.05, gt=0, le=1)
    orders_per_second: int = Field(default=50, ge=1, le=100_000)
    duplicate_s: float = Field(default=1.0, ge=0, le=3_600)
    open_orders_max: int = Field(default=200, ge=1, le=10_000)
    confirm: int = Field(default=2, ge=1, le=100)
    confirm_of: int = Field(default=3, ge=1, le=100)
    outlier: float = Field(default=0.10, gt=0, le=10)

    @model_validator(mode="after")
    def _n_of_m(self) -> Self:
        if self.confirm > self.confirm_of:
            raise ValueError(
                f"confirm must be at most confirm_of ({self.confirm_of}), was {self.confirm}"
            )
        return self


class ExecutionSettings(Section):
    """How approved orders are sent, asked after and protected.

    Attributes:
        approved_age_s: Oldest approval that is acted on [s].
        unknown_waits_s: Pauses between questions after an order that may or may not have
            arrived [s]; when all have found nothing the order is lost.
        lease_s: Time-to-live of the right to send [s]; a takeover waits for it and for the
            longest request.
        orders_poll_s, account_poll_s: Time between looks at open orders while one is in
            flight, and at positions and money [s].
        external: What positions mean that are not ours.
        start: Whether a first start waits for the target to change, or goes to where the
            backtest would be.
        protect: Whether stops and targets rest at the venue (bracket, OCO) where it takes
            them; else an exit is sent when a bar reaches them.
    """

    approved_age_s: float = Field(default=2.0, gt=0, le=60)
    unknown_waits_s: tuple[Annotated[float, Field(gt=0, le=600)], ...] = Field(
        default=(0.5, 1.0, 2.0, 4.0, 8.0), min_length=1, max_length=32
    )
    lease_s: float = Field(default=10.0, gt=0, le=600)
    orders_poll_s: float = Field(default=10.0, gt=0, le=3_600)
    account_poll_s: float = Field(default=30.0, gt=0, le=3_600)
    external: Literal["refuse", "ignore", "adopt"] = "refuse"
    start: Literal["flat_until_target_changes", "adopt_backtest_target"] = (
        "flat_until_target_changes"
    )
    protect: bool = True


class RecordSettings(Section):
    """What is written down.

    Attributes:
        tapes: Whether what comes in is kept; without it there is no replay and no parity.
        segment_bytes: Size at which a tape begins a new file [bytes].
        snapshot_s: Time between snapshots of signal [s].
        keep_days: Days that tapes are kept once they are Parquet.
    """

    tapes: bool = True
    segment_bytes: int = Field(default=64 * 2**20, ge=4_096, le=2**31)
    snapshot_s: float = Field(default=30.0, gt=0, le=3_600)
    keep_days: int = Field(default=7, ge=0, le=3_650)


class HostSettings(Section):
    """What the components run in.

    Attributes:
        machine: Whether decisions run in machine code: faster, and 100 MB more.
        hosts: "ray" runs each component in an actor, "processes" in a process of its own.
        transport: "ipc" on one node, "tcp" with CURVE keys between nodes.
        node: Resource of the cluster's one node that actors are on, such as "live": they find
            it again after the loss of a head or of a machine whose disk moved on. Without one
            they are on the node that brought them up.
        restart_s: Longest time until a dead component is seen [s].
        restarts_per_minute: Restarts of all components in a minute beyond which a latch is
            set: what dies again and again must be looked at.
    """

    machine: bool = False
    hosts: Literal["ray", "processes"] = "ray"
    transport: Literal["ipc", "tcp"] = "ipc"
    node: str = Field(default="", pattern=r"^[a-z0-9_-]{0,40}$")
    restart_s: float = Field(default=1.0, gt=0, le=60)
    restarts_per_minute: int = Field(default=20, ge=1, le=100_000)


class PageSettings(Section):
    """The live page and its API.

    Attributes:
        enabled: Whether there is one; trading needs none.
        host: Address that it listens at; one beyond this machine needs `names`, and
            something before it that speaks TLS.
        port: 0 for a free one, which is kept from then on.
        names: Further names that it may be asked by, without ports.
    """

    enabled: bool = True
    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int = Field(default=0, ge=0, le=65_535)
    names: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,253}$")], ...] = Field(
        default=(), max_length=16
    )

    @model_validator(mode="after")
    def _stays_here(self) -> Self:
        if self.host not in LOOPBACK and not self.names:
            raise ValueError(
                f"host must be one of {', '.join(LOOPBACK)}, was {self.host}; another one needs "
                "names, by which it may be asked"
            )
        return self


class LiveSettings(Section):
    """All of it."""

    broker: BrokerSettings = BrokerSettings()
    market: MarketSettings = MarketSettings()
    risk: RiskSettings = RiskSettings()
    execution: ExecutionSettings = ExecutionSettings()
    record: RecordSettings = RecordSettings()
    host: HostSettings = HostSettings()
    page: PageSettings = PageSettings()
