"""Market data of a real venue, and all that can go wrong on the way."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_market import MINUTE, Listener, deployed, listening, steps_of
from tests.fakes.venue_process import KEY, SECRET, Venue, eventually, running

from fanfold.alpaca.wire.instants import instant_of, instant_text
from fanfold.errors import LiveError
from fanfold.live.folder import Folder
from fanfold.live.market_data import run
from fanfold.live.market_data.start import note_told
from fanfold.live.messages import Feed, Late, Prior, Quote, Step, Trading
from fanfold.live.tape import read_tape

SYMBOLS = ("AAPL", "IBM")
QUICK = {"backoff_s": 0.05, "backoff_max_s": 0.2}


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    folder = tmp_path_factory.mktemp("venue")
    options = ("--replay", "sample", "--symbols", ",".join(SYMBOLS), "--speed", "0", "--port", "0")
    journal = ("--begin", "2012-03-01", "--journal", str(folder / "journal"))
    with running(folder, *options, *journal) as venue:
        yield venue


@pytest.fixture
def folder(tmp_path: Path, venue: Venue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A deployment that has told all steps until now."""
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    monkeypatch.setattr(run, "POLL_S", 0.2)
    venue.control("faults", method="DELETE")
    made = deployed(tmp_path, venue, SYMBOLS, **QUICK)
    note_told(made, now(venue) // MINUTE * MINUTE)
    yield made
    venue.control("faults", method="DELETE")


def now(venue: Venue) -> int:
    return int(venue.control("status")["clock"]["now_ns"])


def up(listener: Listener) -> None:
    eventually(lambda: listener.error is not None or listener.gauges["feed_up"])
    assert listener.error is None


def bars(venue: Venue, start: int, end: int) -> dict[int, dict[int, tuple[float, ...]]]:
    """The venue's minutes that end in (start, end], by end and asset."""
    query = f"symbols={','.join(SYMBOLS)}&timeframe=1Min&limit=10000"
    span = f"start={instant_text(start)}&end={instant_text(end - MINUTE)}"
    code, found = venue.ask("GET", f"/v2/stocks/bars?{query}&{span}")
    assert code == 200
    made: dict[int, dict[int, tuple[float, ...]]] = {}
    for symbol, rows in found["bars"].items():
        for one in rows:
            values = tuple(float(one[name]) for name in "ohlcv")
            made.setdefault(instant_of(one["t"]) + MINUTE, {})[SYMBOLS.index(symbol)] = values
    return made


def told(listener: Listener) -> dict[int, dict[int, tuple[float, ...]]]:
    return {
        end: {row.asset: (row.open, row.high, row.low, row.close, row.volume) for row in rows}
        for end, rows in steps_of(listener.signal.of(Step)).items()
    }


FAULTS: dict[str, Any] = {
    "none": None,
    "disconnect": {"kind": "disconnect", "probability": 0.2},
    "disconnect on the bar": {"kind": "disconnect", "channel": "bars", "symbol": "IBM", "count": 2},
    "half dead": {"kind": "disconnect", "count": 1, "half_dead_s": 0.5},
    "silent": {"kind": "silent", "count": 1, "channel": "quotes"},
    "repeat": {"kind": "repeat", "times": 2},
    "reorder": {"kind": "reorder", "probability": 0.5},
    "delay": {"kind": "delay", "delay_s": 0.05, "probability": 0.3},
    "lost quotes": {"kind": "lose", "channel": "quotes", "probability": 0.5},
}
CUT = {"disconnect", "disconnect on the bar", "half dead", "silent"}
"""Those that a connection does not outlive."""


@pytest.mark.parametrize("named", FAULTS)
def test_steps_are_the_venues_bars_whatever_goes_wrong(
    venue: Venue, folder: Folder, named: str
) -> None:
    start = now(venue) // MINUTE * MINUTE
    if named == "silent":
        deployed(folder.path.parent, venue, SYMBOLS, **QUICK, silence_s=0.4)
    with listening(folder) as listener:
        up(listener)
        if FAULTS[named] is not None:
            venue.control("faults", FAULTS[named])
        for _ in range(12):
            venue.advance(31)
            time.sleep(0.02)
        if named == "silent":
            eventually(lambda: listener.counts["reconnects"] > 0)
        venue.control("faults", method="DELETE")
        end = start + 6 * MINUTE
        eventually(lambda: listener.gauges["last_step"] >= end and listener.gauges["feed_up"])
        found, stored = told(listener), bars(venue, start, end)
        late, counts = listener.signal.of(Late), listener.counts
        numbers = {name: one.raw for name, one in listener.told.items()}
    assert {ts: rows for ts, rows in found.items() if ts <= end} == stored
    assert late == []
    assert (counts["reconnects"] > 0) == (named in CUT)
    assert named != "repeat" or counts["repeated"] > 0
    assert numbers["signal"] == numbers["risk"]


def test_a_bar_that_was_lost_is_missing_and_told_late(venue: Venue, folder: Folder) -> None:
    start = now(venue) // MINUTE * MINUTE
    with listening(folder) as listener:
        up(listener)
        venue.control("faults", {"kind": "lose", "channel": "bars", "symbol": "IBM", "count": 1})
        for _ in range(9):
            venue.advance(15)
        eventually(lambda: len(listener.signal.of(Late)) == 1)
        found, stored = told(listener), bars(venue, start, start + 2 * MINUTE)
        (late,) = listener.signal.of(Late)
    assert found[start + MINUTE] == {0: stored[start + MINUTE][0]}
    assert found[start + 2 * MINUTE] == stored[start + 2 * MINUTE]
    assert (late.ts, late.row.asset) == (start + MINUTE, 1)
    assert late.row.close == stored[start + MINUTE][1][3]


@pytest.mark.parametrize("status", [406, 429, 503])
def test_a_refused_upgrade_is_tried_again(venue: Venue, folder: Folder, status: int) -> None:
    fault = {"kind": "refuse_upgrade", "status": status, "count": 1, "lasts_s": 0.3}
    venue.control("faults", fault)
    with listening(folder) as listener:
        up(listener)
        feeds = listener.signal.of(Feed)
    assert any(not one.up and str(status) in one.reason for one in feeds)


def test_after_a_kill_the_missed_steps_come_first(venue: Venue, folder: Folder) -> None:
    start = now(venue) // MINUTE * MINUTE
    venue.advance(5 * 60)
    with listening(folder, incarnation=2) as listener:
        up(listener)
        venue.advance(90)
        eventually(lambda: listener.gauges["last_step"] >= start + 6 * MINUTE)
        found = told(listener)
        priors = listener.signal.of(Prior)
        quotes = listener.signal.of(Quote)
        listener.control.ask(run.RESEND, start + 4 * MINUTE).result(5)
        again = [step.ts for step in listener.signal.of(Step)][len(found) :]
    assert found == bars(venue, start, max(found))
    assert {one.asset for one in priors} == {0, 1}
    assert {one.asset for one in quotes} == {0, 1}
    assert again == [end for end in found if end > start + 4 * MINUTE]
    with listening(folder, incarnation=3) as listener:  # it has told all, and tells none again
        up(listener)
        assert told(listener) == {}


def test_a_halt_is_told_and_the_tape_holds_all_frames(venue: Venue, folder: Folder) -> None:
    with listening(folder) as listener:
        up(listener)
        venue.control("halts", {"symbol": "IBM", "on": True})
        eventually(lambda: bool(listener.signal.of(Trading)))
        venue.control("halts", {"symbol": "IBM", "on": False})
        eventually(lambda: len(listener.signal.of(Trading)) >= 2)
        halts = [(one.asset, one.halted) for one in listener.signal.of(Trading)[:2]]
    assert halts == [(1, True), (1, False)]
    assert len(list(read_tape(folder.tapes, run.TAPE))) >= 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "rest_error", "count": 5},
        {"kind": "html", "status": 200, "count": 2},
        {"kind": "rest_drop_before", "count": 2},
        {"kind": "rate_limit", "count": 2, "headers": False},
    ],
    ids=lambda one: one["kind"],
)
def test_steps_go_on_once_rest_answers_again(
    venue: Venue, folder: Folder, fault: dict[str, Any]
) -> None:
    venue.control("faults", fault | {"path": "/v2/stocks/bars*"})
    start = now(venue) // MINUTE * MINUTE
    venue.advance(60)
    with listening(folder) as listener:
        up(listener)
        eventually(lambda: listener.gauges["last_step"] >= start + MINUTE)
        assert told(listener) == bars(venue, start, max(told(listener)))


def test_wrong_keys_end_it_and_no_secret_shows(
    venue: Venue,
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(1)
    monkeypatch.setenv("APCA_API_SECRET_KEY", "planted-secret-of-nobody")
    monkeypatch.setenv("APCA_API_KEY_ID", "PKPLANTEDKEY")
    with listening(folder) as listener:
        eventually(lambda: listener.error is not None)
        shown = [repr(listener.error), str(listener.service.statistics()), caplog.text]
        shown += [str(value) for value in listener.signal.values]
    assert isinstance(listener.error, LiveError)
    assert "the keys must be right" in str(listener.error)
    shown += list(capfd.readouterr())
    shown += [
        file.read_text("utf-8", "ignore") for file in folder.path.rglob("*") if file.is_file()
    ]
    for planted in ("planted-secret-of-nobody", "PKPLANTEDKEY"):
        assert not [text for text in shown if planted in text]
