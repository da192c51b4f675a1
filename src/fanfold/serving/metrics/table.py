"""What is measured of a deployment, as one table: a name, its tags, and where it is read.

Names are those that Prometheus shows: they begin with ``fanfold_`` and end in their unit,
counters without the ``_total`` that every exposition adds. Tags are bounded: components,
stages, states, reasons, symbols of the plan; never ids. Every series bears the tag
``deployment`` as well.
"""

from typing import Final

from fanfold.live.messages import EXECUTION, MARKET_DATA, RISK
from fanfold.serving.metrics import readers as read
from fanfold.serving.metrics.metric import Kind, Metric

_G: Final = Kind.GAUGE
_C: Final = Kind.COUNTER
_H: Final = Kind.HISTOGRAM
_OF: Final = ("component",)
_STAGE: Final = ("component", "stage")

METRICS: Final = (
    # The deployment and its processes.
    Metric("fanfold_status", _G, "1 for the status that it has", ("status",), read.statuses),
    Metric("fanfold_mode", _G, "1 for where it trades", ("mode",), read.mode),
    Metric("fanfold_polled_at_seconds", _G, "When it was last looked at", (), read.polled_at),
    Metric("fanfold_supervisor_up", _G, "Whether components are watched", (), read.supervisor),
    Metric("fanfold_restarts", _C, "Components that were started anew", (), read.restarts),
    Metric("fanfold_component_up", _G, "Whether it is there and answers", _OF, read.up),
    Metric("fanfold_component_starts", _G, "How often it was started", _OF, read.starts),
    Metric("fanfold_latch", _G, "Whether a latch is set, which halts", ("latch",), read.latches),
    # Messages on their way.
    Metric("fanfold_messages", _C, "Messages that were taken in", _OF,
           read.each_count("messages", "envelopes")),
    Metric("fanfold_lost_messages", _C, "Messages that did not arrive", _OF,
           read.each_count("lost")),
    Metric("fanfold_malformed_messages", _C, "Messages that could not be read", _OF,
           read.each_count("malformed")),
    Metric("fanfold_reconnects", _C, "Connections that were made anew", _OF,
           read.each_count("reconnects")),
    Metric("fanfold_backlog_messages", _G, "Messages and requests that wait", _OF,
           read.each_gauge("backlog", "waiting")),
    Metric("fanfold_latency_seconds", _H, "Time that a stage takes", _STAGE, read.latencies),
    Metric("fanfold_latency_quantile_seconds", _G, "The same since the component's start",
           (*_STAGE, "rank"), read.quantiles),
    # The market.
    Metric("fanfold_feed_up", _G, "Whether the stream can be trusted", (),
           read.gauge(MARKET_DATA, "feed_up")),
    Metric("fanfold_stale_symbols", _G, "Symbols that are silent too long", (),
           read.gauge(MARKET_DATA, "stale")),
    Metric("fanfold_clock_offset_seconds", _G, "The broker's clock less ours", (),
           read.gauge(MARKET_DATA, "clock_offset_s")),
    Metric("fanfold_market_clock_seconds", _G, "Newest instant of the market", (),
           read.gauge(MARKET_DATA, "clock", 1e-9)),
    # From goals to fills.
    Metric("fanfold_intents", _C, "Goals of the strategy", (), read.count(RISK, "intents")),
    Metric("fanfold_approvals", _C, "Goals that passed, at least in part", (),
           read.count(RISK, "approved")),
    Metric("fanfold_refusals", _C, "Goals that a limit refused or trimmed", ("reason",),
           read.family(RISK, "refused")),
    Metric("fanfold_orders", _C, "Orders that came into a state", ("state",),
           read.family(EXECUTION, "orders")),
    Metric("fanfold_order_refusals", _C, "Orders that execution or the broker refused",
           ("reason",), read.family(EXECUTION, "refused")),
    Metric("fanfold_fills", _C, "Executions of orders", (), read.count(EXECUTION, "fills")),
    Metric("fanfold_open_orders", _G, "Orders that are not over", ("state",), read.open_orders),
    Metric("fanfold_unknown_orders", _G, "Orders that may or may not have arrived", (),
           read.gauge(EXECUTION, "asked_about")),
    Metric("fanfold_gate_open", _G, "Whether orders may leave", (),
           read.gauge(EXECUTION, "gate")),
    # Money.
    Metric("fanfold_equity_currency", _G, "Cash and marked positions", (), read.money("equity")),
    Metric("fanfold_cash_currency", _G, "Settled money", (), read.money("cash")),
    Metric("fanfold_peak_equity_currency", _G, "Greatest equity", (), read.money("peak")),
    Metric("fanfold_day_pnl_currency", _G, "Equity less that of the day's start", (),
           read.money("pnl_day")),
    Metric("fanfold_drawdown_ratio", _G, "1 - equity / peak", (), read.money("drawdown")),
    Metric("fanfold_limit_ratio", _G, "Limits that are set", ("limit",), read.bounds),
    Metric("fanfold_gross_exposure_currency", _G, "Value of positions, unsigned", (),
           read.money("gross")),
    Metric("fanfold_net_exposure_currency", _G, "Value of positions, signed", (), read.net),
    Metric("fanfold_reserved_currency", _G, "Buying power of open orders", (),
           read.money("reserved")),
    Metric("fanfold_position_units", _G, "Signed units held", ("symbol",), read.units),
    Metric("fanfold_position_currency", _G, "Signed value of them", ("symbol",), read.values),
    Metric("fanfold_expected_equity_currency", _G, "What the backtest expects now", ("bound",),
           read.band),
    Metric("fanfold_inside_expectation", _G, "Whether equity stayed within that", (),
           read.inside),
    # Whoever looks.
    Metric("fanfold_page_listeners", _G, "Listeners of the stream", (), read.fact("listeners")),
    Metric("fanfold_disk_free_bytes", _G, "Room for journal and tapes", (),
           read.fact("disk_free_bytes")),
    Metric("fanfold_undelivered_alerts", _C, "Alerts that the webhook did not take", (),
           read.fact("undelivered_alerts")),
)  # fmt: skip
"""All of them, in the order in which they are shown."""
