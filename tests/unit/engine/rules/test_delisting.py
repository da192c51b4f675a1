"""An asset that is no longer listed is paid out at its last close and its return."""

from decimal import Decimal

from tests.fakes.decisions import scripted
from tests.unit.engine.rules.conftest import ABSENT, Ran, fills, flat, market, orders, terms_for

from fanfold.engine.backtest import run_backtest
from fanfold.execution.costs import Costs

CALM = flat(10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
GONE = [CALM, CALM, flat(8.0), ABSENT, ABSENT, ABSENT]
STAYS = [CALM] * 6


def test_what_is_held_is_paid_out_at_the_last_close_and_the_return(run: Ran) -> None:
    bars = market(GONE, STAYS, delisted={(3, 0): -0.5})
    result = run(bars, {0: [LONG, FLAT]}, costs=Costs(commission_per_trade=1.0))
    assert fills(result, "fee", "order_id") == [
        (1, "buy", 100.0, 10.0, 1.0, "A-0-open"),
        (3, "sell", 100.0, 4.0, 0.0, "A-3-delisting"),
    ]
    assert orders(result, "role", "status", "reason")[-1] == ("delisting", "filled", "delisted")
    assert result.final_cash == Decimal(10_000 - 1_000 - 1 + 400)
    assert result.equity.tolist()[2:4] == [9_799.0, 9_399.0]


def test_a_delisting_without_a_return_pays_the_last_close(run: Ran) -> None:
    result = run(market(GONE, STAYS, delisted={(3, 0): 0.0}), {0: [LONG, FLAT]})
    assert fills(result)[1:] == [(3, "sell", 100.0, 8.0)]


def test_a_total_loss_is_one(run: Ran) -> None:
    result = run(market(GONE, STAYS, delisted={(3, 0): -1.0}), {0: [LONG, FLAT]})
    assert result.final_cash == 9_000


def test_a_short_gains_by_it(run: Ran) -> None:
    result = run(market(GONE, STAYS, delisted={(3, 0): -0.5}), {0: [SHORT, FLAT]})
    assert fills(result)[1:] == [(3, "buy", 100.0, 4.0)]
    assert result.final_cash == 10_600


def test_a_day_between_two_sessions_is_that_of_the_next(run: Ran) -> None:
    bars = market(GONE, STAYS, days=[0, 1, 2, 6, 7, 8], delisted={(4, 0): -0.5})
    assert fills(run(bars, {0: [LONG, FLAT]}))[1:] == [(3, "sell", 100.0, 4.0)]


def test_orders_that_still_work_are_cancelled(run: Ran) -> None:
    bars = market(GONE, STAYS, delisted={(3, 0): 0.0})
    result = run(bars, {0: [LONG | {"limit": 5.0}, FLAT]})
    assert orders(result, "status", "reason")[0] == ("cancelled", "delisted")
    assert len(result.fills) == 0


def test_a_later_target_is_refused_by_name_once() -> None:
    # Wishes from columns reach an asset only while it trades, these reach it always.
    bars = market(GONE, STAYS, delisted={(3, 0): 0.0})
    result = run_backtest(scripted([0, 0], [0, 0], [0, 0], [0, 0], [1, 0]), bars, terms_for({}))
    assert orders(result, "order_id", "status", "reason") == [("A-4-open", "refused", "delisted")]
    assert len(result.fills) == 0


def test_the_target_that_stands_is_refused_by_name_once(run: Ran) -> None:
    bars = market(GONE, STAYS, delisted={(3, 0): 0.0})
    result = run(bars, {0: [LONG, FLAT]})
    refused = [each for each in orders(result, "order_id", "status") if each[1] == "refused"]
    assert refused == [("A-3-open", "refused")]


def test_the_target_that_stands_is_not_traded_again(run: Ran) -> None:
    bars = market(GONE, STAYS, delisted={(3, 0): 0.0})
    result = run(bars, {0: [LONG, FLAT], 4: [FLAT, LONG]})
    assert [each[-1] for each in fills(result, "symbol")] == ["A", "A", "B"]


def test_a_report_says_so(run: Ran) -> None:
    bars = market(GONE, STAYS, delisted={(3, 0): -0.5})
    result = run(bars, {0: [LONG, FLAT]})
    assert result.findings == ["A was delisted on 2022-01-12; what was held was paid out at 4"]
    assert result.stale_equity == 0.0


def test_absent_for_too_long_without_a_reason_is_a_finding(run: Ran) -> None:
    bars = market(GONE, STAYS)
    result = run(bars, {0: [LONG, FLAT]}, options={"stale_sessions": 2})
    assert result.findings == [
        "A has had no bar for 3 sessions, since 2022-01-11, without a reason; its value is "
        "counted at the last close"
    ]
    assert result.stale_equity == 800.0
    assert result.equity.tolist()[-1] == 9_800.0
    patient = run(bars, {0: [LONG, FLAT]}, options={"stale_sessions": 3})
    assert patient.findings == []
    assert patient.stale_equity == 0.0


def test_what_is_not_held_is_no_finding(run: Ran) -> None:
    result = run(market(GONE, STAYS), {0: [FLAT, LONG]}, options={"stale_sessions": 2})
    assert result.findings == []


def test_stale_units_count_later_splits(run: Ran) -> None:
    rows = [flat(30.0), flat(30.0), flat(10.0), ABSENT, ABSENT, ABSENT]
    bars = market(rows, STAYS, splits={(2, 0): 3.0})
    result = run(bars, {0: [LONG, FLAT]}, options={"stale_sessions": 1})
    assert result.stale_equity == 3_000.0


def test_a_stale_position_is_marked_at_its_last_close_and_its_target_held(run: Ran) -> None:
    rows = [CALM, CALM, flat(8.0), ABSENT, ABSENT, flat(9.0)]
    result = run(market(rows, STAYS), {0: [LONG, FLAT]})
    assert result.equity.tolist() == [10_000.0, 10_000.0, 9_800.0, 9_800.0, 9_800.0, 9_900.0]
    assert len(result.orders) == 1
