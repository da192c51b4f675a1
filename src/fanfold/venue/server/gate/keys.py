"""Who asks: the keys of a request, and what is answered where they are missing or wrong."""

import base64
import binascii
import ipaddress
from functools import lru_cache
from typing import Final

from aiohttp import web

from fanfold.alpaca.wire.refusals import Refusal, unauthorized
from fanfold.venue.server.answers import answer

ACCOUNT: Final = web.RequestKey("account", str)
"""Id of the account whose keys a request has; "" where none are needed and none came."""

OWN_ROOM: Final = "/_venue"
"""Begin of the paths by which the venue itself is looked at and led."""

HOSTS_KEPT: Final = 256
"""Names of hosts about which it is remembered whether they are this machine's."""

_EVENTS: Final = "/events/"
_LOCAL_NAMES: Final = frozenset(("", "localhost"))  # clients of HTTP/1.0 name none


def plain_path(request: web.Request) -> str:
    """The path of a request with doubled slashes taken for one."""
    return "/" + "/".join(part for part in request.path.split("/") if part)


def is_stream(request: web.Request, streams: frozenset[str], *, events: bool = False) -> bool:
    """Whether a request is for a stream that asks for keys by itself.

    Args:
        request: Which.
        streams: Paths of all streams.
        events: Whether the feed of events counts too, which leaves the keys to the gate.
    """
    resource = request.match_info.route.resource
    canonical = "" if resource is None else resource.canonical
    return canonical in streams and (events or _EVENTS not in canonical)


def keys_of(request: web.Request) -> tuple[str, str] | None:
    """Key and secret of a request, from the broker's headers or HTTP's own; None for none."""
    headers = request.headers
    key, secret = headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")
    if key is not None or secret is not None:
        return key or "", secret or ""
    scheme, _, rest = headers.get("Authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    key, _, secret = text.partition(":")
    return key, secret


def refused_keys(request: web.Request, path: str) -> web.Response:
    """What is answered where keys are missing or wrong."""
    refusal = unauthorized()
    if request.headers.get("Authorization", "").lower().startswith("bearer"):
        refusal = Refusal(
            status=refusal.status,
            code=refusal.code,
            message="unauthorized. OAuth tokens are not taken here: send APCA-API-KEY-ID and "
            "APCA-API-SECRET-KEY",
        )
    response = answer(refusal)
    if path.startswith(OWN_ROOM):  # a browser asks its user for them
        response.headers["WWW-Authenticate"] = 'Basic realm="fanfold venue", charset="UTF-8"'
    return response


def comes_from_elsewhere(request: web.Request, *, by_any_name: bool) -> bool:
    """Whether a page of another site makes a browser ask, to read what it must not or to act.

    Such a page may know the keys: those that are there by default are no secret. Its browser
    names it as origin; and if its own name was made to lead here, asks for a host of that name.

    Args:
        request: What is asked.
        by_any_name: Whether the venue may be reached by names that it does not know.
    """
    host = request.headers.get("Host", "")
    if not (by_any_name or _is_this_machine(host)):
        return True
    origin = request.headers.get("Origin", "")
    return bool(origin) and origin.partition("://")[2].lower() != host.lower()


@lru_cache(HOSTS_KEPT)
def _is_this_machine(host: str) -> bool:
    """Whether a host is an address, or a name that leads nowhere else."""
    name = host.rpartition("]")[0].lstrip("[") or host.partition(":")[0]
    if name.lower().rstrip(".").rpartition(".")[2] in _LOCAL_NAMES:
        return True
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False
