"""What an answer of the broker means; codes are shared by causes, so words count too.

Only two things are certain: an order that is shown was taken, and one that the broker itself
refuses was not. Everything in between is ambiguous, and is asked about by the order's own id.
"""

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

import msgspec
from msgspec import Struct

from fanfold.alpaca.wire.orders import OrderMessage
from fanfold.live.execution.line import Answer

RATE_WAIT_S: Final = 1.0
"""Pause after a refused rate whose answer does not say how long [s]."""

RATE_WAIT_S_MAX: Final = 60.0
"""Longest pause that is believed: the budget is per minute [s]."""

WORDS_MAX: Final = 200
"""Longest text of the broker that is kept [characters]."""

READABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Errors of a body that is not what it must be."""

T = TypeVar("T")


class Verdict(StrEnum):
    """What became of a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    TOO_LATE = "too_late"
    NOT_SENT = "not_sent"
    AMBIGUOUS = "ambiguous"


class Meaning(Struct, frozen=True, kw_only=True):
    """An answer, understood.

    Attributes:
        verdict: What became of the request.
        order: The order, where one was shown.
        reason: One word of `REASONS`, or "" where there is none.
        words: What the broker said.
        numbers: Further fields of a refusal, as texts.
        wait_s: Pause after which the rate is free again [s].
    """

    verdict: Verdict
    order: OrderMessage | None = None
    reason: str = ""
    words: str = ""
    numbers: dict[str, str] = {}
    wait_s: float = 0.0


UNAUTHORIZED: Final = "unauthorized"
BALANCE: Final = "balance"
"""The broker has fewer coins than were to be sold: its fee was kept out of them."""

OTHER: Final = "refused"

REASONS: Final[tuple[tuple[str, str], ...]] = (
    ("insufficient buying power", "buying_power"),
    ("insufficient qty available", "held_for_orders"),
    ("insufficient balance", BALANCE),
    ("wash trade", "wash_trade"),
    ("opposite side", "wash_trade"),
    ("cost basis must be", "min_notional"),
    ("not allowed to short", "not_shortable"),
    ("cannot be sold short", "not_shortable"),
    ("sold short", "not_shortable"),
    ("not fractionable", "fraction"),
    ("fractional orders", "fraction"),
    ("liquidation only", "restricted"),
    ("restricted", "restricted"),
    ("opg orders", "auction_window"),
    ("cls orders", "auction_window"),
    ("pattern day trading", "day_trading"),
    ("order not found", "not_found"),
    ("position does not exist", "no_position"),
    ("symbol not found", "no_asset"),
    ("not found", "not_found"),
    ("already in", "not_open"),
    ("cannot replace", "not_open"),
    ("not open", "not_open"),
    ("not cancelable", "not_open"),
    ("parameters are not changed", "unchanged"),
    ("filled_qty", "filled_already"),
    ("sub-penny", "tick"),
    ("less than current price", "stop_price"),
    ("greater than current price", "stop_price"),
    ("intent mismatch", "position_intent"),
    ("trading is halted", "halted"),
    ("halted", "halted"),
    ("extended hours", "hours"),
    ("limit price", "price"),
    ("limit_price", "price"),
    ("stop price", "price"),
    ("qty", "quantity"),
    ("notional", "quantity"),
    ("time_in_force", "time_in_force"),
    ("order type", "order_type"),
    ("unauthorized", UNAUTHORIZED),
    ("forbidden", UNAUTHORIZED),
)
"""What a refusal's words begin to mean, the first that is found in them."""

_DUPLICATE: Final = "client_order_id must be unique"
_BAD_KEYS, _TIMED_OUT, _CONFLICT, _TOO_EARLY, _RATE = 401, 408, 409, 425, 429
_NOT_FOUND, _UNPROCESSABLE = 404, 422
_OK, _MULTIPLE, _BAD, _SERVER = 200, 300, 400, 500

_order: Final = msgspec.json.Decoder(OrderMessage).decode
_anything: Final[Callable[[bytes], Any]] = msgspec.json.Decoder().decode


def of_order(answer: Answer, client_order_id: str) -> Meaning:
    """What an answer says of an order that was handed in, or asked about by its id.

    Args:
        answer: Of a POST, a PATCH, or a GET of one order.
        client_order_id: The order's; an answer that shows another is ambiguous.
    """
    if (meaning := _before_words(answer)) is not None:
        return meaning
    if _OK <= answer.status < _MULTIPLE:
        order = order_of(answer.body)
        if order is None or order.client_order_id != client_order_id:
            return Meaning(verdict=Verdict.AMBIGUOUS, words="an answer without the order")
        return Meaning(verdict=Verdict.ACCEPTED, order=order)
    return _refusal(answer)


def of_cancel(answer: Answer) -> Meaning:
    """What an answer says of a cancellation: accepted means that it was asked, no more."""
    if (meaning := _before_words(answer)) is not None:
        return meaning
    if _OK <= answer.status < _MULTIPLE:
        return Meaning(verdict=Verdict.ACCEPTED)
    meaning = _refusal(answer)
    if meaning.verdict is Verdict.REFUSED and answer.status == _UNPROCESSABLE:
        return msgspec.structs.replace(meaning, verdict=Verdict.TOO_LATE)
    return meaning


def rows_of(answer: Answer, kind: type[T]) -> T | None:
    """A whole answer with status 200 as a value; None for all others, to be asked again."""
    if answer.trouble or answer.status != _OK:
        return None
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (*READABLE, msgspec.ValidationError):
        return None


def order_rows(answer: Answer) -> list[OrderMessage] | None:
    """A list of orders, those left out that are none; None for all other answers."""
    rows = rows_of(answer, list[OrderMessage])
    if rows is not None:
        return rows
    plain = rows_of(answer, list[dict[str, Any]])
    if plain is None:
        return None
    return [order for row in plain if (order := lenient_order(row)) is not None]


def order_of(body: bytes) -> OrderMessage | None:
    """An order, also one with fields of other types than known; None if it is none."""
    try:
        return _order(body)
    except (msgspec.ValidationError, *READABLE):
        return _lenient(body)


def _before_words(answer: Answer) -> Meaning | None:
    if answer.trouble or not answer.status:
        verdict = Verdict.AMBIGUOUS if answer.sent else Verdict.NOT_SENT
        return Meaning(verdict=verdict, words=answer.trouble[:WORDS_MAX])
    if answer.status == _RATE:
        wait_s = rate_wait_s(answer.headers, _date_s(answer.headers))
        return Meaning(verdict=Verdict.RATE_LIMITED, reason="rate", wait_s=wait_s)
    unclear = _MULTIPLE <= answer.status < _BAD or answer.status in {_TIMED_OUT, _TOO_EARLY}
    if answer.status < _OK or answer.status >= _SERVER or unclear:
        return Meaning(verdict=Verdict.AMBIGUOUS, words=f"status {answer.status}")
    return None


def _refusal(answer: Answer) -> Meaning:
    body = _fields(answer.body)
    if body is None or "message" not in body:  # a page of something in between
        return Meaning(verdict=Verdict.AMBIGUOUS, words=f"status {answer.status} without words")
    words = str(body["message"])[:WORDS_MAX]
    if _DUPLICATE in words or answer.status == _CONFLICT:
        return Meaning(verdict=Verdict.DUPLICATE, words=words, reason="duplicate")
    if answer.status == _NOT_FOUND and "endpoint" not in words:
        return Meaning(verdict=Verdict.NOT_FOUND, words=words, reason=reason_of(words))
    reason = UNAUTHORIZED if answer.status == _BAD_KEYS else reason_of(words)
    numbers = {
        str(name): str(value)[:WORDS_MAX]
        for name, value in body.items()
        if name not in {"code", "message"}
    }
    return Meaning(verdict=Verdict.REFUSED, reason=reason, words=words, numbers=numbers)


def reason_of(words: str) -> str:
    """One word for a refusal's words."""
    lower = words.lower()
    return next((reason for part, reason in REASONS if part in lower), OTHER)


def rate_wait_s(headers: Mapping[str, str], now_s: float | None) -> float:
    """How long the broker says that its rate is used up [s].

    Args:
        headers: Of the answer, names in small letters.
        now_s: The broker's own time [s since 1970], None if it does not say.
    """
    for name in ("retry-after", "x-ratelimit-reset"):
        try:
            told = float(headers.get(name, ""))
        except ValueError:
            continue
        if name == "x-ratelimit-reset":
            told = told - now_s if now_s is not None else RATE_WAIT_S
        if told == told:  # noqa: PLR0124  (not NaN)
            return min(max(told, 0.0) + 0.05, RATE_WAIT_S_MAX)
    return RATE_WAIT_S


def _date_s(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError, IndexError):
        return None


def _fields(body: bytes) -> dict[str, Any] | None:
    try:
        found = _anything(body)
    except READABLE:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


_PLAIN: Final = (str, bool, type(None), tuple)
_REQUIRED_TEXTS: Final = ("created_at", "updated_at", "submitted_at", "time_in_force")
_TEXTS: Final = ("qty", "filled_qty", "filled_avg_price", "limit_price", "stop_price")


def lenient_order(found: Mapping[str, Any]) -> OrderMessage | None:
    """An order from plain values: numbers where texts are usual, new kinds of other fields."""
    kept: dict[str, Any] = {
        name: found[name] for name in OrderMessage.__struct_fields__ if name in found
    }
    kept |= {name: str(kept[name]) for name in _TEXTS if kept.get(name) is not None}
    legs = kept.pop("legs", None)
    if isinstance(legs, list):
        each = cast("list[Any]", legs)
        made = [lenient_order(cast("dict[str, Any]", leg)) for leg in each if isinstance(leg, dict)]
        kept["legs"] = tuple(leg for leg in made if leg is not None) or None
    for name in _REQUIRED_TEXTS:
        kept[name] = str(kept.get(name) or "")
    kept["extended_hours"] = kept.get("extended_hours") is True
    kept = {name: value for name, value in kept.items() if isinstance(value, _PLAIN)}
    try:
        return msgspec.convert(kept, OrderMessage)
    except msgspec.ValidationError:
        return None


def _lenient(body: bytes) -> OrderMessage | None:
    found = _fields(body)
    return None if found is None else lenient_order(found)
