"""The four strategies beside the peers: do the engines trade alike, and how fast are they?"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from typing import Any

from agreement import Agreement, Difference, compare_rows, difference_of
from cases import CASES
from engines import OURS, Engine, EngineError
from measurements import Bench, rate_of, with_
from tables import Row, Samples

FLOORS = {"vectorbt": (15.0, 60.0), "raptorbt": (4.0, 15.0)}
"""Floor and goal of the SMA cross beside each peer; of the worst of the four, half of them."""

WHOLE = "sma"
"""The case whose floor is not halved."""

SHARED = {"vectorbt": {}, "raptorbt": {"way": "one by one"}}
"""What a peer is also told where its trades are compared."""

FREE = {"commission": 0.0, "slippage": 0.0}


@dataclass(frozen=True)
class Check:
    """Rows of a case that are compared.

    Attributes:
        prices: Name of a file of `Bench.files`.
        changes: To the habit of the case.
        why: What the peer's other rule is; "" where the rows have to be equal.
        said: For people, what is special here.
    """

    peer: str
    case: str
    prices: str
    changes: dict[str, Any]
    why: str = ""
    said: str = ""


CHECKS = (
    Check("vectorbt", "sma", "daily", {}),
    Check("vectorbt", "rsi", "daily", {"arming": "next_bar"}, said="exits from the next bar on"),
    Check("vectorbt", "donchian", "daily", {"arming": "next_bar"}, said="the same"),
    Check("vectorbt", "rotation", "panel", {**FREE, "notional": 10_000.0}, said="fixed notional"),
    Check(
        "vectorbt", "rotation", "panel", {},
        "it drops what cash does not reach for; ours cuts pro rata and asks again",
    ),
    Check("raptorbt", "sma", "daily", {}),
    Check("raptorbt", "rsi", "gapless", {}, said="no gaps"),
    Check("raptorbt", "donchian", "gapless", {}, said="no gaps"),
    Check("raptorbt", "rsi", "daily", {}, "an open beyond a target fills at the target"),
    Check(
        "raptorbt", "donchian", "daily", {},
        "the same, and its stop does not keep its share of the price over a gap",
    ),
    Check(
        "raptorbt", "rotation", "panel", {},
        "it sizes by the cash that is left and not by equity, and counts pairs of fills",
    ),
)  # fmt: skip
"""What was found to be alike, and what cannot be: a peer lacks the rule."""

ARMING = {"vectorbt": "next_bar", "raptorbt": "entry_bar"}
"""When a peer's exits are armed; ours are timed as the peer's are."""


def habit_of(bench: Bench, case: str, peer: str) -> dict[str, Any]:
    """Cash, costs and options of a case beside a peer."""
    slippage = CASES[case].slippage
    return {**bench.daily_habit, "notional": 0, "slippage": slippage, "arming": ARMING[peer]}


def asked_of(bench: Bench, case: str, peer: str) -> dict[str, Any]:
    """What an engine is asked of a case, its size left out."""
    file = bench.files["panel" if CASES[case].asset_count > 1 else "daily"]
    return {"case": case, "file": str(file), "habit": habit_of(bench, case, peer)}


def check_cases(us: Engine, them: Engine, bench: Bench) -> Iterator[Agreement | Difference]:
    """Every row of a small sweep of each case, where the rules are the same and where not."""
    for check in CHECKS:
        if check.peer != them.name:
            continue
        files = [bench.folder / f"rows-{name}.npz" for name in ("ours", "theirs")]
        asked = {
            "case": check.case,
            "size": "few",
            "file": str(bench.files[check.prices]),
            "habit": {**habit_of(bench, check.case, check.peer), **check.changes},
        }
        us.ask("sweep", **asked, rows_file=str(files[0]))
        them.ask("sweep", **asked, rows_file=str(files[1]), **SHARED[them.name])
        what = CASES[check.case].title + (f", {check.said}" if check.said else "")
        if check.why:
            yield Difference(them.name, what, check.why, difference_of(*files))
            continue
        findings, compared = compare_rows(*files)
        if findings:
            bench.disagreeing[f"{them.name}/{check.case}"] = findings[0]
        yield Agreement(them.name, f"{what}, {compared}", findings)


def measure_four(bench: Bench) -> Iterator[Row]:
    """Combinations a second on one core, warm, and seconds from nothing, beside the peers.

    In a hurry only the first case starts from nothing: compiling takes most of the time.
    """
    rows: list[Row] = []
    for case in CASES:
        ours_cold: float | None = None
        for peer in FLOORS:
            row = _warm(bench, case, peer)
            rows.append(row)
            yield row
            if bench.is_hurried and case != WHOLE:
                continue
            ours_cold = ours_cold or _seconds_from_nothing(bench, OURS, case, peer)
            yield _cold(bench, case, peer, ours_cold)
    for peer in FLOORS:
        yield _worst(peer, [row for row in rows if row.peer == peer])
    yield _kernel(bench)


def worst_line(rows: list[Row]) -> str:
    """The last line of the bench: the worst ratio of the four."""
    found = [row for row in rows if row.work == WORST]
    parts = [
        f"{row.judged:.3g}× {row.peer}, floor {row.floor:g}×: {row.verdict}"
        if row.judged is not None
        else f"{row.peer}: {row.verdict}"
        for row in found
    ]
    return f"Worst of the four strategies, one core, all order checks on: {'; '.join(parts)}"


WORST = "worst of the four"


def _warm(bench: Bench, case: str, peer: str) -> Row:
    floor, goal = (bound if case == WHOLE else bound / 2 for bound in FLOORS[peer])
    row = Row(f"{CASES[case].title}, one core", "combos/s", floor=floor, goal=goal, case=case)
    asked = asked_of(bench, case, peer)
    theirs: dict[str, Any] = {**asked, "size": "few"}
    if peer == "raptorbt":
        theirs["way"] = _quicker_way(bench, theirs)
        row = with_(row, note=theirs["way"] if case != "rotation" else "")
    return bench.beside(row, peer, ("sweep", {**asked, "size": "full"}), ("sweep", theirs))[0]


def _cold(bench: Bench, case: str, peer: str, ours: float) -> Row:
    row = Row("  cold, from nothing", "s", Samples([ours]), peer)
    try:
        theirs = _seconds_from_nothing(bench, peer, case, peer)
    except EngineError as error:
        return with_(row, note=str(error))
    return with_(row, theirs=Samples([theirs]), ratios=[theirs / ours], note="a small sweep")


def _seconds_from_nothing(bench: Bench, name: str, case: str, peer: str) -> float:
    """From a process that is not there to a small sweep's rows, with nothing compiled."""
    bench.said(f"{CASES[case].title}: {name} from nothing")
    caches = Path(mkdtemp(dir=bench.folder))
    asked = asked_of(bench, case, peer)
    began = time.perf_counter()
    with bench.engine(name, caches=caches) as engine:
        engine.ask("sweep", **asked, size="few", **SHARED.get(name, {}))
        return time.perf_counter() - began


def _quicker_way(bench: Bench, arguments: dict[str, Any]) -> str:
    ways = ("one by one", "batched")
    if arguments["case"] == "rotation":
        return ways[0]
    try:
        with bench.engine("raptorbt") as them:
            for way in ways:
                them.ask("sweep", **arguments, way=way)
            rates = [rate_of(them, ("sweep", {**arguments, "way": way})) for way in ways]
            return ways[rates.index(max(rates))]
    except EngineError:
        return ways[0]


def _worst(peer: str, rows: list[Row]) -> Row:
    floor, goal = (bound / 2 for bound in FLOORS[peer])
    row = Row(WORST, peer=peer, floor=floor, goal=goal, note="not all four have a ratio")
    judged = [(row.judged, row) for row in rows if row.judged is not None]
    if len(judged) < len(CASES):
        return row
    ratio, worst = min(judged, key=lambda pair: pair[0])
    title = CASES[worst.case].title
    return with_(row, judged=ratio, ratios=worst.ratios, note=title)


def _kernel(bench: Bench) -> Row:
    """What the public face costs, on the SMA cross."""
    asked = {**asked_of(bench, WHOLE, "vectorbt"), "size": "full"}
    with bench.engine(OURS) as us:
        cold = rate_of(us, ("kernel_of", asked))
        rate_of(us, ("sweep", asked))
        pairs = [
            (rate_of(us, ("kernel_of", asked)), rate_of(us, ("sweep", asked)))
            for _ in range(bench.repetitions)
        ]
    share = median(sweep / kernel for kernel, sweep in pairs)
    rates = Samples([kernel for kernel, _ in pairs], cold)
    note = f"the sweep reaches {share:.0%} of it"
    return Row(f"{CASES[WHOLE].title}, kernel only", "combos/s", rates, note=note)
