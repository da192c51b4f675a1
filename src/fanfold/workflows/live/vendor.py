"""The vendor's final bars of the sessions that were traded."""

from dataclasses import replace
from typing import Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.stamps import Stamp
from fanfold.errors import DataError, SourceError
from fanfold.live.messages import Row, Step
from fanfold.workflows.live.recorded import Recorded, bars_of


def stored_bars(found: Recorded, recorded: Bars, source: str, stamp: Stamp | None = None) -> Bars:
    """Final bars of the sample, a store or a file, put in the place of the recorded ones.

    Raises:
        ConfigError, DataError: They are not there.
    """
    from fanfold.market import load_bars

    first = _first_live(found)
    bars = load_bars(
        source, symbols=found.plan.symbols, start=np.datetime64(first, "ns").astype(str) + "Z",
        basis="raw", stamp=stamp,
    )  # fmt: skip
    return joined(found, recorded, bars)


def final_bars(found: Recorded, recorded: Bars) -> Bars:
    """Final bars as the broker of the deployment has them now.

    Raises:
        SourceError: It does not answer, or is a venue that is down.
        ConfigError, DataError: Its keys are missing, or it has no such bars.
    """
    from fanfold.workflows.live.history import broker_bars
    from fanfold.workflows.live.local_venue import running_venue

    if found.plan.settings.broker.at == "local" and running_venue(found.folder) is None:
        raise SourceError("the deployment's venue must run to be asked, is down")
    bars = broker_bars(found.plan, min(found.steps), max(found.steps))
    return joined(found, recorded, bars)


def _first_live(found: Recorded) -> int:
    return min(found.steps)


def joined(found: Recorded, recorded: Bars, bars: Bars) -> Bars:
    """The recorded bars with final prices where there are any, on the same instants."""
    places = np.searchsorted(bars.ts, recorded.ts)
    places = np.minimum(places, bars.bar_count - 1)
    there = (bars.ts[places] == recorded.ts) & np.isin(recorded.ts, list(found.steps))
    if not there.any():
        raise DataError("final bars must cover the recorded sessions, none of them does")
    steps: dict[int, Any] = {}
    for ts, place in zip(recorded.ts[there].tolist(), places[there].tolist(), strict=True):
        rows = [
            Row(asset, *bars.panel[:, place, asset].tolist())
            for asset in range(bars.asset_count)
            if not np.isnan(bars.panel[3, place, asset])
        ]
        steps[ts] = Step(ts, tuple(rows))
    return bars_of(replace(found, steps=found.steps | steps))
