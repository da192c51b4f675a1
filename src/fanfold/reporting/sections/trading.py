"""Round trips, exposure, costs, and what became of the orders."""

from typing import TYPE_CHECKING

import numpy as np

from fanfold.domain.orders import STATUSES
from fanfold.reporting.figures.trading import (
    COST_COLOURS,
    ROUND_TRIPS_DRAWN_MAX,
    costs_figure,
    drawn_assets,
    drawn_round_trips,
    exposure_figure,
    round_trip_figure,
    shown_costs,
)
from fanfold.reporting.html.gallery import Gallery
from fanfold.reporting.html.markup import Markup, table, tag, together
from fanfold.reporting.numbers import ABSENT, bps, count, days, money, percent, plain
from fanfold.reporting.series import traded_amount
from fanfold.reporting.views import RunView
from fanfold.reporting.words import INCOME, REFUSALS, cost_word

if TYPE_CHECKING:
    from pandas import DataFrame

SYMBOLS_MAX = 12
LUCKY_COUNT = 5
NANOSECONDS_PER_DAY = 86_400_000_000_000


def trip_blocks(view: RunView, gallery: Gallery) -> list[Markup]:
    """What the round trips were like, on the price and by asset."""
    trips = view.round_trips
    if len(trips) == 0:
        return [tag("p", "No round trip was completed.")]
    blocks = [tag("div", _trip_facts(view), _by_symbol(view.fills, trips), class_="pair")]
    assets = drawn_assets(view)
    if assets:
        blocks.append(
            gallery.choose(
                [(symbol, round_trip_figure(view, symbol)) for symbol in assets],
                what="Asset",
                meaning="Price of an asset with entries and exits",
                heading="Round trips on the price",
                reading="A triangle is an entry, up for long and down for short; a cross is its"
                " exit: look whether the wins come from many places or from one."
                + _left_out(view, assets),
                legend=[("Close", "benchmark"), ("Won", "gain-line"), ("Lost", "loss-line")],
                log_scale=np.asarray(view.prices[assets[0]], dtype=np.float64),
            )
        )
    return blocks


def _left_out(view: RunView, assets: list[str]) -> str:
    symbols = view.round_trips["symbol"].astype(str)
    text = ""
    if symbols.nunique() > len(assets):
        text += f" Assets to choose from are the {len(assets)} that mattered most."
    of_those = symbols[symbols.isin(assets)]
    if len(of_those) > sum(len(drawn_round_trips(view, symbol)) for symbol in assets):
        text += f" No more than {ROUND_TRIPS_DRAWN_MAX} of an asset are drawn, the largest."
    return text


def _trip_facts(view: RunView) -> Markup:
    trips = view.round_trips
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
    if view.robustness is None and profit > 0 and len(pnl) > LUCKY_COUNT:
        share = f"{percent(float(best) / profit)} of the profit"
        facts.append((f"The {LUCKY_COUNT} best alone", share))
    return tag("dl", *_rows(facts), class_="measures")


def _rows(facts: list[tuple[str, str]]) -> list[Markup]:
    return [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]


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
    heads = ["Symbol", "Round trips", "Won", "Fees", "Profit and loss"]
    shown = [table(heads, rows, caption="Round trips by asset")]
    if len(symbols) > SYMBOLS_MAX:
        rest = symbols[SYMBOLS_MAX:]
        total = money(sum(pnl[symbol] for symbol in rest))
        note = f"{len(rest)} more symbols with smaller amounts brought {total} together."
        shown.append(tag("p", note, class_="small"))
    return tag("div", *shown)


def _sums(rows: "DataFrame", column: str) -> dict[str, float]:
    sums = rows.groupby("symbol", observed=True)[column].sum()
    return {str(symbol): float(value) for symbol, value in sums.items()}


def cost_blocks(view: RunView, gallery: Gallery) -> list[Markup]:
    """What was held over time, and what holding and trading took."""
    blocks: list[Markup] = []
    if view.exposure is not None:
        blocks.append(
            gallery.show(
                exposure_figure(view, view.exposure),
                meaning="Gross and net exposure over time",
                heading="Exposure",
                reading="Positions as a share of equity: above 100% is borrowed, and net below"
                " gross is what is sold short.",
                legend=[("Gross", "equity"), ("Net", "second")],
                size="low",
            )
        )
    kinds = list(shown_costs(view))
    if kinds:
        blocks.append(
            gallery.show(
                costs_figure(view),
                meaning="Costs over time, by kind",
                heading="Costs so far",
                reading="Running sums by kind: a line that steepens means that trading more, or"
                " holding more, takes more of the result.",
                legend=[
                    (cost_word(kind), COST_COLOURS[place % len(COST_COLOURS)])
                    for place, kind in enumerate(kinds)
                ],
                size="low",
            )
        )
    return [*blocks, costs_table(view)]


def costs_table(view: RunView) -> Markup:
    """What each kind of cost took, in currency, of what was traded, and of the capital."""
    sums = {kind: float(sums.iloc[-1]) for kind, sums in shown_costs(view).items()}
    if not sums:
        return tag("p", "Nothing was charged, and nothing beside the fills was booked.")
    traded, capital = traded_amount(view), float(view.equity.iloc[0])
    paid = sum(value for kind, value in sums.items() if kind not in INCOME)
    rows = [[cost_word(kind), *_cost_cells(value, traded, capital)] for kind, value in sums.items()]
    rows.append([tag("b", "Costs in all"), *_cost_cells(paid, traded, capital)])
    return together(
        [
            table(
                ["Kind", "Amount", "Of what was traded", "Of the first equity"],
                rows,
                caption="Costs by kind",
            ),
            tag(
                "p",
                f"{money(traded)} was bought and sold in {count(len(view.fills))} fills."
                " Slippage is the distance of fills from their reference prices.",
                class_="small",
            ),
        ]
    )


def _cost_cells(value: float, traded: float, capital: float) -> list[str]:
    share = bps(value / traded * 10_000) if traded > 0 else ABSENT
    return [money(value), share, percent(value / capital) if capital > 0 else ABSENT]


def order_blocks(view: RunView) -> list[Markup]:
    """Orders that were refused, trimmed or withdrawn, by reason."""
    return [tag("h3", "Refused, trimmed or withdrawn"), *_orders(view)]


def _orders(view: RunView) -> list[Markup]:
    orders = view.orders
    if len(orders) == 0:
        return [tag("p", "No order was made.")]
    named = orders[orders["reason"].fillna("").astype(str) != ""]
    total = count(len(orders))
    if len(named) == 0:
        return [tag("p", f"None of {total} orders was refused or trimmed.")]
    pairs = named[["reason", "status"]].astype(str).value_counts(sort=False)
    counted = {(str(reason), str(status)): int(n) for (reason, status), n in pairs.items()}  # type: ignore[misc]
    statuses = [status for status in STATUSES if any(key[1] == status for key in counted)]
    statuses += sorted({key[1] for key in counted} - set(statuses))
    sums = {
        reason: sum(n for key, n in counted.items() if key[0] == reason) for reason, _ in counted
    }
    reasons = sorted(sums, key=lambda reason: (-sums[reason], reason))
    told = {reason: _told(named[named["reason"].astype(str) == reason]) for reason in reasons}
    rows = [
        [_reason(reason), *(count(counted.get((reason, status), 0)) for status in statuses)]
        + ([told[reason]] if any(told.values()) else [])
        for reason in reasons
    ]
    note = f"{count(len(named))} of {total} orders carry a reason."
    if "filled" in statuses:
        note += " What was filled with a reason was filled in part."
    heads = ["Reason", *statuses, *(["Numbers"] if any(told.values()) else [])]
    return [
        table(heads, rows, caption="Orders refused or trimmed, by reason"),
        tag("p", note, class_="small"),
    ]


def _told(orders: "DataFrame") -> str:
    """The numbers behind a reason: the limit and what stood against it, or what was cut."""
    columns = set(orders.columns)
    if {"bound", "reached"} <= columns:
        numbers = orders[["bound", "reached"]].to_numpy(dtype=np.float64)
        # Reasons that are no limit leave both numbers at zero or without a value.
        numbers = numbers[np.isfinite(numbers).all(axis=1) & numbers.any(axis=1)]
        if len(numbers):
            limit = ", ".join(plain(value) for value in np.unique(numbers[:, 0])[:3].tolist())
            return f"limit {limit}; up to {plain(float(np.abs(numbers[:, 1]).max()))}"
    if {"asked", "approved"} <= columns:
        asked = float(orders["asked"].sum())
        if asked > 0:
            return f"{percent(1.0 - float(orders['approved'].sum()) / asked)} of units cut"
    return ""


def _reason(code: str) -> Markup:
    if code not in REFUSALS:
        return tag("span", code)
    return together(
        [tag("code", code), Markup("<br>"), tag("span", REFUSALS[code], class_="small")]
    )
