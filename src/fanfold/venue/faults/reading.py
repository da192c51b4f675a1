"""Faults as people write them, in a file or over HTTP, and what is said where one is wrong."""

import inspect
import re
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from fanfold.errors import ConfigError
from fanfold.venue.faults import kinds

_EVERY: Final = (
    kinds.Disconnect,
    kinds.Silent,
    kinds.Lose,
    kinds.Repeat,
    kinds.Reorder,
    kinds.Delay,
    kinds.RefuseUpgrade,
    kinds.RestDelay,
    kinds.RestTimeoutBefore,
    kinds.RestTimeoutAfter,
    kinds.RestDropBefore,
    kinds.RestDropAfter,
    kinds.RestError,
    kinds.Rest504After,
    kinds.RateLimit,
    kinds.Html,
    kinds.PartialFill,
    kinds.LateFillAfterCancel,
    kinds.SlowAcceptance,
    kinds.SlowCancel,
    kinds.CancelRejected,
    kinds.SlowReplace,
    kinds.ClockSkew,
    kinds.Halt,
)

KINDS: Final[Mapping[str, type[kinds.Fault]]] = {
    str(kind.__struct_config__.tag): kind for kind in _EVERY
}
"""All kinds, by their names."""

_SECONDS: Final = f"seconds from 0 to {kinds.SECONDS_MAX:,}"
_TEXT: Final = "text of at most 256 characters"
_FLAG: Final = "true or false"

MUST: Final[Mapping[str, str]] = {
    "for_s": f"seconds above 0, at most {kinds.SECONDS_MAX:,}",
    "until": "nanoseconds since 1970, or a text such as 2026-01-02T15:30:00Z",
    "probability": "a number from 0 to 1",
    "count": f"a whole number from 1 to {kinds.COUNT_MAX:,}",
    "after": f"a whole number from 0 to {kinds.COUNT_MAX:,}",
    "endpoint": '"stocks", "crypto" or "trading"',
    "account": _TEXT,
    "channel": _TEXT,
    "symbol": _TEXT,
    "halt.symbol": "text of 1 to 64 characters",
    "side": '"buy" or "sell"',
    "method": '"GET", "POST", "PATCH", "PUT" or "DELETE"',
    "path": _TEXT,
    "delivers": _FLAG,
    "half_dead_s": _SECONDS,
    "mute_s": _SECONDS,
    "times": f"a whole number from 1 to {kinds.COPIES_MAX}",
    "delay_s": _SECONDS,
    "lasts_s": _SECONDS,
    "body": '"json" or "html"',
    "acts": _FLAG,
    "headers": _FLAG,
    "retry_s": _SECONDS,
    "fraction": "a number between 0 and 1",
    "skew_s": f"seconds from {-kinds.SECONDS_MAX:,} to {kinds.SECONDS_MAX:,}",
    "reason": _TEXT,
    "refuse_upgrade.status": "406, 429 or 503",
    "rest_error.status": "a whole number from 500 to 599",
    "html.status": "a whole number from 200 to 599",
}
"""What each parameter must be, by its name, or by its kind and name."""

_SHOWN_MAX: Final = 80
_FIELD: Final = re.compile(r"\$\.(\w+)")


def fault_of(written: Any, *, named: str = "the fault") -> kinds.Fault:
    """A fault from its parameters.

    Args:
        written: `kind` and its parameters, as JSON or YAML had it.
        named: What messages call it.

    Raises:
        ConfigError: A parameter is not what it must be.
    """
    if not isinstance(written, Mapping):
        raise ConfigError(f"{named} must be a mapping with a kind, was {_shown(written)}")
    given: dict[Any, Any] = dict(written)  # pyright: ignore[reportUnknownArgumentType]
    kind = given.get("kind")
    found = KINDS.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise ConfigError(
            f"{named}: kind must be one of {', '.join(KINDS)}, was {_shown(kind)}"
            + _nearest(kind, KINDS)
        )
    named = f"{named} ({kind})"
    known = dict.fromkeys(found.__struct_fields__)
    for name in given:
        if name != "kind" and name not in known:
            raise ConfigError(
                f"{named}: parameters must be of {', '.join(known)}, was {_shown(name)}"
                + _nearest(name, known)
            )
    try:
        fault = msgspec.convert(given, found)
    except msgspec.ValidationError as error:
        raise ConfigError(_complaint(named, given, error)) from None
    until_ns(fault, named=named)
    return fault


def until_ns(fault: kinds.Fault, *, named: str = "the fault") -> int | None:
    """When a fault ends by its `until` [ns UTC]; None if it has none.

    Raises:
        ConfigError: It is no instant.
    """
    if not isinstance(fault.until, str):
        return fault.until
    try:
        at = datetime.fromisoformat(fault.until)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ConfigError(f"{named}: until must be {MUST['until']}, was {_shown(fault.until)}")
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000


def parameters(fault: kinds.Fault) -> dict[str, Any]:
    """A fault as it can be written: its kind, and what is not as usual."""
    given = {
        field.name: value
        for field in msgspec.structs.fields(fault)
        if (value := getattr(fault, field.name)) != field.default
    }
    return {"kind": fault.__struct_config__.tag, **given}


def described() -> list[dict[str, Any]]:
    """All kinds for people: what each does, and its parameters with what they must be."""
    return [
        {
            "kind": name,
            "does": (inspect.getdoc(kind) or "").partition("\n")[0],
            "parameters": {field: _must(name, field) for field in kind.__struct_fields__},
        }
        for name, kind in KINDS.items()
    ]


def _complaint(named: str, given: Mapping[Any, Any], error: msgspec.ValidationError) -> str:
    text = str(error)
    found = _FIELD.search(text)
    if found is None:  # only a parameter that is missing is complained of without its place
        missing = text.rpartition("field ")[2].strip("`")
        return f"{named}: {missing} must be {_must(str(given['kind']), missing)}, it is missing"
    name = found.group(1)
    return f"{named}: {name} must be {_must(str(given['kind']), name)}, was {_shown(given[name])}"


def _must(kind: str, name: str) -> str:
    return MUST.get(f"{kind}.{name}") or MUST[name]


def _nearest(name: Any, known: Mapping[str, Any]) -> str:
    close = get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
