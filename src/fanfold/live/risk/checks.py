"""The table of checks in their fixed order, and the verdict on one intent.

Form, the venue's rules, limits, funds, state. A check of an opening leaves what lessens a
position alone; a check of the whole refuses both.
"""

import math
from collections.abc import Callable
from typing import Final

from fanfold.live.risk import form_checks as form
from fanfold.live.risk import limit_checks as limits
from fanfold.live.risk import state_checks as state
from fanfold.live.risk.ask import Ask, Found
from fanfold.live.risk.rules import RiskRules

Check = Callable[[Ask], Found | None]
Checks = tuple[tuple[str, Check], ...]

WHOLE: Final[Checks] = (
    ("bad_number", form.bad_number),
    ("bad_goal", form.bad_goal),
    ("bad_price", form.bad_price),
    ("not_armed", state.not_armed),
    ("kill", state.killed),
)
"""What no intent passes, an exit neither."""

VENUE: Final[Checks] = (
    ("bad_mark", form.bad_mark),
    ("too_large", form.too_large),
    ("not_shortable", form.not_shortable),
    ("order_type", form.order_type),
    ("off_tick", form.off_tick),
    ("min_notional", form.min_notional),
)
"""Whether the venue would take the order."""

LIMITS: Final[Checks] = (
    ("unconfirmed", limits.unconfirmed_bar),
    ("price_collar", limits.max_price_distance),
    ("max_order_notional", limits.max_order_notional),
    ("max_volume_share", limits.max_volume_share),
    ("daily_volume", limits.daily_volume),
    ("max_position", limits.max_position),
    ("max_orders", limits.max_orders),
    ("max_sector", limits.max_sector),
    ("max_net", limits.max_net),
    ("max_gross", limits.max_gross),
    ("price_collar", state.price_collar),
    ("spread", state.spread),
    ("self_trade", limits.self_trade),
    ("duplicate", state.duplicate),
    ("open_orders", limits.open_orders),
    ("order_rate", limits.order_rate),
)
"""How much of it the deployment allows itself.

`max_var` is not among them: it is measured on returns of past sessions, which signal's step
has from its bars, and that step holds it for all goals together before an intent leaves. What
is taken away here leaves less of one asset; where that asset was a hedge, the rest may pass
`max_var` until a goal changes, and the step measures what is held then.
"""

FUNDS: Final[Checks] = (
    ("no_equity", state.no_equity),
    ("buying_power", limits.buying_power),
    ("broker_power", limits.broker_power),
)
"""Whether the account can carry it."""

STATE: Final[Checks] = (
    ("session_closed", state.session_closed),
    ("asset_halted", state.asset_halted),
    ("no_price", state.no_price),
    ("unconfirmed", state.unconfirmed_price),
    ("stale_price", state.stale_price),
    ("feed_down", state.feed_down),
    ("asset_stale", state.asset_stale),
    ("old_event", state.old_event),
    ("no_account", state.no_account),
    ("gate_closed", state.gate_closed),
    ("halted", state.halted),
)
"""Whether the market can be believed, and whether anybody may act."""

OPENING: Final[Checks] = (*VENUE, *LIMITS, *FUNDS, *STATE)
"""What openings pass, each on what those before it left."""

OPTIONAL: Final = (
    "max_order_notional", "max_volume_share", "max_position", "max_orders", "max_sector", "max_net",
)  # fmt: skip
"""Checks that find nothing where their limit is off."""


class Verdict:
    """What became of an intent.

    Attributes:
        reason: Of the last limit that took anything, "" for none.
        whole: Whether nothing of it may go, an exit neither.
        opens: Signed lots that may be opened.
        bound, reached: Of that limit.
    """

    __slots__ = ("bound", "opens", "reached", "reason", "whole")

    def __init__(self, reason: str, found: Found, *, whole: bool) -> None:
        self.reason = reason
        self.opens, self.bound, self.reached = found
        self.whole = whole


def openings_for(rules: RiskRules) -> Checks:
    """The checks of openings, without those whose limit is off."""
    off = {name for name in OPTIONAL if getattr(rules, name) == math.inf}
    return tuple(row for row in OPENING if row[0] not in off)


def judge(ask: Ask, openings: Checks) -> Verdict:
    """Ask all checks in their order; each sees what the ones before it left.

    A latch is named before any limit.
    """
    for name, check in WHOLE:
        found = check(ask)
        if found is not None:
            return Verdict(name, found, whole=True)
    reason, last = "", Found(ask.opens, math.nan, math.nan)
    if not ask.asked:
        return Verdict(reason, last, whole=False)
    for name, check in openings:
        found = check(ask)
        if found is not None:
            reason, last = name, found
            ask.opens = found.opens
            if found.opens == 0:
                break
    if ask.post.latch and reason != "halted":
        reason, last = "halted", Found(0, ask.post.latch_bound, ask.post.latch_reached)
    return Verdict(reason, last, whole=False)
