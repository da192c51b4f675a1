"""Configurations of accounts as clients send them: whole, nulls included."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake
from fanfold.venue.trading.values import Account

NAMES = [
    "fractional_trading", "max_margin_multiplier", "no_shorting", "suspend_trade",
    "trade_confirm_email", "ptp_no_exception_entry", "max_options_trading_level",
    "disable_overnight_trading",
]  # fmt: skip


def test_a_null_leaves_as_it_is() -> None:
    desk = make_desk(no_shorting=True)
    whole = {
        "dtbp_check": None,
        "fractional_trading": False,
        "max_margin_multiplier": "2",
        "no_shorting": None,
        "pdt_check": None,
        "suspend_trade": True,
        "trade_confirm_email": "none",
        "ptp_no_exception_entry": None,
        "max_options_trading_level": 2,
    }
    account = intake.configured(desk, ACCOUNT, whole)
    assert isinstance(account, Account)
    assert (account.no_shorting, account.suspend_trade, account.fractional_trading) == (
        True,
        True,
        False,
    )
    assert (account.max_margin_multiplier, account.trade_confirm_email) == ("2", "none")
    assert account.max_options_trading_level == 2
    assert desk.book.account(ACCOUNT) != account  # the exchange puts it there


@pytest.mark.parametrize("raw", ["1", 2, 4.0])
def test_a_multiplier_comes_as_a_text_or_as_a_number(raw: Any) -> None:
    account = intake.configured(make_desk(), ACCOUNT, {"max_margin_multiplier": raw})
    assert isinstance(account, Account)
    assert account.max_margin_multiplier in {"1", "2", "4"}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("max_margin_multiplier", "3"),
        ("max_margin_multiplier", True),
        ("no_shorting", "true"),
        ("suspend_trade", 1),
        ("trade_confirm_email", "some"),
        ("max_options_trading_level", 4),
        ("max_options_trading_level", "2"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(name: str, raw: Any) -> None:
    answer = intake.configured(make_desk(), ACCOUNT, {name: raw})
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.code, answer.message) == (422, 40010001, f"invalid {name}")


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = LEAVES | st.lists(LEAVES, max_size=2) | st.dictionaries(st.just("qty"), LEAVES)


@given(body=JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_any_body_is_an_account_or_a_refusal(body: Any) -> None:
    answer = intake.configured(make_desk(), ACCOUNT, body)
    if isinstance(answer, Refusal):
        assert answer.status == 422
