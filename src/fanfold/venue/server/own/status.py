"""What the venue says of itself: its clock, its book, its clients and what goes wrong."""

from math import inf
from typing import Any, Final

from fanfold.alpaca.wire.instants import instant_text
from fanfold.alpaca.wire.numbers import decimal_text
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.venue.floor import Floor
from fanfold.venue.server.trading.forms import order_form
from fanfold.venue.server.trading.positions import shown_positions
from fanfold.venue.streams.client import Client
from fanfold.venue.trading.money import figures
from fanfold.venue.trading.values import Account, Event

ACCOUNTS_SHOWN: Final = 20
"""Accounts that are told of one by one."""

ORDERS_SHOWN: Final = 50
"""Open orders of each of them, the newest."""

EVENTS_SHOWN: Final = 20
"""Latest events of them all."""

CLIENTS_SHOWN: Final = 100
"""Connections that are told of one by one."""

SYMBOLS_SHOWN: Final = 20
"""Symbols of each of their subscriptions."""

_MONEY: Final = ("equity", "last_equity", "cash", "buying_power", "reserved", "maintenance_margin")


def status_of(floor: Floor) -> dict[str, Any]:
    """All of it, as JSON's kinds of values."""
    book = floor.exchange.desk.book
    accounts = book.accounts
    shown = tuple(accounts[:ACCOUNTS_SHOWN])
    clients = floor.hub.clients
    return {
        "clock": _clock(floor),
        "book": {
            "accounts": len(accounts),
            "positions": sum(len(book.positions(one.id)) for one in accounts),
            "open_orders": sum(len(book.open_orders(one.id)) for one in accounts),
            "seq": book.seq,
        },
        "accounts": [_account(floor, one) for one in shown],
        "client_count": len(clients),
        "clients": [_client(one) for one in clients[:CLIENTS_SHOWN]],
        "faults": floor.faults.listed(),
        "events": _events(floor, shown),
        "statistics": {
            **floor.statistics(),
            "messages": sum(one.outbox.taken_count for one in clients),
        },
    }


def _clock(floor: Floor) -> dict[str, Any]:
    calendars = sorted({one.calendar for one in floor.market.assets})
    speed, following = floor.speed, floor.market.next_ts
    phases = {name: floor.market.hours(name) for name in calendars}
    return {
        "now": instant_text(floor.market.now),
        "now_ns": floor.market.now,
        "speed": "max" if speed == inf else speed,
        "next": None if following is None else instant_text(following),
        "ended": following is None,
        "skew_s": floor.faults.skew_ns / 1e9,
        "phases": {
            name: {
                "phase": hours.phase,
                "next_open": None if name == ROUND_THE_CLOCK else instant_text(hours.next_open),
                "next_close": None if name == ROUND_THE_CLOCK else instant_text(hours.next_close),
            }
            for name, hours in phases.items()
        },
        "symbols": [one.symbol for one in floor.market.assets][:CLIENTS_SHOWN],
    }


def _account(floor: Floor, account: Account) -> dict[str, Any]:
    desk = floor.exchange.desk
    money = figures(desk, account.id)
    orders = desk.book.open_orders(account.id)
    return {
        "id": account.id,
        "number": account.number,
        **{name: decimal_text(getattr(money, name)) for name in _MONEY},
        "multiplier": money.multiplier,
        "positions": shown_positions(floor, account.id),
        "open_order_count": len(orders),
        "open_orders": [order_form(one) for one in reversed(orders[-ORDERS_SHOWN:])],
    }


def _client(client: Client) -> dict[str, Any]:
    interest = client.interest
    subscriptions: dict[str, list[str]] = {}
    if client.listens:
        subscriptions["trade_updates"] = ["*"]
    elif interest:
        for channel, names in zip(interest.feed.channels, interest.names, strict=True):
            if names:
                subscriptions[channel] = sorted(names)[:SYMBOLS_SHOWN]
    return {
        "endpoint": "trading" if client.feed is None else client.feed.name,
        "path": client.path,
        "codec": client.codec.name,
        "account": client.account,
        "subscriptions": subscriptions,
        "waiting": client.outbox.message_count,
        "waiting_bytes": client.outbox.byte_count,
        "taken": client.outbox.taken_count,
    }


def _events(floor: Floor, accounts: tuple[Account, ...]) -> list[dict[str, Any]]:
    after = max(floor.exchange.desk.book.seq - EVENTS_SHOWN, 0)
    found: list[Event] = []
    for account in accounts:
        found += floor.journal.events(account.id, after_seq=after, limit=EVENTS_SHOWN)
    found.sort(key=lambda event: event.seq, reverse=True)
    return [_event(event) for event in found[:EVENTS_SHOWN]]


def _event(event: Event) -> dict[str, Any]:
    order, execution = event.order, event.execution
    return {
        "seq": event.seq,
        "at": instant_text(event.ts),
        "event": event.name,
        "account": event.account,
        "order_id": order.id,
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.kind,
        "status": order.status,
        "qty": None if execution is None else decimal_text(execution.qty),
        "price": None if execution is None else decimal_text(execution.price),
    }
