"""The broker's own client library, with the time-outs it lacks and without its retries.

It waits for an answer forever, sends everything again after three seconds whatever the
answer says, and takes a redirect for an answer.
"""

import warnings
from functools import partial
from importlib import import_module
from typing import Any, Final, Literal

from fanfold.alpaca.credentials import Credentials
from fanfold.alpaca.hosts import is_sandbox

Service = Literal["stocks", "crypto", "actions"]
"""What a client asks for."""

_CLIENTS: Final = {
    "stocks": "StockHistoricalDataClient",
    "crypto": "CryptoHistoricalDataClient",
    "actions": "CorporateActionsClient",
}


class Redirected(Exception):  # noqa: N818  (it is an answer, seen before the library reads it)
    """The server sends elsewhere; its argument says where, without a query."""


def data_library(room: str) -> Any:
    """A module of the broker's library of market data, imported on first need; untyped.

    Args:
        room: Its name below ``alpaca.data``, such as "requests".
    """
    with warnings.catch_warnings():
        # It still imports what a library it builds on deprecates; nobody here can mend that.
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_module(f"alpaca.data.{room}")


def open_client(
    service: Service, credentials: Credentials | None, url: str, *, timeout_s: float
) -> Any:
    """A client of a market-data service; close its `_session` after use.

    Args:
        service: What it asks for.
        credentials: Keys; None for crypto, which needs none.
        url: Base address, see `fanfold.alpaca.hosts.data_url`.
        timeout_s: Longest silence of the server [s].
    """
    room = "historical.corporate_actions" if service == "actions" else "historical"
    made = getattr(data_library(room), _CLIENTS[service])
    keys: dict[str, Any] = {}
    if credentials is not None:
        keys = {
            "api_key": credentials.key_id.reveal(),
            "secret_key": credentials.secret.reveal(),
            "use_basic_auth": is_sandbox(url),
        }
    client = made(**keys, raw_data=True, url_override=url)
    client._retry = 0  # noqa: SLF001  (its constructor takes a nought for its default)
    session = client._session  # noqa: SLF001  (it has no other way to a time-out)
    session.request = partial(session.request, timeout=timeout_s)
    session.hooks["response"].append(_refuse_redirect)
    return client


def _refuse_redirect(response: Any, **_options: Any) -> None:
    if 300 <= response.status_code < 400:  # noqa: PLR2004  (the class of redirects)
        response.close()  # nobody will read it
        place = str(response.headers.get("Location", "nowhere")).partition("?")[0]
        raise Redirected(f"status {response.status_code}, to {place}")
