"""What becomes of the messages of a stream when faults strike."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final

import msgspec

from fanfold.venue.faults import kinds
from fanfold.venue.faults.plan import Delivery, Endpoint
from fanfold.venue.faults.standing import SECOND_NS, Standing

CHANNELS: Final = {
    "t": "trades",
    "q": "quotes",
    "b": "bars",
    "u": "updatedBars",
    "d": "dailyBars",
    "s": "statuses",
    "l": "lulds",
    "c": "corrections",
    "x": "cancelErrors",
    "o": "orderbooks",
}
"""Channels of market data by the type of their messages."""

Client = tuple[Endpoint, str]
"""A connection: there is one per stream and account."""


class Lines:
    """What the faults of streams remember of each client's connection."""

    def __init__(self) -> None:
        self._mute: dict[tuple[str, Client], int | None] = {}
        self._held: dict[Client, tuple[bytes, ...]] = {}
        self._half_dead: dict[Client, int] = {}

    def connected(self, client: Client) -> None:
        """Forget what was of the connection before."""
        self._held.pop(client, None)
        for key in [key for key in self._mute if key[1] == client]:
            if self._mute[key] is None:
                del self._mute[key]

    def forget(self, name: str) -> None:
        """A fault was taken away: what it silenced may speak again."""
        for key in [key for key in self._mute if key[0] == name]:
            del self._mute[key]

    def clear(self) -> None:
        """All faults were taken away."""
        self._mute.clear()
        self._half_dead.clear()

    def is_half_dead(self, client: Client, now: int) -> bool:
        """Whether a connection that was cut is still taken for a living one."""
        return now < self._half_dead.get(client, now)

    def delivery(
        self,
        faults: Sequence[Standing],
        client: Client,
        messages: Sequence[bytes],
        now: int,
    ) -> Delivery | None:
        """What becomes of messages; None for all as they are.

        Args:
            faults: Those of streams, in the order in which they were added.
            client: Whose.
            messages: As encoded, each one message or a list of them.
            now: When [ns UTC].
        """
        held = self._held.pop(client, ())
        if self._is_mute(client, now):
            return Delivery(messages=())
        before = tuple(messages)
        sent = Delivery(messages=before)
        for standing in faults:
            fault = standing.fault
            if not isinstance(fault, kinds.OnStream) or not _concerns(fault, client):
                continue
            if isinstance(fault, kinds.Reorder) and held:
                continue  # what was held back comes after these: that is another order already
            if isinstance(fault, kinds.Lose | kinds.Repeat):
                sent = replace(sent, messages=tuple(_changed(standing, fault, sent.messages, now)))
            elif _among(fault, sent.messages) and (drawn := standing.strike(now)) is not None:
                sent = self._struck(standing, client, sent, now, drawn=drawn)
        if sent.messages or not before:
            sent = replace(sent, messages=sent.messages + held)
        elif held and not self._is_mute(client, now):
            self._held[client] = held
        untouched = sent.messages == before and not sent.delay_s and not sent.drop
        return None if untouched else sent

    def _struck(
        self, standing: Standing, client: Client, sent: Delivery, now: int, *, drawn: Random
    ) -> Delivery:
        """What becomes of what was to be sent where a fault of all of it strikes."""
        match standing.fault:
            case kinds.Silent(mute_s=mute_s):
                self._mute[standing.name, client] = None if mute_s is None else now + _ns(mute_s)
                return Delivery(messages=())
            case kinds.Delay(delay_s=delay_s):
                return replace(sent, delay_s=sent.delay_s + delay_s)
            case kinds.Disconnect(delivers=delivers, half_dead_s=half_dead_s):
                if half_dead_s:
                    self._half_dead[client] = now + _ns(half_dead_s)
                return replace(sent, messages=sent.messages if delivers else (), drop=True)
            case _:
                return replace(sent, messages=self._reordered(client, sent.messages, drawn))

    def _is_mute(self, client: Client, now: int) -> bool:
        ends = [until for (_, muted), until in self._mute.items() if muted == client]
        return any(until is None or now < until for until in ends)

    def _reordered(
        self, client: Client, messages: tuple[bytes, ...], drawn: Random
    ) -> tuple[bytes, ...]:
        if len(messages) == 1:
            self._held[client] = messages
            return ()
        mixed = list(messages)
        drawn.shuffle(mixed)
        return tuple(mixed) if tuple(mixed) != messages else messages[::-1]


def subjects(message: bytes) -> Iterator[tuple[str, str]]:
    """Channel and symbol of what a message is about; several if it is a list."""
    try:
        decode = msgspec.json.decode if message[:1] in (b"[", b"{") else msgspec.msgpack.decode
        found: Any = decode(message)
    except (msgspec.DecodeError, ValueError):
        return
    for one in found if isinstance(found, list) else [found]:  # pyright: ignore[reportUnknownVariableType]
        if isinstance(one, dict):
            yield _subject(one)  # pyright: ignore[reportUnknownArgumentType]


def _subject(message: dict[Any, Any]) -> tuple[str, str]:
    if "T" in message:
        return CHANNELS.get(message["T"], ""), str(message.get("S", ""))
    data = message.get("data")
    order = data.get("order") if isinstance(data, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    symbol = order.get("symbol", "") if isinstance(order, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return str(message.get("stream", "")), str(symbol)  # pyright: ignore[reportUnknownArgumentType]


def is_symbol(wanted: str, symbol: str) -> bool:
    """Whether a symbol is the one that is wanted, with its slash or without; any if empty."""
    return not wanted or wanted.replace("/", "") == symbol.replace("/", "")


def _concerns(fault: kinds.OnStream, client: Client) -> bool:
    return fault.endpoint in ("", client[0]) and fault.account in ("", client[1])


def _is_about(fault: kinds.OnStream, message: bytes) -> bool:
    if not fault.channel and not fault.symbol:
        return True
    return any(
        fault.channel in ("", channel) and is_symbol(fault.symbol, symbol)
        for channel, symbol in subjects(message)
    )


def _among(fault: kinds.OnStream, messages: Sequence[bytes]) -> bool:
    return any(_is_about(fault, message) for message in messages)


def _changed(
    standing: Standing, fault: kinds.Lose | kinds.Repeat, messages: Sequence[bytes], now: int
) -> Iterator[bytes]:
    copies = 1 + fault.times if isinstance(fault, kinds.Repeat) else 0
    for message in messages:
        strikes = _is_about(fault, message) and standing.strike(now) is not None
        yield from [message] * (copies if strikes else 1)


def _ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)
