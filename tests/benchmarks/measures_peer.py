"""Six measures of many series: fanfold beside empyrical and plain NumPy, one core and two.

Both sets of six are timed: one with value at risk and expected shortfall, which the
peers take series by series or by sorting, and one of sums alone. The values must agree
first; where they do not, the exit code is 1.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fanfold import measures
from fanfold.measures.fused import summary

YEAR = 252
TAILED = (
    *("sharpe_ratio", "sortino_ratio", "volatility", "max_drawdown"),
    *("value_at_risk", "expected_shortfall"),
)
SUMMED = (
    *("sharpe_ratio", "sortino_ratio", "volatility", "max_drawdown"),
    *("downside_deviation", "cagr"),
)
ROUNDS = 3
TOLERANCE = 1e-9
Values = dict[str, Any]


def empyrical_of(returns: np.ndarray, names: tuple[str, ...]) -> Values:
    """Its functions on all series at once, where they can; tails it takes of one series."""
    import empyrical

    columns = range(returns.shape[1])
    of: dict[str, Callable[[], Any]] = {
        "sharpe_ratio": lambda: empyrical.sharpe_ratio(returns),
        "sortino_ratio": lambda: empyrical.sortino_ratio(returns),
        "volatility": lambda: empyrical.annual_volatility(returns),
        "max_drawdown": lambda: -empyrical.max_drawdown(returns),
        "downside_deviation": lambda: empyrical.downside_risk(returns),
        "cagr": lambda: empyrical.annual_return(returns),
        "value_at_risk": lambda: [-empyrical.value_at_risk(returns[:, c]) for c in columns],
        "expected_shortfall": lambda: [
            -empyrical.conditional_value_at_risk(returns[:, c]) for c in columns
        ],
    }
    return {name: np.asarray(of[name]()) for name in names}


def numpy_of(returns: np.ndarray, names: tuple[str, ...]) -> Values:
    """What one writes by hand; what two measures need is computed once."""
    mean, deviation = np.mean(returns, axis=0), np.std(returns, axis=0, ddof=1)
    downside = np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2, axis=0))
    equity = np.cumprod(1.0 + returns, axis=0)
    peak = np.maximum(np.maximum.accumulate(equity, axis=0), 1.0)
    found = {
        "sharpe_ratio": mean / deviation * np.sqrt(YEAR),
        "sortino_ratio": mean / downside * np.sqrt(YEAR),
        "volatility": deviation * np.sqrt(YEAR),
        "max_drawdown": np.max(1.0 - equity / peak, axis=0),
        "downside_deviation": downside * np.sqrt(YEAR),
        "cagr": equity[-1] ** (YEAR / len(returns)) - 1.0,
    }
    if "value_at_risk" in names:
        quantile = np.quantile(returns, 0.05, axis=0)
        beyond = returns <= quantile
        found["value_at_risk"] = -quantile
        found["expected_shortfall"] = -np.mean(returns, axis=0, where=beyond)
    return {name: found[name] for name in names}


def apart_of(returns: np.ndarray, names: tuple[str, ...]) -> Values:
    """fanfold's single functions, one after the other."""
    annual = {*names} - {"max_drawdown", "value_at_risk", "expected_shortfall"}
    return {
        name: getattr(measures, name)(
            returns, **({"periods_per_year": YEAR} if name in annual else {})
        )
        for name in names
    }


def together_of(thread_count: int) -> Callable[[np.ndarray, tuple[str, ...]], Values]:
    """fanfold's summary on so many threads."""
    return lambda returns, names: summary(
        returns, names, periods_per_year=YEAR, thread_count=thread_count
    )


def timed(work: Callable[[], Values], rounds: int) -> tuple[float, float, Values]:
    """The best of some rounds [s], the least processor time [s], and what was found."""
    best = busy = float("inf")
    found: Values = {}
    for _ in range(rounds):
        start, busy_start = time.perf_counter(), time.process_time()
        found = work()
        best = min(best, time.perf_counter() - start)
        busy = min(busy, time.process_time() - busy_start)
    return best, busy, found


def differences(ours: Values, theirs: Values) -> list[str]:
    """Measures in which the two disagree, and by how much of their size."""
    apart = {name: np.max(np.abs(ours[name] / theirs[name] - 1.0)) for name in ours}
    return [f"{name} differs by {by:.1e}" for name, by in apart.items() if not by < TOLERANCE]


def measure_set(
    title: str, names: tuple[str, ...], layouts: dict[str, np.ndarray], rounds: int
) -> list[str]:
    """Print the times of one set of measures, and give what disagrees."""
    faults: list[str] = []
    for layout, returns in layouts.items():
        print(f"\n{title}; {layout}")
        print(f"  {'':<28} {'time':>10} {'processor':>10} × empyrical of each")
        peer, peer_busy, theirs = timed(lambda: empyrical_of(returns, names), rounds)  # noqa: B023
        for engine, of in [
            ("NumPy", numpy_of),
            ("fanfold, one by one", apart_of),
            ("fanfold, summary", together_of(1)),
            ("fanfold, summary, 2 threads", together_of(2)),
        ]:
            of(returns, names)  # once to compile or to read what was compiled
            seconds, busy, found = timed(lambda: of(returns, names), rounds)  # noqa: B023
            ratios = f"{peer / seconds:8.1f} {peer_busy / busy:8.1f}"
            print(f"  {engine:<28} {seconds:8.3f} s {busy:8.3f} s {ratios}")
            faults += [f"{engine}: {fault}" for fault in differences(found, theirs)]
        print(f"  {'empyrical':<28} {peer:8.3f} s {peer_busy:8.3f} s")
    return faults


def main() -> int:
    """Measure both sets of six on both layouts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--bars", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(1)
    rows = 0.0003 + 0.01 * rng.standard_t(4, (asked.bars, asked.series))
    np.maximum(rows, -0.9, out=rows)
    layouts = {"a bar's series together (C)": rows, "a series' bars together (F)": rows.T.copy().T}
    print(f"{asked.series:,} series × {asked.bars:,} bars, float64, best of {asked.rounds}")
    faults = [
        *measure_set("with tails: " + ", ".join(TAILED), TAILED, layouts, asked.rounds),
        *measure_set("sums alone: " + ", ".join(SUMMED), SUMMED, layouts, asked.rounds),
    ]
    one = rows[:, 0].copy()
    alone, _, _ = timed(lambda: together_of(1)(one, TAILED), 50)
    peer, _, _ = timed(lambda: empyrical_of(one[:, np.newaxis], TAILED), 50)
    print(f"\none series: fanfold {alone * 1e6:.0f} µs, empyrical {peer * 1e6:.0f} µs")
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
