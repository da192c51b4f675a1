"""One rule for every request that yfinance sends, and what Yahoo's refusals mean.

yfinance has one session a process, tells few of its failures apart, and keeps answers, so
that a failure could be kept too. It is given this wire as its session's way out: what
passes is waited out here, what does not is raised here, and only answers with bars come
through. What else an answer holds, the exchange and the dates of splits and dividends, is
taken from it, for yfinance moves these dates onto the bars, weeks among them.
"""

import logging
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from http import HTTPStatus
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from fanfold.domain.place import home
from fanfold.errors import ConfigError, DataError, FanfoldError, SourceError
from fanfold.market.sources.pacing import Patience, TokenBucket, asked_wait_s, patiently, said

_CHART: Final = "/v8/finance/chart/"
_CRUMB: Final = "/getcrumb"
_CLOSED: Final = "Will be right back"
"""What Yahoo says, with status 200, while it is mended."""

_log: Final = logging.getLogger("yfinance")
_one_at_a_time: Final = Lock()


class RefusedError(Exception):
    """Yahoo answered with a status that is no answer."""

    def __init__(self, status: int, message: str, wait_s: float | None) -> None:
        super().__init__(f"status {status}: {message}")
        self.status = status
        self.wait_s = wait_s


class NothingError(Exception):
    """Yahoo has no bars in the period."""


@dataclass(slots=True, eq=False)
class YahooWire:
    """Sends one symbol's requests and reads what yfinance loses of the answers.

    Attributes:
        url: Where every request is sent instead, whatever its host; None for its own.
        bucket: Lets requests through.
        patience: How long to go on asking.
        timeout_s: How long to wait for an answer [s].
        asked: What is asked for, such as "1min bars of AAPL".
        send: How the session sends a request.
        meta: What the last answer said about the symbol.
        events: Splits and dividends, as Yahoo has them, by kind and place.
        is_renewed: Whether yfinance has been let renew its cookie.
    """

    url: str | None
    bucket: TokenBucket
    patience: Patience
    timeout_s: float
    asked: str
    send: Callable[..., Any]
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
    events: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    is_renewed: bool = False

    def request(self, method: str, url: str, **options: Any) -> Any:
        """Send a request as the session does, until it is answered.

        Raises:
            NothingError: There are no bars in the period.
            ConfigError: Bars of that length do not reach that far.
            DataError: There is no such symbol, or the answer cannot be read.
            SourceError: Patience has run out, or the request was refused otherwise.
        """
        options["timeout"] = self.timeout_s
        place = self._moved(url)
        if _CHART not in url:
            return self._visited(method, place, options)
        try:
            answer, told = patiently(
                lambda: self._sent(method, place, options),
                self.patience,
                _passes,
                lambda error: getattr(error, "wait_s", None),
                source="yahoo",
                asked=self.asked,
            )
        except RefusedError as error:
            raise SourceError(
                f"yahoo must answer when asked for {self.asked}; it refused: {said(error)}"
            ) from error
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self.is_renewed = True  # yfinance fetches another cookie and asks again
        else:
            self._read(answer, told, is_period="period1" in (options.get("params") or {}))
        return answer

    def _moved(self, url: str) -> str:
        if self.url is None:
            return url
        parts = urlsplit(url)
        return self.url.rstrip("/") + (parts.path or "/") + ("?" + parts.query) * bool(parts.query)

    def _visited(self, method: str, place: str, options: dict[str, Any]) -> Any:
        """Fetch a cookie or a crumb; charts do without where there is none."""
        self.bucket.take()
        answer = self.send(method, place, **options)
        if place.endswith(_CRUMB) and answer.status_code != HTTPStatus.OK:
            # Else yfinance takes the text of the refusal for the crumb.
            raise ConnectionError(f"no crumb: status {answer.status_code}")
        return answer

    def _sent(self, method: str, place: str, options: dict[str, Any]) -> tuple[Any, Any]:
        self.bucket.take()
        answer = self.send(method, place, **options)
        status, told = answer.status_code, _told(answer)
        if status == HTTPStatus.OK and told is None and _CLOSED in answer.text:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, _CLOSED, None)
        is_cookie_old = status == HTTPStatus.UNAUTHORIZED and not self.is_renewed
        if status == HTTPStatus.OK or is_cookie_old or _complaint(told):
            return answer, told
        raise RefusedError(status, _start(answer), asked_wait_s(answer.headers))

    def _read(self, answer: Any, told: Any, *, is_period: bool) -> None:
        complaint = _complaint(told)
        if complaint:
            raise _error_of(complaint, self.asked)
        try:
            result = told["chart"]["result"][0]
            self.meta = result["meta"]
            for kind, events in result.get("events", {}).items():
                self.events.setdefault(kind, {}).update(events)
            has_bars = bool(result.get("timestamp"))
        except (TypeError, KeyError, IndexError, AttributeError) as error:
            raise DataError(
                f"yahoo must answer with a chart when asked for {self.asked}, was {_start(answer)}"
            ) from error
        if is_period and not has_bars:
            raise NothingError(self.asked)


@contextmanager
def yahoo_wire(**settings: Any) -> Generator[tuple[Any, YahooWire]]:
    """yfinance's maker of tickers, and the wire they are on; one symbol at a time.

    Args:
        settings: `url`, `bucket`, `patience`, `timeout_s` and `asked` of a `YahooWire`.
    """
    import yfinance as untyped

    yfinance: Any = untyped
    with _one_at_a_time:
        session = _session()
        send, debug = session.request, yfinance.config.debug
        hides, level = debug.hide_exceptions, _log.level
        wire = YahooWire(send=send, **settings)
        session.request, debug.hide_exceptions = wire.request, False
        _log.setLevel(logging.ERROR)  # it warns of each crumb that it does without
        try:
            with warnings.catch_warnings():
                # Of pandas, which yfinance is late to follow.
                warnings.simplefilter("ignore", DeprecationWarning)
                yield partial(yfinance.Ticker, session=session), wire
        finally:
            session.request, debug.hide_exceptions = send, hides
            _log.setLevel(level)
            _forget_answers()


@lru_cache(maxsize=1)
def _session() -> Any:
    """The session of this process, whose cookies belong to yfinance's crumb."""
    import yfinance as untyped
    from curl_cffi import requests as also_untyped  # yfinance takes its sessions

    yfinance: Any = untyped
    requests: Any = also_untyped
    yfinance.set_tz_cache_location(str(home() / "yfinance"))  # it can be told once
    return requests.Session(impersonate="chrome")


def _forget_answers() -> None:
    """Those that yfinance keeps: they are large, and may be another server's."""
    from yfinance import data as untyped

    data: Any = untyped
    data.YfData.cache_get.cache_clear()


def _passes(error: BaseException) -> bool:
    if isinstance(error, RefusedError):
        # 999 is Yahoo's own word for too many requests.
        limits = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
        return error.status in limits or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, OSError)


def _told(answer: Any) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _start(answer: Any) -> str:
    return said(ValueError(answer.text))


def _complaint(told: Any) -> str:
    """What Yahoo's own words for a failure are, "" if there is none."""
    try:
        error = told["chart"]["error"]
        return f"{error['code']}: {error['description']}"
    except (TypeError, KeyError, IndexError):
        return ""


def _error_of(complaint: str, asked: str) -> FanfoldError | NothingError:
    for words, make in _MEANINGS:
        if words in complaint:
            return make(f"{asked}; it answered {said(ValueError(complaint))}")
    return SourceError(f"yahoo must answer when asked for {asked}; it refused: {complaint}")


_MEANINGS: Final[tuple[tuple[str, Callable[[str], FanfoldError | NothingError]], ...]] = (
    ("Data doesn't exist for startDate", NothingError),
    ("must be within the last", lambda text: ConfigError(f"yahoo must reach back to {text}")),
    ("granularity data are allowed", lambda text: ConfigError(f"yahoo must reach back to {text}")),
    ("Not Found", lambda text: DataError(f"symbol must be one that Yahoo knows, {text}")),
)
"""What Yahoo's words mean, the first that is found."""
