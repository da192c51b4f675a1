"""The venue's own endpoints: looked at, led, and made to misbehave. For its people only."""

from datetime import UTC, datetime
from math import inf
from typing import Any, Final

from aiohttp import web

from fanfold.alpaca.wire.instants import instant_of, instant_text
from fanfold.alpaca.wire.refusals import Refusal, malformed, not_found
from fanfold.errors import InputError
from fanfold.venue.floor import Floor
from fanfold.venue.server.answers import nothing, route
from fanfold.venue.server.gate import OWN_ROOM
from fanfold.venue.server.own.status import status_of
from fanfold.venue.server.requests import body_of
from fanfold.venue.server.trading.forms import nested_form
from fanfold.venue.settings import SPEED_MAX

ADVANCE_S_MAX: Final = 400 * 86_400
"""How far the clock may be sent on by one request [s]."""

_SECOND_NS: Final = 1_000_000_000
_UNTIL_MAX: Final = int(datetime(2039, 1, 1, tzinfo=UTC).timestamp()) * _SECOND_NS
_SHOWN_MAX: Final = 80


def routes(floor: Floor) -> list[web.RouteDef]:
    """Routes of the venue's own room; it never misbehaves and has no rate."""

    def at(method: str, path: str, handle: Any) -> web.RouteDef:
        return route(floor, method, OWN_ROOM + path, handle)

    return [
        at("GET", "/status", _status),
        at("GET", "/clock", _clock),
        at("POST", "/clock", _lead_clock),
        at("GET", "/faults", _faults),
        at("POST", "/faults", _add_fault),
        at("DELETE", "/faults", _end_faults),
        at("DELETE", "/faults/{named}", _end_fault),
        at("POST", "/orders/{named}", _act),
        at("POST", "/halts", _halt),
    ]


async def _status(floor: Floor, _request: web.Request) -> dict[str, Any]:
    return status_of(floor)


async def _clock(floor: Floor, _request: web.Request) -> dict[str, Any]:
    return _clock_form(floor)


async def _lead_clock(floor: Floor, request: web.Request) -> dict[str, Any] | Refusal:
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    names = sorted({"until", "advance_s", "speed"} & set(body))
    if len(names) != 1 or len(body) != 1:
        return malformed(
            f"a clock must be given until, advance_s or speed alone, was {_shown(list(body))}"
        )
    if names == ["speed"]:
        speed = _speed(body["speed"])
        if isinstance(speed, Refusal):
            return speed
        floor.set_speed(speed)
        return _clock_form(floor)
    until = _until(floor, names[0], body[names[0]])
    if isinstance(until, Refusal):
        return until
    ticks = await floor.step(until)
    return {**_clock_form(floor), "ticks": ticks}


async def _faults(floor: Floor, _request: web.Request) -> dict[str, Any]:
    return {"faults": floor.faults.listed(), "kinds": floor.faults.described()}


async def _add_fault(floor: Floor, request: web.Request) -> dict[str, Any] | Refusal:
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    try:
        return floor.faults.add(body)
    except InputError as error:
        return malformed(str(error))


async def _end_faults(floor: Floor, _request: web.Request) -> web.Response:
    floor.faults.clear()
    return nothing()


async def _end_fault(floor: Floor, request: web.Request) -> web.Response | Refusal:
    named = request.match_info["named"]
    if not floor.faults.remove(named):
        return not_found(f"fault must be one that is on, was {_shown(named)}")
    return nothing()


async def _act(floor: Floor, request: web.Request) -> Any:
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    event = body.get("event")
    if not isinstance(event, str):
        return malformed(f'event must be a status such as "suspended", was {_shown(event)}')
    named = request.match_info["named"]
    order = floor.do(lambda: floor.exchange.act(named, event))
    return order if isinstance(order, Refusal) else nested_form(floor.exchange.desk, order)


async def _halt(floor: Floor, request: web.Request) -> dict[str, Any] | Refusal:
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    symbol, on, reason = body.get("symbol"), body.get("on"), body.get("reason", "")
    asset = floor.market.asset(symbol) if isinstance(symbol, str) else None
    if asset is None:
        return malformed(f"symbol must be an asset's, was {_shown(symbol)}")
    if not isinstance(on, bool):
        return malformed(f"on must be true or false, was {_shown(on)}")
    if not isinstance(reason, str) or len(reason) > _SHOWN_MAX:
        return malformed(
            f"reason must be a text of at most {_SHOWN_MAX} characters, was {_shown(reason)}"
        )
    tick = floor.market.halt(asset.symbol, on=on, reason=reason)
    if tick is not None:
        floor.do(lambda: floor.exchange.on_tick(tick))
        floor.hub.publish([tick])
    return {"symbol": asset.symbol, "on": on, "changed": tick is not None}


def _clock_form(floor: Floor) -> dict[str, Any]:
    speed = floor.speed
    return {
        "now": instant_text(floor.market.now),
        "now_ns": floor.market.now,
        "speed": "max" if speed == inf else speed,
        "ended": floor.market.next_ts is None,
    }


def _speed(given: Any) -> float | Refusal:
    if given == "max":
        return inf
    if isinstance(given, bool) or not isinstance(given, int | float):
        return malformed(f'speed must be a number or "max", was {_shown(given)}')
    if not 0.0 <= given <= SPEED_MAX:
        return malformed(f'speed must be "max" or from 0 to {SPEED_MAX:,.0f}, was {given}')
    return float(given)


def _until(floor: Floor, name: str, given: Any) -> int | Refusal:
    """Where the clock is to go [ns UTC]."""
    now = floor.market.now
    if name == "advance_s":
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if not is_number or not 0 <= given <= ADVANCE_S_MAX:
            return malformed(
                f"advance_s must be seconds from 0 to {ADVANCE_S_MAX:,}, was {_shown(given)}"
            )
        until = now + round(given * _SECOND_NS)
    else:
        try:
            until = instant_of(given) if isinstance(given, str) else -1
        except (ValueError, OverflowError):
            until = -1
        if until < 0:
            return malformed(
                f"until must be an instant such as 2012-01-03T14:30:00Z, was {_shown(given)}"
            )
    if not now <= until <= _UNTIL_MAX:
        return malformed(
            f"the clock must go on from {instant_text(now)}, at most to "
            f"{instant_text(_UNTIL_MAX)}, was sent to {instant_text(until)}"
        )
    return until


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
