"""How orders are sized, sent and filled: what careful desks and other programs differ in."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FRACTION_PARTS: Final = 1_000_000_000
"""Lots in one unit where fractions trade: a lot is 1e-9."""

DELAY_BARS_MAX: Final = 250
"""Longest delay from a decision to its orders [bars]."""

TimeInForce = Literal["gtc", "day", "ioc", "fok", "opg", "cls"]


class FillOptions(BaseModel):
    """Choices of one run; each default is what a careful desk would expect.

    Attributes:
        size_at: When a changed target becomes a quantity: at the "decision", from
            the close, or at the "fill", from its price with costs. An order with a
            price is always sized when it is decided.
        fractional: Whether parts of a unit trade. None: round the clock yes, on
            exchanges no.
        time_in_force: How long orders work: until cancelled ("gtc"), to the session's
            end ("day"), at the next open only ("ioc": what fills at once; "fok": all or
            nothing; "opg"), or at the next close only ("cls": market or limit on
            close). None: the venue's. What is not filled is asked for again while the
            target stands.
        limit_fill: Whether a resting limit fills when the market touches it, or only
            once it trades a tick "through" it.
        intrabar: What is assumed of the order of prices inside a bar where a stop and
            a target both lie in it: the "worst" (the stop), the "best", or the path
            "ohlc" that goes to the nearer extreme first.
        exit_arming: Whether stop and target can end a position in the bar that began
            it, or from the "next_bar" on.
        exit_reference: Whether stop and target keep their relative distance from the
            close of the signal and are moved to the "fill", or stay where the decision
            put them ("signal_close").
        rearm: When an asset that an exit or a breaker has closed is traded again: when
            the strategy states another target ("on_change"), at the "next_bar", "never".
        participation: Largest part of a bar's volume that fills may take [1]; None all
            that is asked for.
        delay_bars: Bars from a decision to the bar that its orders meet; 1 is the next.
        close_at_end: Close what is held at the last bar's close, with costs.
        rebalance_band: Distance of a position's weight from its target at which it
            is traded back [share of equity]; None never.
        min_trade_weight: Smaller changes send nothing, full exits excepted [share of
            equity].
        min_trade_notional: The same [currency]; None takes the venue's.
        maintenance_margin: Equity under this share of gross exposure calls for margin
            [1]; None takes the venue's.
        stale_sessions: Sessions without a bar after which a held asset is a finding
            [sessions].
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size_at: Literal["decision", "fill"] = "decision"
    fractional: bool | None = None
    time_in_force: TimeInForce | None = None
    limit_fill: Literal["touch", "through"] = "touch"
    intrabar: Literal["worst", "ohlc", "best"] = "worst"
    exit_arming: Literal["entry_bar", "next_bar"] = "entry_bar"
    exit_reference: Literal["fill", "signal_close"] = "fill"
    rearm: Literal["on_change", "next_bar", "never"] = "on_change"
    participation: float | None = Field(default=None, gt=0.0, le=1.0)
    delay_bars: int = Field(default=1, ge=1, le=DELAY_BARS_MAX)
    close_at_end: bool = False
    rebalance_band: float | None = Field(default=None, gt=0.0)
    min_trade_weight: float = Field(default=0.0, ge=0.0, lt=1.0)
    min_trade_notional: float | None = Field(default=None, ge=0.0)
    maintenance_margin: float | None = Field(default=None, ge=0.0, lt=1.0)
    stale_sessions: int = Field(default=10, ge=1)
