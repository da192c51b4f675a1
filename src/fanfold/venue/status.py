"""What a running venue says of itself, for people at a terminal."""

from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import msgspec

from fanfold.errors import ConfigError, RunError

ROWS_MAX: Final = 20
"""Orders and positions of an account that are shown [rows]."""

TIMEOUT_S: Final = 10.0
"""Longest silence of the venue [s]."""

BYTES_MAX: Final = 64 * 1024 * 1024
"""Longest status that is read [bytes]."""

_PARTS: Final = frozenset(("clock", "accounts", "clients", "faults", "statistics"))


class _StaysHere(HTTPRedirectHandler):
    """Keys go to the address that was named, and nowhere it points to."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Follow nothing."""


def status_of(url: str, key: str, secret: str) -> Mapping[str, Any]:
    """What a running venue says of itself.

    Raises:
        ConfigError: The keys are wrong, or cannot be any.
        RunError: It does not answer, or it is no venue that does.
    """
    open_directly = build_opener(ProxyHandler({}), _StaysHere()).open
    try:
        asked = Request(  # noqa: S310  (the caller checked the scheme)
            f"{url}/_venue/status",
            headers={"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret},
        )
        with open_directly(asked, timeout=TIMEOUT_S) as answer:
            content = msgspec.json.decode(answer.read(BYTES_MAX), type=dict[str, Any])
    except HTTPError as error:
        with error:
            if error.code in (401, 403):
                raise ConfigError(
                    f"the venue at {url} must know key {key} and its secret"
                ) from None
            raise RunError(f"the venue at {url} must tell its status, said {error.code}") from None
    except (OSError, HTTPException, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunError(f"a venue must answer at {url}, there is none: {error}") from None
    except ValueError:  # of what is sent; it would repeat the secret
        raise ConfigError("key and secret must be what a header can hold") from None
    if not content.keys() >= _PARTS:
        raise RunError(f"a venue must answer at {url}, something else does")
    return content


def status_lines(content: Mapping[str, Any]) -> Sequence[str]:
    """The same as lines for people."""
    clock = content["clock"]
    phases = ", ".join(f"{name} {one['phase']}" for name, one in clock["phases"].items())
    ended = ", the replay has ended" if clock["ended"] else ""
    lines = [f"clock    {clock['now']}  speed {clock['speed']}  {phases}{ended}"]
    for account in content["accounts"]:
        lines += _account_lines(account)
    for client in content["clients"]:
        wanted = client["subscriptions"]
        subscribed = ", ".join(f"{name} {len(symbols)}" for name, symbols in wanted.items())
        lines.append(f"client   {client['endpoint']}  {subscribed or 'no subscriptions'}")
    lines += [f"fault    {msgspec.json.encode(fault).decode()}" for fault in content["faults"]]
    done = content["statistics"]
    lines.append(
        f"done     {done['commands']:,} commands, {done['events']:,} events, "
        f"{done['ticks']:,} ticks, {done['messages']:,} messages"
    )
    return lines


def _account_lines(account: Mapping[str, Any]) -> list[str]:
    lines = [
        f"account  {account['number']}  equity {account['equity']}  cash {account['cash']}  "
        f"buying power {account['buying_power']}"
    ]
    lines += [
        f"  held   {held['symbol']:<8} {held['qty']} at {held['avg_entry_price']}, now "
        f"{held['current_price']}, profit {held['unrealized_pl']}"
        for held in account["positions"][:ROWS_MAX]
    ]
    for order in account["open_orders"][:ROWS_MAX]:
        prices = [order[name] for name in ("limit_price", "stop_price") if order[name]]
        size = order["qty"] or f"{order['notional']} USD of"
        lines.append(
            f"  order  {order['side']} {size} {order['symbol']} {order['type']} "
            f"{' '.join(prices)} {order['time_in_force']}: {order['status']}"
        )
    shown = len(account["open_orders"][:ROWS_MAX])
    if account["open_order_count"] > shown:
        lines.append(f"  and {account['open_order_count'] - shown:,} more orders")
    return lines
