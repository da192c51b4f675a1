"""Instants as the broker writes and reads them, exact to the nanosecond.

Inside they are whole nanoseconds UTC since 1970. In JSON they are RFC 3339 texts with at
most nine digits after the point and no zeros at the end; in msgpack they are its own
timestamps, extension -1, in the shortest of their three forms.
"""

import re
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

TIMESTAMP_CODE: Final = -1
"""Code of msgpack's extension for timestamps."""

SECONDS_KEPT: Final = 4_096
"""Seconds whose text is remembered; messages of one second share most of theirs."""

_SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII
)
_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
_U32_I64: Final = struct.Struct(">Iq")


@lru_cache(SECONDS_KEPT)
def _second_text(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def instant_text(ts: int) -> str:
    """An instant as RFC 3339 in UTC, such as "2024-01-02T14:30:00.5Z".

    Args:
        ts: Instant within the years 1 to 9999 [ns UTC].
    """
    second, rest = divmod(ts, _SECOND)
    if not rest:
        return f"{_second_text(second)}Z"
    return f"{_second_text(second)}.{rest:09d}".rstrip("0") + "Z"


def instant_of(text: str) -> int:
    """An RFC 3339 text of any offset as an instant [ns UTC]; digits beyond the ninth are cut.

    Raises:
        ValueError: It is none, or has no offset.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError("must be an RFC 3339 instant such as 2024-01-02T14:30:00Z")
    day, time, digits, offset = found.groups()
    offset = "+00:00" if offset in {"Z", "z"} else offset
    since = datetime.fromisoformat(f"{day}T{time}{offset}") - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return seconds * _SECOND + int((digits or "").ljust(9, "0"))


def timestamp_data(ts: int) -> bytes:
    """An instant [ns UTC] as the data of msgpack's timestamp: 4, 8 or 12 bytes."""
    second, rest = divmod(ts, _SECOND)
    if 0 <= second < 1 << 34:
        if rest or second >= 1 << 32:
            return _U64.pack(rest << 34 | second)
        return _U32.pack(second)
    return _U32_I64.pack(rest, second)


def instant_of_data(data: bytes | bytearray | memoryview) -> int:
    """The data of msgpack's timestamp as an instant [ns UTC].

    Raises:
        ValueError: It has not 4, 8 or 12 bytes, or a second or more of nanoseconds.
    """
    if len(data) == _U64.size:
        word: int = _U64.unpack(data)[0]
        rest, second = word >> 34, word & ((1 << 34) - 1)
    elif len(data) == _U32.size:
        rest, second = 0, _U32.unpack(data)[0]
    elif len(data) == _U32_I64.size:
        rest, second = _U32_I64.unpack(data)
    else:
        raise ValueError(f"a timestamp must have 4, 8 or 12 bytes, had {len(data)}")
    if rest >= _SECOND:
        raise ValueError(f"a timestamp's nanoseconds must be below a second, were {rest}")
    return second * _SECOND + rest
