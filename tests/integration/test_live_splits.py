"""A split overnight: units, goals and resting orders mean the same in the morning."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_desk import Desk, desk_at
from tests.fakes.venue_process import Venue, running
from tests.fakes.venue_world import go, in_session, settings, write_bars

from fanfold.live.messages import Fill, Split

RATIOS = {"AAPL": 2.0, "MSFT": 0.1}
EX_DATE = "2024-07-09"
FIRST_BAR = f"{EX_DATE}T09:00:00Z"


def split_bars(path: Path) -> None:
    """The usual bars, raw: from a day on in other units."""
    write_bars(path)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    lines = ["timestamp,symbol,open,high,low,close,volume,splits"]
    for row in rows:
        ratio = RATIOS.get(row["symbol"], 1.0) if row["timestamp"] >= FIRST_BAR else 1.0
        price = round(float(row["close"]) / ratio, 4)
        happens = ratio if row["timestamp"] == FIRST_BAR else 1.0
        stamp, symbol = row["timestamp"], row["symbol"]
        lines.append(f"{stamp},{symbol},{price},{price},{price},{price},1000,{happens}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    folder = tmp_path_factory.mktemp("splits")
    split_bars(folder / "bars.csv")
    config = folder / "venue.json"
    given = settings(folder)
    given["replay"]["basis"] = "raw"
    config.write_text(json.dumps(given))
    with running(folder, "--config", str(config)) as started:
        yield started


def working(desk: Desk) -> dict[str, tuple[float, float]]:
    """Quantity and stop price of what is open at the venue, by symbol."""
    return {
        one["symbol"]: (float(one["qty"]), float(one["stop_price"]))
        for one in desk.orders()
        if one["status"] in {"new", "accepted", "held"}
    }


def told(desk: Desk) -> list[tuple[int, float, int]]:
    return [(one.asset, one.ratio, one.held) for one in desk.of(Split)]


def test_a_night_with_splits(venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_session(venue)
    with (
        desk_at(venue, tmp_path, monkeypatch) as holder,
        desk_at(venue, tmp_path, monkeypatch) as looker,
    ):
        holder.armed()
        looker.armed()
        _buy(holder)
        assert working(holder) == {"AAPL": (10.0, 80.0), "MSFT": (105.0, 150.0)}
        go(venue, "04:01")
        for desk in (holder, looker):
            desk.until(lambda one=desk: len(one.of(Split)) >= 2)
        assert sorted(told(looker)) == [(0, 2.0, 0), (1, 0.1, 0)]
        assert sorted(told(holder)) == [(0, 2.0, 20), (1, 0.1, 10)]
        holder.until(lambda: holder.gate and holder.held()[:2] == [20, 10])
        # Of a reverse split the broker has cancelled the stop: it rests anew.
        wanted = {"AAPL": (20.0, 40.0), "MSFT": (10.0, 1500.0)}
        holder.until(lambda: working(holder) == wanted)
        _tells_again_and_books_once(holder, monkeypatch)
        assert working(holder) == wanted
        go(venue, "09:33")
        for asset, held in enumerate((20, 10)):
            holder.approve(0, asset)
            _until_filled(holder, asset, -held)
        assert [holder.position(symbol) for symbol in RATIOS] == [0.0, 0.5]


def _buy(desk: Desk) -> None:
    for asset, (lots, stop) in enumerate(((10, 80.0), (105, 150.0))):
        desk.approve(lots, asset, stop_loss=stop)
        _until_filled(desk, asset, lots)
    desk.until(lambda: len(working(desk)) == 2)


def _until_filled(desk: Desk, asset: int, lots: int) -> None:
    def is_filled() -> bool:
        fills: list[Any] = desk.of(Fill)
        wanted = [fill.lots for fill in fills if fill.asset == asset]
        return sum(wanted[-1:]) == lots or sum(wanted) == lots

    desk.until(is_filled)


def _tells_again_and_books_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was down has missed it; a restart finds it booked."""
    monkeypatch.setenv("APCA_API_KEY_ID", desk.trader.key)  # not that of the other desk
    desk.restart()
    desk.said.clear()
    desk.armed()
    assert sorted(told(desk)) == [(0, 2.0, 20), (1, 0.1, 10)]
    desk.until(lambda: bool(desk.gate and desk.held()[:2] == [20, 10]))
