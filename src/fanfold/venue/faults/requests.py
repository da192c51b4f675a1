"""What becomes of a REST request, and of a request for a stream, when a fault strikes."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from fanfold.venue.faults import kinds
from fanfold.venue.faults.plan import Trouble

SECOND_NS: Final = 1_000_000_000

PAGE: Final = (
    "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n"
    "<center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)
"""The page that a server in front of the broker shows."""

RATE_LIMIT: Final = 200
"""What the headers of a 429 say: requests a minute that an account may send."""

_REASONS: Final = {
    200: "OK",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_REFUSED: Final = {
    406: '[{"T":"error","code":406,"msg":"connection limit exceeded"}]',
    429: '{"code":42910000,"message":"too many requests."}',
    503: '{"code":50310000,"message":"service unavailable."}',
}


def touches_request(fault: kinds.OnRequest, *, method: str, path: str, account: str) -> bool:
    """Whether a request is one that a fault may strike."""
    return (
        fault.account in ("", account)
        and fault.method in ("", method.upper())
        and (not fault.path or fnmatchcase(path, fault.path))
    )


def trouble_of(fault: kinds.OnRequest, now: int) -> Trouble:
    """What happens to a request that a fault strikes.

    Args:
        fault: Which.
        now: The clock that is told to clients [ns UTC].
    """
    return _TROUBLES[type(fault)](fault, now)


def refused(status: int) -> Trouble:
    """A stream that is refused.

    With 406 the body is what a market-data stream says once it is connected: there the
    broker accepts the connection, says so, and closes it.
    """
    return Trouble(acts=False, status=status, body=_REFUSED[status])


def _page(status: int, *, acts: bool) -> Trouble:
    return Trouble(
        acts=acts,
        status=status,
        body=PAGE.format(status=status, reason=_REASONS.get(status, "Error")),
        content_type="text/html",
    )


def _words(status: int, message: str, *, acts: bool) -> Trouble:
    body = msgspec.json.encode({"code": status * 100_000, "message": message}).decode()
    return Trouble(acts=acts, status=status, body=body)


def _error(fault: kinds.RestError, _now: int) -> Trouble:
    if fault.body == "html":
        return _page(fault.status, acts=fault.acts)
    return _words(fault.status, "internal server error occurred", acts=fault.acts)


def _rate_limit(fault: kinds.RateLimit, now: int) -> Trouble:
    reset = now // SECOND_NS + round(fault.retry_s)
    headers = (
        ("X-RateLimit-Limit", str(RATE_LIMIT)),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", str(reset)),
    )
    return Trouble(
        acts=False,
        status=429,
        headers=headers if fault.headers else (),
        body='{"code":42910000,"message":"rate limit exceeded"}',
    )


def _delay(fault: kinds.RestDelay, _now: int) -> Trouble:
    return Trouble(delay_s=fault.delay_s)


def _html(fault: kinds.Html, _now: int) -> Trouble:
    return _page(fault.status, acts=fault.acts)


def _always(trouble: Trouble) -> Callable[[Any, int], Trouble]:
    def same(_fault: Any, _now: int) -> Trouble:
        return trouble

    return same


_TROUBLES: Final[Mapping[type[kinds.OnRequest], Callable[[Any, int], Trouble]]] = {
    kinds.RestDelay: _delay,
    kinds.RestTimeoutBefore: _always(Trouble(acts=False, answer="stall")),
    kinds.RestTimeoutAfter: _always(Trouble(answer="stall")),
    kinds.RestDropBefore: _always(Trouble(acts=False, answer="drop")),
    kinds.RestDropAfter: _always(Trouble(answer="drop")),
    kinds.RestError: _error,
    kinds.Rest504After: _always(_words(504, "request timed out", acts=True)),
    kinds.RateLimit: _rate_limit,
    kinds.Html: _html,
}
