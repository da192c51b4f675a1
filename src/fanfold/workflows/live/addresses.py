"""Where a deployment's broker is, and with whose keys: settled before anything connects."""

from collections.abc import Mapping
from typing import Any, Final

from fanfold.alpaca import HOW_TO_SET, Credentials, credentials_found
from fanfold.alpaca.hosts import checked_address
from fanfold.errors import ConfigError
from fanfold.live.plan import Addresses
from fanfold.live.settings import BrokerSettings, LiveSettings
from fanfold.venue.settings import LIVE_PREFIX

PAPER_PREFIX: Final = "PK"
"""How keys of paper accounts begin."""

_TRADING: Final = {"paper": "paper-api.alpaca.markets", "live": "api.alpaca.markets"}
_DATA: Final = "https://data.alpaca.markets"
_STREAM: Final = "wss://stream.data.alpaca.markets"
_COINS: Final = "v1beta3/crypto/us"


def class_of_symbols(symbols: list[str]) -> str:
    """The one class that all symbols are of: a deployment has one stream.

    Raises:
        ConfigError: There are shares and coins.
    """
    coins = [symbol for symbol in symbols if "/" in symbol]
    if coins and len(coins) < len(symbols):
        shares = [symbol for symbol in symbols if "/" not in symbol]
        raise ConfigError(
            "symbols of one deployment must be of one class, were coins "
            f"({', '.join(coins[:3])}) and shares ({', '.join(shares[:3])}): use two deployments"
        )
    return "crypto" if coins else "us_equity"


def settled(settings: LiveSettings, asset_class: str) -> LiveSettings:
    """The settings with a feed that the broker has.

    Raises:
        ConfigError: The feed is not of that class.
    """
    feed = settings.market.feed
    if settings.broker.at == "local":
        return settings
    if feed == "local":
        feed = "crypto" if asset_class == "crypto" else "iex"
    if (feed == "crypto") != (asset_class == "crypto") and feed != "test":
        raise ConfigError(
            f"live.market.feed must be one for {asset_class} at {settings.broker.at}, was {feed}"
        )
    market = settings.market.model_copy(update={"feed": feed})
    return settings.model_copy(update={"market": market})


def broker_addresses(settings: LiveSettings) -> Addresses:
    """Where Alpaca is, paper or live, unless the settings say otherwise.

    Args:
        settings: Settled ones, not at "local".

    Raises:
        ConfigError: One of the settings is no address.
    """
    broker, feed = settings.broker, settings.market.feed
    host = _TRADING[broker.at]
    stream = f"{_STREAM}/{_COINS if feed == 'crypto' else f'v2/{feed}'}"
    return with_own(
        Addresses(
            rest_url=f"https://{host}",
            data_url=_DATA,
            market_stream_url=stream,
            trade_stream_url=f"wss://{host}/stream",
        ),
        broker,
    )


def venue_addresses(line: Mapping[str, Any], broker: BrokerSettings, asset_class: str) -> Addresses:
    """Where a local venue is, by the line that it printed."""
    stream = "crypto_market_data_url" if asset_class == "crypto" else "market_data_url"
    return with_own(
        Addresses(
            rest_url=line["rest_url"],
            data_url=line["rest_url"],
            market_stream_url=line[stream],
            trade_stream_url=line["trade_updates_url"],
        ),
        broker,
    )


def with_own(addresses: Addresses, broker: BrokerSettings) -> Addresses:
    """The addresses, with those that the settings name in their places.

    Raises:
        ConfigError: One is no address, or one of real money's over an open line.
    """
    changed: dict[str, str] = {}
    for name in Addresses.model_fields:
        own: str | None = getattr(broker, name)
        if own is None:
            continue
        is_stream = name.endswith("stream_url")
        as_web = own.replace("ws", "http", 1) if is_stream and own.startswith("ws") else own
        checked_address(as_web, f"live.broker.{name}")
        if broker.at == "live" and not own.startswith(("https://", "wss://")):
            raise ConfigError(f"live.broker.{name} must be encrypted where money is real")
        changed[name] = own.rstrip("/")
    return addresses.model_copy(update=changed)


def checked_credentials(
    broker: BrokerSettings, environ: Mapping[str, str] | None = None
) -> Credentials:
    """The keys of the account that the settings mean.

    Raises:
        ConfigError: There are none, or they are those of the other kind of account.
    """
    keys = credentials_found(environ)
    if keys is None:
        raise ConfigError(f"alpaca's keys must be there for at: {broker.at}: {HOW_TO_SET}")
    begins = keys.key_id.reveal()[:2].upper()
    if broker.at == "live" and begins == PAPER_PREFIX:
        raise ConfigError(
            f"keys for at: live must be a live account's, those found begin with {PAPER_PREFIX}, "
            "as a paper account's do"
        )
    if broker.at != "live" and begins == LIVE_PREFIX:
        raise ConfigError(
            f"keys for at: {broker.at} must not move real money, those found begin with "
            f"{LIVE_PREFIX}, as a live account's do"
        )
    return keys
