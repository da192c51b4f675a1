"""Plan and protection against a strict broker, with everything going wrong that can."""

import math

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.fakes.tiny_broker import Ticket, TinyBroker

from fanfold.alpaca.wire.orders import TradeUpdateMessage
from fanfold.execution.venue_rules import VENUES
from fanfold.live.execution.actions import (
    Action,
    AssetRules,
    Cancel,
    Place,
    Replace,
    order_of,
    successor_of,
)
from fanfold.live.execution.orders import apply_trade_update, apply_update, happened, legs_of
from fanfold.live.execution.protection import next_actions
from fanfold.live.execution.records import PROTECTIVE, Change, Order
from fanfold.live.execution.states import Event, State, is_terminal
from fanfold.live.messages import ApprovedOrder

PRICE = 100_000_000
NAN = math.nan
LEVELS = st.sampled_from([(NAN, NAN), (90.0, NAN), (91.0, NAN), (90.0, 110.0), (NAN, 110.0),
                          (92.0, 111.0)])  # fmt: skip
SHORT_LEVELS = {90.0: 110.0, 91.0: 109.0, 92.0: 108.0, 110.0: 90.0, 111.0: 89.0}
ASSETS = {
    "whole": ("us_equity", 1, (10_000, 100), True),
    "parts": ("us_equity", 10, (10_000, 100), True),
    "coin": ("crypto", 10, (0, 0), False),
}


def text(price: float) -> str | None:
    return None if math.isnan(price) else str(price)


class Trading(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.mail: list[TradeUpdateMessage] = []
        self.read = 0
        self.orders: dict[str, Order] = {}
        self.names = 0
        self.held = 0
        self.spent = False
        self.goals = [0]

    @initialize(kind=st.sampled_from(sorted(ASSETS)))
    def begin(self, kind: str) -> None:
        asset_class, parts, ticks, shortable = ASSETS[kind]
        self.rules = AssetRules(
            asset=0, asset_class=asset_class, parts=parts, ticks=ticks, shortable=shortable,
            venue=VENUES["alpaca"], protect=True,
        )  # fmt: skip
        self.broker = TinyBroker(parts)
        self.approved = self._approval(0, 0, NAN, (NAN, NAN))

    def _approval(
        self, number: int, goal: int, limit: float, levels: tuple[float, float]
    ) -> ApprovedOrder:
        loss, target = levels
        if goal < 0:
            loss, target = SHORT_LEVELS.get(loss, NAN), SHORT_LEVELS.get(target, NAN)
        return ApprovedOrder(
            number=number, event_ts=number, asset=0, goal=goal, most=abs(goal - self.held),
            limit=limit, stop=NAN, stop_loss=loss, take_profit=target, reference=100.0,
            reduce_only=False, approved_at=0, epoch=1,
        )  # fmt: skip

    # What the world does.

    @rule(
        goal=st.integers(-6, 6),
        part=st.integers(0, 9),
        limit=st.sampled_from([NAN, NAN, 99.0, 101.0]),
        levels=LEVELS,
    )
    def approve(self, goal: int, part: int, limit: float, levels: tuple[float, float]) -> None:
        lots = goal * self.rules.parts
        if goal > 0 and self.rules.parts > 1:
            lots += part
        lots = lots if self.rules.shortable else max(lots, 0)
        self.goals.append(lots)
        self.spent = False
        self.approved = self._approval(self.approved.number + 1, lots, limit, levels)
        self.act("good")

    @rule(fate=st.sampled_from(["good", "good", "good", "silent", "never", "reject", "late"]))
    def act(self, fate: str) -> None:
        """Do what is planned, and let it meet a fate at the broker."""
        for action in self._planned():
            self._send(action, fate)

    @precondition(lambda self: self.broker.open())
    @rule(place=st.integers(0, 20), lots=st.integers(1, 60))
    def fill(self, place: int, lots: int) -> None:
        ticket = self._pick(place)
        self.broker.accept(ticket)
        self.broker.fill(ticket, lots, PRICE)

    @precondition(lambda self: self.broker.open())
    @rule(
        place=st.integers(0, 20),
        what=st.sampled_from(["accept", "accept", "settle", "settle", "undo", "expire", "reject"]),
    )
    def happen(self, place: int, what: str) -> None:
        ticket = self._pick(place)
        if what in {"settle", "undo"}:
            self.broker.settle(ticket, does_it=what == "settle")
        else:
            getattr(self.broker, what)(ticket)

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Messages arrive: some, twice, in any order, or never."""
        self._collect()
        if not self.mail:
            return
        count = data.draw(st.integers(1, len(self.mail)))
        arrived = data.draw(st.permutations(self.mail[:count]))
        loses = data.draw(st.booleans())
        self.mail = self.mail[count:]
        for message in arrived[1:] if loses else [*arrived, arrived[0]]:
            self._take(message)

    @rule(place=st.integers(0, 20))
    def ask(self, place: int) -> None:
        """Ask the broker for one order, as after a time-out."""
        live = [order for order in self.orders.values() if not is_terminal(order.state)]
        if live:
            self._ask(live[place % len(live)])

    @rule()
    def rest(self) -> None:
        """Nothing goes wrong any more: the goal is reached, exactly."""
        number = self.approved.number + 1
        self._settle()
        self.approved = self._approval(
            number, self.approved.goal, NAN, (self.approved.stop_loss, self.approved.take_profit)
        )
        if self.approved.goal < 0:  # the levels are a short position's already
            old = self.approved
            levels = SHORT_LEVELS.get(old.stop_loss, NAN), SHORT_LEVELS.get(old.take_profit, NAN)
            self.approved = self._approval(number, old.goal, NAN, levels)
        self.spent = False
        for _ in range(40):
            actions = self._planned()
            for action in actions:
                self._send(action, "good")
            self._settle()
            for ticket in self.broker.open():
                if ticket.role not in PROTECTIVE:
                    self.broker.fill(ticket, ticket.lots, PRICE)
            self._settle()
            if not self._planned() and not self._working():
                break
        else:
            raise AssertionError("the plan never comes to rest")
        assert self.broker.position == self.held
        missing = abs(self.approved.goal - self.held)
        # A part of a short position may fill, but parts are not sold short again.
        assert missing == 0 or (self.approved.goal < 0 and missing < self.rules.parts)
        self._check_protection()

    # What must always hold.

    @invariant()
    def never_beyond_any_goal(self) -> None:
        if hasattr(self, "broker"):
            assert min(self.goals) <= self.broker.position <= max(self.goals)

    @invariant()
    def planning_twice_gives_the_same(self) -> None:
        if hasattr(self, "broker"):
            assert self._planned() == self._planned()

    # The client.

    def _planned(self) -> list[Action]:
        return next_actions(
            self.rules, self.approved, self.held, self._relevant(), may_increase=not self.spent
        )

    def _relevant(self) -> list[Order]:
        number = self.approved.number
        return [o for o in self.orders.values() if not is_terminal(o.state) or o.number == number]

    def _working(self) -> list[Ticket]:
        return [ticket for ticket in self.broker.open() if ticket.role not in PROTECTIVE]

    def _pick(self, place: int) -> Ticket:
        found = self.broker.open()
        return found[place % len(found)]

    def _keep(self, change: Change) -> None:
        self.orders[change.order.client_order_id] = change.order
        for execution in change.executions:
            self.held += execution.lots
            self.spent |= execution.lots != 0 and execution.role in PROTECTIVE

    def _collect(self) -> None:
        self.mail += self.broker.told[self.read :]
        self.read = len(self.broker.told)

    def _take(self, message: TradeUpdateMessage) -> None:
        order = self.orders.get(message.order.client_order_id)
        if order is None:
            return  # a leg that nobody knows of yet
        self._keep(apply_trade_update(order, message))
        self._learn(message.order.client_order_id)

    def _learn(self, name: str) -> None:
        """Legs come with their entry's answer or question."""
        ticket, order = self.broker.tickets[name], self.orders[name]
        if ticket.legs and not order.replaces:
            for leg in legs_of(order, self.broker.snapshot(ticket)):
                if leg.order.client_order_id not in self.orders:
                    self._keep(leg)

    def _ask(self, order: Order) -> None:
        ticket = self.broker.tickets.get(order.client_order_id)
        if ticket is not None:
            self._keep(apply_update(order, self.broker.snapshot(ticket), is_fresh=True))
            self._learn(ticket.name)
        elif order.state is State.UNKNOWN:
            self._keep(happened(order, Event.NOT_FOUND))

    def _settle(self) -> None:
        """All that is pending happens, all that was lost is asked for."""
        for _ in range(3):
            for ticket in self.broker.open():
                self.broker.accept(ticket)
                self.broker.settle(ticket, does_it=True)
        self._collect()
        for message in self.mail:
            self._take(message)
        self.mail = []
        for order in list(self.orders.values()):
            self._ask(order)

    def _send(self, action: Action, fate: str) -> None:
        if isinstance(action, Cancel):
            self._cancel(action, fate)
            return
        self.names += 1
        name = f"o{self.names}"
        if isinstance(action, Replace):
            order = successor_of(self.orders[action.client_order_id], action, name, 0, 1)
        else:
            self._check_place(action)
            order = order_of(action, name, 0, 1)
        order = happened(order, Event.SENT).order
        self._keep(Change(order))
        if isinstance(action, Replace):
            old = self.orders[action.client_order_id]
            self._keep(happened(old, Event.REPLACE_SENT))
        if fate == "reject":
            self._refuse(order, action)
        elif fate == "never":
            self._keep(happened(order, Event.AMBIGUOUS))
        else:
            self._arrive(order, action, fate)

    def _refuse(self, order: Order, action: Action) -> None:
        self._keep(happened(order, Event.REFUSED))
        if isinstance(action, Replace):
            old = self.orders[action.client_order_id]
            self._keep(happened(old, Event.REPLACE_REJECTED))

    def _arrive(self, order: Order, action: Place | Replace, fate: str) -> None:
        ticket = Ticket(
            order.client_order_id, order.side, order.lots, order.type, text(order.limit),
            text(order.stop), order.role, order.order_class,
        )  # fmt: skip
        if isinstance(action, Replace):
            if not self.broker.replace(action.client_order_id, ticket):
                self._refuse(order, action)
                return
        else:
            self.broker.submit(ticket, text(action.stop_loss), text(action.take_profit))
        if fate == "silent":
            self._keep(happened(order, Event.AMBIGUOUS))
        elif fate == "good":
            self._keep(apply_update(order, self.broker.snapshot(ticket)))
            self._learn(ticket.name)

    def _cancel(self, action: Cancel, fate: str) -> None:
        order = self.orders[action.client_order_id]
        assert order.state is not State.INTENDED, "everything is sent at once here"
        self._keep(happened(order, Event.CANCEL_SENT))
        ticket = self.broker.tickets[order.client_order_id]
        if fate in {"never", "reject"}:
            return  # a question finds out
        if not self.broker.cancel(ticket):
            self._keep(happened(self.orders[order.client_order_id], Event.CANCEL_REJECTED))

    def _check_place(self, place: Place) -> None:
        """Whatever becomes of what is open, this order leads not beyond the goal."""
        open_ = [o for o in self.broker.open() if o.role not in PROTECTIVE]
        same = sum(o.left for o in open_ if o.side == place.side)
        if place.role == "entry":
            reached = self.broker.position + place.side * (same + place.lots)
            assert abs(reached) <= abs(self.approved.goal)
            assert place.lots <= self.approved.most
        else:
            assert same + place.lots <= abs(self.broker.position)

    def _check_protection(self) -> None:
        resting = [o for o in self.orders.values() if not is_terminal(o.state)]
        families: dict[str, int] = {}
        for order in resting:
            assert order.role in PROTECTIVE
            families[order.family] = max(families.get(order.family, 0), order.left)
        has_levels = not (
            math.isnan(self.approved.stop_loss) and math.isnan(self.approved.take_profit)
        )
        wanted = abs(self.held) if has_levels else 0
        assert sum(families.values()) == wanted
        for order in resting:
            if order.role == "stop":
                assert order.stop == pytest.approx(self.approved.stop_loss)


Trading.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestTrading = Trading.TestCase


def test_protection_in_two_families_moves_in_one_plan() -> None:
    """A replacement that is under way holds the units of what it replaces, not as many more."""
    trading = Trading()
    trading.begin("whole")
    for goal in (2, 5):
        trading.approve(goal=goal, part=0, limit=NAN, levels=(90.0, NAN))
        for ticket in trading._working():
            trading.broker.accept(ticket)
            trading.broker.fill(ticket, ticket.lots, PRICE)
        trading._settle()
    trading.approve(goal=5, part=0, limit=NAN, levels=(91.0, NAN))
    moved = [one for one in trading.broker.open() if one.replaces]
    assert [(one.lots, one.stop, one.status) for one in moved] == [
        (2, "91.0", "pending_new"),
        (3, "91.0", "pending_new"),
    ]
    trading._settle()
    trading._check_protection()
    held = trading._pick(0)
    more = Ticket("more", held.side, held.lots + 1, held.type, None, held.stop, held.role)
    held.order_class = ""  # of one by itself the quantity can be replaced
    with pytest.raises(AssertionError, match="more than is held"):
        trading.broker.replace(held.name, more)
    trading.teardown()
