from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.venue_markets import at, heard

from fanfold.errors import ConfigError, DataError, InputError
from fanfold.market import load_bars
from fanfold.venue.market.market import Market
from fanfold.venue.market.replay import Replay, simulated
from fanfold.venue.market.values import BarTick


def test_the_sample_can_be_traded_live() -> None:
    market = Market.opened(Replay())
    assert market.now == at("2000-03-01T14:31")
    assert [asset.symbol for asset in market.assets] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert market.quote("AAPL") is not None
    assert market.quote("FB") is None  # not listed yet
    days = [
        tick
        for tick in heard(market, at("2000-03-01T21:00"))
        if isinstance(tick, BarTick) and tick.kind == "d"
    ]
    bars = load_bars("sample", end="2000-03-01")
    for asset, symbol in enumerate(bars.symbols):
        last = [tick for tick in days if tick.symbol == symbol][-1:]
        assert [tick.volume for tick in last] == bars.volume[-1:, asset][
            ~np.isnan(bars.volume[-1:, asset])
        ].tolist()


def test_what_is_asked_for_narrows_the_sample() -> None:
    asked = Replay(
        symbols=("MSFT", "IBM"), start="2012-03-01", end="2012-03-05", begin="2012-03-02T15:00Z",
        basis="raw",
    )  # fmt: skip
    market = Market.opened(asked)
    assert market.now == at("2012-03-02T15:00")
    assert [asset.symbol for asset in market.assets] == ["IBM", "MSFT"]
    assert market.last_ts == at("2012-03-06T01:00")
    bars = load_bars("sample", symbols=["IBM"], end="2012-03-01", basis="raw")
    assert market.previous_close("IBM") == bars.close[-1, 0]


@pytest.mark.parametrize("begin", ["2012-03-02", date(2012, 3, 2), datetime(2012, 3, 2)])  # noqa: DTZ001
def test_a_beginning_without_a_time_is_a_session(begin: Any) -> None:
    market = Market.opened(
        Replay(symbols=("IBM",), start="2012-03-01", end="2012-03-05", begin=begin)
    )
    assert market.now == at("2012-03-02T14:31")


def test_the_sample_has_no_ticks() -> None:
    with pytest.raises(ConfigError, match="kinds must be bars, the sample has no trades"):
        Market.opened(Replay(symbols=("IBM",), kinds=("trades",)))


def test_simulated_prices_follow_the_seed_and_keep_the_clock() -> None:
    bars = load_bars("sample", symbols=["AAPL", "MSFT"], start="2010-01-01")
    for model in ("gbm", "bootstrap"):
        one, again, other = (simulated(bars, model, seed) for seed in (1, 1, 2))
        assert (one.ts == bars.ts).all()
        assert np.array_equal(one.panel, again.panel)
        assert not np.array_equal(one.panel, other.panel)
    market = Market.opened(Replay(symbols=("AAPL",), simulate="gbm", seed=3, start="2011-01-01"))
    assert market.quote("AAPL") is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kinds": ("bar",)}, "kinds must be of bars, trades, quotes, was 'bar'"),
        ({"kinds": ("quotes",)}, "kinds must be bars, or trades, or trades and quotes, was quotes"),
        ({"kinds": ()}, "kinds must be bars, or trades, or trades and quotes, was empty"),
        ({"simulate": "gbn"}, "simulate must be one of .*, was 'gbn'.*gbm"),
        ({"simulate": "gbm", "kinds": ("trades",)}, "simulate goes with kinds bars only"),
        ({"seed": -1}, "seed must be from 0 to 4294967295, was -1"),
        ({"late_share": float("nan")}, "late_share must be from 0 to 1, was nan"),
    ],
)
def test_a_setting_that_cannot_be_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Replay(**wrong)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (Replay(symbols=("APPL",)), DataError),
        (Replay(source="nowhere"), DataError),
        (Replay(start="2020-01-01"), DataError),
        (Replay(timeframe="1fortnight"), ConfigError),
        (Replay(begin="soon"), ConfigError),
        (Replay(begin="1999-01-01"), ConfigError),
    ],
)
def test_what_is_not_there_is_said_in_one_line(asked: Replay, kind: type[InputError]) -> None:
    with pytest.raises(kind) as error:
        Market.opened(asked)
    assert "\n" not in str(error.value)


def test_real_minutes_and_coins_can_be_replayed(reference_data: Path) -> None:
    file = reference_data / "bars" / "daily_crypto_lean.parquet"
    market = Market.opened(Replay(source=file, calendar="24/7", start="2018-01-01"))
    coin = market.assets[0]
    assert coin.asset_class == "crypto"
    assert market.book(coin.symbol) is not None
    weekend = heard(market, market.now + 3_600 * 10**9)
    assert len(weekend) > 60
