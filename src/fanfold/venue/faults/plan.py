"""What goes wrong on purpose, decided by a seed; nothing does by default.

Faults are decided here as values. The server acts on them: it alone sends, waits and drops.
"""

from dataclasses import dataclass
from typing import Literal

Endpoint = Literal["stocks", "crypto", "trading"]
"""Streams: market data of stocks, of coins, and trade updates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What happens to one request.

    Attributes:
        delay_s: How long its answer waits [s].
        acts: Whether what it asks for is done.
        answer: "drop" closes the connection without an answer, "stall" never answers until
            the client gives up, "" answers, with `status` and `body` if there is one.
        status: HTTP status of the answer; 0 for the real one.
        headers: Headers of the answer beside.
        body: Body of the answer.
        content_type: Of that body.
    """

    delay_s: float = 0.0
    acts: bool = True
    answer: Literal["", "drop", "stall"] = ""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What becomes of messages for one client.

    Attributes:
        messages: What is sent, in this order.
        delay_s: How long it waits before [s].
        drop: Whether the connection is closed, without a word, after them.
    """

    messages: tuple[bytes, ...]
    delay_s: float = 0.0
    drop: bool = False
