import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.fakes.venue_lines import run
from tests.fakes.venue_streams import KEYS, TS, StreamFloor, event, until

from fanfold.venue.market.values import BarTick, BookTick, QuoteTick, StatusTick, TradeTick


@asynccontextmanager
async def sdk(*clients: Any) -> AsyncIterator[None]:
    """Let clients of the SDK run."""
    tasks = [asyncio.create_task(client._run_forever()) for client in clients]
    yield
    for client in clients:
        await client.stop_ws()
        await client.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_brokers_own_clients_take_all_messages() -> None:
    from alpaca.data.live import CryptoDataStream, StockDataStream
    from alpaca.trading.stream import TradingStream

    seen: list[str] = []

    async def take(message: Any) -> None:
        seen.append(f"{type(message).__name__} {getattr(message, 'symbol', '')}".strip())

    async def story(floor: StreamFloor, address: str) -> None:
        stocks = StockDataStream(*KEYS, url_override=f"ws://{address}/v2/sip")
        coins = CryptoDataStream(*KEYS, url_override=f"ws://{address}/v1beta3/crypto/us")
        updates = TradingStream(*KEYS, url_override=f"ws://{address}/stream")
        for client in (stocks, coins):
            client.subscribe_trades(take, "*")
            client.subscribe_quotes(take, "*")
            client.subscribe_bars(take, "*")
            client.subscribe_updated_bars(take, "*")
            client.subscribe_daily_bars(take, "*")
        stocks.subscribe_trading_statuses(take, "A")
        coins.subscribe_orderbooks(take, "B/C")
        updates.subscribe_trade_updates(take)
        async with sdk(stocks, coins, updates):
            await until(lambda: floor.hub.follower_count == 2)
            await until(lambda: any(one.listens for one in floor.hub.clients))
            for symbol in ("A", "B/C"):
                bars = [
                    BarTick(TS, symbol, kind, TS, 1.0, 2.0, 0.5, 1.5, 9.0, 5, 1.2) for kind in "bud"
                ]
                quote = QuoteTick(TS, symbol, float("nan"), 0.0, 2.0, 1.0)
                trade = TradeTick(TS, symbol, 1.5, 1.0, 1, 1.5, 1.5, "close", "B")
                floor.hub.publish([quote, trade, *bars])
            floor.hub.publish([StatusTick(TS, "A", "H", "Halted", "T1", "news")])
            floor.hub.publish([BookTick(TS, "B/C", ((1.0, 2.0),), (), reset=True)])
            floor.hub.tell([event(1)])
            await until(lambda: len(seen) == 13)

    run(story)
    kinds = ["Quote", "Trade", "Bar", "Bar", "Bar"]
    expected = [f"{kind} {symbol}" for kind in kinds for symbol in ("A", "B/C")]
    extra = ["TradingStatus A", "Orderbook B/C", "TradeUpdate"]
    assert sorted(seen) == sorted([*expected, *extra])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_brokers_own_client_subscribes_to_thousands_in_pieces() -> None:
    from alpaca.data.live import StockDataStream

    async def take(_message: Any) -> None:
        return

    async def story(floor: StreamFloor, address: str) -> None:
        stocks = StockDataStream(*KEYS, url_override=f"ws://{address}/v2/sip")
        stocks.subscribe_trades(take, *(f"SYM{number}" for number in range(6_000)))
        async with sdk(stocks):
            await until(lambda: floor.hub.follower_count == 1)
            interest = floor.hub.clients[0].interest
            assert interest is not None
            assert len(interest.of("trades")) == 6_000

    run(story)
