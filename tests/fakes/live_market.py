"""A deployment that listens to a market, and what its receivers were told."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fanfold.live.control import STOP, Control
from fanfold.live.folder import Folder
from fanfold.live.market_data.run import RECEIVERS, Service
from fanfold.live.messages import Row, Step, Value, decode
from fanfold.live.plan import Addresses, AssetPlan, Plan, Session, write_plan
from fanfold.live.settings import LiveSettings

NEW_YORK = ZoneInfo("America/New_York")
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
OPEN = 1_353_508_200 * SECOND
"""2012-11-21 09:30 in New York."""

CLOSE = OPEN + 390 * MINUTE
HALF_DAY = 2 * 86_400 * SECOND
"""From there to the next session's begin, which closes at 13:00 [ns]."""

SESSIONS = (
    Session(day=15_665, open_ts=OPEN, close_ts=CLOSE, is_month_end=False, nights=1),
    Session(
        day=15_667,
        open_ts=OPEN + HALF_DAY,
        close_ts=OPEN + HALF_DAY + 210 * MINUTE,
        is_month_end=False,
        nights=1,
    ),
)
NOWHERE = Addresses(rest_url="", data_url="", market_stream_url="", trade_stream_url="")


def plan_of(
    symbols: Sequence[str] = ("AAPL", "IBM"),
    *,
    addresses: Addresses = NOWHERE,
    sessions: tuple[Session, ...] = SESSIONS,
    coins: bool = False,
    **market: Any,
) -> Plan:
    """A deployment of some symbols; `market` are settings."""
    calendar = "24/7" if coins else "XNYS"
    assets = tuple(
        AssetPlan(
            symbol=symbol,
            asset_class="crypto" if coins else "us_equity",
            calendar=calendar,
            parts=1,
            tick_coarse=10_000,
            tick_fine=100,
            shortable=True,
        )
        for symbol in symbols
    )
    settings = LiveSettings.model_validate({"market": market})
    return Plan(
        deployment="watcher",
        assets=assets,
        strategy="none",
        params={},
        job={},
        addresses=addresses,
        sessions={calendar: sessions},
        warm_up_bars=0,
        data_fingerprint="",
        spec_hash="",
        code_hash="",
        made_at=0,
        settings=settings,
    )


class Told:
    """A receiver that takes what there is room for."""

    def __init__(self, room: int | None = None) -> None:
        self.room = room
        self.raw: list[bytes] = []

    def send(self, raw: bytes) -> bool:
        if self.room is not None:
            if self.room <= 0:
                return False
            self.room -= 1
        self.raw.append(raw)
        return True

    @property
    def values(self) -> list[Value]:
        """All values, in their order."""
        return [value for raw in self.raw for value in decode(raw).values]

    def of(self, kind: type[Any]) -> list[Any]:
        """Values of a kind."""
        return [value for value in self.values if isinstance(value, kind)]


class Listener:
    """A running service, and its receivers."""

    def __init__(self, folder: Folder, incarnation: int = 1) -> None:
        self.control = Control()
        self.told = {name: Told() for name in RECEIVERS}
        self.service = Service(folder, self.control, self.told, incarnation)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.service.run()
        except BaseException as error:  # the test looks at it
            self.error = error

    @property
    def signal(self) -> Told:
        return self.told["signal"]

    @property
    def counts(self) -> dict[str, int]:
        return self.service.statistics().counts

    @property
    def gauges(self) -> dict[str, Any]:
        return self.service.statistics().gauges


@contextmanager
def listening(folder: Folder, incarnation: int = 1) -> Iterator[Listener]:
    """Market data until the block ends; they must end well, unless the test saw the error."""
    listener = Listener(folder, incarnation)
    listener.thread.start()
    try:
        yield listener
    finally:
        if listener.thread.is_alive():
            listener.control.ask(STOP)
        listener.thread.join(20)
        assert not listener.thread.is_alive()
        listener.control.close()


def sessions_of(venue: Any, start: str, end: str) -> tuple[Session, ...]:
    """The venue's sessions."""
    code, found = venue.ask("GET", f"/v2/calendar?start={start}&end={end}")
    assert code == 200
    return tuple(
        Session(
            day=date.fromisoformat(one["date"]).toordinal() - date(1970, 1, 1).toordinal(),
            open_ts=_instant(one["date"], one["open"]),
            close_ts=_instant(one["date"], one["close"]),
            is_month_end=False,
            nights=1,
        )
        for one in found
    )


def deployed(path: Path, venue: Any, symbols: Sequence[str], **market: Any) -> Folder:
    """A deployment's folder, for a running venue."""
    folder = Folder(path / "watcher")
    folder.make()
    addresses = Addresses(
        rest_url=venue.rest_url,
        data_url=venue.rest_url,
        market_stream_url=venue.market_data_url,
        trade_stream_url=venue.trade_updates_url,
    )
    sessions = sessions_of(venue, "2012-02-20", "2012-03-20")
    write_plan(folder, plan_of(symbols, addresses=addresses, sessions=sessions, **market))
    return folder


def steps_of(values: Sequence[Step]) -> dict[int, tuple[Row, ...]]:
    """Steps by their ends; each must be there once, in order."""
    ends = [step.ts for step in values]
    assert ends == sorted(set(ends))
    return {step.ts: step.rows for step in values}


def _instant(day: str, time: str) -> int:
    return (
        int(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=NEW_YORK).timestamp()) * SECOND
    )
