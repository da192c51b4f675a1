"""How much a limit leaves: pure checks of scalars, for backtests and live alike.

Every function takes what is measured and the limit, infinite where it is off, and says
what room is left or whether a breaker has to act. Money is in micro-units.
"""

import math
from typing import Final

from fanfold.domain.compiled import compiled
from fanfold.domain.money import MONEY_MAX, to_micro

ROOM_TOLERANCE: Final = 1e-9
"""A room this close below a whole lot holds it: 0.29 of 100 lots are 29 [lots]."""


@compiled
def allowed_value(equity: int, limit: float) -> int:
    """equity × limit [micro-units], or all the money there can be.

    Args:
        equity: Cash and marked positions [micro-units].
        limit: Share of equity [1], infinite when off.
    """
    if equity <= 0:
        return 0
    allowed = equity * limit
    return int(allowed) if allowed < MONEY_MAX else MONEY_MAX


@compiled
def net_room(equity: int, net: int, side: int, max_net: float) -> int:
    """What may still be opened in one direction under the net limit [micro-units].

    Args:
        equity: Cash and marked positions [micro-units].
        net: Long minus short positions [micro-units].
        side: 1 to buy, -1 to sell: whatever leads back towards zero has more room.
        max_net: Largest absolute net exposure [share of equity], infinite when off.
    """
    room = allowed_value(equity, max_net) - side * net
    return min(max(room, 0), MONEY_MAX)


@compiled
def sector_room(equity: int, sector_gross: int, max_sector: float) -> int:
    """What may still be opened in one sector [micro-units].

    Args:
        equity: Cash and marked positions [micro-units].
        sector_gross: Sum of absolute positions in the sector [micro-units].
        max_sector: Largest such sum [share of equity], infinite when off.
    """
    return max(allowed_value(equity, max_sector) - sector_gross, 0)


@compiled
def notional_room(max_order_notional: float) -> int:
    """Largest value of one order [micro-units].

    Args:
        max_order_notional: The limit [currency], infinite when off.
    """
    if max_order_notional * 1e6 < MONEY_MAX:
        return to_micro(max_order_notional)
    return MONEY_MAX


@compiled
def volume_room(average_volume: float, max_volume_share: float, parts: int) -> int:
    """Largest order against the market's usual volume [lots], rounded down.

    Args:
        average_volume: Usual volume of a bar [units]; where it is unknown (NaN) or
            nothing trades, there is no room.
        max_volume_share: Share of it that one order may take [1], infinite when off.
        parts: Lots in one unit.
    """
    if max_volume_share == math.inf:
        return MONEY_MAX
    if not average_volume > 0.0:
        return 0
    lots = average_volume * max_volume_share * parts + ROOM_TOLERANCE
    return math.floor(lots) if lots < MONEY_MAX else MONEY_MAX


@compiled
def orders_left(count: int, max_orders: float) -> int:
    """Orders that may still be sent in this session.

    Args:
        count: Sent so far.
        max_orders: The limit, infinite when off.
    """
    if max_orders == math.inf:
        return MONEY_MAX
    return max(int(max_orders) - count, 0)


@compiled
def daily_loss_breached(equity: int, day_start_equity: int, max_daily_loss: float) -> bool:
    """Whether the loss since the previous session's close has reached its limit.

    Args:
        equity: Cash and marked positions, so unrealised losses count [micro-units].
        day_start_equity: The same at the previous session's close, positive.
        max_daily_loss: Share of it [1], infinite when off.
    """
    return equity <= day_start_equity * (1.0 - max_daily_loss)


@compiled
def margin_breached(equity: int, gross: int, maintenance: float) -> bool:
    """Whether equity has fallen under the maintenance margin.

    Args:
        equity: Cash and marked positions [micro-units].
        gross: Sum of absolute positions [micro-units].
        maintenance: Least equity [share of gross].
    """
    return equity < gross * maintenance


@compiled
def liquidation_share(equity: int, gross: int, leverage: float) -> float:
    """Share of every position to close so that the rest fits the account [1].

    Closing at the mark leaves equity as it is, so what stays is gross × (1 - share) =
    leverage × equity. Costs come on top: round lots up.

    Args:
        equity: Cash and marked positions [micro-units].
        gross: Sum of absolute positions [micro-units].
        leverage: Gross over equity to come back to [1], at most 1 / maintenance.
    """
    if gross <= 0:
        return 0.0
    if equity <= 0:
        return 1.0
    keeps = leverage * equity / gross
    return 0.0 if keeps >= 1.0 else 1.0 - keeps
