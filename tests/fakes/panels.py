"""Markets made up for tests: bars written down by hand, and wild ones from a seed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME

DAY_NS = 86_400 * 10**9
FIRST_DAY = 19_000  # 2022-01-08


def bars_of(
    panel: NDArray[np.float64],
    *,
    symbols: Sequence[str] | None = None,
    session_bars: int = 1,
    gaps: Sequence[int] | None = None,
    calendar: str = "XNYS",
) -> Bars:
    """Bars around a panel `[field, bar, asset]`, so many a session, sessions days apart.

    `gaps` are the days between sessions, taken round and round; all 1 by default.
    """
    _, bar_count, asset_count = panel.shape
    session = np.arange(bar_count) // session_bars
    days = np.cumsum(np.resize(np.array(gaps or [1]), session[-1] + 1)) + FIRST_DAY
    session_day = days[session].astype(np.int64)
    place = np.arange(bar_count) % session_bars + 1
    months = session_day.astype("datetime64[D]").astype("datetime64[M]")
    ends_month = np.append(months[1:] != months[:-1], True)
    month_end_day = np.isin(session_day, session_day[ends_month])
    return Bars(
        symbols=tuple(symbols or [f"A{k}" for k in range(asset_count)]),
        ts=session_day * DAY_NS + place * (DAY_NS // 2 // session_bars),
        panel=panel,
        basis="raw",
        calendar=calendar,
        session_day=session_day,
        minutes_to_close=(session_bars - place).astype(float),
        is_month_end=month_end_day,
    )


def flat_bars(opens: Any, closes: Any = None, **how: Any) -> Bars:
    """Bars of hand-written opens and closes, shape [bar] or [bar, asset]; NaN is no bar."""
    open_ = np.array(opens, float)
    close = open_ if closes is None else np.array(closes, float)
    if open_.ndim == 1:
        open_, close = open_[:, None], close[:, None]
    panel = np.stack([open_, np.maximum(open_, close), np.minimum(open_, close), close, close * 0])
    panel[VOLUME] += 1_000.0
    return bars_of(panel, **how)


def wild_bars(
    seed: int,
    bar_count: int,
    asset_count: int,
    *,
    absent_share: float = 0.1,
    session_bars: int = 1,
    calendar: str = "XNYS",
    unknown_volume: bool = True,
    events: bool = False,
) -> Bars:
    """A rough market: prices of any size, gaps, bars without volume and bars that are missing.

    With `events` it has splits, dividends, terms of membership and a delisting too.
    """
    rng = np.random.default_rng(seed)
    shape = bar_count, asset_count
    level = 10.0 ** rng.uniform(-0.5, 3.5, asset_count)
    close = level * np.exp(np.cumsum(rng.normal(0.0, 0.04, shape), axis=0))
    open_ = close * np.exp(rng.normal(0.0, 0.02, shape))
    panel = np.empty((5, *shape))
    panel[OPEN], panel[CLOSE] = open_, close
    panel[HIGH] = np.maximum(open_, close) * (1.0 + rng.uniform(0.0, 0.04, shape))
    panel[LOW] = np.minimum(open_, close) * (1.0 - rng.uniform(0.0, 0.04, shape))
    panel[VOLUME] = rng.integers(1, 10_000, shape)
    if rng.random() < 0.5:
        panel[:VOLUME] = np.round(panel[:VOLUME], 2) + 0.01
    unknown = rng.random(shape) < absent_share / 4
    silent = rng.random(shape) < absent_share / 2
    missing = rng.random(shape) < absent_share
    if unknown_volume:
        panel[VOLUME][unknown] = np.nan
    panel[VOLUME][silent] = 0.0
    panel[:, missing] = np.nan
    bars = bars_of(panel, session_bars=session_bars, gaps=[1, 1, 3, 1, 2], calendar=calendar)
    return _with_events(bars, rng) if events else bars


def _with_events(bars: Bars, rng: np.random.Generator) -> Bars:
    """Splits (the prices fall with them), dividends, membership, and one asset delisted."""
    shape = bars.bar_count, bars.asset_count
    begins = np.append(True, bars.session_day[1:] != bars.session_day[:-1])[:, None]
    happens = (rng.random(shape) < 0.05) & begins
    splits = np.where(happens, rng.choice([2.0, 7.0, 1.5, 0.1, 1.0 / 3.0], shape), 1.0)
    pays = (rng.random(shape) < 0.08) & begins
    panel = bars.panel.copy()
    panel[:VOLUME] /= np.cumprod(splits, axis=0)
    marks = np.where(np.isnan(panel[CLOSE]), 1.0, panel[CLOSE])
    dividends = np.where(pays, np.round(marks * rng.uniform(0.001, 0.05, shape), 4), 0.0)
    members = np.ones(shape, np.bool_)
    for asset in range(bars.asset_count):
        if rng.random() < 0.4:
            members[slice(*np.sort(rng.integers(0, bars.bar_count + 1, 2))), asset] = False
    days = np.full(bars.asset_count, NEVER)
    if rng.random() < 0.5:
        gone = int(rng.integers(bars.bar_count // 2, bars.bar_count))
        days[-1] = bars.session_day[gone]
        panel[:, bars.session_day >= days[-1], -1] = np.nan
    return replace(
        bars,
        panel=panel,
        splits=splits,
        dividends=dividends,
        members=members,
        delisted_day=days,
        delisting_return=np.full(bars.asset_count, float(rng.choice([-1.0, -0.3, 0.0, 0.1]))),
    )


def wild_markets(
    *, bars: tuple[int, int] = (8, 60), assets: tuple[int, int] = (1, 4)
) -> st.SearchStrategy[Bars]:
    """Rough markets of an exchange, all volumes known, that shrink towards short and few."""
    return st.builds(
        wild_bars,
        st.integers(0, 2**32 - 1),
        st.integers(*bars),
        st.integers(*assets),
        absent_share=st.sampled_from([0.0, 0.1, 0.4]),
        session_bars=st.sampled_from([1, 1, 3]),
        unknown_volume=st.just(value=False),
    )
