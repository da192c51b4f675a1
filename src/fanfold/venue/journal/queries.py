"""What can be asked of a journal, and how SQLite is asked for it."""

from dataclasses import dataclass
from typing import Final

import msgspec

LIMIT_MAX: Final = 10_000
"""Rows of one answer at most, whatever is asked for [rows]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Which orders of an account: see ``GET /v2/orders``.

    Attributes:
        status: "open", "closed" or "all".
        limit: How many at most [orders].
        after: Submitted after this instant, exclusive [ns UTC].
        until: Submitted before this instant, exclusive [ns UTC].
        ascending: Oldest first; newest first otherwise.
        symbols: Only these, as assets have them; all if there is none.
        side: Only "buy" or "sell"; both if empty.
        asset_class: Only of this class; all if empty.
        before_order_id: Only orders submitted before this one, exclusive.
        after_order_id: Only orders submitted after this one, exclusive.
        with_legs: Whether legs are among them; without, only orders that are no legs.
    """

    status: str = "open"
    limit: int = 50
    after: int | None = None
    until: int | None = None
    ascending: bool = False
    symbols: tuple[str, ...] = ()
    side: str = ""
    asset_class: str = ""
    before_order_id: str = ""
    after_order_id: str = ""
    with_legs: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityQuery:
    """Which fills and bookings of an account: see ``GET /v2/account/activities``.

    Attributes:
        kinds: Only these types: "FILL", "FEE" …; all if there is none.
        after: After this instant, exclusive [ns UTC].
        until: Before this instant, exclusive [ns UTC].
        ascending: Oldest first; newest first otherwise.
        page_size: How many at most [activities].
        page_token: Name of the last activity of the page before; the page begins after it.
            The name of none gives an empty page.
    """

    kinds: tuple[str, ...] = ()
    after: int | None = None
    until: int | None = None
    ascending: bool = False
    page_size: int = 100
    page_token: str = ""


Asked = tuple[str, list[object]]
"""A statement of SQL and its values."""

_IS_OPEN: Final = {"open": "is_open = 1", "closed": "is_open = 0", "all": "1"}
# Instants grow with numbers, and instants are what the index is by.
_INSTANT: Final = "(SELECT ts FROM records WHERE seq <= ? ORDER BY seq DESC LIMIT 1)"
_PLACE: Final = "(SELECT submitted_at, number FROM orders WHERE id = ?)"


def orders_sql(account: str, query: OrderQuery) -> Asked:
    """The statement for orders of an account."""
    filters: tuple[tuple[str, object], ...] = (
        ("submitted_at > ?", query.after),
        ("submitted_at < ?", query.until),
        ("symbol IN (SELECT value FROM json_each(?))", _listed(query.symbols)),
        ("side = ?", query.side or None),
        ("asset_class = ?", query.asset_class or None),
        (f"(submitted_at, number) < {_PLACE}", query.before_order_id or None),
        (f"(submitted_at, number) > {_PLACE}", query.after_order_id or None),
        ("is_leg = ?", None if query.with_legs else 0),
    )
    where, values = _where(account, filters)
    way = "ASC" if query.ascending else "DESC"
    sql = (  # values are bound: what is put together here is all this module's own
        f"SELECT body FROM orders WHERE {where} AND {_IS_OPEN[query.status]} "  # noqa: S608
        f"ORDER BY submitted_at {way}, number {way} LIMIT ?"
    )
    return sql, [*values, _bounded(query.limit)]


def events_sql(
    account: str, *, after_seq: int, since: int | None, until: int | None, limit: int
) -> Asked:
    """The statement for events of an account."""
    filters: tuple[tuple[str, object], ...] = (
        ("kind = ?", "event"),
        ("ts >= ?", since),
        ("ts <= ?", until),
        (f"ts > {_INSTANT}", after_seq if after_seq > 0 else None),
    )
    where, values = _where(account, filters)
    sql = f"SELECT body FROM records WHERE {where} ORDER BY ts LIMIT ?"  # noqa: S608
    return sql, [*values, _bounded(limit)]


def activities_sql(account: str, query: ActivityQuery) -> Asked:
    """The statement for fills and bookings of an account."""
    token = query.page_token.rpartition("::")[2]
    beyond = ">" if query.ascending else "<"
    filters: tuple[tuple[str, object], ...] = (
        ("activity IN (SELECT value FROM json_each(?))", _listed(query.kinds)),
        ("ts > ?", query.after),
        ("ts < ?", query.until),
        (
            f"ts {beyond} (SELECT ts FROM records WHERE token = ?)",  # noqa: S608
            token if query.page_token else None,
        ),
    )
    where, values = _where(account, filters)
    way = "ASC" if query.ascending else "DESC"
    sql = (
        f"SELECT kind, body FROM records WHERE {where} AND token IS NOT NULL "  # noqa: S608
        f"ORDER BY ts {way} LIMIT ?"
    )
    return sql, [*values, _bounded(query.page_size)]


def _where(account: str, filters: tuple[tuple[str, object], ...]) -> Asked:
    asked = [one for one in filters if one[1] is not None]
    conditions = ["account = ?", *(condition for condition, _ in asked)]
    return " AND ".join(conditions), [account, *(value for _, value in asked)]


def _listed(texts: tuple[str, ...]) -> str | None:
    return msgspec.json.encode(texts).decode() if texts else None


def _bounded(limit: int) -> int:
    return max(0, min(limit, LIMIT_MAX))
