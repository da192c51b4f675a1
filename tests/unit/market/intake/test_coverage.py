"""The ledger forgets a range at worst, and never takes for fetched what was not."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.prices import Basis
from fanfold.market.intake.coverage import Ledger
from fanfold.market.sources.source import Request
from fanfold.market.store import Series, Store

DAY = 86_400_000_000_000
NOW = 20_000 * DAY + 7
BARS = Series(kind="bars", symbol="A", timeframe="1D")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(tmp_path / "store")


def ledger(store: Store, basis: Basis | None = None, feed: str = "iex") -> Ledger:
    return Ledger.of(store, "A", Request(basis=basis), {"source": "s", "feed": feed})


def put(store: Store, *days: int, basis: str = "raw") -> None:
    """Bars that end 21 hours after their days begin."""
    ts = np.array(days, np.int64) * DAY + 21 * DAY // 24
    price = pa.array([1.0] * len(days))
    columns = {"ts": pa.array(ts).cast(pa.timestamp("ns", "UTC"))}
    columns |= dict.fromkeys(("open", "high", "low", "close", "volume"), price)
    columns["session"] = pa.array(days, pa.int32()).cast(pa.date32())
    columns |= {"minutes_to_close": price, "is_month_end": pa.array([False] * len(days))}
    store.upsert(BARS, pa.table(columns), labels={"basis": basis})


def test_of_two_who_note_a_symbols_first_range_neither_forgets_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, 10, 30)
    one, other = ledger(store), ledger(store)
    whole = Store.upsert

    def overtaken(self: Store, *args: object, **given: object) -> object:
        """Between looking and writing, the other writes."""
        monkeypatch.setattr(Store, "upsert", whole)
        other.add(20 * DAY, 40 * DAY, NOW)
        return whole(self, *args, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "upsert", overtaken)
    one.add(0, 20 * DAY, NOW)
    assert one.missing(0, 40 * DAY) == ()


def test_a_ledger_of_rows_that_were_removed_counts_no_more(store: Store) -> None:
    put(store, 10)
    ledger(store).add(0, 20 * DAY, NOW)
    store.remove(BARS)
    assert ledger(store).missing(20 * DAY, 40 * DAY) == ((20 * DAY, 40 * DAY),)
    put(store, 30)
    ledger(store).add(20 * DAY, 40 * DAY, NOW)
    assert ledger(store).missing(0, 40 * DAY) == ((0, 20 * DAY),)


def test_a_range_before_any_rows_is_not_noted(store: Store) -> None:
    ledger(store).add(0, 20 * DAY, NOW)
    assert ledger(store).missing(0, 20 * DAY) == ((0, 20 * DAY),)
    assert store.series("coverage") == ()


def test_ranges_of_another_feed_are_replaced(store: Store) -> None:
    put(store, 10)
    ledger(store).add(0, 20 * DAY, NOW)
    ledger(store, feed="sip").add(20 * DAY, 40 * DAY, NOW)
    assert ledger(store, feed="sip").missing(0, 40 * DAY) == ((0, 20 * DAY),)


def test_symbols_that_are_fetched_on_one_day_lack_the_same_on_another(store: Store) -> None:
    put(store, 10)
    ledger(store).add(0, NOW, NOW)
    (lacking,) = ledger(store).missing(0, NOW + 3 * DAY)
    assert lacking == (19_995 * DAY, NOW + 3 * DAY)


@pytest.mark.parametrize("basis", ["split", "total_return"])
def test_adjusted_prices_are_fetched_with_all_that_is_stored_around(
    basis: Basis, store: Store
) -> None:
    put(store, 10, 100, basis=basis)
    found = ledger(store, basis).missing(50 * DAY, 60 * DAY)
    ((low, high),) = found
    # Both days begin within it.
    assert 9 * DAY < low <= 10 * DAY
    assert 100 * DAY < high < 101 * DAY
    assert ledger(store, basis).missing(10 * DAY, 101 * DAY) == ((10 * DAY, 101 * DAY),)


@given(
    noted=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=5),
    start=st.integers(0, 30),
    length=st.integers(1, 15),
)
def test_what_is_missing_is_what_was_not_noted(
    noted: list[tuple[int, int]], start: int, length: int
) -> None:
    covered = sorted((low, low + days) for low, days in noted)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(Ledger, "_covered", lambda _self: covered)
        missing = ledger(Store.at(folder)).missing(start, start + length)
    days = {day for low, high in covered for day in range(low, high)}
    wanted = [day for day in range(start, start + length) if day not in days]
    assert [day for low, high in missing for day in range(low, high)] == wanted


def test_a_range_before_those_that_were_noted_is_missing(store: Store) -> None:
    put(store, 30)
    ledger(store).add(20 * DAY, 40 * DAY, NOW)
    assert ledger(store).missing(0, 20 * DAY) == ((0, 20 * DAY),)
