"""Monte Carlo beside plain numpy and arch, in one run: `make bench-risk` prints it.

Every model follows paths with all risk figures: terminal value, value at risk, shortfall,
drawdown, its length, time under water, ruin and goal. numpy does less: it makes the same
paths in float64, as people write it, with terminal value, value at risk, shortfall and
maximum drawdown. Both run on one core, turn by turn; ratios are of pairs.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

BARS = 252
HISTORY_BARS = 2_500
PEER_PATHS = 20_000
OUR_PATHS = 200_000
MANY_PATHS = 1_000_000
REPETITIONS = 5

FLOORS = {"gbm": 8.0, "garch": 8.0, "student": 4.0}
"""Ratios that are asked for where one normal a step is all that is needed, else 4."""


def history() -> np.ndarray:
    """Returns with clusters and jumps, `[bar]`."""
    rng = np.random.default_rng(3)
    variance, returns = 1e-4, np.empty(HISTORY_BARS)
    for bar in range(HISTORY_BARS):
        shock = rng.standard_normal() * np.sqrt(variance)
        variance = 2e-6 + 0.08 * shock * shock + 0.90 * variance
        returns[bar] = 0.0004 + shock - 0.03 * (rng.random() < 0.004)
    return np.expm1(returns)


def numpy_risk(logs: np.ndarray) -> None:
    """What people take from paths of log returns, `[path, bar]`."""
    values = np.exp(np.cumsum(logs, axis=1))
    ends = values[:, -1]
    for level in (0.9, 0.95, 0.99):
        quantile = np.quantile(ends, 1 - level)
        ends[ends <= quantile].mean()
    peaks = np.maximum.accumulate(values, axis=1)
    (1 - values / peaks).max(axis=1).mean()


def numpy_paths(name: str, returns: np.ndarray, paths: int) -> np.ndarray:
    """Log returns of a model as plain numpy draws them, `[path, bar]`."""
    rng = np.random.default_rng(1)
    logs = np.log1p(returns)
    mean, deviation = logs.mean(), logs.std()
    shape = (paths, BARS)
    if name == "gbm":
        return mean + deviation * rng.standard_normal(shape)
    if name == "student":
        return mean + deviation * 0.7 * rng.standard_t(5, shape)
    if name == "merton":
        counts = rng.poisson(0.02, shape)
        jumps = -0.02 * counts + 0.02 * np.sqrt(counts) * rng.standard_normal(shape)
        return mean + deviation * rng.standard_normal(shape) + jumps
    if name == "bootstrap, circular":
        starts = rng.integers(len(logs), size=(paths, -(-BARS // 20)))
        place = (starts[:, :, np.newaxis] + np.arange(20)).reshape(paths, -1)[:, :BARS]
        return logs[place % len(logs)]
    if name == "bootstrap, stationary":
        begins = rng.random(shape) < 1 / 20
        place = rng.integers(len(logs), size=shape)
        for bar in range(1, BARS):
            place[:, bar] = np.where(
                begins[:, bar], place[:, bar], (place[:, bar - 1] + 1) % len(logs)
            )
        return logs[place]
    return _numpy_bar_by_bar(name, rng, mean, deviation, shape)


def _numpy_bar_by_bar(
    name: str, rng: np.random.Generator, mean: float, deviation: float, shape: tuple[int, int]
) -> np.ndarray:
    paths, bars = shape
    moves = np.empty(shape)
    variance = np.full(paths, deviation**2)
    calm = np.zeros(paths, bool)
    for bar in range(bars):
        normal = rng.standard_normal(paths)
        if name == "garch":
            shock = np.sqrt(variance) * normal
            variance = 2e-6 + 0.08 * shock**2 + 0.9 * variance
        elif name == "gjr":
            shock = np.sqrt(variance) * normal
            variance = 2e-6 + (0.03 + 0.1 * (shock < 0)) * shock**2 + 0.9 * variance
        elif name == "regimes":
            calm = np.where(calm, rng.random(paths) < 0.98, rng.random(paths) < 0.05)
            shock = np.where(calm, 0.006, 0.02) * normal
        else:  # heston, full truncation
            held = np.maximum(variance, 0.0)
            other = -0.6 * normal + 0.8 * rng.standard_normal(paths)
            shock = np.sqrt(held) * normal - 0.5 * held
            variance = variance + 0.05 * (1e-4 - held) + 0.002 * np.sqrt(held) * other
        moves[:, bar] = mean + shock
    return moves


def models(returns: np.ndarray) -> dict[str, Any]:
    """Each model as it is fitted, or stated where a fit would choose another kind."""
    from fanfold.simulation.bootstrap import BlockBootstrap
    from fanfold.simulation.garch import GARCH
    from fanfold.simulation.models import fit_model

    fitted = {name: fit_model(name, returns) for name in ("gbm", "student", "merton", "heston")}
    return {
        **fitted,
        "garch": GARCH.fit(returns),
        "gjr": GARCH.fit(returns, asymmetric=True),
        "regimes": fit_model("regimes", returns),
        "bootstrap, circular": BlockBootstrap.fit(returns, kind="circular", block_bars=20),
        "bootstrap, stationary": BlockBootstrap.fit(returns, block_bars=20),
    }


def timed(work: Callable[[], Any]) -> float:
    """Seconds that work takes, without the collector."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def beside_numpy(name: str, model: Any, returns: np.ndarray) -> dict[str, Any]:
    """Path-bars a second of both on one core, pair by pair."""
    from fanfold.simulation.path_risk import path_risk

    def ours() -> None:
        path_risk(model, bar_count=BARS, path_count=OUR_PATHS, seed=1, threads=1)

    def theirs() -> None:
        numpy_risk(numpy_paths(name, returns, PEER_PATHS))

    ours()
    theirs()
    pairs = [(timed(ours), timed(theirs)) for _ in range(REPETITIONS)]
    us = [OUR_PATHS * BARS / own / 1e6 for own, _ in pairs]
    them = [PEER_PATHS * BARS / other / 1e6 for _, other in pairs]
    ratio = median(own / other for own, other in zip(us, them, strict=True))
    return {"ours": median(us), "numpy": median(them), "ratio": ratio}


def beside_arch(returns: np.ndarray) -> dict[str, dict[str, float]]:
    """What arch's own simulations take: GARCH forecasts, stationary and circular bootstraps."""
    from arch import arch_model
    from arch.bootstrap import CircularBlockBootstrap, StationaryBootstrap

    from fanfold.simulation.bootstrap import BlockBootstrap
    from fanfold.simulation.garch import GARCH
    from fanfold.simulation.path_risk import path_risk

    logs = np.log1p(returns)
    fit = arch_model(100 * logs, vol="GARCH", p=1, q=1).fit(disp="off")
    paths = 2_000

    def garch() -> None:
        found = fit.forecast(horizon=BARS, method="simulation", simulations=paths, reindex=False)
        numpy_risk(found.simulations.values[-1] / 100)

    def resampled(kind: Any) -> Callable[[], None]:
        def run() -> None:
            drawn = kind(20, logs, seed=1).bootstrap(paths)
            numpy_risk(np.array([data[0][0][:BARS] for data in drawn]))

        return run

    asked = {
        "garch": (GARCH.fit(returns), garch),
        "bootstrap, stationary": (
            BlockBootstrap.fit(returns, block_bars=20),
            resampled(StationaryBootstrap),
        ),
        "bootstrap, circular": (
            BlockBootstrap.fit(returns, kind="circular", block_bars=20),
            resampled(CircularBlockBootstrap),
        ),
    }
    found: dict[str, dict[str, float]] = {}
    for name, (model, theirs) in asked.items():

        def ours(model: Any = model) -> None:
            path_risk(model, bar_count=BARS, path_count=OUR_PATHS, seed=1, threads=1)

        theirs()
        pairs = [(timed(ours), timed(theirs)) for _ in range(3)]
        us = median(OUR_PATHS * BARS / own / 1e6 for own, _ in pairs)
        them = median(paths * BARS / other / 1e6 for _, other in pairs)
        found[name] = {"ours": us, "arch": them, "ratio": us / them}
    return found


def million() -> dict[str, float]:
    """A million paths of GBM with all figures, in a process of its own: seconds and memory."""
    code = (
        "import json, time\n"
        "from pathlib import Path\n"
        "def peak():\n"
        "    lines = Path('/proc/self/status').read_text().splitlines()\n"
        "    return next(int(line.split()[1]) / 1024 for line in lines if line[:5] == 'VmHWM')\n"
        "bare = peak()\n"
        "from fanfold.simulation.gbm import GBM\n"
        "from fanfold.simulation.path_risk import path_risk\n"
        "model = GBM(drift=0.0003, volatility=0.01)\n"
        "began = time.perf_counter()\n"
        f"risk = path_risk(model, bar_count={BARS}, path_count=1_000, seed=1)\n"
        "first = time.perf_counter() - began\n"
        "loaded = peak()\n"
        "seconds = []\n"
        "for _ in range(5):\n"
        "    began = time.perf_counter()\n"
        f"    risk = path_risk(model, bar_count={BARS}, path_count={MANY_PATHS}, seed=1)\n"
        "    seconds.append(time.perf_counter() - began)\n"
        "print(json.dumps({'first': first, 'seconds': sorted(seconds)[2], 'bare_mb': bare,\n"
        "    'over_bare_mb': peak() - bare, 'over_loaded_mb': peak() - loaded,\n"
        "    'mean': risk.terminal_value.mean.value,\n"
        "    'standard_error': risk.terminal_value.mean.standard_error}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(ran.stdout))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object at the end")
    asked = parser.parse_args()
    returns = history()
    found: dict[str, Any] = {}
    print(f"{BARS} bars a path, millions of path-bars a second on one core")
    print(f"{'model':<24}{'ours':>10}{'numpy':>10}{'ratio':>8}{'floor':>8}")
    for name, model in models(returns).items():
        row = beside_numpy(name, model, returns)
        found[name] = row
        floor = FLOORS.get(name, 4.0)
        print(
            f"{name:<24}{row['ours']:>10.1f}{row['numpy']:>10.1f}{row['ratio']:>8.1f}{floor:>8.0f}"
        )
    print(f"\n{'beside arch':<24}{'ours':>10}{'arch':>10}{'ratio':>8}")
    for name, row in beside_arch(returns).items():
        found[f"arch, {name}"] = row
        print(f"{name:<24}{row['ours']:>10.1f}{row['arch']:>10.2f}{row['ratio']:>8.0f}")
    many = found["million"] = million()
    cores = len(os.sched_getaffinity(0))
    error = abs(many["mean"] - np.exp(0.0003 * BARS)) / many["standard_error"]
    print(
        f"\n{MANY_PATHS:,} paths of GBM with all figures on {cores} cores: "
        f"{many['seconds']:.2f} s (floor 2, goal 1), {many['over_bare_mb']:.0f} MB over bare "
        f"Python (floor 300), {many['over_loaded_mb']:.0f} MB over 1,000 paths; "
        f"mean {error:.1f} standard errors from its closed form"
    )
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
