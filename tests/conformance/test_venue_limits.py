"""What a plan allows, and a market that waits for its clients: a venue of one share."""

import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.fakes.venue_process import KEY, SECRET, Venue, eventually, library, running
from tests.fakes.venue_wire import AUTH, Following, line, stock_stream, subscribed, trading_stream


@pytest.fixture(scope="module")
def basic(tmp_path_factory: pytest.TempPathFactory) -> Generator[Venue]:
    folder: Path = tmp_path_factory.mktemp("basic")
    with running(
        folder,
        *("--port", "0", "--replay", "sample", "--symbols", "AAPL", "--speed", "0"),
        *("--start", "2012-03-01", "--end", "2012-03-02", "--set", "plan=basic"),
        *("--journal", str(folder / "venue.db")),
    ) as started:
        yield started


def test_the_basic_plan_has_limits(basic: Venue) -> None:
    assert basic.market_data_url.endswith("/v2/iex")
    with line(basic.market_data_url) as one:
        many = [f"X{chr(65 + number)}" for number in range(20)]
        one.ask({"action": "subscribe", "trades": many, "bars": ["*"]})
        limit = (405, "symbol limit exceeded")
        assert one.code({"action": "subscribe", "quotes": many[:11]}) == limit
        assert one.code({"action": "subscribe", "trades": ["*"]}) == limit
        (answer,) = one.ask({"action": "subscribe", "quotes": many[:10]})
        assert (len(answer["trades"]), len(answer["quotes"])) == (20, 10)
    sip = basic.market_data_url.replace("/iex", "/sip")
    with line(sip, keys=False) as one:
        one.hear()
        assert one.code(AUTH) == (409, "insufficient subscription")
        assert one.rest() == []
    stream = library("alpaca.data.live").StockDataStream(KEY, SECRET, url_override=sip)
    following = Following(stream)
    stream.subscribe_bars(following.take, "AAPL")
    following.thread.start()
    following.thread.join(10)
    assert not following.thread.is_alive()  # the library gives up for good


# Last, for the venue stops in it


def test_at_full_speed_the_market_waits_for_a_client_and_stops_with_it(basic: Venue) -> None:
    stream = stock_stream(basic)
    bars, trading = Following(stream), trading_stream(basic)
    stream.subscribe_bars(bars.take, "*")
    stream.subscribe_trades(bars.take, "AAPL")
    with bars, trading:
        subscribed(basic)
        subscribed(basic, "trading")
        begin = basic.control("clock")["now"]
        basic.control("clock", {"speed": "max"})
        eventually(lambda: basic.control("clock")["ended"])
        path = f"/v2/stocks/bars?symbols=AAPL&timeframe=1Min&start={begin}&limit=10000"
        past = basic.ask("GET", path)[1]["bars"]
        expected = sum(map(len, past.values()))
        seen = bars.until(lambda seen: sum(type(one).__name__ == "Bar" for one in seen) >= expected)
        told = [one.timestamp for one in seen if type(one).__name__ == "Bar"]
        assert (len(told), told) == (expected, sorted(told))
        basic.process.send_signal(signal.SIGTERM)
        assert basic.process.wait(60) == 0
        basic.forget()
