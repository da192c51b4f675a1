"""Stretches of the past that hurt: the known ones, and the worst ones of the data at hand.

A window begins with its first day's return, so it is measured from the close before that
day. What holding earned contains dividends and splits, whatever the prices are adjusted
for, and what was left of an asset that was delisted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.names import chosen_places, nearest_hint
from fanfold.domain.panel import CLOSE
from fanfold.domain.period import day_of, day_text
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.engine.timeline import delisting_bars, filled
from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import Floats, as_count, as_number

WORST_LENGTHS: Final = (1, 5, 21, 63)
"""Lengths of the worst windows: a day, a week, a month and a quarter of daily bars [bars]."""

Market = Literal["stocks", "crypto"]


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of history that is known by a name.

    Attributes:
        name: What it is called, here and in settings.
        first_day: Day of its first return, as an ISO date.
        last_day: Day of its last return, as an ISO date.
        what: What happened, in one line.
        market: Whose it was; those of stocks were everybody's.
    """

    name: str
    first_day: str
    last_day: str
    what: str
    market: Market = "stocks"


EPISODES: Final = (
    Episode("crash 1987", "1987-10-14", "1987-10-19", "portfolio insurance sells into a fall"),
    Episode("LTCM 1998", "1998-07-20", "1998-08-31", "Russia defaults, leverage comes undone"),
    Episode("dot-com fall 2000-2002", "2000-03-13", "2002-10-09", "from the Nasdaq's high"),
    Episode("September 2001", "2001-09-17", "2001-09-21", "the first week after the attacks"),
    Episode("scandals 2002", "2002-03-20", "2002-10-09", "Enron and WorldCom, to the low"),
    Episode("quant crisis 2007", "2007-08-06", "2007-08-09", "crowded equity books are unwound"),
    Episode("credit crisis 2007-2009", "2007-10-10", "2009-03-09", "the fall of the S&P 500"),
    Episode("Lehman 2008", "2008-09-15", "2008-10-10", "four weeks after the bank failed"),
    Episode("flash crash 2010", "2010-05-06", "2010-05-06", "bids vanish for half an hour"),
    Episode("US downgrade 2011", "2011-07-25", "2011-08-08", "the debt ceiling, then AAA is lost"),
    Episode("taper tantrum 2013", "2013-05-22", "2013-06-24", "the Fed would buy fewer bonds"),
    Episode("August 2015", "2015-08-18", "2015-08-25", "the yuan falls, gaps at the open"),
    Episode("January 2016", "2016-01-04", "2016-02-11", "China again, oil and banks"),
    Episode("Brexit 2016", "2016-06-24", "2016-06-27", "the United Kingdom votes to leave"),
    Episode("volatility 2018", "2018-01-29", "2018-02-08", "short-volatility funds blow up"),
    Episode("fourth quarter 2018", "2018-09-21", "2018-12-24", "rates, tariffs, thin markets"),
    Episode("Covid 2020", "2020-02-20", "2020-03-23", "the pandemic, to the low"),
    Episode("rates 2022", "2022-01-04", "2022-10-12", "inflation: bonds fall with stocks"),
    Episode("banks 2023", "2023-03-09", "2023-03-13", "Silicon Valley Bank fails"),
    Episode("carry unwind 2024", "2024-08-01", "2024-08-05", "the yen rises, loans are repaid"),
    Episode("tariffs 2025", "2025-04-03", "2025-04-08", "tariffs on imports from everywhere"),
    Episode("crypto winter 2018", "2017-12-17", "2018-12-15", "bitcoin's fall", "crypto"),
    Episode("crypto Covid 2020", "2020-03-12", "2020-03-13", "bitcoin halves in a day", "crypto"),
    Episode("crypto May 2021", "2021-05-12", "2021-05-23", "China's ban, leverage goes", "crypto"),
    Episode("crypto winter 2022", "2021-11-09", "2022-11-21", "bitcoin's fall", "crypto"),
    Episode("Terra 2022", "2022-05-07", "2022-05-12", "a stablecoin loses its peg", "crypto"),
    Episode("Celsius 2022", "2022-06-10", "2022-06-18", "lenders stop paying out", "crypto"),
    Episode("FTX 2022", "2022-11-06", "2022-11-21", "an exchange fails", "crypto"),
)
"""The known ones, each from the first return after a high to the one at a low."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricalWindow:
    """A stretch of the bars at hand.

    Attributes:
        name: What it is called.
        what: What happened, in one line.
        first: Bar of its first return; measured from the close of the bar before, so
            at least 1.
        last: Bar of its last return.
        first_day: Its first day, whether the bars have it or not [days since 1970-01-01].
        last_day: Its last day [days since 1970-01-01].
        covered: Share of its calendar days that the bars span [1].
    """

    name: str
    what: str
    first: int
    last: int
    first_day: int
    last_day: int
    covered: float = 1.0

    @property
    def is_whole(self) -> bool:
        """Whether the bars span all of it."""
        return self.covered == 1.0

    @property
    def bar_count(self) -> int:
        """Returns in it [bars]."""
        return self.last - self.first + 1

    def check(self, bars: Bars) -> None:
        """Refuse to be looked up in other bars than these.

        Raises:
            DataError: It is not within the bars.
        """
        if not 1 <= self.first <= self.last < bars.bar_count:
            raise DataError(
                f"window {self.name!r} must be of these {bars.bar_count} bars, from the second on, "
                f"was of bars {self.first} to {self.last}"
            )


def windows_in(bars: Bars, *, names: Iterable[str] | None = None) -> tuple[HistoricalWindow, ...]:
    """The known windows that the bars cover, wholly or in part, in the order of time.

    Args:
        bars: The market.
        names: Which, whatever their market; None takes those of stocks, and those of
            crypto for bars that hold an asset that trades round the clock.

    Returns:
        Those of which the bars hold a return; none is no error.

    Raises:
        ConfigError: A name is not known.
    """
    if names is None:
        never_close = ROUND_THE_CLOCK in bars.calendars
        chosen = [one for one in EPISODES if never_close or one.market == "stocks"]
    else:
        chosen = [_episode(name) for name in dict.fromkeys(names)]
    chosen.sort(key=lambda one: (one.first_day, one.last_day))
    found = [_window(one, bars) for one in chosen]
    return tuple(window for window in found if window is not None)


def worst_windows(
    bars: Bars,
    weights: Mapping[str, float] | None = None,
    lengths: Sequence[int] = WORST_LENGTHS,
) -> tuple[HistoricalWindow, ...]:
    """The stretch of each length in which a portfolio lost most.

    The portfolio is bought with these weights at the close before the stretch and held.
    An asset that had no price then takes no part in it.

    Args:
        bars: The market.
        weights: Share of equity by symbol, negative for a short; None is equal weights of
            all that had a price.
        lengths: Of the stretches [bars]; one longer than the bars is left out.

    Returns:
        One a length, the first of equal ones; where nothing was ever lost, the one that
        earned least.

    Raises:
        ConfigError: A length is no count, or a weight is not finite.
        DataError: A symbol is not in the bars.
    """
    growth = holding_growth(bars)
    held = None
    if weights is not None:
        places = chosen_places(tuple(weights), bars.symbols)
        growth = growth[:, places]
        held = np.array([as_number(weights[name], f"weight of {name}") for name in weights])
    found: list[HistoricalWindow] = []
    for length in dict.fromkeys(as_count(each, "length", least=1) for each in lengths):
        earned = _earned(growth, held, length)
        if np.isfinite(earned).any():
            last = int(np.nanargmin(earned)) + length
            found.append(_worst(bars, last - length + 1, last, float(earned[last - length])))
    return tuple(found)


def holding_returns(bars: Bars) -> Floats:
    """What a unit of each asset earned in each bar, dividends and delisting included.

    Returns:
        NaN up to an asset's first bar, 0 where it has none later; [bar, asset]
        [1 per bar].
    """
    marks = filled(bars.seen[CLOSE])
    worth = marks
    if bars.dividends is not None:
        worth = marks + bars.dividends * bars.forward
    returns = np.full(marks.shape, np.nan)
    returns[1:] = worth[1:] / marks[:-1] - 1.0
    if bars.delisting_return is not None:
        for asset, bar in enumerate(delisting_bars(bars).tolist()):
            if bar > 0 and np.isfinite(marks[bar - 1, asset]):
                returns[bar, asset] = bars.delisting_return[asset]
    return returns


def holding_growth(bars: Bars) -> Floats:
    """What one unit of currency in each asset's first close has become; NaN before it.

    Returns:
        Shape [bar, asset] [1].
    """
    returns = holding_returns(bars)
    growth: Floats = np.cumprod(1.0 + np.nan_to_num(returns), axis=0, dtype=np.float64)
    growth[np.isnan(filled(bars.seen[CLOSE]))] = np.nan
    return growth


def ratio_of_growth(later: Floats, before: Floats) -> Floats:
    """What growth there was between two moments; NaN without a price, or with nothing left."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(before > 0.0, later / before, np.nan)


def day_bar(bars: Bars, day: int) -> int:
    """The first bar of a day, or of the first session after it.

    Args:
        bars: The market.
        day: Date [days since 1970-01-01].

    Raises:
        DataError: The bars do not span that day.
    """
    if not bars.session_day[0] <= day <= bars.session_day[-1]:
        raise DataError(
            f"a day of a shock must be within the bars, {day_text(bars.session_day[0])} to "
            f"{day_text(bars.session_day[-1])}, was {day_text(day)}"
        )
    return int(np.searchsorted(bars.session_day, day))


def _episode(name: str) -> Episode:
    known = {one.name.casefold(): one for one in EPISODES}
    found = known.get(str(name).casefold())
    if found is None:
        names = [one.name for one in EPISODES]
        hint = nearest_hint(str(name), names)
        raise ConfigError(f"window must be one of {', '.join(names)}, was {name!r}{hint}")
    return found


def _window(episode: Episode, bars: Bars) -> HistoricalWindow | None:
    first_day = day_of(episode.first_day, "first_day")
    last_day = day_of(episode.last_day, "last_day")
    # The first session only gives the close from which the second is measured.
    known_from, known_to = int(bars.session_day[0]) + 1, int(bars.session_day[-1])
    days = min(last_day, known_to) - max(first_day, known_from) + 1
    first = max(int(np.searchsorted(bars.session_day, first_day)), 1)
    last = int(np.searchsorted(bars.session_day, last_day, side="right")) - 1
    if days <= 0 or last < first:
        return None
    return HistoricalWindow(
        name=episode.name,
        what=episode.what,
        first=first,
        last=last,
        first_day=first_day,
        last_day=last_day,
        covered=days / (last_day - first_day + 1),
    )


def _earned(growth: Floats, weights: Floats | None, length: int) -> Floats:
    """What the portfolio earned in each stretch, by its first bar less one; NaN if unknown."""
    if length >= len(growth):
        return np.empty(0)
    returns = ratio_of_growth(growth[length:], growth[:-length]) - 1.0
    known = np.isfinite(returns)
    amounts = np.where(known, returns, 0.0)
    if weights is None:
        earned = amounts.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    else:
        earned = amounts @ weights
    return np.where(known.any(axis=1), earned, np.nan)


def _worst(bars: Bars, first: int, last: int, earned: float) -> HistoricalWindow:
    count = last - first + 1
    return HistoricalWindow(
        name=f"worst {count} bars" if count > 1 else "worst bar",
        what=f"the portfolio earned {100.0 * earned:.1f} %",
        first=first,
        last=last,
        first_day=int(bars.session_day[first]),
        last_day=int(bars.session_day[last]),
    )
