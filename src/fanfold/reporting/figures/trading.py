"""Round trips on the price, what was held, and what it cost."""

from typing import TYPE_CHECKING, Any

import numpy as np

from fanfold.reporting.figures.plot import (
    MINOR_POINTS_MAX,
    Figure,
    Floats,
    axis,
    drawn,
    kept_rows,
    line,
    moments,
    time_axis,
    time_format,
    time_lines,
)
from fanfold.reporting.series import costs_by_kind
from fanfold.reporting.views import RunView
from fanfold.reporting.words import INCOME, cost_word

if TYPE_CHECKING:
    from pandas import DataFrame, Series

ROUND_TRIPS_DRAWN_MAX = 200
"""Round trips drawn for one asset: those with the largest profit or loss."""
ASSETS_DRAWN_MAX = 12
"""Assets to choose from: those with the largest profit or loss in sum."""
LONG_PRICE = 10_000.0
"""Prices from here on are written short, such as 25k [currency]."""
COST_COLOURS = ("series-1", "series-2", "series-3", "series-4", "series-5", "series-6", "series-7")


def drawn_assets(view: RunView) -> list[str]:
    """Assets whose round trips are drawn, those that mattered most first."""
    wanted = {"entry_price", "exit_price", "quantity"}
    if not view.prices or not wanted <= set(view.round_trips.columns):
        return []
    sizes = view.round_trips["pnl"].abs().groupby(view.round_trips["symbol"].astype(str)).sum()
    found = {str(symbol): float(size) for symbol, size in sizes.items() if symbol in view.prices}
    return sorted(found, key=lambda symbol: (-found[symbol], symbol))[:ASSETS_DRAWN_MAX]


def drawn_round_trips(view: RunView, symbol: str) -> "DataFrame":
    """The round trips of an asset that are drawn, in the order of time."""
    trips = view.round_trips[view.round_trips["symbol"].astype(str) == symbol]
    largest = trips["pnl"].abs().to_numpy().argsort(kind="stable")[::-1][:ROUND_TRIPS_DRAWN_MAX]
    return trips.iloc[np.sort(largest)]


def round_trip_figure(view: RunView, symbol: str) -> Figure:
    """The price of an asset, with each round trip as a line from entry to exit."""
    price = view.prices[symbol]
    values = np.asarray(price, dtype=np.float64)
    rows = kept_rows([values], MINOR_POINTS_MAX)
    path = line(moments(price.index, rows), drawn(values[rows]), "close", "benchmark", "%{y:,.2f}")
    trips = drawn_round_trips(view, symbol)
    won = trips["pnl"].to_numpy(dtype=np.float64) > 0
    written = time_format(price.index)
    data: list[Figure] = [path | {"hoverinfo": "skip", "hovertemplate": None}]
    for outcome, colour in ((True, "gain-line"), (False, "loss-line")):
        chosen: DataFrame = trips.iloc[np.flatnonzero(won == outcome)]
        if len(chosen):
            data += _trips(chosen, colour, written)
    layout = {
        "hovermode": "closest",
        "xaxis": time_axis(price.index),
        "yaxis": axis() | {"tickformat": "~s" if float(np.nanmax(values)) >= LONG_PRICE else ""},
    }
    return {"data": data, "layout": layout}


def _trips(trips: "DataFrame", colour: str, written: str) -> list[Figure]:
    entry = trips["entry_ts"].dt.strftime(written).tolist()
    exit_ = trips["exit_ts"].dt.strftime(written).tolist()
    opened = drawn(trips["entry_price"].to_numpy(dtype=np.float64))
    closed = drawn(trips["exit_price"].to_numpy(dtype=np.float64))
    long = trips["quantity"].to_numpy(dtype=np.float64) > 0
    told = [
        [f"{a} to {b}<br>{'long' if up else 'short'} {abs(units):,.6g}, profit {pnl:,.2f}"]
        for a, b, up, units, pnl in zip(
            entry, exit_, long, trips["quantity"], trips["pnl"], strict=True
        )
    ]
    gaps = [None] * len(entry)
    x = [value for trio in zip(entry, exit_, gaps, strict=True) for value in trio]
    y = [value for trio in zip(opened, closed, gaps, strict=True) for value in trio]
    between: Figure = line(x, y, "", colour, "") | {"hoverinfo": "skip"}
    between["line"]["width"] = 1.4
    del between["hovertemplate"]
    symbols = ["triangle-up" if up else "triangle-down" for up in long]
    return [
        between,
        _marks(entry, opened, told, symbols, colour),
        _marks(exit_, closed, told, ["x-thin-open"] * len(told), colour),
    ]


def _marks(
    x: list[str], y: list[float | None], told: list[list[str]], symbols: list[str], colour: str
) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "customdata": told,
        "hovertemplate": "%{customdata[0]}<extra></extra>",
        "marker": {
            "symbol": symbols,
            "size": 8,
            "color": f"var(--{colour})",
            "line": {
                "width": 1.6 if symbols[0] == "x-thin-open" else 0,
                "color": f"var(--{colour})",
            },
        },
    }


def exposure_figure(view: RunView, exposure: "DataFrame") -> Figure:
    """Gross and net exposure as shares of equity."""
    gross, net = exposure["gross"].astype(float), exposure["net"].astype(float)
    lines = time_lines([("gross", "equity", gross), ("net", "second", net)], "%{y:.1%}")
    lines[1]["line"] |= {"dash": "dot"}  # most of the time it lies on the other
    lines[0] |= {"fill": "tozeroy", "fillcolor": "var(--equity-fill)"}
    layout = {
        "hovermode": "x unified",
        "xaxis": time_axis(view.equity.index),
        "yaxis": axis() | {"tickformat": ".0%", "nticks": 5, "zeroline": True},
    }
    return {"data": lines, "layout": layout}


def costs_figure(view: RunView) -> Figure:
    """What each kind of cost took so far, and what dividends brought."""
    series: list[tuple[str, str, Series[float]]] = [
        (cost_word(kind), COST_COLOURS[place % len(COST_COLOURS)], sums)
        for place, (kind, sums) in enumerate(shown_costs(view).items())
    ]
    layout: dict[str, Any] = {
        "hovermode": "x unified",
        "xaxis": time_axis(view.equity.index),
        "yaxis": axis() | {"tickformat": "~s", "nticks": 5, "zeroline": True},
    }
    return {"data": time_lines(series, "%{y:,.0f}"), "layout": layout}


def shown_costs(view: RunView) -> "dict[str, Series[float]]":
    """Kinds of booking that moved anything: costs as paid, income as received."""
    shown: dict[str, Series[float]] = {}
    for kind, sums in costs_by_kind(view).items():
        if _moves(np.asarray(sums, dtype=np.float64)):
            shown[kind] = -sums if kind in INCOME else sums
    return shown


def _moves(values: Floats) -> bool:
    return bool(np.any(values != 0.0))
