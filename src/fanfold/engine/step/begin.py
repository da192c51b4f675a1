"""The start of a run: everything that it changes, put back."""

import math
from typing import Any

from fanfold.domain.compiled import compiled
from fanfold.engine.step.state import (
    CLOSES_SESSION,
    DELISTING_BAR,
    DELISTING_RATE,
    LEAST_NOTIONAL,
    LIMIT,
    PARTS,
    SECTOR,
    SHORTABLE,
    TARGET,
    TICK_COARSE,
    TICK_FINE,
    TS,
    WISHES,
)


@compiled
def begin_run(
    first: int, last: int, params: Any, cash: int, traits: Any, clock: Any, assets: Any,
    assets_raw: Any, desks: Any, desks_raw: Any, portfolio: Any, memory: Any, wishes: Any,
    delayed: Any, account: Any, rules: Any,
) -> None:  # fmt: skip
    """Put everything that a run changes back to its start."""
    for place in range(len(assets_raw)):
        assets_raw[place] = 0.0
    for place in range(len(desks_raw)):
        desks_raw[place] = 0.0
    for place in range(len(memory)):
        memory[place] = 0.0
    for i in range(len(desks)):
        _begin_asset(i, assets[i])
        _begin_desk(i, traits, desks[i])
        wishes[i, TARGET] = 0.0
        for wish in range(LIMIT, WISHES):
            wishes[i, wish] = math.nan
        for slot in range(len(delayed)):
            for wish in range(WISHES):
                delayed[slot, i, wish] = wishes[i, wish]
    for place in range(len(params)):
        portfolio.params[place] = params[place]
    account.cash = account.equity = account.close_equity = account.session_equity = cash
    account.peak = account.worst_equity = account.worst_peak = cash
    account.peak_ts = clock[TS, first]
    account.return_count = -clock[CLOSES_SESSION, first]
    account.touched = 1
    account.recording = rules.recording
    account.closing_bar = last - 1 if rules.close_at_end == 1 else -1


@compiled
def _begin_asset(i: int, asset: Any) -> None:
    asset.index = i
    asset.member = 1
    asset.open = asset.high = asset.low = asset.close = asset.volume = math.nan
    for place in range(len(asset.features)):
        asset.features[place] = math.nan
    asset.limit = asset.stop = asset.stop_loss = asset.take_profit = math.nan
    asset.trailing_stop = math.nan


@compiled
def _begin_desk(i: int, traits: Any, desk: Any) -> None:
    desk.index = i
    desk.parts = traits[PARTS, i]
    desk.sector = traits[SECTOR, i]
    desk.delisting_bar = traits[DELISTING_BAR, i]
    desk.delisting_rate = traits[DELISTING_RATE, i]
    desk.shortable = traits[SHORTABLE, i]
    desk.tick_coarse = traits[TICK_COARSE, i]
    desk.tick_fine = traits[TICK_FINE, i]
    desk.least_notional = traits[LEAST_NOTIONAL, i]
    desk.listed = 1
    desk.entry_bar = desk.order_bar = -1
    desk.limit = desk.stop = desk.barred = math.nan
    desk.stop_loss = desk.take_profit = desk.trailing = math.nan
    desk.heard_limit = desk.heard_stop = desk.heard_stop_loss = math.nan
    desk.heard_take_profit = desk.heard_trailing = math.nan
    desk.low_watch = -math.inf
    desk.high_watch = math.inf
