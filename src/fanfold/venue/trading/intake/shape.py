"""The body of a request for an order: from anything that JSON can say to a value.

Numbers may come as JSON's numbers or as texts; what is null or unknown is left out. What
cannot be read at all is refused here, in the broker's words.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from msgspec.structs import replace

from fanfold.alpaca.wire.numbers import decimal_of
from fanfold.alpaca.wire.refusals import Refusal, malformed
from fanfold.execution.venue_rules import KINDS, TIMES_IN_FORCE
from fanfold.venue.trading.intake.ask import Ask, check_prices
from fanfold.venue.trading.terms import CLIENT_ID_MAX, NAMES_DECIMALS

CLASSES: Final = ("simple", "bracket", "oco", "oto")
INTENTS: Final = ("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close")

NUMBER_MAX: Final = Decimal(10) ** 12
"""Numbers of an order are below this; nothing that is traded needs more."""

ECHO_MAX: Final = 64
"""Of a client's text so much is repeated in an answer [characters]."""

_NUMBERS: Final = {
    "qty": "qty",
    "notional": "notional",
    "limit_price": "limit price",
    "stop_price": "stop price",
    "trail_price": "trail_price",
    "trail_percent": "trail_percent",
}
"""Numbers of an order, and what the broker's messages call them."""

_EXIT_NUMBERS: Final = {
    ("take_profit", "limit_price"): "target",
    ("stop_loss", "stop_price"): "loss_stop",
    ("stop_loss", "limit_price"): "loss_limit",
}
"""Numbers of its exits, and which field of `Ask` each is."""

_CHOICES: Final = (
    ("side", ("buy", "sell"), None, "invalid side"),
    ("type", KINDS, None, "invalid order type"),
    ("time_in_force", TIMES_IN_FORCE, None, "invalid time_in_force"),
    ("order_class", ("", *CLASSES), "simple", "invalid order_class"),
    ("position_intent", INTENTS, "", "invalid position_intent"),
)
"""Words of an order: which there are, which one stands for none, and the refusal."""

_DECIMALS_LIMITED: Final = ("qty", "notional")


def read(body: Any) -> Ask | Refusal:
    """Read the body of a new order."""
    given = fields_of(body)
    if given is None:
        return malformed("request body must be a JSON object")
    fields = _words(given)
    if isinstance(fields, Refusal):
        return fields
    for read_part in (_numbers, _exits):
        part = read_part(given)
        if isinstance(part, Refusal):
            return part
        fields |= part
    fields["said"] = _said(given)
    ask = Ask(**fields)
    if ask.order_class == "oco" and ask.target is not None:
        said = ask.said | {"limit_price": ask.said["take_profit.limit_price"]}
        return _amounts(replace(ask, limit_price=ask.target, said=said))
    return _amounts(ask)


def fields_of(body: Any) -> dict[str, Any] | None:
    """What a JSON object says, nulls left out; None if it is no object."""
    if not isinstance(body, Mapping):
        return None
    items = cast("Mapping[Any, Any]", body).items()
    return {str(name): value for name, value in items if value is not None}


def number(raw: Any, words: str, *, decimals: int | None = None) -> Decimal | Refusal:
    """Read a number that must be above 0.

    Args:
        raw: As JSON had it.
        words: What the broker's messages call it.
        decimals: Most digits after the point; None for any.
    """
    try:
        value = decimal_of(raw)
    except ValueError:
        return malformed(f"{words} must be a number")
    if value <= 0:
        return malformed(f"{words} must be > 0")
    if value >= NUMBER_MAX:
        return malformed(f"{words} must be < {NUMBER_MAX:f}")
    if decimals is not None and value != round(value, decimals):
        return malformed(f"{words} must be limited to {decimals} decimal places")
    return value


def client_id(raw: Any) -> str | Refusal:
    """Read a client's name for an order; null and an empty one are none."""
    if raw is None:
        return ""
    if not isinstance(raw, str) or not is_text(raw):
        return malformed("client_order_id must be a string")
    if len(raw) > CLIENT_ID_MAX:
        return malformed(f"client_order_id must be no more than {CLIENT_ID_MAX} characters")
    return raw


def is_text(raw: str) -> bool:
    """Whether a text can be written down; JSON can also say halves of characters."""
    try:
        raw.encode()
    except UnicodeEncodeError:
        return False
    return True


def echo(raw: str) -> str:
    """A client's text as it is repeated in an answer: short, and writable."""
    return raw[:ECHO_MAX].encode(errors="replace").decode()


def sent(raw: Any) -> str:
    """A number as the client sent it, for the messages that repeat it."""
    return echo(raw if isinstance(raw, str) else repr(raw))


def _words(given: Mapping[str, Any]) -> dict[str, Any] | Refusal:
    symbol = given.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        return malformed("symbol is required")
    fields: dict[str, Any] = {"symbol": symbol.partition(":")[0]}
    intent = given.get("position_intent")
    if "side" not in given and intent in INTENTS:
        given = {**given, "side": intent.partition("_")[0]}  # it says the side too
    for name, known, default, refusal in _CHOICES:
        word = given.get(name, default)
        if not isinstance(word, str) or (word not in known and word != default):
            return malformed(refusal)
        fields["kind" if name == "type" else name] = word or default
    hours = given.get("extended_hours", False)
    if not isinstance(hours, bool):
        return malformed("extended_hours must be a boolean")
    named = client_id(given.get("client_order_id"))
    if isinstance(named, Refusal):
        return named
    return fields | {"extended_hours": hours, "client_order_id": named}


def _numbers(given: Mapping[str, Any]) -> dict[str, Any] | Refusal:
    fields: dict[str, Any] = {}
    for name, words in _NUMBERS.items():
        if name not in given:
            continue
        decimals = NAMES_DECIMALS if name in _DECIMALS_LIMITED else None
        value = number(given[name], words, decimals=decimals)
        if isinstance(value, Refusal):
            return value
        fields[name] = value
    return fields


def _exits(given: Mapping[str, Any]) -> dict[str, Any] | Refusal:
    fields: dict[str, Any] = {
        "has_target": "take_profit" in given,
        "has_loss": "stop_loss" in given,
    }
    for (exit_name, name), field in _EXIT_NUMBERS.items():
        exit_given = fields_of(given.get(exit_name, {}))
        if exit_given is None:
            return malformed(f"{exit_name} must be a JSON object")
        if name not in exit_given:
            continue
        value = number(exit_given[name], f"{exit_name}.{name}")
        if isinstance(value, Refusal):
            return value
        fields[field] = value
    return fields


def _said(given: Mapping[str, Any]) -> dict[str, str]:
    said = {name: sent(given[name]) for name in ("limit_price", "stop_price") if name in given}
    for exit_name, name in _EXIT_NUMBERS:
        exit_given = given.get(exit_name, {})
        if exit_given.get(name) is not None:
            said[f"{exit_name}.{name}"] = sent(exit_given[name])
    return said


def _amounts(ask: Ask) -> Ask | Refusal:
    """How much is asked for, and at which prices: which numbers an order must have or not."""
    if ask.qty is not None and ask.notional is not None:
        return malformed("only one of qty or notional is accepted")
    if ask.qty is None and ask.notional is None:
        return malformed("qty or notional is required")
    refused = check_prices(ask)
    return ask if refused is None else refused
