"""How many injected defects the checks find in real data, and what they say of clean data.

    python tests/benchmarks/quality_accuracy.py [--data DIR] [--seeds N]

Prints, for each defect and kind of data, the share that was found: a finding of the right
kind at the right bar (and the right row set aside, where rows are), and how many other
warnings or errors came with it that the clean data do not have. Then, for the clean data,
the findings per 10,000 bars, with the defects they are known to have and without.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.quality_data import GROUPS, Series, read_group
from tests.benchmarks.quality_defects import DEFECTS, Defect

from fanfold.domain.period import day_text
from fanfold.domain.sessions import DAY_NS
from fanfold.market.quality import Finding, Verdict, examine_bars

WINDOW = 4_000  # bars of the long hourly series that one case takes


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=Path(__file__).resolve().parents[3] / "shared" / "data"
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="part of the name of the defects to inject")
    parser.add_argument("--missed", action="store_true", help="name each case that was missed")
    given = parser.parse_args()
    data = {group: read_group(given.data, group) for group in GROUPS}
    clean_table(data)
    recall_table(data, given)


def clean_table(data: dict[str, list[Series]]) -> None:
    """Print the findings on data as they are."""
    print("## Clean data: findings per 10,000 bars (count)\n")
    for group, series in data.items():
        counts, bars, began = Counter(), 0, time.perf_counter()
        for one in series:
            verdict = examine_bars(one.rows, one.about)
            bars += len(verdict.keep)
            for finding in verdict.findings:
                known = "true" if is_known(finding) else "false"
                counts[finding.kind, finding.severity, known] += 1
        seconds = time.perf_counter() - began
        print(f"{group}: {bars} bars of {len(series)} series in {seconds * 1e3:.0f} ms")
        for (kind, severity, known), count in sorted(counts.items()):
            note = f"{known} alarms" if severity != "info" else ""
            print(f"    {kind:18}{severity:9}{count:5}{count / bars * 1e4:8.2f}  {note}")
        wrong = sum(
            n for (_, level, known), n in counts.items() if level != "info" and known == "false"
        )
        print(f"    false alarms: {wrong / bars * 1e4:.2f} per 10,000 bars\n")


def is_known(finding: Finding) -> bool:
    """Whether a warning on the data as they are is true: they have defects of their own."""
    if finding.kind in ("gap", "zero_volume", "off_session"):
        return True  # the calendar says so, and nothing else was ever found to be behind one
    day = day_text((finding.ts or 0) // DAY_NS)
    if (finding.symbol, day) in TRUE:
        return True
    if day in FLASH:
        return False
    # A wick of five ranges and no trace of it in open, close and the bars beside.
    return finding.kind == "outlier" and finding.detail.startswith(("low", "high"))


FLASH = ("2010-05-06", "2015-08-24")  # prices that were traded at, for minutes
TRUE = {
    ("GOOG", "2014-04-03"),  # the class C shares were given as a dividend: a split of 2:1
    ("AAPL", "2014-06-09"),  # nothing is booked on the minutes: a split of 7:1
    ("GOOG", "2008-09-30"),
    ("BTCUSD.COINBASE", "2015-01-15"),
    ("BTCUSD.COINBASE", "2015-01-16"),
    ("BTCUSD.COINBASE", "2017-12-17"),  # months are missing before
    ("BTCUSD.COINBASE", "2018-04-04"),
    ("BAC", "2013-10-07"),  # a late print after hours
}


def recall_table(data: dict[str, list[Series]], given: argparse.Namespace) -> None:
    """Print what was found of the injected."""
    print(f"## Injected: found of tried in {given.seeds} seeds (other warnings or errors a case)\n")
    print(f"{'defect':30}" + "".join(f"{group:>22}" for group in GROUPS))
    clean: dict[tuple[str, int, int], set[tuple[int | None, str]]] = {}
    for defect in DEFECTS:
        if given.only not in defect.name:
            continue
        cells = []
        for group in GROUPS:
            if group not in defect.groups:
                cells.append(f"{'':>22}")
                continue
            tried, found, others = measured(defect, data[group], given, clean)
            cells.append(f"{f'{found}/{tried}':>12} ({others / max(tried, 1):5.2f}) ")
        print(f"{defect.name:30}" + "".join(cells))


def measured(
    defect: Defect, series: list[Series], given: argparse.Namespace, clean: dict
) -> tuple[int, int, int]:
    """Cases tried, found, and other findings that came with them."""
    tried = found = others = 0
    for seed in range(given.seeds):
        rng = np.random.default_rng([seed, sum(map(ord, defect.name))])
        number = int(rng.integers(len(series)))
        one = series[number]
        begin = int(rng.integers(max(1, len(one.rows["ts"]) - WINDOW)) // WINDOW * WINDOW)
        rows = {name: column[begin : begin + WINDOW].copy() for name, column in one.rows.items()}
        key = (one.group, number, begin)
        if key not in clean:
            clean[key] = alarms(examine_bars(rows, one.about))
        spoilt = defect.spoil(rows, one.about, rng)
        if spoilt is None:
            continue
        rows, about, instants = spoilt
        verdict = examine_bars(rows, about)
        right = {(ts, defect.kind) for ts in instants} & {
            (finding.ts, finding.kind) for finding in verdict.findings
        }
        aside = not defect.sets_aside or any(
            kind == defect.kind and int(rows["ts"][row]) in instants for row, kind, _ in verdict.bad
        )
        tried += 1
        found += bool(right) and aside
        others += len(alarms(verdict) - clean[key] - right)
        if (not right or not aside) and given.missed:
            print(
                "   missed",
                defect.name,
                about.symbol,
                seed,
                [str(np.datetime64(t, "ns")) for t in instants][:3],
            )
    return tried, found, others


def alarms(verdict: Verdict) -> set[tuple[int | None, str]]:
    """Where something worse than an info was found."""
    return {(one.ts, one.kind) for one in verdict.findings if one.severity != "info"}


if __name__ == "__main__":
    main()
