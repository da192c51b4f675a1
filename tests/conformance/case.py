"""What a source must bring along so that one suite can test it as all others.

A module ``cases_*.py`` of this folder exports ``CASES: tuple[Case, ...]``; the suite
collects them. A case serves a `Truth`, from a file or a local server that speaks the
service's format, and gives the source that reads it, ready made: its waits do not sleep
and its time-out is `TIMEOUT_S`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fanfold.domain.prices import Basis
from fanfold.market.kinds import Kind
from fanfold.market.sources.source import Request, Source

PAGE_ROWS: Final = 7
"""Rows on a page of a service that pages, small so that a few rows need several."""

TIMEOUT_S: Final = 0.2
"""How long a source under test waits for an answer [s]; a stalled server answers later."""

UNKNOWN: Final = "NOPE"
"""A symbol that no truth holds."""

SECRET: Final = "correct-horse-battery-staple"  # noqa: S105
"""The secret of every service under test: it must show nowhere."""

RETRIED: Final = ("rate_limited", "server_error", "html_error", "dropped", "stalled")
"""Troubles of the first data request alone: the second is answered, and all is well.

`rate_limited`: status 429. `server_error`: status 503. `html_error`: status 502 with a
page of HTML. `dropped`: the connection is closed without an answer. `stalled`: no answer
within `TIMEOUT_S` (twice that is enough; a server must not keep the test waiting).
"""

REFUSED: Final[dict[str, str]] = {
    "down": "SourceError",  # each answer is a status 503
    "garbage": "DataError",  # each answer, or the file, is not of its format
    "bad_keys": "ConfigError",  # the service refuses the keys
    "no_keys": "ConfigError",  # none are set: opening, `check` or `fetch` says so
    "plan": "ConfigError",  # the plan does not include the feed, or data that new
    "unknown_symbol": "DataError",  # `UNKNOWN` is asked for, alone; there is no such thing
}
"""Troubles that do not pass, and the error of `fanfold.errors` that tells of each."""

ACTION_COLUMNS: Final = ("ts", "splits", "dividends")
"""Of frames of actions: `ts` is the ex-date, naive midnight."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What the service has.

    Attributes:
        frames: Rows of each symbol, oldest first, as pandas frames. Of bars: `start` and
            `ts` (first instant and end, both datetime64[ns, UTC]; `ts` is the session's
            close for 1D and for the last bar before it), `session` (its date, naive
            midnight), `open`, `high`, `low`, `close`, `volume`, `vwap`, `trade_count`.
            Of trades: `ts`, `price`, `size`, `id`, `exchange`, `conditions` (texts, the
            latter joined by a space). Of quotes: `ts`, `bid`, `bid_size`, `ask`,
            `ask_size` (NaN where a side is absent), `exchange`, `conditions`.
        kind: What they are.
        timeframe: Of bars, by its one name.
        actions: Splits and dividends of each symbol, columns `ACTION_COLUMNS`; no
            dividend is older than a split, so they are the same on any basis.
        now: What the source's clock shows [ns UTC]; None for long after the last row.
    """

    frames: Mapping[str, Any]
    kind: Kind = "bars"
    timeframe: str = "1D"
    actions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    now: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ready:
    """A source whose service is up.

    Attributes:
        source: Reads from it.
        request_count: How many requests for data (not for cookies, crumbs or log-ins) the
            service has had until now, those in trouble included; 0 for files.
    """

    source: Source
    request_count: Callable[[], int] = lambda: 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A source under test.

    Attributes:
        name: For the test's name, such as "alpaca-stocks".
        open: Serve a truth, with a trouble of `troubles` or "" for none, using a folder
            for files and secrets; a context manager that gives a `Ready`. Leaving it
            stops the service. The environment's variables may be set within and must be
            put back on leaving.
        symbols: Three names of assets as the service spells them, in the order asked.
        kinds: Kinds that the source delivers and the service can serve.
        timeframes: Of bars that the service can serve, of those in "1D", "1h", "1min".
        bases: What prices can be asked for. The source must refuse the others.
        troubles: Which of `RETRIED` and `REFUSED` the service can show.
        refuses: Requests that `check` must refuse with a ConfigError, beside those of
            kinds and bases that are not named above.
        columns: Optional columns of each kind that must come back as they are in the
            truth, beside the required ones.
        actions: Whether splits and dividends come along with daily bars.
        calendar: Of all its symbols: "XNYS", or "24/7" for crypto.
        has_clock: Whether the source knows the time, so that it can leave out the
            unfinished; a file does not.
        own: The daily bars, or those of another timeframe, of a source that has what it
            has and can be given nothing else; `open` gets it back. None for the others.
    """

    name: str
    open: Callable[[Path, Truth, str], AbstractContextManager[Ready]]
    symbols: tuple[str, str, str] = ("AAPL", "IBM", "MSFT")
    kinds: tuple[Kind, ...] = ("bars",)
    timeframes: tuple[str, ...] = ("1D", "1min")
    bases: tuple[Basis, ...] = ("raw",)
    troubles: tuple[str, ...] = ()
    refuses: tuple[Request, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    actions: bool = False
    calendar: str = "XNYS"
    has_clock: bool = True
    own: Callable[[str], Truth] | None = None
