"""A live job on days of the sample, and rehearsals of it that nothing but signal took part in."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from tests.fakes.live_signal import MICRO, SECOND, Sender, cut, plan_of, step_of

import fanfold as ff
from fanfold.domain.bars import Bars
from fanfold.live.folder import Folder
from fanfold.live.messages import Fill, Intent, OrderChange, Value, encode
from fanfold.live.plan import write_plan
from fanfold.live.signal.signal import Signal
from fanfold.live.signal.warm_up import write_warm_up
from fanfold.settings import check_settings
from fanfold.settings.live import LiveJob
from fanfold.strategies import SmaCross
from fanfold.workflows.promotion.gates import plain_job
from fanfold.workflows.versions.store import PROMOTE, Event, Record, append, write_record
from fanfold.workflows.versions.version import version_of

DAY_S = 86_400
SYMBOLS = ["AAPL", "MSFT"]
WARM = 40
FAST, SLOW = 2, 5


def live_job(name: str = "trial", **changed: Any) -> LiveJob:
    """A job on daily bars, tested on a few years of the sample."""
    content: dict[str, Any] = {
        "job": "live",
        "deployment": name,
        "data": {"symbols": SYMBOLS, "warm_up": "sample", "warm_up_bars": WARM},
        "strategy": {"name": "SmaCross", "params": {"fast": FAST, "slow": SLOW}},
        "live": {
            "market": {"bar_seconds": DAY_S},
            "execution": {"start": "adopt_backtest_target"},
        },
        "track": {"enabled": False},
        "gates": {
            "data": {"source": "sample", "start": "2009-01-01", "end": "2011-12-31"},
            "lookahead": {"cuts": 2},
            "walk_forward": {
                "train": 252, "test": 126, "trials": 4,
                "space": {"fast": {"values": [2, 3]}, "slow": {"values": [5, 20]}},
            },
            "monte_carlo": {"paths": 500, "sessions": 60},
            "workers": 0,
        },
    }  # fmt: skip
    for place, value in changed.items():
        *keys, last = place.split("__")
        inner = content
        for key in keys:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return check_settings(content, "a test's job", LiveJob)


def noted(job: LiveJob, *, at: int = 1, what: str = PROMOTE, deployment: str = "trial") -> str:
    """The version of a job, as the log has it; no gate was asked."""
    version = version_of(job, data="bars")
    write_record(Record(version=version, job=plain_job(job), at=at))
    append(
        Event(
            at=at, by="me", what=what, version=version.id, line=version.line,
            deployment=deployment,
        )
    )  # fmt: skip
    return version.id


def sample_days(start: str = "2012-01-03", end: str = "2012-06-29") -> Bars:
    """Days that come after those of the test."""
    return ff.load_bars("sample", symbols=SYMBOLS, start=start, end=end, basis="raw")


def deployed(root: Path, job: LiveJob, bars: Bars) -> Folder:
    """A deployment's folder with the plan of a job and the first bars as its past."""
    strategy = SmaCross(**job.strategy.params)
    plan = plan_of(
        bars,
        strategy,
        warm_bars=WARM,
        job=json.loads(job.model_dump_json(exclude={"venue": {"accounts"}})),
        **job.live.model_dump(mode="json"),
    )
    folder = Folder.of(job.deployment, root)
    folder.make()
    write_plan(folder, plan.model_copy(update={"deployment": job.deployment}))
    write_warm_up(folder, cut(bars, 0, WARM))
    return folder


def rehearsed(root: Path, job: LiveJob) -> Folder:
    """A deployment that has lived through some months, each intent filled at once."""
    bars = sample_days()
    folder = deployed(root, job, bars)
    signal, sender = Signal.opened(folder, 1, 0), Sender()
    signal.arm(1, SECOND)
    held = [0] * len(bars.symbols)
    count = 0

    def tell(*values: Value) -> None:
        nonlocal count
        envelope = sender.envelope(*values)
        for _, said in signal.take(envelope, encode(envelope), SECOND):
            assert isinstance(said, Intent)
            lots = said.goal - held[said.asset]
            if not lots:
                continue
            count += 1
            held[said.asset] += lots
            name, ts, nan = f"c{count}", said.event_ts + SECOND, math.nan
            price = round(said.mark * (1 + 0.001 * float(np.sign(lots))) * MICRO)
            tell(
                OrderChange(name, said.number, said.asset, "entry", "filled", 0, nan, nan, ts, ""),
                Fill(
                    f"x{count}", name, said.asset, "entry", ts, lots, price, 1_234,
                    held[said.asset],
                ),
            )  # fmt: skip

    for bar in range(WARM, bars.bar_count):
        tell(step_of(bars, bar))
    signal.close()
    return folder
