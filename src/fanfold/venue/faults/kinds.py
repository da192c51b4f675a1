"""What can go wrong: each kind is a value with its parameters, checked when it is read."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

SECONDS_MAX: Final = 86_400
"""Longest that a fault, or one of its delays, lasts [s]."""

COUNT_MAX: Final = 1_000_000_000
"""Most questions that a fault counts [questions]."""

COPIES_MAX: Final = 100
"""Copies of one message at most [messages]."""

Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, Meta(ge=0.0, le=SECONDS_MAX)]
Skew = Annotated[float, Meta(ge=-SECONDS_MAX, le=SECONDS_MAX)]
Fraction = Annotated[float, Meta(gt=0.0, lt=1.0)]
Name = Annotated[str, Meta(max_length=256)]
Symbol = Annotated[str, Meta(min_length=1, max_length=64)]
Instant = Annotated[int, Meta(ge=0, le=2**63 - 1)] | Annotated[str, Meta(max_length=64)]
Method = Literal["", "GET", "POST", "PATCH", "PUT", "DELETE"]
Stream = Literal["", "stocks", "crypto", "trading"]


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A fault that is on from when it is added.

    Attributes:
        for_s: How long it is on; None until it is removed [s].
        until: Up to when it is on [ns UTC, or a text with its zone].
    """

    for_s: Annotated[float, Meta(gt=0.0, le=SECONDS_MAX)] | None = None
    until: Instant | None = None


class Asked(Fault, frozen=True, kw_only=True):
    """A fault that strikes by chance, one question at a time.

    Attributes:
        probability: How likely it strikes [1].
        count: How often at most; None without end.
        after: So many questions are let pass first.
    """

    probability: Probability = 1.0
    count: Annotated[int, Meta(ge=1, le=COUNT_MAX)] | None = None
    after: Annotated[int, Meta(ge=0, le=COUNT_MAX)] = 0


class OnStream(Asked, frozen=True, kw_only=True):
    """A fault of what is sent to one stream's client.

    Attributes:
        endpoint: Which stream; any if empty.
        account: Id of the account; any if empty.
        channel: Only messages of it: "trades", "quotes", "bars" … "trade_updates".
        symbol: Only messages about it.
    """

    endpoint: Stream = ""
    account: Name = ""
    channel: Name = ""
    symbol: Name = ""


class Disconnect(OnStream, frozen=True, kw_only=True, tag="disconnect"):
    """The connection is cut without a word, what was to be sent with it.

    Attributes:
        delivers: Whether what was to be sent still goes out.
        half_dead_s: How long the venue takes the dead connection for a living one, and
            refuses another with 406 [s].
    """

    delivers: bool = False
    half_dead_s: Seconds = 0.0


class Silent(OnStream, frozen=True, kw_only=True, tag="silent"):
    """The connection stays open, and answers pings, but sends nothing any more.

    Attributes:
        mute_s: How long; None until it is connected anew [s].
    """

    mute_s: Seconds | None = None


class Lose(OnStream, frozen=True, kw_only=True, tag="lose"):
    """A message is never sent."""


class Repeat(OnStream, frozen=True, kw_only=True, tag="repeat"):
    """A message is sent again.

    Attributes:
        times: How often again.
    """

    times: Annotated[int, Meta(ge=1, le=COPIES_MAX)] = 1


class Reorder(OnStream, frozen=True, kw_only=True, tag="reorder"):
    """Messages come in another order; a single one waits and comes after the next."""


class Delay(OnStream, frozen=True, kw_only=True, tag="delay"):
    """Messages come late, and those after them too.

    Attributes:
        delay_s: How late [s].
    """

    delay_s: Seconds = 1.0


class RefuseUpgrade(Asked, frozen=True, kw_only=True, tag="refuse_upgrade"):
    """A stream is refused, as while a dead connection is taken for a living one.

    Attributes:
        endpoint: Which stream; any if empty.
        account: Id of the account; any if empty. Only of those that bring keys at once.
        status: 429 too many, 406 the connection limit, 503 not now.
        lasts_s: How long all that follow are refused as well; counted once [s].
    """

    endpoint: Stream = ""
    account: Name = ""
    status: Literal[406, 429, 503] = 406
    lasts_s: Seconds = 5.0


class OnRequest(Asked, frozen=True, kw_only=True):
    """A fault of REST requests.

    Attributes:
        account: Id of the account; any if empty.
        method: Only of this method; any if empty.
        path: Only of these paths, "*" for anything: "/v2/orders*"; any if empty.
    """

    account: Name = ""
    method: Method = ""
    path: Name = ""


class RestDelay(OnRequest, frozen=True, kw_only=True, tag="rest_delay"):
    """A request is done at once, and answered late.

    Attributes:
        delay_s: How late [s].
    """

    delay_s: Seconds = 1.0


class RestTimeoutBefore(OnRequest, frozen=True, kw_only=True, tag="rest_timeout_before"):
    """A request is not done, and never answered."""


class RestTimeoutAfter(OnRequest, frozen=True, kw_only=True, tag="rest_timeout_after"):
    """A request is done, and never answered."""


class RestDropBefore(OnRequest, frozen=True, kw_only=True, tag="rest_drop_before"):
    """A request is not done; the connection is cut."""


class RestDropAfter(OnRequest, frozen=True, kw_only=True, tag="rest_drop_after"):
    """A request is done; the connection is cut."""


class RestError(OnRequest, frozen=True, kw_only=True, tag="rest_error"):
    """A request is answered by an error of the server.

    Attributes:
        status: Status of the answer.
        body: "json" or "html".
        acts: Whether it is done all the same.
    """

    status: Annotated[int, Meta(ge=500, le=599)] = 500
    body: Literal["json", "html"] = "json"
    acts: bool = False


class Rest504After(OnRequest, frozen=True, kw_only=True, tag="rest_504_after"):
    """A request is done, and answered by 504: clients that send again send twice."""


class RateLimit(OnRequest, frozen=True, kw_only=True, tag="rate_limit"):
    """A request is not done: 429.

    Attributes:
        headers: Whether the answer says when to come back.
        retry_s: When that is [s].
    """

    headers: bool = True
    retry_s: Seconds = 60.0


class Html(OnRequest, frozen=True, kw_only=True, tag="html"):
    """A request is answered by a page for people.

    Attributes:
        status: Status of the answer.
        acts: Whether it is done all the same.
    """

    status: Annotated[int, Meta(ge=200, le=599)] = 502
    acts: bool = False


class OnOrder(Asked, frozen=True, kw_only=True):
    """A fault of orders; delays are of the venue's clock.

    Attributes:
        account: Id of the account; any if empty.
        symbol: Only of this asset; any if empty.
        side: "buy" or "sell"; any if empty.
    """

    account: Name = ""
    symbol: Name = ""
    side: Literal["", "buy", "sell"] = ""


class PartialFill(OnOrder, frozen=True, kw_only=True, tag="partial_fill"):
    """Only a part of what could fill does; the rest meets later prices.

    Attributes:
        fraction: Which part; None draws it [1].
    """

    fraction: Fraction | None = None


class LateFillAfterCancel(OnOrder, frozen=True, kw_only=True, tag="late_fill_after_cancel"):
    """An order fills right after its cancellation was told."""


class SlowAcceptance(OnOrder, frozen=True, kw_only=True, tag="slow_acceptance"):
    """An order is pending before it is in the book.

    Attributes:
        delay_s: How long [s].
    """

    delay_s: Seconds = 1.0


class SlowCancel(OnOrder, frozen=True, kw_only=True, tag="slow_cancel"):
    """A cancellation is pending.

    Attributes:
        delay_s: How long [s].
    """

    delay_s: Seconds = 1.0


class CancelRejected(OnOrder, frozen=True, kw_only=True, tag="cancel_rejected"):
    """A cancellation was taken, and is rejected in the end."""


class SlowReplace(OnOrder, frozen=True, kw_only=True, tag="slow_replace"):
    """A replacement is pending.

    Attributes:
        delay_s: How long [s].
    """

    delay_s: Seconds = 1.0


class ClockSkew(Fault, frozen=True, kw_only=True, tag="clock_skew"):
    """The clock that clients are told is off.

    Attributes:
        skew_s: By how much; positive is fast [s].
    """

    skew_s: Skew


class Halt(Fault, frozen=True, kw_only=True, tag="halt"):
    """Trading of an asset stands; `for_s` and `until` are of the venue's clock.

    Attributes:
        symbol: Which.
        reason: Words for people.
    """

    symbol: Symbol
    reason: Name = ""
