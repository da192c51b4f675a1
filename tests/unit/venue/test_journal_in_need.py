"""A venue whose journal cannot be written, or is gone; and what a restart makes of halts."""

import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.venue_floor import account_of, ask, run
from tests.fakes.venue_markets import at, daily, market_of

from fanfold.errors import DataError
from fanfold.venue.floor import Floor
from fanfold.venue.journal import Journal, OrderQuery
from fanfold.venue.market.market import Market
from fanfold.venue.market.spread import Spread
from fanfold.venue.market.values import TradeTick
from fanfold.venue.run import open_floor
from fanfold.venue.settings import VenueSettings
from fanfold.venue.trading.values import Order

BEGIN = "2013-11-29T14:31"
DAY_NS = 86_400_000_000_000
EVERY = OrderQuery(status="all", limit=1_000)
RESTS = {"side": "buy", "qty": "1", "type": "limit", "limit_price": "1", "time_in_force": "gtc"}


def market() -> Market:
    made = market_of(daily(), spread=Spread(bps=0.0))
    made.seek(at(BEGIN))
    return made


def opened(path: Path, **settings: Any) -> Floor:
    given = VenueSettings.model_validate({"speed": 0.0, **settings})
    return open_floor(given, market(), Journal.open(path, terms="a test's"))


@contextmanager
def full_disk(path: Path) -> Generator[None]:
    """No file of this process grows beyond what the journal's log is now."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.with_name(f"{path.name}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def listed(floor: Floor) -> list[Order]:
    return floor.journal.orders(account_of(floor), EVERY)


def book(floor: Floor) -> list[Order]:
    return floor.exchange.desk.book.open_orders(account_of(floor))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "venue.db"


def test_an_order_that_the_disk_does_not_take_has_not_happened(path: Path) -> None:
    floor = opened(path)
    kept = ask(floor, **RESTS)
    with full_disk(path):
        for _ in range(3):
            with pytest.raises(DataError, match="must take all changes"):
                ask(floor, **RESTS)
        assert [order.id for order in book(floor)] == [kept.id]
        assert [order.id for order in listed(floor)] == [kept.id]  # it can still be read
        assert len(floor.journal.events(account_of(floor))) == floor.exchange.desk.book.seq
    again = ask(floor, **RESTS)
    floor.journal.close()
    restarted = opened(path)
    assert [order.id for order in book(restarted)] == [kept.id, again.id]
    assert [order.id for order in listed(restarted)] == [again.id, kept.id]
    restarted.journal.close()


def test_prices_that_could_not_be_journaled_are_still_to_come(path: Path) -> None:
    floor = opened(path)
    market = floor.market
    later = at("2013-11-29T14:45")
    trades = market.trades("AAPL", at("2013-11-29") // DAY_NS)
    ahead = [one.price for one in trades if market.now < one.ts < later]
    now = market.trade("AAPL")
    assert isinstance(now, TradeTick)
    low = min(ahead)
    order = ask(floor, **{**RESTS, "limit_price": f"{low + 0.01:.2f}"})
    assert order.status == "pending_new"
    before = market.now
    with full_disk(path), pytest.raises(DataError):
        run(floor.step(later))
    assert market.now == before
    assert [one.id for one in book(floor)] == [order.id]
    run(floor.step(later))
    done = floor.journal.order(order.id)
    assert done is not None
    assert done.status == "filled"
    floor.journal.close()


def test_a_venue_that_ends_on_a_full_disk_has_kept_all(path: Path) -> None:
    floor = opened(path)
    orders = [ask(floor, **RESTS).id for _ in range(5)]
    with full_disk(path):
        floor.journal.close()
    restarted = opened(path)
    assert [one.id for one in book(restarted)] == orders
    restarted.journal.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_nothing_is_promised_once_the_journal_is_gone(path: Path, *, replaced: bool) -> None:
    floor = opened(path)
    kept = ask(floor, **RESTS)
    path.rename(path.with_suffix(".away"))
    if replaced:
        path.write_bytes(b"")
    with pytest.raises(DataError, match=r"must stay where it is, .*venue\.db is gone"):
        ask(floor, **RESTS)
    assert [order.id for order in book(floor)] == [kept.id]
    floor.journal.close()


def test_the_clock_that_a_step_was_answered_with_is_journaled(path: Path) -> None:
    floor = opened(path)
    stands = at("2013-11-29T14:33:07")
    run(floor.step(stands))
    restored = floor.journal.restored()
    assert restored is not None
    assert restored.clock == stands
    floor.journal.close()


def test_what_was_told_of_the_market_is_not_told_again(path: Path) -> None:
    floor = opened(path)
    told: list[int] = []
    publish = floor.hub.publish

    def noted(ticks: Any) -> None:
        restored = floor.journal.restored()
        assert restored is not None
        told.extend(tick.ts - restored.clock for tick in ticks)
        publish(ticks)

    floor.hub.publish = noted  # type: ignore[method-assign]
    run(floor.step(at("2013-11-29T14:40")))
    assert told
    assert max(told) <= 0
    floor.journal.close()


def test_a_venue_whose_replay_is_over_is_started_again_at_its_end(path: Path) -> None:
    floor = opened(path)
    order = ask(floor, **RESTS)
    last = floor.market.last_ts
    floor.market.seek(last - 1)
    run(floor.step(last + DAY_NS))
    floor.journal.close()
    restarted = opened(path)
    assert (restarted.market.now, restarted.market.next_ts) == (last, None)
    assert [one.id for one in book(restarted)] == [order.id]
    assert run(restarted.step(last + DAY_NS)) == 0
    assert ask(restarted, **RESTS).status == "accepted"
    restarted.journal.close()


def test_accounts_whose_keys_are_not_given_any_more_are_spoken_of(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened(path).journal.close()
    assert not caplog.records
    opened(path, accounts=[{"key": "PKOTHER", "secret": "made-up"}]).journal.close()
    assert "the journal has accounts whose keys are not given now: 1" in caplog.text


def halted(floor: Floor, symbol: str = "AAPL") -> tuple[str, bool]:
    (order,) = book(floor)
    return order.status, floor.market.is_halted(symbol)


def test_a_halt_by_hand_is_over_after_a_restart_and_its_orders_go_on(path: Path) -> None:
    floor = opened(path)
    ask(floor, **RESTS)
    tick = floor.market.halt("AAPL", on=True)
    assert tick is not None
    floor.do(lambda: floor.exchange.on_tick(tick))
    assert halted(floor) == ("suspended", True)
    floor.journal.close()
    restarted = opened(path)
    assert halted(restarted) == ("new", False)
    restarted.journal.close()


@pytest.mark.parametrize("named", ["AAPL", "aapl"])
def test_a_halt_among_the_settings_holds_from_the_first_moment_of_a_restart(
    path: Path, named: str
) -> None:
    floor = opened(path)
    ask(floor, **RESTS)
    floor.journal.close()
    halt = [{"kind": "halt", "symbol": named}, {"kind": "halt", "symbol": "NOSUCH"}]
    for _ in range(2):
        restarted = opened(path, faults=halt)
        assert halted(restarted) == ("suspended", True)
        restarted.journal.close()
