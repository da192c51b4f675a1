"""What the two venues take and refuse."""

import dataclasses
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fakes.both_ways import both_ways

from fanfold.errors import ConfigError
from fanfold.execution.venue_rules import (
    ASSET_CLASSES,
    KINDS,
    TIMES_IN_FORCE,
    VENUES,
    VenueRules,
    asset_class_of,
    collared,
    to_tick,
    venue_rules,
)

ALPACA, IDEAL = venue_rules("alpaca"), venue_rules("ideal")
WHOLE, PARTS = False, True
ALL_BUT_NONE = {"market", "limit", "stop", "stop_limit", "trailing_stop"}
FOUR = ALL_BUT_NONE - {"trailing_stop"}
TWO = {"market", "limit"}

TAKEN = {
    ("us_equity", WHOLE): {
        "day": ALL_BUT_NONE,
        "gtc": ALL_BUT_NONE,
        "opg": TWO,
        "cls": TWO,
        "ioc": TWO,
        "fok": TWO,
    },
    ("us_equity", PARTS): {"day": FOUR},
    ("crypto", WHOLE): {"gtc": {"market", "limit", "stop_limit"}, "ioc": TWO},
    ("crypto", PARTS): {"gtc": {"market", "limit", "stop_limit"}, "ioc": TWO},
    ("us_option", WHOLE): {"day": TWO},
    ("us_option", PARTS): {},
}


@pytest.mark.parametrize("asset_class", ASSET_CLASSES)
@pytest.mark.parametrize("fractional", [WHOLE, PARTS])
def test_alpaca_takes_exactly_the_orders_of_its_table(
    *, asset_class: str, fractional: bool
) -> None:
    table = TAKEN[asset_class, fractional]
    for time in TIMES_IN_FORCE:
        taken = {
            kind
            for kind in KINDS
            if not ALPACA.check_order(kind, time, asset_class, fractional=fractional)
        }
        assert taken == table.get(time, set())


@pytest.mark.parametrize(
    ("kind", "time", "asset_class", "fractional", "reason"),
    [
        ("market", "day", "bond", WHOLE, "asset_class"),
        ("market", "day", "us_option", PARTS, "fractional"),
        ("market", "gtc", "us_equity", PARTS, "time_in_force"),
        ("trailing_stop", "day", "us_equity", PARTS, "order_type"),
        ("market", "day", "crypto", PARTS, "time_in_force"),
        ("stop", "gtc", "crypto", PARTS, "order_type"),
    ],
)
def test_a_refused_order_is_told_why(
    *, kind: str, time: str, asset_class: str, fractional: bool, reason: str
) -> None:
    assert ALPACA.check_order(kind, time, asset_class, fractional=fractional) == reason


def test_the_ideal_venue_takes_everything() -> None:
    refused = [
        IDEAL.check_order(kind, time, asset_class, fractional=fractional)
        for kind in KINDS
        for time in TIMES_IN_FORCE
        for asset_class in ASSET_CLASSES
        for fractional in (WHOLE, PARTS)
    ]
    assert set(refused) == {""}
    assert IDEAL.check_bracket("day", fractional=True) == ""
    assert IDEAL.check_short(0.0, "crypto", fractional=True) == ""
    assert IDEAL.ticks("us_equity") == (0, 0)
    assert IDEAL.collar_rates == (0, 0)


@pytest.mark.parametrize("venue", VENUES.values(), ids=VENUES)
@pytest.mark.parametrize("asset_class", ASSET_CLASSES)
def test_the_default_time_in_force_is_taken(venue: VenueRules, asset_class: str) -> None:
    for fractional in {WHOLE, venue.allows_fractions(asset_class)}:
        time = venue.default_time_in_force(asset_class, fractional=fractional)
        assert venue.check_order("market", time, asset_class, fractional=fractional) == ""


def test_parts_of_shares_work_for_the_day_and_all_else_until_cancelled() -> None:
    assert ALPACA.default_time_in_force("us_equity", fractional=True) == "day"
    assert ALPACA.default_time_in_force("us_equity", fractional=False) == "gtc"
    assert ALPACA.default_time_in_force("crypto", fractional=True) == "gtc"
    assert IDEAL.default_time_in_force("us_equity", fractional=True) == "gtc"


@pytest.mark.parametrize(
    ("time", "fractional", "reason"),
    [
        ("day", WHOLE, ""),
        ("gtc", WHOLE, ""),
        ("ioc", WHOLE, "time_in_force"),
        ("day", PARTS, "fractional"),
    ],
)
def test_alpaca_brackets_are_of_whole_shares_for_a_day_or_until_cancelled(
    *, time: str, fractional: bool, reason: str
) -> None:
    assert ALPACA.check_bracket(time, fractional=fractional) == reason


@pytest.mark.parametrize(
    ("equity", "asset_class", "fractional", "reason"),
    [
        (2_000.0, "us_equity", WHOLE, ""),
        (1_999.99, "us_equity", WHOLE, "short_equity"),
        (1e6, "us_equity", PARTS, "fractional"),
        (1e6, "crypto", WHOLE, "not_shortable"),
    ],
)
def test_alpaca_lends_whole_shares_to_accounts_of_two_thousand(
    *, equity: float, asset_class: str, fractional: bool, reason: str
) -> None:
    assert ALPACA.check_short(equity, asset_class, fractional=fractional) == reason


def test_the_venues_differ_in_facts_that_reports_print() -> None:
    assert (ALPACA.maintenance_margin, IDEAL.maintenance_margin) == (0.30, 0.25)
    assert ALPACA.least_notional("us_equity") == 1.0
    assert ALPACA.least_notional("crypto") == 10.0
    assert IDEAL.least_notional("us_equity") == 0.0
    assert ALPACA.allows_fractions("crypto")
    assert not ALPACA.allows_fractions("us_option")
    assert ALPACA.ticks("crypto") == (0, 0)


def test_rules_are_one_value() -> None:
    assert venue_rules("alpaca") is VENUES["alpaca"]
    assert len({hash(rules) for rules in VENUES.values()}) == len(VENUES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        ALPACA.min_notional = 0.0  # pyright: ignore[reportAttributeAccessIssue]


def test_an_unknown_venue_is_refused() -> None:
    with pytest.raises(ConfigError, match="venue must be one of alpaca, ideal, was 'nyse'"):
        venue_rules("nyse")


def test_coins_trade_round_the_clock() -> None:
    assert asset_class_of("24/7") == "crypto"
    assert asset_class_of("XNYS") == "us_equity"


@pytest.mark.parametrize(
    ("price", "direction", "expected"),
    [
        (10_123_456, -1, 10_120_000),
        (10_123_456, 1, 10_130_000),
        (10_120_000, 1, 10_120_000),
        (999_950, 1, 1_000_000),
        (999_950, -1, 999_900),
        (1_000_000, -1, 1_000_000),
        (50, -1, 0),
        (50, 1, 100),
    ],
)
def test_prices_lie_on_cents_from_one_dollar_and_on_hundredths_below(
    price: int, direction: int, expected: int
) -> None:
    assert both_ways(to_tick, price, direction, *ALPACA.ticks("us_equity")) == expected


@given(price=st.integers(0, 10**15), direction=st.sampled_from([-1, 1]))
def test_a_tick_is_the_nearest_in_its_direction(price: int, direction: int) -> None:
    coarse, fine = ALPACA.ticks("us_equity")
    found = both_ways(to_tick, price, direction, coarse, fine)
    tick = coarse if price >= 1_000_000 else fine
    assert found % tick == 0
    assert 0 <= (found - price) * direction < tick
    assert both_ways(to_tick, found, direction, coarse, fine) == found


@given(price=st.integers(0, 10**15), direction=st.sampled_from([-1, 1]))
def test_without_ticks_a_price_stays(price: int, direction: int) -> None:
    assert both_ways(to_tick, price, direction, 0, 0) == price


@given(price=st.integers(1, 10**15))
@example(price=49_999_999)
@example(price=50_000_000)
def test_a_triggered_buy_stop_pays_at_most_its_collar(price: int) -> None:
    times = Decimal("1.04") if price < 50_000_000 else Decimal("1.025")
    exact = (price * times).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert both_ways(collared, price, *ALPACA.collar_rates) == exact
    assert both_ways(collared, price, *IDEAL.collar_rates) == price
