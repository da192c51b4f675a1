"""vectorbt: the works that it is asked for; how it trades is in `vectorbt_cases`."""

from typing import Any

import numpy as np
from cases import combinations_of
from prices import read_prices
from served import serve, timed
from vectorbt_cases import cross, sweep_case


def trades(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, Any]:
    """Fills and final equity of one combination."""
    chosen = [{"fast": fast, "slow": slow}]
    portfolio = cross(read_prices(file), chosen, habit)(chosen)
    orders = portfolio.orders.values
    sides = np.where(orders["side"] == 0, 1, -1)
    rows = zip(orders["idx"], sides, orders["size"], orders["price"], strict=True)
    return {
        "fills": [[int(bar), int(side), float(q), float(price)] for bar, side, q, price in rows],
        "final_equity": float(np.asarray(portfolio.final_value()).item()),
    }


def sweep(
    case: str, size: str, file: str, habit: dict[str, Any], rows_file: str = ""
) -> dict[str, float]:
    """Time a sweep from prices to four measures a combination."""
    prices, combinations = read_prices(file), combinations_of(case, size)
    seconds, rows = timed(lambda: sweep_case(case, prices, combinations, habit))
    if rows_file:
        np.savez(rows_file, **rows)
    return {"seconds": seconds, "count": len(combinations)}


def one(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, float]:
    """Time one run from prices to its measures."""
    prices, chosen = read_prices(file), [{"fast": fast, "slow": slow}]
    seconds, _ = timed(lambda: sweep_case("sma", prices, chosen, habit))
    return {"seconds": seconds, "count": len(prices.ts)}


if __name__ == "__main__":
    serve({"trades": trades, "sweep": sweep, "one": one})
