"""The table of checks in their fixed order, and the verdict on one intent.

Form, the venue's rules, limits, funds, state. A check of an opening leaves what lessens a
position alone; a check of the whole refuses both.
"""

import math
from collections.abc import Callable
from math import isnan
from typing import Final

from fanfold.domain.money import MONEY_MAX
from fanfold.live.risk import form_checks as form
from fanfold.live.risk import limit_checks as limits
from fanfold.live.risk import state_checks as state
from fanfold.live.risk.ask import LOTS_MAX, Ask, Found
from fanfold.live.risk.mirror import PRICE_MAX
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
    """The checks of openings between form and state, without those whose limit is off."""
    off = {name for name in OPTIONAL if getattr(rules, name) == math.inf}
    return tuple(row for row in (*LIMITS, *FUNDS) if row[0] not in off)


def is_usual(ask: Ask) -> bool:
    """Whether, at one look, no check of `WHOLE`, `VENUE` and `STATE` can find anything.

    A market order in a whole number of lots at a young price, with everything up: most are.
    """
    intent, book, mirror, post, rules = ask.intent, ask.book, ask.mirror, ask.post, ask.rules
    own, event_ts, goal = book.rules, intent.event_ts, intent.goal
    oldest, mark = mirror.newest - rules.quote_age, ask.mark
    quote = book.quote
    return (
        post.armed
        and post.gate_open
        and not post.latch
        and not post.reconciling
        and intent.number > post.last_number
        and -LOTS_MAX <= goal <= LOTS_MAX
        and oldest <= event_ts < LOTS_MAX
        and event_ts > 0
        and quote is not None
        and quote.ts >= oldest
        and not book.doubts
        and not mirror.deferring
        and not book.halted
        and not book.stale
        and mirror.feed_up
        and mirror.account is not None
        and ask.now - post.fed_at <= rules.silence
        and mirror.day >= 0
        and mirror.newest < mirror.ends
        and ask.price > 0.0
        and mark > 0
        and mirror.sums.unmarked == 0
        and 0.0 < intent.mark <= PRICE_MAX
        and own.takes_market
        and ask.asked >= 0
        and ask.asked * mark <= MONEY_MAX // 2 * ask.parts
        and (ask.asked + ask.close) * mark >= 2 * own.least * ask.parts
        and isnan(intent.limit)
        and isnan(intent.stop)
        and (isnan(intent.stop_loss) or 0.0 < intent.stop_loss <= PRICE_MAX)
        and (isnan(intent.take_profit) or 0.0 < intent.take_profit <= PRICE_MAX)
    )


def judge(ask: Ask, openings: Checks) -> Verdict:
    """Ask all checks in their order; each sees what the ones before it left.

    A latch is named before any limit.
    """
    usual = is_usual(ask)
    if not usual:
        for name, check in WHOLE:
            found = check(ask)
            if found is not None:
                return Verdict(name, found, whole=True)
    reason, last = "", Found(ask.opens, math.nan, math.nan)
    if not ask.asked:
        return Verdict(reason, last, whole=False)
    if usual and limits.has_room(ask):
        return Verdict(reason, last, whole=False)
    for name, check in openings if usual else (*VENUE, *openings, *STATE):
        found = check(ask)
        if found is not None:
            reason, last = name, found
            ask.opens = found.opens
            if found.opens == 0:
                break
    if ask.post.latch and reason != "halted":
        reason, last = "halted", Found(0, ask.post.latch_bound, ask.post.latch_reached)
    return Verdict(reason, last, whole=False)
