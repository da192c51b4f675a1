"""What a request for market data says, checked with the broker's words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from aiohttp import web

from fanfold.alpaca.wire.instants import instant_of
from fanfold.alpaca.wire.refusals import Refusal, data_refusal
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.floor import Floor
from fanfold.venue.market.history.adjustment import KINDS
from fanfold.venue.market.history.timeframes import Timeframe, timeframe_of
from fanfold.venue.market.hours import NEW_YORK
from fanfold.venue.market.values import Asset

SYMBOLS_MAX: Final = 5_000
"""Symbols in a request at most."""

LIMIT_MAX: Final = 10_000
"""Points on a page at most."""

LIMIT: Final = 1_000
"""Points on a page where nobody says how many."""

ECHO_MAX: Final = 64
"""Characters of a wrong value that an answer repeats at most."""

FEEDS: Final = frozenset(("sip", "iex", "otc", "boats", "overnight"))
"""Feeds of the past."""

LATEST_FEEDS: Final = FEEDS | {"delayed_sip"}
"""Feeds of what is latest."""

SILENT_FEEDS: Final = frozenset(("otc", "boats", "overnight"))
"""Feeds on which nothing of what the venue replays was traded."""

LOCATIONS: Final = frozenset(("us", "us-1", "us-2", "eu-1", "bs-1"))
"""Where coins are traded; the venue shows one market for all."""

_SHARE: Final = re.compile(r"[A-Z]+([.-][A-Z]+)?", re.ASCII)
_COIN: Final = re.compile(r"[A-Z]+/[A-Z]+", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_INSTANT_MAX: Final = 2**63 - 1
_DATES: Final = (date(1678, 1, 1), date(2261, 12, 31))

Reader = Callable[[str, str], Any]
"""Reads a value, given its name and its text; a ValueError says the whole refusal."""

Moment = int | date
"""An instant [ns UTC], or a date whose begin and end depend on the asset."""


def values_of(request: web.Request, readers: Mapping[str, Reader]) -> dict[str, Any] | Refusal:
    """Those values of a query that are given and not empty; others are passed over."""
    found: dict[str, Any] = {}
    for name, read in readers.items():
        text = request.query.get(name, "").strip()
        if not text:
            continue
        try:
            found[name] = read(name, text)
        except ValueError as error:
            return data_refusal(str(error))
    return found


def shown(text: str) -> str:
    """A wrong value as an answer repeats it."""
    return text[:ECHO_MAX].encode("utf-8", "replace").decode()


def one_of(*known: str) -> Reader:
    """A reader of one of some words."""

    def read(name: str, text: str) -> str:
        if text not in known:
            raise ValueError(f"invalid {name}: {shown(text)}")
        return text

    return read


def whole(most: int) -> Reader:
    """A reader of whole numbers from 1 to the most."""

    def read(name: str, text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise ValueError(
                f"Invalid format for parameter {name}: error binding string parameter: "
                f'strconv.ParseInt: parsing "{shown(text)}": invalid syntax'
            )
        if not 1 <= int(text) <= most:
            raise ValueError(f"invalid {name}: {int(text)}")
        return int(text)

    return read


def moment(name: str, text: str) -> Moment:
    """Read an instant of any offset, or a date; both within what nanoseconds can tell."""
    try:
        if _DATE.fullmatch(text):
            return max(_DATES[0], min(date.fromisoformat(text), _DATES[1]))
        found = instant_of(text)
    except (ValueError, OverflowError):
        raise ValueError(
            f"Invalid format for parameter {name}: error parsing '{shown(text)}' as RFC3339 or "
            "2006-01-02 time"
        ) from None
    return max(-_INSTANT_MAX, min(found, _INSTANT_MAX))


def day_number(day: date) -> int:
    """A date as [days since 1970-01-01]."""
    return day.toordinal() - _EPOCH_DAY


def as_of(name: str, text: str) -> str:
    """Read the date at which symbols are meant; no symbol of the venue ever changed."""
    if text != "-" and not isinstance(moment(name, text), date):
        raise ValueError(f"invalid {name}: {shown(text)}")
    return text


def adjustment(name: str, text: str) -> str:
    """Read what prices are adjusted for."""
    if not all(one in KINDS for one in text.split(",")):
        raise ValueError(f"invalid {name}: {shown(text)}")
    return text


def timeframe(name: str, text: str) -> Timeframe:
    """Read a length of bars."""
    found = timeframe_of(text)
    if found is None:
        raise ValueError(f"invalid {name}: {shown(text)}")
    return found


@dataclass(frozen=True, slots=True)
class Room:
    """A room of market data: shares or coins.

    Attributes:
        is_coins: Whether coins.
        zone: Where its days begin, if no asset says otherwise.
    """

    is_coins: bool
    zone: str

    def assets(self, floor: Floor, request: web.Request) -> tuple[Asset, ...] | Refusal:
        """The assets that a request names and the venue has, by symbol, each once.

        A request's path may name one, or its query several.
        """
        single = request.match_info.get("symbol")
        text = request.query.get("symbols", "") if single is None else single
        symbols = {one.strip() for one in text.split(",") if one.strip()}
        if not symbols:
            return data_refusal(
                "Invalid format for parameter symbols: query parameter 'symbols' is required"
            )
        if len(symbols) > SYMBOLS_MAX:
            return data_refusal(f"too many symbols: {len(symbols)}, at most {SYMBOLS_MAX}")
        found: list[Asset] = []
        for symbol in sorted(symbols):
            asset = self.asset(floor, symbol)
            if asset is not None:
                found.append(asset)
            elif not (_COIN if self.is_coins else _SHARE).fullmatch(symbol):
                return self._no_symbol(symbol)
        return tuple(found)

    def asset(self, floor: Floor, symbol: str) -> Asset | None:
        """An asset of this room by its very symbol; None if the venue has none."""
        asset = floor.market.asset(symbol)
        if asset is None or asset.symbol != symbol:
            return None
        return asset if (asset.asset_class == CRYPTO) == self.is_coins else None

    def place(self, request: web.Request) -> Refusal | None:
        """The refusal of a location where no coins are traded."""
        location = request.match_info.get("location", "us")
        if location not in LOCATIONS:
            return data_refusal(f"invalid location: {shown(location)}")
        return None

    def _no_symbol(self, symbol: str) -> Refusal:
        if self.is_coins:
            return data_refusal(
                f"Invalid symbol(s): {shown(symbol)} does not match ^[A-Z]+/[A-Z]+$"
            )
        return data_refusal(f"invalid symbol: {shown(symbol)}")


SHARES: Final = Room(is_coins=False, zone=NEW_YORK)
COINS: Final = Room(is_coins=True, zone="UTC")
