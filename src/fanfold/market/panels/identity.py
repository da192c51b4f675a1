"""Who a ticker was: exchanges give the name of a dead company to another one.

Rows are stored by ticker. Listings say which asset a ticker named, and when; a ticker
that is asked for means the asset that it named at the end of the range, and the asset's
bars come from every ticker that named it. Where nobody listed a ticker, its rows are
one asset's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER
from fanfold.domain.period import day_text
from fanfold.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Term:
    """A ticker's span of days.

    Attributes:
        symbol: The ticker.
        start: First date [days since 1970-01-01], `-NEVER` if open.
        end: Last date, `NEVER` if open.
        asset: What was behind it; "" in terms of membership.
        delisting_return: To what a holder got after it [1]; NaN unless it left for good.
    """

    symbol: str
    start: int
    end: int
    asset: str = ""
    delisting_return: float = float("nan")

    def holds(self, day: int) -> bool:
        """Whether a day lies within it."""
        return self.start <= day <= self.end


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Piece:
    """Rows of one ticker within days, both included."""

    symbol: str
    first: int = -NEVER
    last: int = NEVER

    @property
    def is_whole(self) -> bool:
        """Whether all of the ticker's rows are meant."""
        return self.first == -NEVER and self.last == NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An asset of a panel and where its rows are.

    Attributes:
        symbol: What it is called in the panel.
        pieces: Its rows, by time; no two share a day.
        delisted_day: From which it is no longer listed, `NEVER` if it is.
        delisting_return: From the last close to what a holder got [1].
        note: What a reader should know of its names, or "".
    """

    symbol: str
    pieces: tuple[Piece, ...]
    delisted_day: int = NEVER
    delisting_return: float = 0.0
    note: str = ""


class Directory:
    """Which ticker was whose.

    Args:
        listings: Terms with their assets, in any order.
        first: First day of the range that is asked for.
        last: Its last day.
    """

    def __init__(self, listings: Iterable[Term], first: int, last: int) -> None:
        self._terms = sorted(listings, key=lambda term: (term.start, term.end, term.symbol))
        self._first = first
        self._last = last
        self._by_symbol: dict[str, list[Term]] = {}
        self._by_asset: dict[str, list[Term]] = {}
        for term in self._terms:
            self._by_symbol.setdefault(term.symbol, []).append(term)
            self._by_asset.setdefault(term.asset, []).append(term)

    def chosen(self, symbols: Sequence[str]) -> tuple[Identity, ...]:
        """The assets that were asked for, in that order.

        Raises:
            ConfigError: Two of them are one asset.
            DataError: A ticker named nobody until after the range.
        """
        seen: dict[str, str] = {}
        for symbol in symbols:
            asset = self.asset_of(symbol)
            if asset is not None and seen.setdefault(asset, symbol) != symbol:
                raise ConfigError(
                    f"symbols must name different assets, {seen[asset]} and {symbol} are one"
                )
        return tuple(self._identity(symbol, self.asset_of(symbol)) for symbol in symbols)

    def everyone(self, tickers: Sequence[str]) -> tuple[Identity, ...]:
        """Each asset of some tickers once, under the last of its names.

        A ticker that named nobody until after the range is left out.
        """
        names: list[str] = []
        for ticker in tickers:
            if ticker not in self._by_symbol:
                names.append(ticker)
            elif (term := self._meant(ticker)) is not None:
                known = [one for one in self._until_last(term.asset) if one.symbol in tickers]
                if known[-1].symbol == ticker:
                    names.append(ticker)
        return self.chosen(names)

    def members(self, universe: Sequence[Term]) -> tuple[Identity, ...]:
        """Each asset that was a member on a day of the range, by name.

        Of two with the same last ticker only one can bear it; the other has its asset's name.
        """
        found: dict[str, str | None] = {}
        for term in universe:
            if term.end < self._first or term.start > self._last:
                continue
            asset = self._asset_on(term.symbol, min(term.end, self._last))
            if asset is None:
                found[term.symbol] = None
                continue
            name = self._until_last(asset)[-1].symbol
            found[name if self.asset_of(name) == asset else asset] = asset
        return tuple(self._identity(name, found[name]) for name in sorted(found))

    def asset_of(self, symbol: str) -> str | None:
        """The asset behind a name; None where nobody listed it.

        Raises:
            DataError: The ticker named nobody until after the range.
        """
        if symbol not in self._by_symbol:
            return symbol if symbol in self._by_asset else None
        term = self._meant(symbol)
        if term is None:
            first = self._by_symbol[symbol][0]
            raise DataError(
                f"{symbol} must be listed by the end of the range, {day_text(self._last)}, "
                f"was first on {day_text(first.start)}"
            )
        return term.asset

    def membership(
        self, identity: Identity, universe: Sequence[Term], day: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """On which days an asset was a member.

        Args:
            identity: Whose.
            universe: Terms of membership, by ticker.
            day: Dates [days since 1970-01-01]; shape [bar].

        Returns:
            False outside all terms; shape [bar].
        """
        member = np.zeros(len(day), bool)
        asset = self.asset_of(identity.symbol)
        for term in universe:
            inside = (day >= term.start) & (day <= term.end)
            if asset is None:
                member |= inside & (term.symbol == identity.symbol)
                continue
            own, others = np.zeros(len(day), bool), np.zeros(len(day), bool)
            for listing in self._by_symbol.get(term.symbol, []):
                listed = (day >= listing.start) & (day <= listing.end)
                target = own if listing.asset == asset else others
                target |= listed
            # A table may call an asset by today's name at all times.
            member |= inside & (~others if term.symbol == identity.symbol else own)
        return member

    def _meant(self, symbol: str) -> Term | None:
        """The term of a ticker that holds at the end of the range, or the last before it."""
        begun = [term for term in self._by_symbol[symbol] if term.start <= self._last]
        holding = [term for term in begun if term.holds(self._last)]
        if holding:
            return holding[-1]
        return max(begun, key=lambda term: term.end, default=None)

    def _asset_on(self, symbol: str, day: int) -> str | None:
        listed = self._by_symbol.get(symbol)
        if listed is None:
            return None
        holding = [term for term in listed if term.holds(day)]
        return holding[-1].asset if holding else self.asset_of(symbol)

    def _until_last(self, asset: str) -> list[Term]:
        """Terms of an asset that began within or before the range, by their start."""
        terms = [term for term in self._by_asset[asset] if term.start <= self._last]
        return terms or self._by_asset[asset][:1]

    def _identity(self, symbol: str, asset: str | None) -> Identity:
        if asset is None:
            return Identity(symbol=symbol, pieces=(Piece(symbol=symbol),))
        terms = self._until_last(asset)
        pieces: list[Piece] = []
        for place, term in enumerate(terms):
            following = terms[place + 1].start if place + 1 < len(terms) else NEVER
            last = min(term.end, following - 1)
            if last >= max(term.start, self._first) and term.start <= self._last:
                pieces.append(Piece(symbol=term.symbol, first=term.start, last=last))
        if not pieces:  # not listed within the range: no bars, and its name all the same
            term = terms[-1]
            pieces = [Piece(symbol=term.symbol, first=term.start, last=term.end)]
        left = max(self._by_asset[asset], key=lambda term: term.end)
        gone = left.end != NEVER and not np.isnan(left.delisting_return)
        return Identity(
            symbol=symbol,
            pieces=tuple(pieces),
            delisted_day=left.end + 1 if gone else NEVER,
            delisting_return=left.delisting_return if gone else 0.0,
            note=self._note(symbol, asset, pieces),
        )

    def _note(self, symbol: str, asset: str, pieces: Sequence[Piece]) -> str:
        other = sorted({piece.symbol for piece in pieces} - {symbol})
        notes = [f"{symbol} was also {', '.join(other)}"] if other else []
        others = [
            term
            for term in self._by_symbol.get(symbol, [])
            if term.asset != asset and term.end >= self._first and term.start <= self._last
        ]
        if others:
            spans = " and ".join(_span(term) for term in others)
            notes.append(f"{symbol} named another asset {spans}")
        return ", ".join(notes)


def _span(term: Term) -> str:
    start = "" if term.start == -NEVER else f"from {day_text(term.start)} "
    return f"{start}to {day_text(term.end)}" if term.end != NEVER else f"{start}on"


def terms_of(table: Any) -> tuple[Term, ...]:
    """The terms in rows of listings or members.

    Raises:
        DataError: A term ends before it begins.
    """
    terms: list[Term] = []
    for row in table.to_pylist():
        start, end = (row[name] for name in ("start", "end"))
        term = Term(
            symbol=row["symbol"],
            start=-NEVER if start is None else start.toordinal() - _EPOCH_ORDINAL,
            end=NEVER if end is None else end.toordinal() - _EPOCH_ORDINAL,
            asset=row.get("asset") or "",
            delisting_return=row.get("delisting_return", float("nan")),
        )
        if term.end < term.start:
            raise DataError(
                f"a term must end after it began, {term.symbol} from {day_text(term.start)} "
                f"to {day_text(term.end)}"
            )
        terms.append(term)
    return tuple(terms)


_EPOCH_ORDINAL: Final = 719_163
"""Of 1970-01-01."""
