"""Running venues: for trading, with an account for each test, and for streams of shares."""

from collections.abc import Generator, Iterator
from itertools import count

import pytest
from tests.fakes.venue_process import Venue, eventually, running
from tests.fakes.venue_world import ACCOUNTS, POOR, POOR_ACCOUNTS, RICH, Trader, in_session, world

_NUMBERS: Iterator[int] = count()
_POOR_NUMBERS: Iterator[int] = count()


@pytest.fixture(scope="session")
def trading_venue(tmp_path_factory: pytest.TempPathFactory) -> Generator[Venue]:
    """The venue, its clock standing."""
    with world(tmp_path_factory.mktemp("trading")) as venue:
        yield venue


@pytest.fixture
def at_any_time(trading_venue: Venue) -> Generator[Trader]:
    """An account that has done nothing yet, wherever the clock is."""
    number = next(_NUMBERS)
    assert number < ACCOUNTS, "every account is taken: there must be more of them"
    yield from _trading(Trader(trading_venue, f"{RICH}{number}"))


@pytest.fixture
def trader(at_any_time: Trader) -> Trader:
    """An account that has done nothing yet, in a session."""
    in_session(at_any_time.venue)
    return at_any_time


@pytest.fixture
def poor(trading_venue: Venue) -> Generator[Trader]:
    """The same with less money than borrowing needs."""
    number = next(_POOR_NUMBERS)
    assert number < POOR_ACCOUNTS, "every account is taken: there must be more of them"
    in_session(trading_venue)
    yield from _trading(Trader(trading_venue, f"{POOR}{number}"))


@pytest.fixture(scope="session")
def shares_venue(tmp_path_factory: pytest.TempPathFactory) -> Generator[Venue]:
    """A venue of the sample's shares, its clock standing."""
    folder = tmp_path_factory.mktemp("shares")
    with running(
        folder,
        *("--port", "0", "--replay", "sample", "--begin", "2012-03-01T14:31:00Z", "--speed", "0"),
        *("--set", "replay.late_share=0.5", "--set", "requests_per_minute=1000000"),
        *("--journal", str(folder / "venue.db")),
    ) as started:
        yield started


@pytest.fixture
def shares(shares_venue: Venue) -> Generator[Venue]:
    """The same for a test, which must leave nobody connected who has shown keys."""
    yield shares_venue
    eventually(
        lambda: not [one for one in shares_venue.control("status")["clients"] if one["account"]]
    )


def _trading(trader: Trader) -> Generator[Trader]:
    yield trader
    trader.venue.control("faults", method="DELETE")
    trader.client._session.close()
