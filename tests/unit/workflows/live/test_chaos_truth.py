"""Each thing that may be wrong between books and venue is found when it is falsified."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from fanfold.live.plan import AssetPlan, Plan
from fanfold.workflows.live.chaos_truth import Journalled, VenueDesk, complaints

CASH = Decimal(1_000)


def plan_of(limits: dict[str, Any] | None = None) -> Plan:
    asset = AssetPlan(
        symbol="AAPL", asset_class="us_equity", calendar="XNYS", parts=1, tick_coarse=10_000,
        tick_fine=100, shortable=True,
    )  # fmt: skip
    return Plan.model_construct(
        deployment="held-up", assets=(asset,), job={"limits": limits or {"max_gross": 0.8}}
    )


PLAN = plan_of()
NAME = f"ff-{PLAN.tag}-1"


@dataclass(frozen=True, slots=True)
class Desk(VenueDesk):
    """A venue where one order has bought three shares at 100."""

    url: str = ""
    key: str = ""
    secret: str = ""
    names: tuple[str, ...] = (NAME,)
    fills: tuple[tuple[str, str, str], ...] = (("buy", "3", "100"),)
    booked: tuple[dict[str, Any], ...] = ()
    qty: str = "3"
    price: str = "100"
    cash: str = "700"
    asked: list[str] = field(default_factory=list[str])

    def orders(self) -> Iterator[dict[str, Any]]:
        yield from ({"id": str(n), "client_order_id": one} for n, one in enumerate(self.names))

    def activities(self) -> list[dict[str, Any]]:
        fills = [
            {"activity_type": "FILL", "symbol": "AAPL", "side": side, "qty": qty, "price": price}
            for side, qty, price in self.fills
        ]
        return [*fills, *self.booked]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        assert (method, body) == ("GET", None)
        value = Decimal(self.qty) * Decimal(self.price)
        if path == "/v2/account":
            return {"cash": self.cash, "equity": str(Decimal(self.cash) + value)}
        assert path == "/v2/positions"
        if not value:
            return []
        return [{"symbol": "AAPL", "qty": self.qty, "market_value": str(value)}]


TRUE = Desk()
BELIEVED = Journalled(orders={NAME: "filled"}, held=[3])


def found(desk: Desk = TRUE, believed: Journalled = BELIEVED, plan: Plan = PLAN) -> str:
    return "\n".join(complaints(plan, desk, believed, CASH))


def test_books_that_are_true_are_not_complained_about() -> None:
    assert not found()


FALSE: dict[str, tuple[Desk, Journalled, Plan, str]] = {
    "a doubled order": (
        replace(TRUE, names=(NAME, NAME)), BELIEVED, PLAN,
        f"order {NAME} is at the venue 2 times",
    ),
    "an order of ours in no book": (
        replace(TRUE, names=(NAME, f"ff-{PLAN.tag}-2")), BELIEVED, PLAN,
        f"order ff-{PLAN.tag}-2 is at the venue and in no book",
    ),
    "a lost order": (
        replace(TRUE, names=()), BELIEVED, PLAN,
        f"order {NAME} is filled in the book and not at the venue",
    ),
    "a position that the book does not have": (
        TRUE, Journalled(orders={NAME: "filled"}, held=[2]), PLAN,
        "AAPL: the venue holds 3, the book 2",
    ),
    "a position that fills do not add up to": (
        replace(TRUE, fills=(("buy", "2", "150"),)), BELIEVED, PLAN,
        "AAPL: the venue holds 3, its fills add up to 2",
    ),
    "cash that fills do not add up to": (
        replace(TRUE, cash="699.98"), BELIEVED, PLAN,
        "cash is 699.98 at the venue, its fills add up to 700",
    ),
    "an exceeded limit of all positions": (
        TRUE, BELIEVED, plan_of({"max_gross": 0.2}),
        "gross is 0.3000 of equity, max_gross 0.2",
    ),
    "an exceeded limit of one position": (
        TRUE, BELIEVED, plan_of({"max_position": 0.1}),
        "AAPL is 0.3000 of equity, max_position 0.1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FALSE)
def test_what_is_false_is_found_and_nothing_else(what: str) -> None:
    desk, believed, plan, expected = FALSE[what]
    assert found(desk, believed, plan) == expected


@pytest.mark.parametrize("state", ["intended", "denied", "sending", "unknown", "lost", "rejected"])
def test_an_order_that_never_arrived_need_not_be_there(state: str) -> None:
    believed = Journalled(orders={NAME: "filled", "ff-x-2": state}, held=[3])
    assert not found(believed=believed)


def test_orders_of_others_are_none_of_our_business() -> None:
    assert not found(replace(TRUE, names=(NAME, "by-hand")))


def test_a_split_moves_units_and_what_it_pays_for_fractions_moves_cash() -> None:
    split = {"activity_type": "SPLIT", "symbol": "AAPL", "qty": "1", "net_amount": "33.33"}
    desk = replace(TRUE, qty="4", price="66.66", cash="733.33", booked=(split,))
    assert not found(desk, Journalled(orders={NAME: "filled"}, held=[4]))


def test_a_dividend_moves_cash_alone() -> None:
    dividend = {"activity_type": "DIV", "symbol": "AAPL", "qty": "3", "net_amount": "1.5"}
    assert not found(replace(TRUE, cash="701.5", booked=(dividend,)))
