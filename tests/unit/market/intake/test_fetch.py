"""Symbols share a request, and what is wrong with one keeps no other out."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fanfold.errors import DataError, SourceError
from fanfold.market.intake.fetch import Refused, fetching
from fanfold.market.intake.ingest import Manner
from fanfold.market.sources.source import Delivery, Request
from fanfold.market.store import Place, Series, Store

DAY = 86_400_000_000_000
NAMES = tuple("ABCDEFGH")
NOW = 20_000 * DAY


@dataclass
class Vendor:
    """A bar a day; some symbols spoil every request that names them."""

    bad: str = ""
    error: type[Exception] = DataError
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    name: str = "vendor"
    feed: str = ""

    def check(self, request: Request) -> None:
        del request

    def fetch(self, request: Request) -> Iterator[Delivery]:
        assert request.start is not None
        assert request.end is not None
        names = "".join(request.symbols or ())
        self.asked.append((names, request.start // DAY, request.end // DAY))
        for symbol in request.symbols or ():
            if symbol in self.bad:
                raise self.error(f"{symbol} is wrong")
            ts = np.arange(request.start, request.end, DAY)
            price = pa.array(10.0 + np.arange(len(ts)) % 3)
            columns = {"ts": pa.array(ts).cast(pa.timestamp("ns", "UTC"))}
            columns |= dict.fromkeys(("open", "high", "low", "close", "volume"), price)
            yield Delivery(
                symbol=symbol, kind="bars", table=pa.table(columns), calendar="24/7", stamp="start"
            )


def fetched(store: Store, vendor: Vendor, *symbols: str, end: int = 20) -> dict[str, str]:
    """What became of each symbol."""
    request = Request(symbols=symbols or NAMES, start=10 * DAY, end=end * DAY)
    steps = fetching(store, vendor, request, Manner(), now=lambda: NOW)
    return {
        one.symbol: str(one.error) if isinstance(one, Refused) else str(one.added) for one in steps
    }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(tmp_path / "store")


def test_symbols_that_lack_the_same_range_are_asked_for_together(store: Store) -> None:
    vendor = Vendor()
    fetched(store, vendor, "A", "B", "C")
    fetched(store, vendor, end=25)
    assert vendor.asked == [("ABC", 10, 20), ("ABC", 20, 25), ("DEFGH", 10, 25)]
    assert fetched(store, vendor, end=25) == {}
    assert len(vendor.asked) == 3


def test_one_that_spoils_the_request_is_found_by_halves(store: Store) -> None:
    vendor = Vendor(bad="E")
    became = fetched(store, vendor)
    assert became == dict.fromkeys(NAMES, "10") | {"E": "E is wrong"}
    assert [names for names, *_ in vendor.asked] == ["ABCDEFGH", "EF", "E", "F", "GH"]


def test_a_source_that_fails_is_not_asked_in_halves(store: Store) -> None:
    vendor = Vendor(bad="C", error=SourceError)
    became = fetched(store, vendor)
    assert became == {"A": "10", "B": "10"} | dict.fromkeys(NAMES[2:], "C is wrong")
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_store_without_room_ends_it_at_once(
    number: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetched(store, Vendor(), "A") == {"A": "10"}

    def full(_file: Path, _content: object) -> None:
        raise OSError(number, "as the system says")

    monkeypatch.setattr(Place, "_write_local", staticmethod(full))
    vendor = Vendor()
    with pytest.raises(DataError, match="must be writable"):
        fetched(store, vendor)
    assert len(vendor.asked) == 1
    assert store.has(Series(kind="bars", symbol="A", timeframe="1D"))
