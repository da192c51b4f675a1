"""The deployment of a chaos run: a strategy that trades often, under limits that bind."""

import hashlib
from typing import Any, Final

import numpy as np

from fanfold.settings.live import LiveJob
from fanfold.workflows.live.chaos_market import ChaosMarket

CASH: Final = 100_000
SECRET: Final = "chaos-local-secret"  # noqa: S105  (made up, of a venue of its own)

STRATEGIES: Final[tuple[dict[str, Any], ...]] = (
    {"name": "SmaCross", "params": {"fast": 2, "slow": 5}},
    {
        "name": "RsiBracket",
        "params": {"period": 2, "lower": 35.0, "upper": 90.0, "stop": 0.005, "profit": 0.005},
    },
    {"name": "RsiReversion", "params": {"period": 2, "lower": 35.0, "upper": 65.0}},
)
"""One is drawn by the seed; each trades every few minutes."""


def key_of(name: str) -> str:
    """The made-up key of a run: each has an account of its own."""
    return f"PK{hashlib.sha256(name.encode()).hexdigest()[:18].upper()}"


def chaos_job_of(name: str, market: ChaosMarket, seed: int, hosts: str) -> LiveJob:
    """The deployment of a run; waits are short, since time is."""
    strategy = STRATEGIES[int(np.random.default_rng(seed).integers(len(STRATEGIES)))]
    return LiveJob.model_validate(
        {
            "job": "live",
            "deployment": name,
            "strategy": strategy,
            "data": {"symbols": list(market.symbols), "warm_up": "venue", "warm_up_bars": 200},
            "account": {"cash": CASH, "leverage": 1, "venue": "alpaca"},
            "limits": {"max_position": 0.3, "max_gross": 0.8},
            "live": {
                "broker": {
                    "at": "local", "requests_per_minute": 100_000, "read_timeout_s": 1.5,
                    "connect_timeout_s": 1.0,
                },
                "market": {
                    "grace_s": 1.0, "silence_s": 3.0, "stale_s": 3_600, "backoff_s": 0.1,
                    "backoff_max_s": 1.0,
                },
                "risk": {"quote_age_s": 3_600},
                "execution": {
                    "unknown_waits_s": [0.1, 0.2, 0.5, 1.0, 2.0], "lease_s": 2.0,
                    "orders_poll_s": 1.0, "account_poll_s": 2.0,
                    "start": "adopt_backtest_target",
                },
                "host": {"hosts": hosts, "restarts_per_minute": 1_000},
                "record": {"snapshot_s": 2.0},
            },
            "venue": {
                "port": 0,
                "accounts": [{"key": key_of(name), "secret": SECRET, "cash": CASH}],
                "replay": {
                    "source": str(market.file), "basis": "raw",
                    "begin": f"{market.days[0]}T12:00:00Z",
                },
                "speed": 0,
                "seed": seed,
            },
            "track": {"enabled": False},
        }
    )  # fmt: skip
