"""What is said on the stream of trade updates before and beside them."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from fanfold.alpaca.wire.codec import UNREADABLE
from fanfold.venue.streams.client import Client
from fanfold.venue.streams.hub import Hub
from fanfold.venue.streams.limits import AUTH_TRIES_MAX

TRADE_UPDATES: Final = "trade_updates"
"""The one stream there is; names of others are left out of the answer."""

CONNECTION_LIMIT: Final = "connection limit exceeded"
"""Why a second connection of an account is ended."""

AUTH_TIMEOUT: Final = "auth timeout"
"""Why one that shows no keys is ended."""

_AUTH_ACTIONS: Final = frozenset(("authenticate", "auth"))
_INVALID: Final = {"code": 400, "message": "invalid syntax"}


class _Data(Struct, frozen=True):
    key_id: str = ""
    secret_key: str = ""
    streams: tuple[str, ...] = ()


class _Words(Struct, frozen=True):
    action: str
    key: str = ""
    secret: str = ""
    data: _Data = _Data()


_FROM_JSON: Final = msgspec.json.Decoder(_Words)
_FROM_MSGPACK: Final = msgspec.msgpack.Decoder(_Words)


class TradingTalk:
    """The conversation with one client.

    Args:
        client: Whom it is with.
        hub: Where clients are.
        account_of: Id of the account of a key and its secret; None if they are wrong.
    """

    def __init__(
        self, client: Client, hub: Hub, account_of: Callable[[str, str], str | None]
    ) -> None:
        self._client = client
        self._hub = hub
        self._account_of = account_of
        self._tries = 0

    def greet(self, keys: tuple[str, str] | None) -> None:
        """Begin: the first frame that a client reads answers its keys, so nothing is said."""
        if keys is not None:
            account = self._account_of(*keys)
            if account is not None:
                self._seat(account)

    def hear(self, frame: bytes | str) -> None:
        """Answer what the client says; text is JSON in both codecs."""
        try:
            if isinstance(frame, str) or not self._client.codec.is_binary:
                words = _FROM_JSON.decode(frame)
            else:
                words = _FROM_MSGPACK.decode(frame)
        except UNREADABLE:
            self._say("error", _INVALID)
            return
        if words.action in _AUTH_ACTIONS:
            self._authenticate(words)
        elif words.action == "listen":
            self._listen(words.data.streams)
        else:
            self._say("error", _INVALID)

    def run_out(self) -> None:
        """The time for keys is over."""
        if not self._client.account:
            self._client.end(reason=AUTH_TIMEOUT)

    def _authenticate(self, words: _Words) -> None:
        key, secret = words.data.key_id or words.key, words.data.secret_key or words.secret
        account = self._account_of(key, secret)
        mine = self._client.account
        if account is None or (mine and account != mine):
            self._authorization("unauthorized", "authenticate")
            self._tries += 1
            if self._tries >= AUTH_TRIES_MAX:
                self._client.end(reason="unauthorized")
        elif mine or self._seat(account):
            self._authorization("authorized", "authenticate")

    def _seat(self, account: str) -> bool:
        if self._hub.seat(self._client, account):
            return True
        self._client.end(reason=CONNECTION_LIMIT)
        return False

    def _listen(self, streams: tuple[str, ...]) -> None:
        if not self._client.account:
            self._authorization("unauthorized", "listen")
            return
        self._client.listens = TRADE_UPDATES in streams
        self._hub.refresh()
        self._say("listening", {"streams": [TRADE_UPDATES] if self._client.listens else []})

    def _authorization(self, status: str, action: str) -> None:
        self._say("authorization", {"status": status, "action": action})

    def _say(self, stream: str, data: dict[str, Any]) -> None:
        frame = self._client.codec.encode({"stream": stream, "data": data})
        self._hub.answer(self._client, frame)
