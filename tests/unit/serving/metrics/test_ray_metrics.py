"""What Ray is told: differences of counters, buckets as gauges, NaN for what is gone."""

import math
from typing import Any

import pytest
import ray.util.metrics
from tests.fakes.shown_states import reading, times

from fanfold.live.messages import RISK, SIGNAL
from fanfold.serving.metrics import RayMetrics, Totals
from fanfold.serving.metrics.reading import Reading

Told = list[tuple[str, dict[str, str], float]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What Ray's own classes record: without a cluster it would go nowhere."""
    heard: Told = []

    def record(self: Any, value: float, tags: dict[str, str]) -> None:
        assert set(tags) == set(self.info["tag_keys"])
        heard.append((self.info["name"], tags, value))

    monkeypatch.setattr(ray.util.metrics.Metric, "_record", record)
    return heard


def after(told: Told, *readings: Reading) -> Told:
    """What the last of some looks tells."""
    totals, metrics = Totals(), RayMetrics("demo")
    for each in readings:
        told.clear()
        metrics.set(totals.take(each))
    return told


def values(told: Told, name: str, **tags: str) -> list[float]:
    wanted = {"deployment": "demo", **tags}
    return [value for one, of, value in told if one == name and of == wanted]


def test_a_counter_is_told_its_differences(told: Told) -> None:
    first = reading(counts={SIGNAL: {"messages": 10}})
    second = reading(counts={SIGNAL: {"messages": 25}})
    assert values(after(told, first), "fanfold_messages", component=SIGNAL) == [10.0]
    assert values(after(told, first, second), "fanfold_messages", component=SIGNAL) == [15.0]


def test_a_counter_that_stands_is_told_nothing(told: Told) -> None:
    one = reading(counts={SIGNAL: {"messages": 10}})
    assert values(after(told, one, one), "fanfold_messages", component=SIGNAL) == []


def test_buckets_have_the_names_and_tags_of_a_histogram(told: Told) -> None:
    after(told, reading(latency={RISK: {"check": times(2_000, 9_000)}}))
    of = {"component": RISK, "stage": "check"}
    assert values(told, "fanfold_latency_seconds_bucket", le="+Inf", **of) == [2.0]
    assert values(told, "fanfold_latency_seconds_bucket", le="2.048e-06", **of) == [1.0]
    assert values(told, "fanfold_latency_seconds_count", **of) == [2.0]


def test_what_is_not_known_any_more_is_set_to_nan(told: Told) -> None:
    after(told, reading(), reading(money={"equity": None}))
    (value,) = values(told, "fanfold_equity_currency")
    assert math.isnan(value)
    assert values(told, "fanfold_cash_currency") == [60_000.0]
