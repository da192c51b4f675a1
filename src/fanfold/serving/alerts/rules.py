"""What somebody must be told of, as a table over what a deployment shows.

Prometheus knows the same alerts by the same names (infra/prometheus/alerts.rules.yml); this
table is for whoever runs none, and for the time in which it is itself blind.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from fanfold.live.halts import KILL
from fanfold.live.messages import EXECUTION, MARKET_DATA
from fanfold.serving.metrics.reading import THERE, Reading

Severity = Literal["page", "warn", "info"]

NEAR: Final = 0.8
"""Share of a loss limit at which it is told."""

STALE_S: Final = 60.0
"""How long symbols may be silent beyond what the settings allow [s]."""

BACKLOG: Final = 1_000
"""Messages that may wait."""

REFUSALS: Final = 20
"""Refusals in a minute that are too many."""

RECONNECTS: Final = 5
"""Connections made anew in five minutes that are too many."""

RESTARTS: Final = 3
"""Restarts of components in five minutes that are too many."""

DISK_BYTES: Final = 2 * 10**9
"""Least room for journal and tapes [bytes]: a day of tapes of a busy market."""

OFFSET_S: Final = 1.0
"""Most that our clock may differ from the broker's [s]."""

DEMOTED: Final = "demoted"
"""Latch of a deployment whose results have left what was expected."""

MINUTE_S: Final = 60.0
FIVE_MINUTES_S: Final = 300.0

Found = Iterator[tuple[str, str]]
"""What is wrong: its subject, such as a component, and a sentence."""

Grown = Callable[[str, float], float]
"""By how much a counter has grown over so many seconds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may be wrong.

    Attributes:
        name: As in Prometheus.
        severity: "page" wakes somebody, "warn" can wait for the morning.
        holds_s: How long it must be so before it is told [s].
        find: Where it is so.
    """

    name: str
    severity: Severity
    holds_s: float
    find: Callable[[Reading, Grown], Found]


def _component_down(reading: Reading, _: Grown) -> Found:
    for one in reading.components:
        if one.state not in THERE:
            yield one.name, f"{one.name} is {one.state}"


def _supervisor_down(reading: Reading, _: Grown) -> Found:
    there = any(one.state in THERE for one in reading.components)  # not so after a `down`
    if there and reading.state.supervisor != "running":
        yield "", "nobody watches the components: what dies now stays dead"


def _not_armed(reading: Reading, _: Grown) -> Found:
    if reading.state.status == "waiting":
        yield "", f"it does not trade, it waits for {reading.state.waits_for or 'its arming'}"


def _halted(reading: Reading, _: Grown) -> Found:
    for one in reading.state.latches:
        if one.name != DEMOTED:
            word = "killed" if one.name == KILL else "halted"
            yield one.name, f"{word} by {one.name}: {one.reason} ({one.by})"


def _demoted(reading: Reading, _: Grown) -> Found:
    for one in reading.state.latches:
        if one.name == DEMOTED:
            yield "", f"reduced to what lessens positions: {one.reason}"


def _feed_down(reading: Reading, _: Grown) -> Found:
    if reading.gauge(MARKET_DATA, "feed_up") == 0.0:
        why = reading.word(MARKET_DATA, "feed_reason") or "no reason told"
        yield "", f"the market's stream cannot be trusted: {why}"


def _stale(reading: Reading, _: Grown) -> Found:
    count = reading.gauge(MARKET_DATA, "stale")
    if count:
        yield "", f"{count:.0f} symbols are silent for too long"


def _clock_off(reading: Reading, _: Grown) -> Found:
    offset_s = reading.gauge(MARKET_DATA, "clock_offset_s")
    if reading.state.mode != "local" and offset_s is not None and abs(offset_s) > OFFSET_S:
        yield "", f"our clock is {offset_s:+.3f} s from the broker's"


def _gate_closed(reading: Reading, _: Grown) -> Found:
    if reading.gauge(EXECUTION, "gate") == 0.0:
        yield "", f"no order can leave, the gate is {reading.state.gate}"


def _unknown(reading: Reading, _: Grown) -> Found:
    count = reading.gauge(EXECUTION, "asked_about")
    if count:
        yield "", f"{count:.0f} orders may or may not have arrived at the broker"


def _backlog(reading: Reading, _: Grown) -> Found:
    for one in reading.components:
        waiting = sum(reading.gauge(one.name, name) or 0.0 for name in ("backlog", "waiting"))
        if waiting > BACKLOG:
            yield one.name, f"{waiting:,.0f} messages of {one.name} wait"


def _lost(_: Reading, grown: Grown) -> Found:
    count = grown("fanfold_lost_messages", FIVE_MINUTES_S)
    if count > 0:
        yield "", f"{count:,.0f} messages were lost between components"


def _refusals(_: Reading, grown: Grown) -> Found:
    count = grown("fanfold_refusals", MINUTE_S)
    if count > REFUSALS:
        yield "", f"{count:.0f} goals were refused in a minute"


def _restarts(_: Reading, grown: Grown) -> Found:
    count = grown("fanfold_restarts", FIVE_MINUTES_S)
    if count > RESTARTS:
        yield "", f"{count:.0f} components were started anew in five minutes"


def _reconnects(_: Reading, grown: Grown) -> Found:
    count = grown("fanfold_reconnects", FIVE_MINUTES_S)
    if count > RECONNECTS:
        yield "", f"{count:.0f} connections were made anew in five minutes"


def _drawdown(reading: Reading, _: Grown) -> Found:
    limit, drawdown = reading.around.bounds.get("max_drawdown"), reading.state.money.drawdown
    if limit and drawdown is not None and drawdown >= NEAR * limit:
        yield "", f"drawdown is {drawdown:.2%}, at {limit:.2%} everything is sold"


def _daily_loss(reading: Reading, _: Grown) -> Found:
    limit, money = reading.around.bounds.get("max_daily_loss"), reading.state.money
    if limit and money.pnl_day is not None and money.day_start:
        loss = -money.pnl_day / money.day_start
        if loss >= NEAR * limit:
            yield "", f"the day's loss is {loss:.2%}, at {limit:.2%} everything is sold"


def _disk(reading: Reading, _: Grown) -> Found:
    free = reading.fact("disk_free_bytes")
    if free is not None and free < DISK_BYTES:
        yield "", f"{free / 1e9:.1f} GB are free for journal and tapes"


RULES: Final = (
    Rule("ComponentDown", "page", 15.0, _component_down),
    Rule("SupervisorDown", "page", 15.0, _supervisor_down),
    Rule("RestartStorm", "page", 0.0, _restarts),
    Rule("NotArmed", "warn", 2 * MINUTE_S, _not_armed),
    Rule("Halted", "page", 0.0, _halted),
    Rule("Demoted", "page", 0.0, _demoted),
    Rule("FeedDown", "page", 30.0, _feed_down),
    Rule("SymbolsStale", "warn", STALE_S, _stale),
    Rule("ClockOff", "warn", MINUTE_S, _clock_off),
    Rule("GateClosed", "page", 30.0, _gate_closed),
    Rule("OrdersUnknown", "page", MINUTE_S, _unknown),
    Rule("Backlog", "page", 10.0, _backlog),
    Rule("MessagesLost", "page", 0.0, _lost),
    Rule("RefusalsBurst", "warn", 0.0, _refusals),
    Rule("ReconnectStorm", "warn", 0.0, _reconnects),
    Rule("DrawdownNearLimit", "page", 0.0, _drawdown),
    Rule("DailyLossNearLimit", "page", 0.0, _daily_loss),
    Rule("DiskFilling", "page", MINUTE_S, _disk),
)
"""All of them, the most urgent first among equals."""

BY_NAME: Final[Mapping[str, Rule]] = {rule.name: rule for rule in RULES}
"""The same by name."""
