"""What is read of a state, and what Prometheus is shown of it."""

import math
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.shown_states import AT, reading, times

from fanfold.live.messages import EXECUTION, MARKET_DATA, RISK, SIGNAL
from fanfold.serving.metrics import METRICS, Kind, Surroundings, Totals, exposition
from fanfold.serving.metrics.metric import BOUNDS_S
from fanfold.serving.metrics.reading import Reading
from fanfold.serving.metrics.totals import SERIES_MAX

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def shown(*readings: Reading) -> Series:
    """The series after some looks, as a parser of Prometheus' format reads them."""
    totals = Totals()
    families = [totals.take(each) for each in readings][-1]
    text = exposition(families, "demo").decode()
    return {
        (sample.name, frozenset((k, v) for k, v in sample.labels.items() if k != "deployment")):
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }  # fmt: skip


def value(series: Series, name: str, **tags: str) -> float:
    return series[name, frozenset(tags.items())]


def test_money_and_positions_are_those_of_the_state() -> None:
    series = shown(reading())
    assert value(series, "fanfold_equity_currency") == 100_000.0
    assert value(series, "fanfold_position_units", symbol="AAPL") == 100.0
    assert value(series, "fanfold_position_units", symbol="MSFT") == 0.0
    assert value(series, "fanfold_net_exposure_currency") == 40_000.0
    assert value(series, "fanfold_polled_at_seconds") == pytest.approx(AT / 1e9)


def test_one_status_is_set() -> None:
    series = shown(reading(status="halted"))
    assert value(series, "fanfold_status", status="halted") == 1.0
    assert sum(v for (name, _), v in series.items() if name == "fanfold_status") == 1.0


def test_what_is_not_known_is_left_out() -> None:
    series = shown(reading(money={"equity": None, "drawdown": None}))
    assert ("fanfold_equity_currency", frozenset()) not in series
    assert value(series, "fanfold_cash_currency") == 60_000.0


def test_a_position_without_a_price_leaves_the_net_exposure_unknown() -> None:
    held = {"symbol": "AAPL", "units": 5.0, "price": None, "value": None, "share": None}
    series = shown(reading(positions=[held]))
    assert ("fanfold_net_exposure_currency", frozenset()) not in series
    assert value(series, "fanfold_position_units", symbol="AAPL") == 5.0


def counted(messages: int, incarnation: int = 1) -> Reading:
    return reading(counts={SIGNAL: {"messages": messages}}, incarnations={SIGNAL: incarnation})


@pytest.mark.parametrize(
    ("looks", "total"),
    [
        ([counted(10)], 10.0),
        ([counted(10), counted(25)], 25.0),
        ([counted(10), counted(4, 2)], 14.0),
        ([counted(10), counted(30, 2)], 40.0),  # more than before, and still from 0
        ([counted(10), reading(), counted(5, 2), counted(7, 2)], 17.0),
    ],
)
def test_counts_go_on_where_a_component_begins_anew(looks: list[Reading], total: float) -> None:
    assert value(shown(*looks), "fanfold_messages_total", component=SIGNAL) == total


def test_a_component_that_is_gone_keeps_its_counts() -> None:
    gone = reading(states={SIGNAL: "down"})
    series = shown(counted(10), gone)
    assert value(series, "fanfold_messages_total", component=SIGNAL) == 10.0
    assert value(series, "fanfold_component_up", component=SIGNAL) == 0.0


def test_families_of_counts_become_tags() -> None:
    counts = {
        RISK: {"refused": 3, "refused.max_gross": 2, "refused.halted": 1, "intents": 9},
        EXECUTION: {"orders.filled": 4, "refused.gate": 1, "fills": 5},
    }
    series = shown(reading(counts=counts))
    assert value(series, "fanfold_refusals_total", reason="max_gross") == 2.0
    assert value(series, "fanfold_orders_total", state="filled") == 4.0
    assert value(series, "fanfold_order_refusals_total", reason="gate") == 1.0
    assert value(series, "fanfold_fills_total") == 5.0


def test_latencies_are_a_histogram_of_seconds() -> None:
    latency = {EXECUTION: {"submit": times(3_000, 5_000, 2_000_000_000)}}
    series = shown(reading(latency=latency))
    of: dict[str, Any] = {"component": EXECUTION, "stage": "submit"}

    def below(bound: float) -> float:
        return value(series, "fanfold_latency_seconds_bucket", le=repr(bound), **of)

    assert [below(bound) for bound in BOUNDS_S[:4]] == [0.0, 0.0, 1.0, 2.0]
    assert below(BOUNDS_S[-1]) == 2.0
    assert value(series, "fanfold_latency_seconds_bucket", le="+Inf", **of) == 3.0
    assert value(series, "fanfold_latency_seconds_count", **of) == 3.0
    # The sum is made of the upper ends of buckets, 3 % wide at most.
    assert value(series, "fanfold_latency_seconds_sum", **of) == pytest.approx(2.000008, rel=0.03)


def test_histograms_go_on_where_a_component_begins_anew() -> None:
    first = reading(latency={RISK: {"check": times(2_000, 2_000)}})
    second = reading(latency={RISK: {"check": times(9_000)}}, incarnations={RISK: 2})
    series = shown(first, second)
    of = {"component": RISK, "stage": "check"}
    assert value(series, "fanfold_latency_seconds_count", **of) == 3.0
    assert value(series, "fanfold_latency_seconds_bucket", le=repr(BOUNDS_S[1]), **of) == 2.0


def test_a_latch_that_was_reset_is_shown_as_zero() -> None:
    latch = {"name": "kill", "reason": "", "by": "me", "at": AT}
    was = Reading(reading(latches=[latch]).state, Surroundings())
    now = Reading(reading().state, Surroundings(), ["kill"])
    assert value(shown(was), "fanfold_latch", latch="kill") == 1.0
    assert value(shown(was, now), "fanfold_latch", latch="kill") == 0.0


def test_texts_and_infinities_are_no_gauges() -> None:
    odd = reading(gauges={MARKET_DATA: {"stale": "many", "clock_offset_s": math.inf}})
    series = shown(odd)
    assert ("fanfold_stale_symbols", frozenset()) not in series
    assert ("fanfold_clock_offset_seconds", frozenset()) not in series


def test_a_metric_has_so_many_series_at_most() -> None:
    counts = {RISK: {f"refused.reason{n}": 1 for n in range(SERIES_MAX + 50)}}
    names = [name for name, _ in shown(reading(counts=counts))]
    assert names.count("fanfold_refusals_total") == SERIES_MAX


def test_names_tell_their_unit_and_tags_are_no_ids() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("fanfold_")
        assert not metric.name.endswith("_total")  # every exposition adds it
        assert not {"id", "order", "run", "pid", "le", "quantile"} & set(metric.tags)
        if metric.kind is Kind.HISTOGRAM:
            assert metric.name.endswith("_seconds")
