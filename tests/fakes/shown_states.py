"""States of a deployment as the API shows them, made by hand."""

from typing import Any

from fanfold.live.messages import EXECUTION, MARKET_DATA, RISK, SIGNAL
from fanfold.live.statistics import Latency
from fanfold.serving.metrics import Reading, Surroundings
from fanfold.serving.state import State

AT = 1_767_364_200_000_000_000
GAUGES: dict[str, dict[str, Any]] = {
    MARKET_DATA: {"feed_up": True, "stale": 0, "clock_offset_s": 0.01, "clock": AT, "waiting": 0},
    SIGNAL: {"backlog": 0},
    RISK: {"backlog": 0},
    EXECUTION: {"gate": True, "asked_about": 0, "backlog": 0, "waiting": 0},
}


def state(at_s: float = 0.0, /, **changes: Any) -> State:
    """A deployment that is well, so many seconds after `AT`, but for these changes.

    `gauges`, `counts`, `incarnations`, `states` and `latency` are by component and go over
    what is usual; `money` likewise.
    """
    by_name = {
        name: changes.pop(name, {})
        for name in ("gauges", "counts", "incarnations", "states", "latency")
    }
    money = {
        "equity": 100_000.0, "cash": 60_000.0, "peak": 100_000.0, "day_start": 100_000.0,
        "drawdown": 0.0, "gross": 40_000.0, "reserved": 0.0, "pnl_day": 0.0,
    }  # fmt: skip
    components = [
        {
            "name": name,
            "state": by_name["states"].get(name, "armed"),
            "pid": 7,
            "incarnation": by_name["incarnations"].get(name, 1),
            "latency": by_name["latency"].get(name, {}),
            "counts": by_name["counts"].get(name, {}),
            "gauges": gauges | by_name["gauges"].get(name, {}),
        }
        for name, gauges in GAUGES.items()
    ]
    whole: dict[str, Any] = {
        "at": AT + round(at_s * 1e9), "deployment": "demo", "status": "up", "mode": "paper",
        "strategy": "SmaCross", "symbols": ["AAPL", "MSFT"], "epoch": 1, "waits_for": "",
        "restarts": 0, "gate": "open", "supervisor": "running", "clock": AT, "version": "abc",
        "quotes": [], "orders": [], "fills": [], "refusals": [], "latches": [],
        "positions": [
            {"symbol": "AAPL", "units": 100.0, "price": 400.0, "value": 40_000.0, "share": 0.4}
        ],
        "components": components,
    }  # fmt: skip
    money |= changes.pop("money", {})
    return State.model_validate(whole | {"money": money} | changes)


def reading(at_s: float = 0.0, /, around: Surroundings | None = None, **changes: Any) -> Reading:
    """The same, read."""
    return Reading(state(at_s, **changes), around or Surroundings())


def times(*ns: int) -> dict[str, int]:
    """What a stage says of such times [ns]."""
    latency = Latency()
    for one in ns:
        latency.record(one)
    return latency.summary()
