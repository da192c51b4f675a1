"""Orders that close positions."""

from decimal import Decimal

import pytest
from tests.fakes.venue_bodies import HELD, OCO, placed
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake


def test_closing_takes_all_or_a_part_at_market() -> None:
    desk = make_desk(positions={**HELD, "MSFT": (-3, -1_200)})
    for symbol, qty, percentage, wanted in (
        ("AAPL", None, None, 10),
        ("AAPL", Decimal("2.5"), None, Decimal("2.5")),
        ("AAPL", None, Decimal("33.3"), Decimal("3.33")),
        ("MSFT", None, Decimal(50), 1),  # no part of a unit is short
        ("BTCUSD", None, Decimal(10), Decimal("0.05")),
    ):
        answer = intake.closing(desk, ACCOUNT, symbol, qty, percentage)
        assert not isinstance(answer, Refusal)
        (order,) = answer
        assert (order.kind, order.qty, order.reserved) == ("market", wanted, 0)
        assert order.time_in_force == ("gtc" if symbol == "BTCUSD" else "day")
        assert order.side == ("buy" if symbol == "MSFT" else "sell")


@pytest.mark.parametrize(
    ("symbol", "qty", "percentage", "code", "message"),
    [
        ("MSFT", None, None, 40410000, "position does not exist"),
        ("XYZ", None, None, 40410000, "symbol not found: XYZ"),
        ("AAPL", "1", "1", 40010001, "only one of qty or percentage is accepted"),
        ("AAPL", "0", None, 40010001, "qty must be > 0"),
        ("AAPL", "NaN", None, 40010001, "qty must be > 0"),
        ("AAPL", None, "101", 40010001, "percentage must be between 0 and 100"),
        (
            "AAPL",
            None,
            "0.0000000001",
            40010001,
            "percentage must be limited to 9 decimal places",
        ),
        (
            "AAPL",
            "11",
            None,
            40310000,
            "insufficient qty available for order (requested: 11, available: 10)",
        ),
    ],
)
def test_a_closing_that_cannot_be_is_refused(
    symbol: str, qty: str | None, percentage: str | None, code: int, message: str
) -> None:
    desk = make_desk(positions=HELD)
    numbers = [None if text is None else Decimal(text) for text in (qty, percentage)]
    answer = intake.closing(desk, ACCOUNT, symbol, *numbers)
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.message) == (code, message)


def test_units_that_an_open_exit_holds_are_not_closed() -> None:
    desk = make_desk(positions=HELD)
    placed(desk, OCO | {"qty": 10})
    answer = intake.closing(desk, ACCOUNT, "AAPL", None, None)
    assert isinstance(answer, Refusal)
    assert answer.context["held_for_orders"] == "10"  # once, though both exits are for them
