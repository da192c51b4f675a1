"""The assets of a venue, made of symbols and calendars, and how they are looked up."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from fanfold.execution.venue_rules import CRYPTO, asset_class_of
from fanfold.venue.market.values import Asset

NAMESPACE: Final = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
"""That of names that are object identifiers (RFC 9562): ids follow from symbols alone."""

NAMED_MAX: Final = 80
"""Longest name that is looked up; no asset has a longer one [characters]."""

CRYPTO_EXCHANGE: Final = "CRYPTO"
"""Where coins trade, as the wire names it."""

DEFAULT_EXCHANGE: Final = "NYSE"
"""Where shares trade of which nothing else is known."""

EXCHANGES: Final[dict[str, tuple[str, ...]]] = {
    "NASDAQ": (
        "AAPL", "ADBE", "AMD", "AMGN", "AMZN", "AVGO", "COST", "CSCO", "FB", "GILD", "GOOG",
        "GOOGL", "INTC", "META", "MSFT", "MU", "NFLX", "NVDA", "PEP", "PYPL", "QCOM", "QQQ",
        "SBUX", "TSLA", "TXN",
    ),
    "ARCA": ("BNO", "EEM", "GLD", "IWM", "SLV", "SPY", "TLT", "USO", "VTI", "XLE", "XLF"),
}  # fmt: skip
"""Well-known symbols that trade elsewhere than at `DEFAULT_EXCHANGE`."""

NAMES: Final[dict[str, str]] = {
    "AAPL": "Apple Inc. Common Stock",
    "BTC/USD": "Bitcoin",
    "ETH/USD": "Ethereum",
    "FB": "Facebook, Inc. Class A Common Stock",
    "GOOG": "Google Inc. Common Stock",
    "IBM": "International Business Machines Corporation Common Stock",
    "MSFT": "Microsoft Corporation Common Stock",
    "SPY": "SPDR S&P 500 ETF Trust",
}
"""What people call them."""

_EXCHANGE_OF: Final = {
    symbol: exchange for exchange, symbols in EXCHANGES.items() for symbol in symbols
}


def asset_of(symbol: str, calendar: str) -> Asset:
    """An asset, which follows from its symbol and calendar alone."""
    asset_class = asset_class_of(calendar)
    is_coin = asset_class == CRYPTO
    exchange = CRYPTO_EXCHANGE if is_coin else _EXCHANGE_OF.get(symbol, DEFAULT_EXCHANGE)
    return Asset(
        id=str(uuid5(NAMESPACE, f"asset:{symbol}")),
        symbol=symbol,
        asset_class=asset_class,
        exchange=exchange,
        name=NAMES.get(symbol, symbol),
        calendar=calendar,
        marginable=not is_coin,
        shortable=not is_coin,
        easy_to_borrow=not is_coin,
    )


class Assets:
    """All assets of a venue.

    Args:
        calendars: The calendar of each symbol.
    """

    def __init__(self, calendars: Mapping[str, str]) -> None:
        self.all = tuple(asset_of(symbol, calendars[symbol]) for symbol in sorted(calendars))
        self._found: dict[str, Asset] = {}
        # The exact symbol comes last, so that no other name of an asset can hide it.
        for names in (_looser, _exact):
            for asset in self.all:
                self._found |= dict.fromkeys(names(asset), asset)

    def find(self, named: str) -> Asset | None:
        """An asset by "AAPL", "aapl", "AAPL:NASDAQ", "BTC/USD", "BTCUSD" or its id."""
        if len(named) > NAMED_MAX:
            return None
        return self._found.get(named) or self._found.get(named.strip().lower())


def _exact(asset: Asset) -> tuple[str, ...]:
    return (asset.symbol,)


def _looser(asset: Asset) -> tuple[str, ...]:
    plain = asset.symbol.lower()
    placed = f"{plain}:{asset.exchange.lower()}"
    return (
        asset.id,
        plain.replace("/", ""),
        plain,
        placed,
        f"{placed}:{asset.asset_class}",
        plain.replace("/", "-"),
    )
