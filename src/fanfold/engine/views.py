"""The state of a run as a person would look at it: in currency and units."""

import math
from typing import Any

from fanfold.domain.orders import REASONS
from fanfold.engine.goals import Goals
from fanfold.engine.market import Market
from fanfold.engine.step.exits import stop_level


def seen_by_people(market: Market, goals: Goals) -> dict[str, Any]:
    """Money and clock, and under "assets" one mapping an asset; no price is None."""
    books, account = market.books, market.books.account
    return {
        "ts": market.last.ts,
        "bars": account.bar_count,
        "cash": account.cash / 1e6,
        "equity": account.equity / 1e6,
        "gross": account.gross / 1e6,
        "fees": account.fees / 1e6,
        "peak": account.peak / 1e6,
        "halted": account.halted == 1 or account.day_halted == 1,
        "margin_called": account.margin_called == 1,
        "memory": list(books.memory),
        "assets": [_asset(market, goals, i) for i in range(len(market.symbols))],
    }


def _asset(market: Market, goals: Goals, i: int) -> dict[str, Any]:
    desk, asset = market.books.desks[i], market.books.assets[i]
    is_new = desk.order_bar == market.t and market.books.account.bar_count > 0
    return {
        "symbol": market.symbols[i],
        "features": [_shown(value) for value in market.feeds.latest[i].tolist()],
        "mark": desk.mark / 1e6,
        "target": asset.target,
        "heard": desk.target,
        "held": desk.units,
        "goal": desk.goal,
        "value": desk.value / 1e6,
        "entry_price": asset.entry_price,
        "realised_pnl": desk.realised / 1e6,
        "stop_loss": _shown(stop_level(desk)),
        "take_profit": _shown(desk.take_profit),
        "disarmed": desk.disarmed == 1,
        "forced": desk.forced == 1,
        "closing": desk.close_order,
        "opening": desk.open_order,
        "asked_now": is_new,
        "asked": desk.asked,
        "reason": REASONS[desk.reason],
        "bound": _shown(desk.bound),
        "reached": _shown(desk.reached),
        "refused": goals.reasons[i],
    }


def _shown(value: float) -> float | None:
    return None if math.isnan(value) else value
