"""Order books of coins against a real venue's, whatever is lost on the way."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_market import SECOND, listening, plan_of
from tests.fakes.venue_process import KEY, SECRET, Venue, eventually, running

from fanfold.live.folder import Folder
from fanfold.live.market_data.books import DEPTH_LEVELS
from fanfold.live.messages import Depth, Step
from fanfold.live.plan import Addresses, write_plan

COIN = "BTC/USD"
MINUTES = 240


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    rng = random.Random(1)  # noqa: S311  (no secret)
    end, price = datetime(2024, 3, 1, tzinfo=UTC), 60_000.0
    lines = ["symbol,ts,open,high,low,close,volume"]
    for _ in range(MINUTES):
        end, close = end + timedelta(minutes=1), price * (1 + rng.gauss(0, 0.0004))
        high, low = max(price, close) * 1.0001, min(price, close) * 0.9999
        lines.append(f"{COIN},{end.isoformat()},{price},{high},{low},{close},{rng.random() + 1}")
        price = close
    file = tmp_path / "coin.csv"
    file.write_text("\n".join(lines))
    replay = ("--replay", str(file), "--stamp", "end", "--calendar", "24/7", "--speed", "0")
    with running(tmp_path, *replay, "--port", "0", "--journal", str(tmp_path / "j")) as venue:
        yield venue


def sides(venue: Venue) -> tuple[Any, Any]:
    """The venue's best bids and asks."""
    code, found = venue.ask("GET", f"/v1beta3/crypto/us/latest/orderbooks?symbols={COIN}")
    assert code == 200
    book = found["orderbooks"][COIN]
    bids, asks = (tuple((one["p"], one["s"]) for one in book[side]) for side in ("b", "a"))
    return bids[:DEPTH_LEVELS], asks[:DEPTH_LEVELS]


def test_books_find_back_to_the_venues(
    venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    folder = Folder(tmp_path / "watcher")
    folder.make()
    addresses = Addresses(
        rest_url=venue.rest_url,
        data_url=venue.rest_url,
        market_stream_url=venue.crypto_market_data_url,
        trade_stream_url=venue.trade_updates_url,
    )
    coins: dict[str, Any] = {
        "coins": True,
        "depth": True,
        "bar_seconds": 300,
        "sessions": (),
        "backoff_s": 0.1,
    }
    write_plan(folder, plan_of([COIN], addresses=addresses, **coins))
    with listening(folder) as listener:
        eventually(lambda: listener.gauges["feed_up"])

        def is_the_venues() -> bool:
            told = listener.signal.of(Depth)
            return bool(told) and (told[-1].bids, told[-1].asks) == sides(venue)

        for fault in (
            {"kind": "reorder", "probability": 0.5},
            {"kind": "repeat", "probability": 0.5},
            {"kind": "disconnect", "count": 1},
        ):
            venue.control("faults", fault | {"channel": "orderbooks"})
            for _ in range(40):
                venue.advance(15)
            venue.control("faults", method="DELETE")
            venue.advance(15)
            eventually(is_the_venues)
        steps = listener.signal.of(Step)
        assert listener.counts["torn"] > 0
    assert len(steps) >= 5
    assert all(step.ts % (300 * SECOND) == 0 for step in steps)
    assert all(
        not one.bids or not one.asks or one.bids[0][0] < one.asks[0][0]
        for one in listener.signal.of(Depth)
    )
