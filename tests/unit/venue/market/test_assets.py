import pytest

from fanfold.venue.market.assets import Assets, asset_of

ASSETS = Assets({"IBM": "XNYS", "AAPL": "XNYS", "BTC/USD": "24/7"})


@pytest.mark.parametrize(
    "named",
    ["AAPL", "aapl", "AAPL:NASDAQ", "aapl:nasdaq:us_equity", asset_of("AAPL", "XNYS").id],
)
def test_a_share_is_found_by_all_its_names(named: str) -> None:
    found = ASSETS.find(named)
    assert found is not None
    assert (found.symbol, found.exchange, found.asset_class) == ("AAPL", "NASDAQ", "us_equity")


@pytest.mark.parametrize("named", ["BTC/USD", "BTCUSD", "btc/usd", asset_of("BTC/USD", "24/7").id])
def test_a_coin_is_found_with_and_without_its_slash(named: str) -> None:
    found = ASSETS.find(named)
    assert found is not None
    assert (found.symbol, found.exchange, found.asset_class) == ("BTC/USD", "CRYPTO", "crypto")
    assert not found.shortable
    assert not found.marginable


@pytest.mark.parametrize("named", ["", "AAP", "AAPL:NYSE", "MSFT", "A" * 1_000_000, "\x00é"])
def test_what_is_no_name_finds_nothing(named: str) -> None:
    assert ASSETS.find(named) is None


def test_assets_are_listed_by_symbol_and_ids_follow_from_symbols() -> None:
    assert [asset.symbol for asset in ASSETS.all] == ["AAPL", "BTC/USD", "IBM"]
    again = Assets({"AAPL": "XNYS"}).find("AAPL")
    assert again == ASSETS.find("AAPL")
    assert len({asset.id for asset in ASSETS.all}) == 3


def test_a_symbol_is_never_hidden_by_another_ones_short_form() -> None:
    both = Assets({"BTCUSD": "XNYS", "BTC/USD": "24/7"})
    share, coin = both.find("BTCUSD"), both.find("BTC/USD")
    assert share is not None
    assert coin is not None
    assert (share.asset_class, coin.asset_class) == ("us_equity", "crypto")
