"""What is said before data flows, and what errors of a stream mean.

Connected → keys → what is wanted → the answer, which must hold all of it. Errors that
another try cannot mend end the component; all others, and closes without a word, are tried
again after a pause.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from fanfold.alpaca.credentials import HOW_TO_SET, Credentials
from fanfold.alpaca.wire.messages import (
    Auth,
    Command,
    Failure,
    Subscribe,
    Subscription,
    Success,
    Unsubscribe,
)
from fanfold.errors import LiveError
from fanfold.live.market_data.stream.decode import Message

FATAL: Final[Mapping[int, str]] = {
    400: "what was sent must be read by the broker",
    401: "keys must come before a subscription",
    402: f"the keys must be right: {HOW_TO_SET}",
    403: "keys must be sent once",
    405: "the plan must allow as many symbols, each counts for quotes and trades",
    408: "the account must be enabled for market data",
    409: "the subscription must include this feed",
    410: "the feed must have the channels that are asked for",
    411: "the keys' scope must include market data",
    412: "messages must be asked for in msgpack",
    413: "symbols must be named one by one",
}
"""Errors that another try does not mend, and what must hold instead."""

FATAL_STATUS: Final = frozenset((401, 403))
"""Answers to the upgrade that mean the same."""


class Retry(Exception):  # noqa: N818  (no failure of ours: the connection is made anew)
    """The connection is of no use, another one may be."""


class Stage(StrEnum):
    """How far a handshake has come."""

    GREETING = "greeting"
    KEYS = "keys"
    SUBSCRIPTION = "subscription"
    DONE = "done"


def check(failure: Failure) -> Retry:
    """What an error of the stream means.

    Returns:
        Why the connection is made anew.

    Raises:
        LiveError: It is one that another try does not mend.
    """
    if failure.code in FATAL:
        raise LiveError(f"the market stream: {FATAL[failure.code]}; error {failure.code}")
    return Retry(f"the broker said {failure.code} {_shown(failure.msg)}")


class Handshake:
    """One handshake.

    Args:
        keys: The account's.
        wanted: What is subscribed to.

    Attributes:
        stage: How far it has come.
    """

    def __init__(self, keys: Credentials, wanted: Subscribe) -> None:
        self._keys = keys
        self._wanted = wanted
        self.stage = Stage.GREETING

    def take(self, messages: Sequence[Message]) -> Command | None:
        """What is to be said next, if anything.

        Raises:
            LiveError: See `check`; or the broker subscribes to less than was asked for.
            Retry: It cannot go on.
        """
        answer: Command | None = None
        for message in messages:
            if isinstance(message, Failure):
                raise check(message)
            if isinstance(message, Success):
                answer = self._next(message.msg) or answer
            elif isinstance(message, Subscription) and self.stage is Stage.SUBSCRIPTION:
                self._compare(message)
                self.stage = Stage.DONE
        return answer

    def _next(self, said: str) -> Command | None:
        if said == "connected" and self.stage is Stage.GREETING:
            self.stage = Stage.KEYS
            return Auth(key=self._keys.key_id.reveal(), secret=self._keys.secret.reveal())
        if said == "authenticated" and self.stage is Stage.KEYS:
            self.stage = Stage.SUBSCRIPTION
            return self._wanted
        return None

    def _compare(self, told: Subscription) -> None:
        for channel in told.__struct_fields__:
            asked = frozenset[str](getattr(self._wanted, channel, ()))
            has = getattr(told, channel)
            missing = asked.difference(() if has is msgspec.UNSET else has)
            if missing:
                raise LiveError(
                    f"the stream must tell {channel} of {', '.join(sorted(missing))}, "
                    "the broker's answer leaves them out"
                )


def action_last(command: Command) -> dict[str, object]:
    """A command as it is written: the action after all else, as the broker's own client does."""
    fields = msgspec.to_builtins(command)
    action = fields.pop("action")
    return {**fields, "action": action}


def anew(wanted: Sequence[str]) -> tuple[Unsubscribe, Subscribe]:
    """What is said so that order books of some symbols come whole again."""
    return Unsubscribe(orderbooks=tuple(wanted)), Subscribe(orderbooks=tuple(wanted))


def _shown(text: str) -> str:
    return repr(text[:80])
