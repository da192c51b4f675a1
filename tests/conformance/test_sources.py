"""One suite over all sources of market data."""

import importlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.conformance.case import REFUSED, RETRIED, SECRET, UNKNOWN, Case, Truth
from tests.conformance.truths import FIRST, UNTIL, actions_of, truth_of

from fanfold import errors
from fanfold.domain.stamps import Stamps, bar_ends
from fanfold.errors import ConfigError
from fanfold.market.kinds import FORMS
from fanfold.market.sources.source import Delivery, Request

_MODULES = sorted(file.stem for file in Path(__file__).parent.glob("cases_*.py"))
CASES: tuple[Case, ...] = tuple(
    case for name in _MODULES for case in importlib.import_module(f"tests.conformance.{name}").CASES
)
_UNTROUBLED: dict[str, int] = {}
_LENGTHS = {"1D": None, "1h": timedelta(hours=1), "1min": timedelta(minutes=1)}


def every(*pairs: tuple[Case, str]) -> Any:
    """A test over cases and something of each."""
    named = [pytest.param(case, what, id=f"{case.name}-{what}") for case, what in pairs]
    return pytest.mark.parametrize(("case", "what"), named)


def each(**wanted: Any) -> Any:
    """A test over the cases that have something."""
    cases = [case for case in CASES if all(getattr(case, key) == of for key, of in wanted.items())]
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def asked(truth: Truth, *symbols: str, start: int = FIRST, end: int = UNTIL) -> Request:
    return Request(
        kind=truth.kind,
        symbols=symbols or tuple(truth.frames),
        start=start,
        end=end,
        timeframe=truth.timeframe,
    )


def whole(case: Case, truth: Truth) -> tuple[int, int]:
    """A period that holds all rows, from midnight to midnight [ns UTC].

    With room around them, except where the source has more than the truth.
    """
    ns = np.concatenate([nanoseconds(frame["ts"]) for frame in truth.frames.values()])
    day, room = 86_400 * 10**9, 3 if case.own is None else 0
    # A bar that ends at midnight belongs to the day that ended.
    first, last = int(ns.min() - 1) // day, int(ns.max() - 1) // day
    return (first - room) * day, (last + 1 + room) * day


def nanoseconds(column: Any) -> np.ndarray:
    return column.dt.as_unit("ns").astype("int64").to_numpy()


def ends(delivery: Delivery, calendar: str) -> np.ndarray:
    """Ends of delivered bars, or instants of events, as fanfold's calendar has them [ns UTC]."""
    stamps = delivery.table.column("ts")
    assert stamps.type.unit == "ns"
    ns = np.asarray(stamps.cast(pa.int64()))
    if delivery.kind != "bars":
        return ns
    zone = stamps.type.tz
    told = Stamps(
        local=ns,
        utc=None if zone is None else ns,
        codes=np.zeros(len(ns), np.int64),
        names=(delivery.symbol,),
    )
    bar = _LENGTHS[delivery.timeframe] if delivery.stamp == "start" else None
    return bar_ends(
        told, stamp=delivery.stamp, calendars=(delivery.calendar or calendar,), bar=bar
    ).ts


def assert_true(delivery: Delivery, truth: Truth, case: Case, rows: Any = slice(None)) -> None:
    """Every number as the service had it, to the last bit."""
    frame = truth.frames[delivery.symbol].iloc[rows]
    assert ends(delivery, case.calendar).tolist() == nanoseconds(frame["ts"]).tolist()
    derived = {"ts", "seq", "session", "minutes_to_close", "is_month_end"}
    names = [name for name in FORMS[truth.kind].required if name not in derived]
    for name in (*names, *case.columns.get(truth.kind, ())):
        told, column = delivery.table.column(name), frame[name]
        assert told.null_count == 0, name
        if pa.types.is_string(told.type):
            assert told.to_pylist() == column.tolist(), name
        else:
            assert told.type == pa.float64(), name
            np.testing.assert_array_equal(told.to_numpy(), column.to_numpy(), err_msg=name)


def taken(
    case: Case, folder: Path, truth: Truth, *symbols: str, trouble: str = ""
) -> tuple[list[Delivery], int]:
    """All deliveries of a truth, or of some symbols, and how many requests they took."""
    start, end = whole(case, truth)
    request = asked(truth, *symbols, start=start, end=end)
    with case.open(folder, truth, trouble) as ready:
        return list(ready.source.fetch(request)), ready.request_count()


@every(*((case, timeframe) for case in CASES for timeframe in case.timeframes))
def test_bars_come_back_as_the_service_has_them(case: Case, what: str, tmp_path: Path) -> None:
    truth = truth_of(case, "bars", what)
    deliveries, _ = taken(case, tmp_path, truth)
    assert [one.symbol for one in deliveries] == list(case.symbols)
    for one in deliveries:
        assert (one.kind, one.timeframe) == ("bars", what)
        assert one.basis in case.bases
        assert one.calendar in (None, case.calendar)
        assert_true(one, truth, case)


@every(*((case, kind) for case in CASES for kind in case.kinds if kind in ("trades", "quotes")))
def test_ticks_come_back_as_the_service_has_them(case: Case, what: str, tmp_path: Path) -> None:
    truth = truth_of(case, what)
    deliveries, _ = taken(case, tmp_path, truth)
    assert [one.symbol for one in deliveries] == list(case.symbols)
    for one in deliveries:
        assert one.kind == what
        assert_true(one, truth, case)


@each()
def test_symbols_come_in_the_order_asked(case: Case, tmp_path: Path) -> None:
    truth = truth_of(case, "bars", case.timeframes[0])
    start, end = whole(case, truth)
    order = case.symbols[1], case.symbols[2], case.symbols[0]
    with case.open(tmp_path, truth, "") as ready:
        deliveries = list(ready.source.fetch(asked(truth, *order, start=start, end=end)))
    assert [one.symbol for one in deliveries] == list(order)


@every(*((case, timeframe) for case in CASES for timeframe in case.timeframes))
def test_two_periods_that_meet_hold_each_row_once(case: Case, what: str, tmp_path: Path) -> None:
    truth = truth_of(case, "bars", what)
    start, end = whole(case, truth)
    symbol = case.symbols[0]
    frame = truth.frames[symbol]
    stamp = frame["session"] if what == "1D" else frame["start"]
    between = int(nanoseconds(stamp)[5])
    with case.open(tmp_path, truth, "") as ready:
        parts = [
            list(ready.source.fetch(asked(truth, symbol, start=first, end=until)))
            for first, until in ((start, between), (between, end))
        ]
    # Whether a bar belongs to the period of its start or of its end is the source's to say.
    count = len(parts[0][0].table)
    assert count in ({5} if what == "1D" else {4, 5, 6})
    assert_true(parts[0][0], truth, case, slice(0, count))
    assert_true(parts[1][0], truth, case, slice(count, None))


@each()
def test_a_period_without_rows_gives_no_delivery(case: Case, tmp_path: Path) -> None:
    truth = truth_of(case, "bars", case.timeframes[0])
    start, _ = whole(case, truth)
    day = 86_400 * 10**9
    with case.open(tmp_path, truth, "") as ready:
        assert list(ready.source.fetch(asked(truth, start=start - 2 * day, end=start))) == []


@every(*((case, one) for case in CASES for one in case.troubles if one in RETRIED))
def test_what_passes_is_asked_for_again_and_only_that(
    case: Case, what: str, tmp_path: Path
) -> None:
    truth = truth_of(case, "bars", case.timeframes[0])
    symbol = case.symbols[0]
    [one], count = taken(case, tmp_path, truth, symbol, trouble=what)
    assert count == untroubled_count(case, tmp_path, truth) + 1
    assert_true(one, truth, case)


def untroubled_count(case: Case, folder: Path, truth: Truth) -> int:
    """How many requests the first symbol takes when all goes well."""
    if case.name not in _UNTROUBLED:
        _, _UNTROUBLED[case.name] = taken(case, folder, truth, case.symbols[0])
    return _UNTROUBLED[case.name]


@every(*((case, one) for case in CASES for one in case.troubles if one in REFUSED))
def test_what_does_not_pass_is_told_in_one_line(
    case: Case, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "no_keys":
        for name in ("APCA", "ALPACA", "POLYGON", "MASSIVE", "FANFOLD_SECRETS"):
            forget(monkeypatch, name)
    truth = truth_of(case, "bars", case.timeframes[0])
    start, end = whole(case, truth)
    symbol = UNKNOWN if what == "unknown_symbol" else case.symbols[0]
    request = asked(truth, symbol, start=start, end=end)
    with pytest.raises(getattr(errors, REFUSED[what])) as raised:
        checked_and_fetched(case, tmp_path, truth, what, request)
    told = str(raised.value)
    assert type(raised.value).__name__ == REFUSED[what]
    assert "\n" not in told
    assert 20 < len(told) < 600
    assert SECRET not in told
    if what == "unknown_symbol":
        assert UNKNOWN in told


def checked_and_fetched(
    case: Case, folder: Path, truth: Truth, trouble: str, request: Request
) -> None:
    with case.open(folder, truth, trouble) as ready:
        ready.source.check(request)
        list(ready.source.fetch(request))


def forget(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    """Unset variables of a prefix."""
    for name in [one for one in os.environ if one.startswith(prefix)]:
        monkeypatch.delenv(name)


@each()
def test_what_cannot_be_delivered_is_refused_before_any_work(case: Case, tmp_path: Path) -> None:
    truth = truth_of(case, "bars", case.timeframes[0])
    kinds = [kind for kind in ("bars", "trades", "quotes") if kind not in case.kinds]
    bases = [basis for basis in ("raw", "split", "total_return") if basis not in case.bases]
    refused = [
        *(Request(kind=kind, symbols=case.symbols) for kind in kinds),
        *(Request(symbols=case.symbols, basis=basis) for basis in bases),
        Request(symbols=case.symbols, basis="adjusted"),
        Request(kind="candles", symbols=case.symbols),
        *case.refuses,
    ]
    with case.open(tmp_path, truth, "") as ready:
        ready.source.check(asked(truth))
        for request in refused:
            with pytest.raises(ConfigError) as raised:
                ready.source.check(request)
            assert "\n" not in str(raised.value)
        assert ready.request_count() == 0


@each()
def test_a_source_is_named_and_shows_no_secret(case: Case, tmp_path: Path) -> None:
    truth = truth_of(case, "bars", case.timeframes[0])
    with case.open(tmp_path, truth, "") as ready:
        list(ready.source.fetch(asked(truth, case.symbols[0])))
        assert ready.source.name
        assert isinstance(ready.source.feed, str)
        assert SECRET not in f"{ready.source!r} {ready.source}"


@every(*((case, frame) for case in CASES if case.has_clock for frame in case.timeframes))
def test_a_bar_that_is_not_over_is_not_delivered(case: Case, what: str, tmp_path: Path) -> None:
    frame = truth_of(case, "bars", what).frames[case.symbols[0]]
    starts, stops = nanoseconds(frame["start"]), nanoseconds(frame["ts"])
    now = int(starts[-1] + stops[-1]) // 2
    truth = truth_of(case, "bars", what, now=now)
    start, end = whole(case, truth)
    with case.open(tmp_path, truth, "") as ready:
        [one] = ready.source.fetch(asked(truth, case.symbols[0], start=start, end=end))
    delivered = ends(one, case.calendar)
    assert delivered[-1] <= now
    # A source may wait a while before it takes a bar for final, so at most some are held back.
    settled = stops[stops <= now - 3_600 * 10**9]
    assert np.isin(settled, delivered).all()
    if what == "1D":
        assert len(delivered) == len(stops) - 1


@each(actions=True)
def test_splits_and_dividends_come_along_with_daily_bars(case: Case, tmp_path: Path) -> None:
    daily = truth_of(case, "bars", "1D")
    actions = actions_of(case) if case.own is None else daily.actions
    truth = Truth(frames=daily.frames, actions=actions)
    deliveries, _ = taken(case, tmp_path, truth)
    assert [one.symbol for one in deliveries] == list(case.symbols)
    for one in deliveries:
        known = actions.get(one.symbol)
        if known is None or len(known) == 0:
            assert one.actions is None or len(one.actions) == 0
            continue
        told = one.actions.to_pydict()
        assert [str(day)[:10] for day in told["ts"]] == [str(day)[:10] for day in known["ts"]]
        assert told["splits"] == known["splits"].tolist()
        assert told["dividends"] == known["dividends"].tolist()
