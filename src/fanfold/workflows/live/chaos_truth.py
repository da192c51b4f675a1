"""What must hold between a deployment and its venue, looked at from outside of both.

Cash and positions are added up anew from the venue's own fills, so a venue and a deployment
that are wrong together are found out too.
"""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from fanfold.errors import LiveError
from fanfold.live.plan import Plan

TIMEOUT_S: Final = 30.0
TRIES: Final = 40
"""Tries of a request that the venue's own faults may spoil."""

REFUSED: Final = (400, 401, 403, 404, 422)
"""Statuses that another try would not change."""

PAGE: Final = 500

NOT_THERE: Final = ("intended", "denied", "sending", "unknown", "lost", "rejected")
"""States of orders that need not be at the venue."""

SLACK: Final = Decimal("0.02")
"""By how much a position may outgrow its limit since it was approved, by its price [1]."""


@dataclass(frozen=True, slots=True)
class VenueDesk:
    """The venue as its account's owner sees it, and its control endpoints.

    Attributes:
        url: Its address.
        key, secret: Of the account; made up.
    """

    url: str
    key: str
    secret: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; repeated while the venue misbehaves.

        Raises:
            LiveError: It never answered.
        """
        problem = ""
        for _ in range(TRIES):
            try:
                return self._once(method, path, body)
            except urllib.error.HTTPError as error:
                problem = f"status {error.code}: {error.read(200).decode(errors='replace')}"
                if error.code in REFUSED:
                    break
            except (OSError, ValueError) as error:
                problem = f"{type(error).__name__}: {error}"
        raise LiveError(f"the venue must answer {method} {path}, did not: {problem}")

    def _once(self, method: str, path: str, body: Any) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {
            "APCA-API-KEY-ID": self.key,
            "APCA-API-SECRET-KEY": self.secret,
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(  # noqa: S310  (the venue's own address)
            self.url + path, data=content, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            if answer.status >= 300:  # noqa: PLR2004
                raise ValueError(f"status {answer.status}")
            text = answer.read()
        return json.loads(text) if text else None

    def orders(self) -> Iterator[dict[str, Any]]:
        """All orders, the newest first."""
        until = ""
        seen: set[str] = set()
        while True:
            page = self.ask("GET", f"/v2/orders?status=all&limit={PAGE}&direction=desc{until}")
            fresh = [order for order in page if order["id"] not in seen]
            yield from fresh
            seen |= {order["id"] for order in fresh}
            if len(page) < PAGE or not fresh:
                return
            until = f"&before_order_id={page[-1]['id']}"

    def activities(self) -> list[dict[str, Any]]:
        """All activities, the newest first."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self.ask("GET", f"/v2/account/activities?page_size=100{token}")
            found += page
            if len(page) < 100:  # noqa: PLR2004
                return found
            token = f"&page_token={page[-1]['id']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journalled:
    """What the deployment believes.

    Attributes:
        orders: State of each order by its client id.
        held: Signed lots of each asset.
    """

    orders: Mapping[str, str]
    held: Sequence[int]


def complaints(plan: Plan, desk: VenueDesk, believed: Journalled, cash: Decimal) -> list[str]:
    """What does not hold, once nothing is in flight; an empty list is what is hoped for.

    Args:
        plan: Of the deployment.
        desk: The venue.
        believed: The deployment's books.
        cash: That the account began with.
    """
    orders = list(desk.orders())
    activities = desk.activities()
    positions = {row["symbol"]: Decimal(row["qty"]) for row in desk.ask("GET", "/v2/positions")}
    account = desk.ask("GET", "/v2/account")
    return [
        *_orders(plan, orders, believed),
        *_positions(plan, positions, activities, believed),
        *_money(account, activities, cash),
        *_limits(plan, account, desk.ask("GET", "/v2/positions")),
    ]


def _orders(plan: Plan, orders: Sequence[Mapping[str, Any]], believed: Journalled) -> Iterator[str]:
    """No order that the deployment does not know, none that it believes in and is not there."""
    there = Counter(order["client_order_id"] for order in orders)
    for name, count in there.items():
        if count > 1:
            yield f"order {name} is at the venue {count} times"
        if name.startswith(f"ff-{plan.tag}-") and name not in believed.orders:
            yield f"order {name} is at the venue and in no book"
    for name, state in believed.orders.items():
        if name not in there and state not in NOT_THERE:
            yield f"order {name} is {state} in the book and not at the venue"


def _positions(
    plan: Plan,
    positions: Mapping[str, Decimal],
    activities: Sequence[Mapping[str, Any]],
    believed: Journalled,
) -> Iterator[str]:
    added: Counter[str] = Counter()
    sums: dict[str, Decimal] = {}
    for row in activities:
        symbol = row.get("symbol", "")
        if row["activity_type"] == "FILL":
            sign = 1 if row["side"] == "buy" else -1
            sums[symbol] = sums.get(symbol, Decimal(0)) + sign * Decimal(row["qty"])
            added[symbol] += 1
        elif row["activity_type"] == "SPLIT":
            sums[symbol] = sums.get(symbol, Decimal(0)) + Decimal(row["qty"])
    for place, asset in enumerate(plan.assets):
        name = asset.symbol.replace("/", "")
        there = positions.get(name, Decimal(0))
        ours = Decimal(believed.held[place]) / asset.parts
        if there != sums.get(name, sums.get(asset.symbol, Decimal(0))):
            yield f"{asset.symbol}: the venue holds {there}, its fills add up to {sums.get(name)}"
        if there != ours:
            yield f"{asset.symbol}: the venue holds {there}, the book {ours}"


def _money(
    account: Mapping[str, Any], activities: Sequence[Mapping[str, Any]], cash: Decimal
) -> Iterator[str]:
    for row in activities:
        if row["activity_type"] == "FILL":
            amount = Decimal(row["qty"]) * Decimal(row["price"])
            cash += -amount if row["side"] == "buy" else amount
        else:
            cash += Decimal(row.get("net_amount") or 0)
    difference = abs(cash - Decimal(account["cash"]))
    if difference > Decimal("0.01"):
        yield f"cash is {account['cash']} at the venue, its fills add up to {cash}"


def _limits(
    plan: Plan, account: Mapping[str, Any], positions: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    limits: Mapping[str, Any] = plan.job.get("limits") or {}
    equity = Decimal(account["equity"])
    gross = sum((abs(Decimal(row["market_value"])) for row in positions), Decimal(0))
    bound = limits.get("max_gross")
    if bound is not None and gross > equity * (Decimal(str(bound)) + SLACK):
        yield f"gross is {gross / equity:.4f} of equity, max_gross {bound}"
    bound = limits.get("max_position")
    for row in positions:
        share = abs(Decimal(row["market_value"])) / equity
        if bound is not None and share > Decimal(str(bound)) + SLACK:
            yield f"{row['symbol']} is {share:.4f} of equity, max_position {bound}"
