import pytest

from fanfold.alpaca import checked_address, data_url
from fanfold.errors import ConfigError

VARIABLE = "APCA_API_DATA_URL"


def test_market_data_come_from_the_live_service_unless_another_is_named() -> None:
    assert data_url(environ={}) == "https://data.alpaca.markets"
    assert data_url("sandbox", {}) == "https://data.sandbox.alpaca.markets"
    assert data_url(environ={VARIABLE: "http://127.0.0.1:8000/"}) == "http://127.0.0.1:8000"
    assert data_url("live", {VARIABLE: "http://127.0.0.1:8000"}) == "https://data.alpaca.markets"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("data.alpaca.markets", "an address such as"),
        ("ftp://host", "an address such as"),
        ("http://", "an address such as"),
        ("http://host:port", "an address such as"),
        ("http://host/v2", "without a version"),
        ("http://host/?feed=iex", "without user and query"),
    ],
)
def test_what_is_no_address_of_a_service_is_refused(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        data_url(environ={VARIABLE: url})
    assert VARIABLE in str(raised.value)


def test_keys_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="without user") as raised:
        data_url("https://me:hush@host")
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["ftp://me:hush@host", "me:hush@host", "https://host?key=hush", "http://hush@[host"]
)
def test_no_address_of_any_service_is_repeated_with_keys_in_it(url: str) -> None:
    with pytest.raises(ConfigError, match="HERE must be an address such as") as raised:
        checked_address(url, "HERE")
    assert "hush" not in str(raised.value)
