"""Series that begin later, or end earlier, than most others beside them.

A series alone cannot show that its first or last sessions are missing; its neighbours can.
It may also have been listed later, or delisted, so this is worth knowing and no more, but
for a few sessions at the end: so a download looks that was cut off.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from fanfold.domain.period import day_text
from fanfold.domain.sessions import session_closes, sessions_between
from fanfold.market.quality.about import About
from fanfold.market.quality.finding import Finding

_SERIES_MIN: Final = 3
"""Series from which most of them can be told from one."""

_SHARE_MIN: Final = 0.5
"""Share of series that must begin, or end, on one day to be most [1]."""

_CUT_OFF_MAX: Final = 20
"""Sessions that are missing at the end up to which it is a warning."""


def uneven_ends(spans: Mapping[str, tuple[int, int]], about: About) -> Iterator[Finding]:
    """Compare when series of one timeframe and calendar begin and end.

    Args:
        spans: First and last session of each symbol [days since 1970-01-01].
        about: What they share; its symbol does not matter.
    """
    if len(spans) < _SERIES_MIN:
        return
    for side, name in ((0, "begin"), (1, "end")):
        days = Counter(span[side] for span in spans.values())
        day, count = days.most_common(1)[0]
        if count <= _SHARE_MIN * len(spans):
            continue
        for symbol, span in spans.items():
            first, last = (day, span[0] - 1) if side == 0 else (span[1] + 1, day)
            if first > last:
                continue
            missing = sessions_between(first, last, about.calendar)
            if len(missing) == 0:
                continue
            yield Finding(
                symbol=symbol,
                ts=int(session_closes(missing[:1], about.calendar)[0]),
                kind="gap",
                severity="warning" if side and len(missing) <= _CUT_OFF_MAX else "info",
                detail=f"bars must {name} when those of others do, {count} of {len(spans)} {name} "
                f"on {day_text(day)}, these on {day_text(span[side])}: {len(missing)} sessions "
                "are missing, unless it was not listed then",
                timeframe=about.timeframe,
            )
