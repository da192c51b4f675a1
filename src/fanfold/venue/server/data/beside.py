"""What is told beside prices: who moves most, the letters on the tape, and that nothing is new."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web

from fanfold.alpaca.wire.instants import instant_text
from fanfold.alpaca.wire.refusals import Refusal, data_refusal
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.floor import Floor
from fanfold.venue.market.history.history import History
from fanfold.venue.market.values import Asset
from fanfold.venue.server.answers import route
from fanfold.venue.server.data.forms import BarForm
from fanfold.venue.server.data.latest import Latest
from fanfold.venue.server.data.query import (
    COINS,
    SHARES,
    Reader,
    Room,
    one_of,
    shown,
    values_of,
    whole,
)

TOP: Final = 10
"""Assets in a list where nobody says how many."""

ACTIVES_MAX: Final = 100
"""Assets in a list of the most active at most."""

MOVERS_MAX: Final = 50
"""Assets in a list of those that moved most at most."""

EXCHANGES: Final = {"V": "IEX"}
"""Exchanges by letter, as far as the venue's tape names any."""

CONDITIONS: Final = {
    "trade": {"@": "Regular Sale", "O": "Opening Prints", "6": "Closing Prints"},
    "quote": {"R": "Regular, two-sided open quote"},
}
"""Conditions by letter, as far as the venue's tape has any."""

_MARKETS: Final[Mapping[str, Room]] = {"stocks": SHARES, "crypto": COINS}
_ACTIVES: Final[Mapping[str, Reader]] = {
    "by": one_of("volume", "trades"),
    "top": whole(ACTIVES_MAX),
}
_MOVERS: Final[Mapping[str, Reader]] = {"top": whole(MOVERS_MAX)}


def routes(floor: Floor, history: History) -> list[web.RouteDef]:
    """Routes of what is told beside prices."""
    latest = Latest(floor, history, delayed=False)
    return [
        route(floor, "GET", "/v2/stocks/meta/exchanges", _exchanges),
        route(floor, "GET", "/v2/stocks/meta/conditions/{tick_type}", _conditions),
        route(floor, "GET", "/v1beta1/news", _news),
        route(floor, "GET", "/v1beta1/screener/stocks/most-actives", partial(_most_active, latest)),
        route(floor, "GET", "/v1beta1/screener/{market}/movers", partial(_movers, latest)),
    ]


async def _exchanges(_floor: Floor, _request: web.Request) -> dict[str, str]:
    return EXCHANGES


async def _conditions(_floor: Floor, request: web.Request) -> dict[str, str] | Refusal:
    kind = request.match_info["tick_type"]
    return CONDITIONS.get(kind) or data_refusal(f"invalid ticktype: {shown(kind)}")


async def _news(_floor: Floor, _request: web.Request) -> dict[str, Any]:
    """The venue has prices only."""
    return {"news": [], "next_page_token": None}


async def _most_active(
    latest: Latest, floor: Floor, request: web.Request
) -> dict[str, Any] | Refusal:
    values = values_of(request, _ACTIVES)
    if isinstance(values, Refusal):
        return values
    days = [
        (asset.symbol, day) for asset in _assets(floor, SHARES) for day in latest.days(asset, 1)
    ]
    by_trades = values.get("by") == "trades"
    days.sort(key=lambda row: -(row[1].n if by_trades else row[1].v))
    rows = [{"symbol": symbol, "volume": day.v, "trade_count": day.n} for symbol, day in days]
    return {
        "most_actives": rows[: values.get("top", TOP)],
        "last_updated": instant_text(floor.market.now),
    }


async def _movers(latest: Latest, floor: Floor, request: web.Request) -> dict[str, Any] | Refusal:
    market = request.match_info["market"]
    if market not in _MARKETS:
        return data_refusal(f"invalid market type: {shown(market)}")
    values = values_of(request, _MOVERS)
    if isinstance(values, Refusal):
        return values
    pairs = ((asset, latest.days(asset, 2)) for asset in _assets(floor, _MARKETS[market]))
    rows = [_move(asset, *days) for asset, days in pairs if len(days) == 2]  # noqa: PLR2004
    rows.sort(key=lambda row: -row["percent_change"])
    top = values.get("top", TOP)
    return {
        "gainers": [row for row in rows if row["change"] > 0][:top],
        "losers": [row for row in reversed(rows) if row["change"] < 0][:top],
        "market_type": market,
        "last_updated": instant_text(floor.market.now),
    }


def _move(asset: Asset, day: BarForm, before: BarForm) -> dict[str, Any]:
    change = day.c - before.c
    return {
        "symbol": asset.symbol,
        "percent_change": round(100.0 * change / before.c, 2) if before.c else 0.0,
        "change": round(change, 4),
        "price": day.c,
    }


def _assets(floor: Floor, room: Room) -> list[Asset]:
    return [one for one in floor.market.assets if (one.asset_class == CRYPTO) == room.is_coins]
