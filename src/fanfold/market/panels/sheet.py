"""The arrays of a panel while stored rows are filled in, each asset into its own column."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER
from fanfold.domain.layout import BOOKED, NEUTRAL
from fanfold.domain.panel import FIELDS, VOLUME
from fanfold.domain.prices import Basis
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.market.panels.clock import Clock
from fanfold.market.panels.identity import Identity, Piece
from fanfold.market.panels.views import NO_ACTIONS, Actions, Rows, bases_of, booked_in, fields_in

_NOTES_MAX: Final = 5
"""Names that a panel's source explains [assets]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredAsset:
    """What is known of an asset before its prices are read.

    Attributes:
        identity: Which it is.
        pieces: Its rows, as far as they are stored.
        basis: What its stored prices are adjusted for.
        calendar: Its exchange calendar, or "24/7".
        source: Where its rows came from, for people.
        ts: Ends of its bars in the period and around it [ns UTC]; shape [row].
        has_adj_close: Whether the vendor's adjusted closes are beside its prices.
        actions: Splits and dividends; None where nobody stored any.
    """

    identity: Identity
    pieces: tuple[Piece, ...]
    basis: Basis
    calendar: str
    source: str
    ts: NDArray[np.int64]
    has_adj_close: bool
    actions: Actions | None

    @property
    def bases(self) -> tuple[Basis, ...]:
        """In which its prices can be shown."""
        # A currency neither splits nor pays.
        known = self.actions is not None or self.calendar == ROUND_THE_CLOCK
        return bases_of(self.basis, adj_close=self.has_adj_close, actions=known)


class Sheet:
    """A panel in the making.

    Args:
        clock: The panel's.
        clocks: Those of the assets of each calendar, within it.
        assets: One a column.
        basis: What prices are shown in.
    """

    def __init__(
        self,
        clock: Clock,
        clocks: dict[str, Clock],
        assets: Sequence[StoredAsset],
        basis: Basis,
    ) -> None:
        self.clock = clock
        self.assets = assets
        self._clocks = clocks
        self._basis: Basis = basis
        shape = len(FIELDS), len(clock.ts), len(assets)
        self._panel = np.full(shape, np.nan)
        keeps_raw = basis != "raw" and all(asset.basis == "raw" for asset in assets)
        self._raw = np.full(shape, np.nan) if keeps_raw else None
        happened = any(asset.actions is not None and len(asset.actions.day) for asset in assets)
        self._cells: dict[str, NDArray[np.float64]] = {
            name: np.full(shape[1:], NEUTRAL[name]) for name in BOOKED[basis] if happened
        }

    def needs_adj_close(self, asset: StoredAsset) -> bool:
        """Whether its vendor's adjusted closes make an asset's prices."""
        differs = asset.basis != self._basis
        return differs and self._basis == "total_return" and asset.has_adj_close

    def takes_parts(self, asset: StoredAsset) -> bool:
        """Whether an asset's rows are shown as they are stored, whatever the others are."""
        return asset.basis == self._basis and not self._cells

    def put(
        self, place: int, ts: NDArray[np.int64], column: Callable[[str], NDArray[np.float64]]
    ) -> None:
        """Fill in the rows of an asset: all of them, but where it `takes_parts`.

        Args:
            place: The asset's.
            ts: Ends of its bars [ns UTC], at least one; shape [row].
            column: Gives open, high, low, close, volume as stored, and adj_close if it is
                needed; shapes [row].

        Raises:
            DataError: See `fields_in`.
        """
        asset = self.assets[place]
        first = int(np.searchsorted(self.clock.ts, int(ts[0])))
        at: Any = slice(first, first + len(ts))
        if not np.array_equal(self.clock.ts[at], ts):
            at = np.searchsorted(self.clock.ts, ts)
        if self.takes_parts(asset):
            # One column after the other, so that no two are in memory twice.
            _put(self._panel, at, place, map(column, FIELDS))
            return
        own = self._clocks[asset.calendar]
        rows = Rows(
            symbol=asset.identity.symbol,
            day=own.session_day[np.searchsorted(own.ts, ts)],
            fields=np.stack([column(name) for name in FIELDS]),
            adj_close=column("adj_close") if self.needs_adj_close(asset) else None,
            actions=asset.actions or NO_ACTIONS,
        )
        if self._raw is not None:
            _put(self._raw, at, place, rows.fields)
        self._book(place, own, booked_in(rows, asset.basis, self._basis))
        _put(self._panel, at, place, fields_in(rows, asset.basis, self._basis))

    def arrays(self) -> dict[str, NDArray[np.float64] | None]:
        """The arrays of `fanfold.domain.bars.Bars`: panel, raw, splits and dividends."""
        return {
            "panel": self._panel,
            "raw": self._raw,
            **{name: self._cells.get(name) for name in ("splits", "dividends")},
        }

    def _book(self, place: int, own: Clock, actions: Actions) -> None:
        """Put actions on the first bars of their sessions, or of the next where there is none."""
        there = actions.between(int(own.session_day[0]), int(own.session_day[-1]))
        bar = np.searchsorted(own.session_day, there.day)
        at = np.searchsorted(self.clock.ts, own.ts[bar])
        if "splits" in self._cells:
            np.multiply.at(self._cells["splits"][:, place], at, there.splits)
        if "dividends" in self._cells:
            paid = there.dividends / _units_later(there, bar, own.session_day[bar])
            np.add.at(self._cells["dividends"][:, place], at, paid)


def delistings(assets: Sequence[StoredAsset], known_by: int) -> dict[str, Any]:
    """`delisted_day` and `delisting_return` of `fanfold.domain.bars.Bars`.

    Args:
        assets: One a column.
        known_by: Last day that is known of [days since 1970-01-01].
    """
    days = [asset.identity.delisted_day for asset in assets]
    return {
        "delisted_day": np.array([day if day <= known_by else NEVER for day in days], np.int64),
        "delisting_return": np.array([asset.identity.delisting_return for asset in assets]),
    }


def source_text(assets: Sequence[StoredAsset]) -> str:
    """Where the bars came from, and what their names hide."""
    notes = [asset.identity.note for asset in assets if asset.identity.note]
    if len(notes) > _NOTES_MAX:
        notes = [*notes[:_NOTES_MAX], f"{len(notes) - _NOTES_MAX} more names were others'"]
    missing = [
        f"{asset.identity.symbol} lacks its days as {piece.symbol}"
        for asset in assets
        for piece in asset.identity.pieces
        if piece not in asset.pieces
    ]
    sources = ", ".join(dict.fromkeys(asset.source for asset in assets))
    return "; ".join([sources, *notes, *missing[:_NOTES_MAX]])


def _put(panel: NDArray[np.float64], at: Any, place: int, fields: Iterable[Any]) -> None:
    for field, values in enumerate(fields):
        column = values
        if field == VOLUME:  # one zero and one NaN, so one fingerprint
            column = values + 0.0
            column[np.isnan(column)] = np.nan
        panel[field, at, place] = column


def _units_later(
    actions: Actions, bar: NDArray[np.int64], bar_day: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What a unit that was paid for has become by splits up to its bar; shape [action].

    More than 1 only where a dividend between two sessions is booked on the later one.
    """
    units = np.ones(len(actions.day))
    for one in np.flatnonzero(actions.day != bar_day).tolist():
        later = (bar == bar[one]) & (actions.day > actions.day[one])
        units[one] = actions.splits[later].prod()
    return units
