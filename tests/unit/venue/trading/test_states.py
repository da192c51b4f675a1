"""The table of states."""

import pytest
from tests.fakes.venue_desk import make_desk
from tests.fakes.venue_orders import an_order

from fanfold.venue.trading import states
from fanfold.venue.trading.values import CLOSED_STATUSES, OPEN_STATUSES

BROKERS_TABLE = """
 : accepted pending_new held
accepted: pending_new new pending_cancel canceled rejected expired filled partially_filled
pending_new: new rejected partially_filled filled pending_cancel canceled
held: new canceled expired
new: partially_filled filled pending_cancel pending_replace canceled expired replaced \
done_for_day stopped suspended rejected
partially_filled: partially_filled filled pending_cancel pending_replace canceled expired \
replaced done_for_day
pending_cancel: canceled partially_filled filled expired
pending_replace: replaced partially_filled filled
done_for_day: new calculated canceled expired
suspended: new canceled expired
stopped: partially_filled filled
filled:
canceled:
expired:
replaced:
rejected:
"""


@pytest.mark.parametrize("row", BROKERS_TABLE.strip("\n").splitlines())
def test_the_table_has_the_brokers_ways_and_beside_them_only_those_of_rare_states(
    row: str,
) -> None:
    old, _, ways = row.partition(":")
    rare = {"accepted_for_bidding", "pending_review", states.PREVIOUS}
    assert states.TRANSITIONS[old.strip()] - rare == set(ways.split())


def test_every_status_has_a_row_and_can_be_come_to() -> None:
    ways = set().union(*states.TRANSITIONS.values())
    assert set(states.TRANSITIONS) == OPEN_STATUSES | CLOSED_STATUSES | {states.SUBMIT}
    assert ways == OPEN_STATUSES | CLOSED_STATUSES | {states.PREVIOUS}


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES))
def test_every_open_status_leads_to_an_end(status: str) -> None:
    seen, ahead = set[str](), {status}
    while ahead:
        seen |= ahead
        ahead = set().union(*(states.TRANSITIONS.get(one, ()) for one in ahead)) - seen
    assert seen & CLOSED_STATUSES


def test_a_pending_change_leads_back_only_to_the_status_before() -> None:
    assert states.may("pending_cancel", "new", before="new")
    assert not states.may("pending_cancel", "new", before="partially_filled")
    assert not states.may("pending_cancel", "new")
    assert not states.may("new", "accepted", before="accepted")


def test_a_status_that_nobody_knows_leads_nowhere() -> None:
    assert not states.may("asleep", "new")


def test_clients_cancel_and_replace_where_the_broker_allows_it() -> None:
    assert not states.CANCELABLE & (
        CLOSED_STATUSES | {"pending_cancel", "pending_replace", "stopped"}
    )
    assert {"accepted", "pending_new", "held", "new", "suspended"} <= states.CANCELABLE
    assert {"new", "partially_filled"} == states.REPLACEABLE
    assert {"accepted", "pending_new", "new", "partially_filled"} == states.PENDING_CANCELABLE


@pytest.mark.parametrize(
    ("status", "before"),
    [
        ("new", ""),
        ("partially_filled", ""),
        ("stopped", ""),
        ("pending_cancel", "new"),
        ("pending_replace", "partially_filled"),
    ],
)
def test_an_order_meets_prices_while_it_is_in_the_book(status: str, before: str) -> None:
    assert states.works(an_order(make_desk(), status=status, before=before))


@pytest.mark.parametrize(
    ("status", "before"),
    [
        ("pending_cancel", "accepted"),
        ("pending_cancel", "pending_new"),
        ("suspended", "new"),
        ("held", ""),
        ("accepted", ""),
        ("done_for_day", ""),
        ("canceled", ""),
    ],
)
def test_an_order_meets_no_price_otherwise(status: str, before: str) -> None:
    assert not states.works(an_order(make_desk(), status=status, before=before))


def test_an_event_is_named_as_its_status_except_fills_and_rejected_changes() -> None:
    named = {event: status for event, status in states.EVENT_STATUSES.items() if event == status}
    assert set(named) == (OPEN_STATUSES | CLOSED_STATUSES) - {"filled", "partially_filled"}
    assert states.EVENT_STATUSES["fill"] == "filled"
    assert states.EVENT_STATUSES["partial_fill"] == "partially_filled"
    assert states.EVENT_STATUSES["order_cancel_rejected"] is None
