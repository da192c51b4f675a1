"""Settings of a venue; a YAML file mirrors them."""

import ipaddress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from fanfold.domain.stamps import Stamp

LOCAL_KEY: Final = "PKFANFOLDLOCAL"
"""Key of the account that there is where nobody names one."""

LOCAL_SECRET: Final = "fanfold-local-secret"  # noqa: S105  (it opens what everybody may see)
"""Its secret: no secret at all, which is why it is taken on this machine only."""

LIVE_PREFIX: Final = "AK"
"""How keys begin that move real money: they have no business here."""

ACCOUNTS_MAX: Final = 1_000
"""Accounts of one venue at most."""

SPEED_MAX: Final = 1_000_000.0
"""Fastest clock that is kept by time; faster is "max" [venue seconds per second]."""


class Section(BaseModel):
    """A part of the settings: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AccountSettings(Section):
    """One account: its keys, its number (made of the key), and the cash that it begins with."""

    key: str = Field(default=LOCAL_KEY, min_length=1, max_length=128)
    secret: SecretStr = SecretStr(LOCAL_SECRET)
    number: str = Field(default="", pattern=r"^(PA\d{9})?$")
    cash: Decimal = Field(default=Decimal(100_000), ge=0, le=10**12, decimal_places=2)

    @field_validator("key")
    @classmethod
    def _is_no_live_key(cls, key: str) -> str:
        if key.upper().startswith(LIVE_PREFIX):
            raise ValueError(
                f"must not begin with {LIVE_PREFIX}, as keys of live accounts do: a rehearsal "
                "needs made-up keys"
            )
        if not key.isascii() or not key.isprintable() or ":" in key or " " in key:
            raise ValueError("must be printable characters without colon and space")
        return key

    @field_validator("secret")
    @classmethod
    def _can_be_sent(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        if not (0 < len(text) <= 256 and text.isascii() and text.isprintable()):  # noqa: PLR2004
            raise ValueError("must be 1 to 256 printable characters")
        return secret


class ReplaySettings(Section):
    """What is replayed: bars or ticks of the sample, a store or a file, or paths of a model.

    `start` and `end` bound what there is; `begin` is where the clock stands at first, a minute
    after the first session's open if left out: what lies before is history.
    `stamp` says what timestamps of a file mark; dates at midnight need none.
    `kinds` are "bars", or those ticks that a store has ("trades", "quotes"). `simulate` names a
    model of prices that is fitted to the bars and takes their place. `spread_bps` is the whole
    spread around prices of bars; `on_ticks` brings quotes to the venue's ticks.
    """

    source: str = "sample"
    symbols: list[str] | None = None
    start: date | datetime | None = None
    end: date | datetime | None = None
    begin: date | datetime | None = None
    basis: Literal["raw", "split", "total_return"] | None = None
    timeframe: str | None = None
    kinds: list[Literal["bars", "trades", "quotes"]] = Field(default_factory=lambda: ["bars"])
    stamp: Stamp | None = None
    calendar: str | dict[str, str] | None = None
    simulate: str = ""
    spread_bps: float = Field(default=2.0, ge=0.0, le=1_000.0)
    on_ticks: bool = True
    late_share: float = Field(default=0.0, ge=0.0, le=1.0)


class VenueSettings(Section):
    """A venue.

    Attributes:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        allow_remote: Whether other machines may connect.
        accounts: Who may trade.
        replay: What is replayed.
        seed: Whatever is drawn follows from it.
        speed: How much faster than real time the clock goes, or "max": as fast as clients
            follow. 0 stands.
        skip_nights: Whether the clock skips what is longer than five minutes without
            anything in the market, at any speed but 0.
        order_pause_s: At "max", how long after a request to trade the clock goes at 1, so
            that an order's life can be seen [s].
        fees: Whether shares are charged the regulators' fees, as live accounts are.
        slippage_bps: What a fill at market is moved by, beyond the quote [bps].
        plan: "basic" has 30 symbols a stream and no recent data of all exchanges.
        requests_per_minute: To trade, of an account, by the wall's clock. The broker's is
            200; by default there is next to none, since a market that goes faster than the
            wall would be throttled by it.
        journal: File of the venue's memory; by default one for equal settings.
        durable: Whether every answer waits for the disk: survives a loss of power, not only
            the death of the process.
        faults: What goes wrong from the start, `GET /_venue/faults` lists the kinds.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65_535)
    allow_remote: bool = False
    accounts: list[AccountSettings] = Field(
        default_factory=lambda: [AccountSettings()], min_length=1, max_length=ACCOUNTS_MAX
    )
    replay: ReplaySettings = ReplaySettings()
    seed: int = Field(default=0, ge=0, lt=2**32)
    speed: float | Literal["max"] = 1.0
    skip_nights: bool = False
    order_pause_s: float = Field(default=1.0, ge=0.0, le=3_600.0)
    fees: Literal["paper", "live"] = "paper"
    slippage_bps: float = Field(default=0.0, ge=0.0, le=5_000.0)
    plan: Literal["plus", "basic"] = "plus"
    requests_per_minute: int = Field(default=1_000_000, ge=1, le=10_000_000)
    journal: Path | None = None
    durable: bool = False
    faults: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]], max_length=1_000)

    @field_validator("speed", mode="before")
    @classmethod
    def _is_max_or_a_number(cls, speed: Any) -> Any:
        if isinstance(speed, str) and speed != "max":
            try:
                return float(speed)
            except ValueError:
                raise ValueError('must be "max" or a number') from None
        return speed

    @field_validator("speed")
    @classmethod
    def _is_a_speed(cls, speed: float | str) -> float | str:
        if not isinstance(speed, str) and not 0.0 <= speed <= SPEED_MAX:
            raise ValueError(f'must be "max" or from 0 to {SPEED_MAX:,.0f}')
        return speed

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        keys = [account.key for account in self.accounts]
        if len(set(keys)) < len(keys):
            raise ValueError("accounts must have different keys")
        if not is_loopback(self.host):
            if not self.allow_remote:
                raise ValueError(
                    f"host must be this machine's own, such as 127.0.0.1, unless allow_remote is "
                    f"set, was {self.host!r}"
                )
            if any(one.secret.get_secret_value() == LOCAL_SECRET for one in self.accounts):
                raise ValueError("accounts must have keys of your own where others may connect")
        return self


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
