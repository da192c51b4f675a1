"""Every way of the table of states, gone by an order at a running venue.

What comes naturally comes naturally: sessions, prices, cancellations, replacements, faults.
The rest is done as the venue's own people do it. After every step REST and the library's
stream of trade updates must show the same orders; what was gone is read from the stream.
"""

from collections.abc import Callable, Iterable
from typing import Any

from tests.fakes.venue_world import Trader, Updates, go, in_session, library, loss, target

from fanfold.venue.trading.states import EVENT_STATUSES, LATE_FILLS, PREVIOUS, TRANSITIONS

MINUTE = 60
FAR = {"limit_price": 50}
LOW = {"limit_price": 98.5}  # met two minutes after 09:32, or within eight anyhow
WAVE_S = 8 * MINUTE


class Story:
    """An account whose orders live, and the stream that tells of them."""

    def __init__(self, trader: Trader, updates: Updates) -> None:
        self.trader = trader
        self.updates = updates
        self.account = str(trader.account.id)

    def limit(self, **fields: Any) -> Any:
        return self.then(lambda: self.trader.submit("limit", **{**FAR, **fields}))

    def then(self, work: Callable[[], Any]) -> Any:
        """Do a step; REST and the stream agree after it."""
        done = work()
        self.updates.agree()
        return done

    def act(self, order: Any, *events: str) -> None:
        for event in events:
            self.then(lambda event=event: self.trader.act(order, event))

    def cancel(self, order: Any) -> None:
        self.then(lambda: self.trader.client.cancel_order_by_id(order.id))

    def replace(self, order: Any, **fields: Any) -> Any:
        wanted = library("alpaca.trading.requests").ReplaceOrderRequest(
            **(fields or {"limit_price": 51})
        )
        return self.then(lambda: self.trader.client.replace_order_by_id(order.id, wanted))

    def advance(self, seconds: float) -> None:
        self.then(lambda: self.trader.venue.advance(seconds))

    def fault(self, kind: str, **fields: Any) -> None:
        self.trader.venue.control("faults", {"kind": kind, "account": self.account, **fields})

    def no_faults(self) -> None:
        self.trader.venue.control("faults", method="DELETE")

    def status(self, order: Any) -> str:
        return self.trader.status(order)


def waiting_for_the_session(story: Story) -> None:
    """Orders before the open."""
    for event in ("pending_new", "new", "canceled", "rejected", "expired", "fill", "partial_fill"):
        story.act(story.limit(), event)
    for way in (
        "accepted_for_bidding new",
        "accepted_for_bidding canceled",
        "accepted_for_bidding expired",
        "accepted_for_bidding rejected",
        "pending_review accepted",
        "pending_review new",
        "pending_review canceled",
        "pending_review rejected",
    ):
        story.act(story.limit(), *way.split())
    story.cancel(story.limit())
    story.fault("cancel_rejected")
    story.cancel(story.limit())
    story.no_faults()
    begun, done = story.limit(), story.limit(time_in_force="gtc")
    story.act(done, "new", "done_for_day")
    story.then(lambda: in_session(story.trader.venue))
    assert (story.status(begun), story.status(done)) == ("new", "new")
    story.then(story.trader.client.cancel_orders)


def acceptance(story: Story) -> None:
    """Orders whose acceptance takes its time."""
    story.fault("slow_acceptance", delay_s=MINUTE)
    begun = story.limit()
    for event in ("rejected", "fill", "partial_fill", "canceled"):
        story.act(story.limit(), event)
    story.cancel(story.limit())
    story.fault("cancel_rejected")
    story.cancel(story.limit())
    story.advance(MINUTE)
    assert story.status(begun) == "new"
    story.no_faults()
    story.then(story.trader.client.cancel_orders)


def working(story: Story) -> None:
    """Orders in the book, and what their venue does to them."""
    for way in (
        "rejected",
        "canceled",
        "replaced",
        "partial_fill replaced",
        "partial_fill canceled",
        "partial_fill done_for_day canceled",
        "done_for_day new",
        "done_for_day expired",
        "done_for_day calculated new",
        "done_for_day calculated canceled",
        "done_for_day calculated expired",
        "suspended new",
        "suspended canceled",
        "suspended expired",
    ):
        story.act(story.limit(), *way.split())
    story.then(lambda: story.trader.client.close_all_positions(cancel_orders=True))


def prices(story: Story) -> None:
    """Orders that prices meet, wholly and in part."""
    stopped, parted = story.limit(), story.limit()
    story.act(stopped, "stopped", "fill")
    story.act(parted, "stopped", "partial_fill")
    story.fault("partial_fill", fraction=0.4, count=2)
    order = story.limit(**LOW)
    story.advance(WAVE_S)
    assert story.status(order) == "filled"
    assert story.updates.events(order)[-3:] == ["partial_fill", "partial_fill", "fill"]


def cancellations(story: Story) -> None:
    """Cancellations that take their time, while prices go on."""
    story.fault("slow_cancel", delay_s=2 * WAVE_S)
    filled, parted = story.limit(**LOW), story.limit(**LOW)
    back, ended = story.limit(), story.limit()
    story.act(back, "partial_fill")
    for order in (filled, parted, back, ended):
        story.cancel(order)
        assert story.status(order) == "pending_cancel"
    story.act(parted, "partial_fill")
    assert story.updates.events(parted)[-2:] == ["partial_fill", "pending_cancel"]
    story.act(back, "order_cancel_rejected")
    new = story.limit()
    story.cancel(new)
    story.act(new, "order_cancel_rejected")
    story.advance(WAVE_S)
    assert story.status(filled) == "filled"
    assert story.updates.events(filled)[-2:] == ["fill", "order_cancel_rejected"]
    story.advance(WAVE_S)
    assert story.status(ended) == "canceled"
    story.no_faults()
    story.then(story.trader.client.cancel_orders)


def late_fills(story: Story) -> None:
    """Fills that come after their order's cancellation."""
    for fraction in (None, 0.4):
        story.no_faults()
        story.fault("late_fill_after_cancel")
        if fraction:
            story.fault("partial_fill", fraction=fraction)
        story.cancel(story.limit())
    story.no_faults()


def replacements(story: Story) -> None:
    """Replacements that take their time, while prices go on."""
    story.fault("slow_replace", delay_s=2 * WAVE_S)
    filled, parted, back = story.limit(**LOW), story.limit(**LOW), story.limit()
    half = story.limit()
    story.act(half, "partial_fill")
    successors = [story.replace(one) for one in (filled, parted, back, half)]
    assert [story.status(one) for one in successors] == ["pending_new"] * 4
    story.act(parted, "partial_fill")
    story.act(back, "order_replace_rejected")
    story.act(half, "order_replace_rejected")
    kept = story.limit()
    follower = story.replace(kept)
    story.advance(WAVE_S)
    # The race is lost: the order filled first, and its successor is rejected.
    assert (story.status(filled), story.status(successors[0])) == ("filled", "rejected")
    assert story.updates.events(filled)[-2:] == ["fill", "order_replace_rejected"]
    story.advance(WAVE_S)
    assert (story.status(kept), story.status(follower)) == ("replaced", "new")
    story.no_faults()
    story.then(story.trader.client.cancel_orders)


def groups(story: Story) -> None:
    """Legs that are held, begin, are restated, and end with their group."""
    exits = {"take_profit": target(101.5), "stop_loss": loss(80)}
    entry = story.limit(order_class="bracket", take_profit=target(60), stop_loss=loss(40))
    story.cancel(entry)
    entry = story.then(lambda: story.trader.submit(order_class="bracket", **exits))
    legs = {leg.type.value: leg for leg in story.trader.order(entry).legs}
    story.act(legs["limit"], "partial_fill")
    assert story.updates.events(legs["stop"])[-1] == "restated"
    assert story.trader.order(legs["stop"]).qty == "5"
    story.cancel(legs["stop"])
    story.then(lambda: story.trader.client.close_all_positions(cancel_orders=True))


def the_close(story: Story) -> None:
    """Orders for the day at its end."""
    entry = story.limit(order_class="bracket", take_profit=target(130), stop_loss=loss(40), **FAR)
    parted = story.limit()
    story.act(parted, "partial_fill")
    story.fault("slow_cancel", delay_s=86_400)
    pending = story.limit()
    story.cancel(pending)
    story.then(lambda: go(story.trader.venue, "17:00"))
    for order in (entry, parted, pending):
        assert story.status(order) == "expired"
    story.no_faults()


STORIES = (
    acceptance,
    working,
    prices,
    cancellations,
    late_fills,
    replacements,
    groups,
    the_close,
)


def gone(updates: Iterable[Any]) -> set[tuple[str, str]]:
    """The ways that orders have gone."""
    status: dict[Any, str] = {}
    ways: set[tuple[str, str]] = set()
    for update in updates:
        before, after = status.get(update.order.id, ""), update.order.status.value
        if before != after or after == "partially_filled":
            ways.add((before, after))
        status[update.order.id] = after
    return ways


def table() -> set[tuple[str, str]]:
    """The ways that there are; back from a pending change to each status before it."""
    ways = {(old, new) for old, news in TRANSITIONS.items() for new in news if new != PREVIOUS}
    for pending in (old for old, news in TRANSITIONS.items() if PREVIOUS in news):
        ways |= {(pending, old) for old, news in TRANSITIONS.items() if old and pending in news}
    return ways | {("canceled", late) for late in LATE_FILLS}


def test_every_transition_is_reached_and_told_alike_by_rest_and_stream(
    at_any_time: Trader,
) -> None:
    go(at_any_time.venue, "08:00")
    with Updates(at_any_time) as updates:
        story = Story(at_any_time, updates)
        waiting_for_the_session(story)
        for tell in STORIES:
            in_session(story.trader.venue)
            tell(story)
    ways = gone(updates.seen)
    assert ways >= table(), sorted(table() - ways)
    assert ways <= table(), sorted(ways - table())
    _all_are_models(updates.seen)


def _all_are_models(seen: list[Any]) -> None:
    """The library takes every event, as a plain text; it has names of its own for some."""
    assert {one.event for one in seen} == set(EVENT_STATUSES)
    own = {event.value for event in library("alpaca.trading.enums").TradeEvent}
    assert own < set(EVENT_STATUSES)
    for update in seen:
        assert EVENT_STATUSES[update.event] in {None, update.order.status.value}
        if update.event in {"fill", "partial_fill"}:
            assert update.execution_id is not None
            assert None not in {update.qty, update.price, update.position_qty}
