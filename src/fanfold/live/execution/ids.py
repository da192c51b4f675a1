"""Names of orders, derived from what they are for.

An order that is sent twice for one reason has one name, so the broker refuses the second:
no retry, restart or replay can hold a position twice.
"""

import hashlib
import re
from functools import lru_cache
from typing import Final

from fanfold.errors import ConfigError

DIGEST_BYTES: Final = 14
"""Bytes of the hash: 28 hexadecimal digits, so equal names by chance need 2**56 orders."""

TAG_MAX: Final = 16
"""Longest tag [characters]."""

FRONTS_MAX: Final = 4_096
"""Assets whose part of a name is kept."""

_TAG: Final = re.compile(rf"[0-9a-z]{{1,{TAG_MAX}}}")
_NAME: Final = re.compile(rf"ff-{_TAG.pattern}-[0-9a-f]{{{2 * DIGEST_BYTES}}}")


def client_order_id(  # noqa: PLR0917  (what the hash is over, in its order)
    account: str, deployment: str, tag: str, symbol: str, event_ts: int, role: str, revision: int
) -> str:
    """``ff-<tag>-<hash>``, 48 characters at most.

    Args:
        account: Number of the broker's account.
        deployment: Name of the deployment.
        tag: `Plan.tag`, small letters and digits, `TAG_MAX` at most.
        symbol: As in the plan.
        event_ts: What was decided on [ns UTC].
        role: "entry", "exit", "stop", "target" or "flatten".
        revision: Grows by one for each further order of the same event and role.

    Raises:
        ConfigError: The tag is empty, too long, or has other characters.
    """
    begin, first = _front(account, deployment, tag, symbol)
    hashed = first + _framed(str(event_ts)) + _framed(role) + _framed(str(revision))
    return begin + hashlib.blake2b(hashed, digest_size=DIGEST_BYTES).hexdigest()


@lru_cache(maxsize=FRONTS_MAX)
def _front(account: str, deployment: str, tag: str, symbol: str) -> tuple[str, bytes]:
    """What names of one asset's orders have in common: their begin, and the hash's."""
    if not _TAG.fullmatch(tag):
        raise ConfigError(f"tag must be {TAG_MAX} small letters and digits at most, was {tag!r}")
    return f"ff-{tag}-", b"".join(map(_framed, (account, deployment, symbol)))


def _framed(part: str) -> bytes:
    content = part.encode()
    return len(content).to_bytes(4, "big") + content


def is_ours(tag: str, client_order_id: str) -> bool:
    """Whether an order was made by the deployment with this tag.

    Legs are not: the broker names them.
    """
    return is_fanfold(client_order_id) and client_order_id.startswith(f"ff-{tag}-")


def is_fanfold(client_order_id: str) -> bool:
    """Whether an order was made by any deployment."""
    return _NAME.fullmatch(client_order_id) is not None
