"""What the broker's refusals mean, as fanfold's errors.

The client library raises one error for all of them, whose message cannot be read where
the answer is a page of HTML, and others still where there is no answer. Here each has one
meaning: mend the keys, the plan, the symbol or the address, or wait.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from fanfold.alpaca.clients import Redirected
from fanfold.alpaca.credentials import HOW_TO_SET
from fanfold.alpaca.hosts import DATA_URL_VARIABLE
from fanfold.errors import ConfigError, DataError, FanfoldError, SourceError

_FEED_HINT: Final = "use feed iex, or end at least 15 minutes ago"

_PASSING: Final = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be another a moment later [HTTP status]."""

_TEXT_MAX: Final = 200
"""How much of an answer is repeated [characters]."""


def client_errors() -> tuple[type[Exception], ...]:
    """All that the client library raises when a request fails."""
    import requests
    from alpaca.common.exceptions import APIError

    return (APIError, requests.RequestException, Redirected)


def status_of(error: BaseException) -> int | None:
    """Status of the answer [HTTP status], None if there was none."""
    response = _response(error)
    return None if response is None else int(response.status_code)


def headers_of(error: BaseException) -> Mapping[str, str]:
    """Headers of the answer, none if there was none."""
    response = _response(error)
    return {} if response is None else response.headers


def may_pass(error: BaseException) -> bool:
    """Whether the same request may be answered a moment later."""
    import requests

    status = status_of(error)
    if status is not None:
        return status in _PASSING
    lost = (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    )
    return isinstance(error, lost) and not isinstance(error, requests.exceptions.SSLError)


def plainly(error: BaseException) -> str:
    """What was answered or why nothing was, on one line; never the request's headers."""
    response = _response(error)
    if response is not None:
        text = _message(str(response.text))
        return f"status {response.status_code} ({_reason(response)}){': ' * bool(text)}{text}"
    # A connection's error is long and says where the trouble is last.
    reason = re.sub(r"^.*\(Caused by (.*)\)$", r"\1", _one_line(str(error)))
    return _cut(reason) or type(error).__name__


def complaint(error: BaseException, *, asked: str, feed: str, url: str) -> FanfoldError:
    """fanfold's error for one of the client library's.

    Args:
        error: What the client raised.
        asked: What was asked for, such as "1min bars of AAPL".
        feed: Of which feed.
        url: At which address.
    """
    status, told = status_of(error), plainly(error)
    if isinstance(error, Redirected):
        return SourceError(
            f"{url} must answer by itself when asked for {asked}, it redirects ({told}); "
            f"{DATA_URL_VARIABLE} sets another address"
        )
    if _is_unreadable(error):
        return DataError(f"alpaca at {url} must answer in JSON when asked for {asked}, did not")
    if status is None or status in _PASSING or not 400 <= status < 500:  # noqa: PLR2004
        return SourceError(f"alpaca at {url} must answer when asked for {asked}, said: {told}")
    return _refusal(status, told, asked=asked, feed=feed, url=url)


def _refusal(status: int, told: str, *, asked: str, feed: str, url: str) -> FanfoldError:
    """What an answer of the class 4xx means."""
    if status == HTTPStatus.FORBIDDEN and _is_about_plan(told):
        return ConfigError(
            f"the plan must include feed {feed} to ask for {asked}: {_FEED_HINT}; "
            f"alpaca answered {told}"
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ConfigError(
            f"alpaca must accept the keys to be asked for {asked}: {HOW_TO_SET}; it answered {told}"
        )
    if "symbol" in told.lower() or "asset" in told.lower():
        return DataError(f"alpaca must know what is asked for, {asked}; it answered {told}")
    return ConfigError(f"alpaca at {url} must take the request for {asked}; it answered {told}")


def _response(error: BaseException) -> Any:
    """The answer that an error of the client library carries."""
    from alpaca.common.exceptions import APIError

    refused: Any = error
    return refused.response if isinstance(error, APIError) else None


def _message(body: str) -> str:
    """What an answer's body says: JSON's message, HTML's text, else itself."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        told = None
    if isinstance(told, dict):
        body = str(cast("dict[str, Any]", told).get("message") or "")
    elif "<" in body:
        body = re.sub(r"(?s)<(head|style|script)\b.*?</\1>|<[^>]*>", " ", body)
    return _cut(_one_line(body))


def _reason(response: Any) -> str:
    try:
        return HTTPStatus(response.status_code).phrase
    except ValueError:
        return "unknown"


def _is_unreadable(error: BaseException) -> bool:
    import requests

    return isinstance(error, requests.exceptions.InvalidJSONError)


def _is_about_plan(told: str) -> bool:
    return any(word in told.lower() for word in ("subscription", "permit", "plan", "feed"))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else text[:_TEXT_MAX] + " …"
