"""The tables of a report, from plain values to markup."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fanfold.domain.orders import STATUSES
from fanfold.reporting.figures import drawdowns
from fanfold.reporting.markup import Markup, table, tag, together
from fanfold.reporting.numbers import (
    ABSENT,
    PERFORMANCE,
    PERIODS_PER_YEAR,
    RELATIVE,
    TRADING,
    Measure,
    count,
    days,
    measure,
    money,
    parameter,
    percent,
    plain,
)
from fanfold.reporting.sweeps import SweepSummary
from fanfold.reporting.views import RunView, Value

if TYPE_CHECKING:
    from pandas import DataFrame

SYMBOLS_MAX = 12
LUCKY_COUNT = 5
NANOSECONDS_PER_DAY = 86_400_000_000_000
HEADLINES = ("total_return", "cagr", "sharpe", "max_drawdown", "round_trip_count")
GLANCE = (
    *("total_return", "cagr", "volatility", "sharpe"),
    *("max_drawdown", "round_trip_count", "fees"),
)
REFUSALS: Mapping[str, str] = {
    "max_position": "one position would pass its limit",
    "max_gross": "all positions together would pass their limit",
    "max_drawdown": "the account had lost what it may lose",
    "buying_power": "the account could not pay for it",
    "min_trade": "too small to send",
    "replaced": "a newer target took its place",
    "end_of_data": "the data ended first",
}


def parameters(params: Mapping[str, Value]) -> Markup:
    """Parameters in one line, as they would be typed."""
    pairs = [tag("span", f"{name} ", tag("b", parameter(value))) for name, value in params.items()]
    return tag("p", *pairs, class_="parameters") if pairs else Markup()


def headlines(view: RunView) -> Markup:
    """The few figures that are read first, with the benchmark's where it has them."""
    beside: dict[str, str] = {}
    if view.benchmark is not None:
        level = np.asarray(view.benchmark, dtype=np.float64)
        level = level[np.isfinite(level)]
        if len(level):
            beside = {
                "total_return": percent(float(level[-1] / level[0] - 1.0)),
                "max_drawdown": percent(float(drawdowns(level).max())),
            }
    tiles: list[Markup] = []
    for name in HEADLINES:
        if name in view.metrics:
            words = measure(name)
            shown = [tag("dt", words.label), tag("dd", words.show(view.metrics[name]))]
            if name in beside:
                note = f"{view.benchmark_name}: {beside[name]}"
                shown.append(tag("dd", note, class_="beside"))
            tiles.append(tag("div", *shown))
    return tag("dl", *tiles, class_="tiles") if tiles else Markup()


def glance(runs: Sequence[RunView]) -> Markup:
    """All runs beside each other."""
    names = [name for name in GLANCE if any(name in view.metrics for view in runs)]
    rows = [
        [tag("a", view.name, href=f"#run-{place}")]
        + [
            measure(name).show(view.metrics[name]) if name in view.metrics else ABSENT
            for name in names
        ]
        for place, view in enumerate(runs, start=1)
    ]
    return table(["Run", *(measure(name).label for name in names)], rows)


def measures(view: RunView) -> Markup:
    """Every measure of a run, in groups, with the convention that they share."""
    known = {**PERFORMANCE, **TRADING, **RELATIVE}
    other = {name: measure(name) for name in view.metrics if name not in {*known, PERIODS_PER_YEAR}}
    groups: list[tuple[str, Mapping[str, Measure]]] = [
        ("Return and risk", PERFORMANCE),
        ("Trading", TRADING),
        (f"Against {view.benchmark_name}", RELATIVE if view.benchmark is not None else {}),
        ("Other", other),
    ]
    lists: list[Markup] = []
    for title, group in groups:
        rows = [
            tag("div", tag("dt", words.label), tag("dd", words.show(view.metrics[name])))
            for name, words in group.items()
            if name in view.metrics
        ]
        if rows:
            lists.append(tag("div", tag("h4", title), tag("dl", *rows, class_="measures")))
    shown = tag("div", *lists, class_="columns")
    if PERIODS_PER_YEAR not in view.metrics:
        return shown
    periods = plain(view.metrics[PERIODS_PER_YEAR])
    return together(
        [shown, tag("p", f"Figures a year count {periods} periods a year.", class_="small")]
    )


def round_trips(view: RunView) -> Markup:
    """What the round trips were like, and what each symbol brought."""
    trips = view.round_trips
    if len(trips) == 0:
        return tag("p", "No round trip was completed.")
    pnl = trips["pnl"].to_numpy(dtype=np.float64)
    held = (
        (trips["exit_ts"] - trips["entry_ts"]).to_numpy().astype("timedelta64[ns]").astype(np.int64)
    )
    best = np.sort(pnl)[::-1][:LUCKY_COUNT].sum()
    profit = float(pnl.sum())
    facts = [
        ("Round trips", f"{count(len(pnl))}, of which {count(int((pnl > 0).sum()))} won"),
        ("Profit and loss", money(profit)),
        ("Best and worst", f"{money(float(pnl.max()))} and {money(float(pnl.min()))}"),
        ("Median time held", days(float(np.median(held)) / NANOSECONDS_PER_DAY)),
    ]
    if profit > 0 and len(pnl) > LUCKY_COUNT:
        share = f"{percent(float(best) / profit)} of the profit"
        facts.append((f"The {LUCKY_COUNT} best alone", share))
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    return together([tag("dl", *rows, class_="measures"), _by_symbol(view.fills, trips)])


def _by_symbol(fills: "DataFrame", trips: "DataFrame") -> Markup:
    pnl = _sums(trips, "pnl")
    trip_count = _sums(trips.assign(one=1), "one")
    won_count = _sums(trips.assign(one=trips["pnl"] > 0), "one")
    fees = _sums(fills, "fee")
    symbols = sorted(pnl, key=lambda symbol: (-abs(pnl[symbol]), symbol))
    rows = [
        [
            symbol,
            count(trip_count[symbol]),
            percent(won_count[symbol] / trip_count[symbol]),
            money(fees.get(symbol, 0.0)),
            money(pnl[symbol]),
        ]
        for symbol in symbols[:SYMBOLS_MAX]
    ]
    shown = table(["Symbol", "Round trips", "Won", "Fees", "Profit and loss"], rows)
    if len(symbols) <= SYMBOLS_MAX:
        return shown
    rest = symbols[SYMBOLS_MAX:]
    total = money(sum(pnl[symbol] for symbol in rest))
    note = f"{len(rest)} more symbols with smaller amounts brought {total} together."
    return together([shown, tag("p", note, class_="small")])


def _sums(rows: "DataFrame", column: str) -> dict[str, float]:
    sums = rows.groupby("symbol", observed=True)[column].sum()
    return {str(symbol): float(value) for symbol, value in sums.items()}


def refusals(view: RunView) -> Markup:
    """Orders that were refused, trimmed or withdrawn, by reason."""
    orders = view.orders
    if len(orders) == 0:
        return tag("p", "No order was made.")
    named = orders[orders["reason"].fillna("").astype(str) != ""]
    total = count(len(orders))
    if len(named) == 0:
        return tag("p", f"None of {total} orders was refused or trimmed.")
    pairs = named[["reason", "status"]].astype(str).value_counts(sort=False)
    counted = {(str(reason), str(status)): int(n) for (reason, status), n in pairs.items()}  # type: ignore[misc]
    statuses = [status for status in STATUSES if any(key[1] == status for key in counted)]
    statuses += sorted({key[1] for key in counted} - set(statuses))
    sums = {
        reason: sum(n for key, n in counted.items() if key[0] == reason) for reason, _ in counted
    }
    rows = [
        [_reason(reason), *(count(counted.get((reason, status), 0)) for status in statuses)]
        for reason in sorted(sums, key=lambda reason: (-sums[reason], reason))
    ]
    note = f"{count(len(named))} of {total} orders carry a reason."
    if "filled" in statuses:
        note += " What was filled with a reason was filled in part."
    return together([table(["Reason", *statuses], rows), tag("p", note, class_="small")])


def _reason(code: str) -> Markup:
    if code not in REFUSALS:
        return tag("span", code)
    return together(
        [tag("code", code), Markup("<br>"), tag("span", REFUSALS[code], class_="small")]
    )


def best_combinations(summary: SweepSummary) -> Markup:
    """The best rows of a sweep."""
    columns, best = summary.top()
    params = set(summary.view.params)
    rows = [
        [str(rank)]
        + [
            parameter(value) if name in params else measure(name).show(float(value))
            for name, value in zip(columns, row, strict=True)
        ]
        for rank, row in enumerate(best.itertuples(index=False, name=None), start=1)
    ]
    heads = [name if name in params else measure(name).label for name in columns]
    return table(["", *heads], rows, text_columns=0)


def outcomes(summary: SweepSummary) -> Markup:
    """What became of every combination."""
    rows = [
        [status, reason or ABSENT, count(n), percent(n / summary.combination_count)]
        for status, reason, n in summary.outcomes()
    ]
    return table(["Status", "Reason", "Combinations", "Share"], rows, text_columns=2)
