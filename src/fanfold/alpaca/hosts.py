"""Where the broker's services are, and how another server stands in for them."""

import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from fanfold.errors import ConfigError

DATA_URL_VARIABLE: Final = "APCA_API_DATA_URL"
"""Overrides where market data come from, so that a local server can stand in."""

_DATA: Final = {
    "live": "https://data.alpaca.markets",
    "sandbox": "https://data.sandbox.alpaca.markets",
}


def data_url(url: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Base address of market data, without a version and without a slash at its end.

    Args:
        url: "live", "sandbox" or an address; None for the variable's, else live.
        environ: The environment; None for this process's.

    Raises:
        ConfigError: It is no address, or one with a version, a query or keys in it.
    """
    named = "url" if url else DATA_URL_VARIABLE
    given = url or (os.environ if environ is None else environ).get(DATA_URL_VARIABLE) or "live"
    address = checked_address(_DATA.get(given, given), named, "live, sandbox or ")
    if address.rsplit("/", 1)[-1] in ("v1", "v2", "v1beta1", "v1beta3"):
        raise ConfigError(f"{named} must be an address without a version, was {address}")
    return address


def checked_address(address: str, named: str, else_: str = "") -> str:
    """A service's base address, without a slash at its end.

    Args:
        address: As it was given.
        named: What it was given as, for errors.
        else_: What it may be besides, for errors.

    Raises:
        ConfigError: It is no address, or one with a user, a query or a fragment; what may be
            a key is not repeated.
    """
    address = address.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        bare = not (parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        sound, bare = False, False
        parts = urlsplit("")
    if not (sound and bare):
        host = f"{parts.scheme}://{parts.hostname}…" if parts.hostname else "another text"
        shown = host if not bare or "@" in address else repr(address)
        raise ConfigError(
            f"{named} must be {else_}an address such as http://127.0.0.1:8000, without "
            f"user and query, was {shown}"
        )
    return address


def is_sandbox(url: str) -> bool:
    """Whether an address is the sandbox's, which takes keys as a user and a password."""
    return url == _DATA["sandbox"]
