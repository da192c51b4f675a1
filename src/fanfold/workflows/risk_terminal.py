"""What was found about a run's risk, as lines of text."""

from collections.abc import Iterator

from fanfold.research.round_trips import TripTest
from fanfold.research.stress import StressTable
from fanfold.workflows.histories import Histories
from fanfold.workflows.risk import RiskFound
from fanfold.workflows.terminal import metric_lines, shown

SHOWN_STANDINGS = ("sharpe", "total_return", "max_drawdown")
"""Metrics whose place among simulated histories the terminal tells."""

SCENARIOS_SHOWN = 24
"""Scenarios of a table that the terminal tells; the report has them all."""


def risk_lines(found: RiskFound) -> list[str]:
    """All parts, each under its heading."""
    lines = ["", f"{found.name} as it was", *metric_lines(found.result.metrics)]
    lines += _horizon_lines(found)
    if found.histories is not None:
        lines += _history_lines(found.histories)
    lines += [line for test in found.trips for line in _trip_lines(test)]
    lines += _forecast_lines(found)
    for table in found.stress:
        lines += _stress_lines(table)
    return lines


def _horizon_lines(found: RiskFound) -> Iterator[str]:
    if not found.horizons:
        return
    first = found.horizons[0].risk
    level = first.levels[len(first.levels) // 2]
    sure, bars = f"{level * 100:g}%", "sessions" if found.of_sessions else "bars"
    yield ""
    yield (
        f"the next {first.bar_count:,} {bars} on {first.path_count:,} paths a model; "
        f"a loss is positive, [95 % interval]"
    )
    yield (
        f"  {'model':<28}{f'VaR {sure}':<24}{f'shortfall {sure}':<24}"
        f"{f'drawdown {sure}':<24}{f'below {first.ruin:g}':>10}{f'above {first.goal:g}':>10}"
    )
    for one in found.horizons:
        risk = one.risk
        cells = "".join(
            f"{f'{each.value:.2%} [{each.low:.2%}, {each.high:.2%}]':<24}"
            for each in (
                risk.value_at_risk[level],
                risk.expected_shortfall[level],
                risk.max_drawdown[level],
            )
        )
        chances = "".join(
            f"{chance.value:>10.2%}"
            for chance in (risk.probability_of_ruin, risk.probability_of_goal)
        )
        yield f"  {one.title:<28}{cells}{chances}"
    for name, why in found.refused.items():
        yield f"  {name}: not fitted, {why}"


def _history_lines(histories: Histories) -> Iterator[str]:
    runs = histories.runs
    where = "in this process" if histories.workers == 0 else f"on {histories.workers} processors"
    yield ""
    yield f"{runs.path_count:,} histories of {histories.prices}, {where}; {runs.selection}"
    for name in SHOWN_STANDINGS:
        standing = runs.standing(name)
        exceeded = standing.exceedance
        yield (
            f"  {name.replace('_', ' '):<14}{shown(name, standing.real):>10}  better than "
            f"{1 - exceeded.value:.1%} of them, p {standing.p_value:.3f} "
            f"[{exceeded.low:.3f}, {exceeded.high:.3f}]"
        )
    others = {status: count for status, count in runs.counts.items() if status != "ok"}
    if others:
        yield "  " + ", ".join(f"{count:,} {status}" for status, count in others.items())


def _trip_lines(test: TripTest) -> Iterator[str]:
    yield ""
    if test.reason:
        yield f"{test.test} test of round trips: {test.reason}"
        return
    yield f"{test.test} test of {test.trip_count:,} round trips, {test.draw_count:,} draws"
    for name, drawn in test.distributions.items():
        low, high = min(drawn.quantiles), max(drawn.quantiles)
        yield (
            f"  {name.replace('_', ' '):<14}{shown(name, drawn.real):>10}  drawn "
            f"{shown(name, drawn.quantiles[low])} to {shown(name, drawn.quantiles[high])}, "
            f"at percentile {drawn.percentile:.1%}"
        )


def _forecast_lines(found: RiskFound) -> Iterator[str]:
    if not found.forecasts:
        return
    yield ""
    yield "value at risk of one session, forecast from the sessions before it"
    for one in found.forecasts:
        count, both = one.backtest.kupiec, one.backtest.christoffersen
        yield (
            f"  {one.method.replace('_', ' '):<20}{one.level:>6.1%}"
            f"  exceeded {int(count.exception_count)} times, {count.expected_count:.0f} expected; "
            f"Kupiec p {float(count.p_value):.3f}, Christoffersen p {float(both.p_value):.3f}, "
            f"{one.backtest.traffic_light.zone}: {'holds' if both.passes() else 'fails'}"
        )


def _stress_lines(table: StressTable) -> Iterator[str]:
    yield ""
    yield f"the {table.subject} in crises and under shocks"
    for row in table.rows[:SCENARIOS_SHOWN]:
        if row.status == "failed":
            yield f"  {row.scenario:<34} {row.reason}"
            continue
        told = [
            f"{name.removesuffix('_currency').replace('_', ' ')} {_figure(name, row.figures[name])}"
            + (f" ({_figure(name, row.beside[name])})" if name in row.beside else "")
            for name in list(row.figures)[:3]
        ]
        yield f"  {row.scenario:<34} {', '.join(told)}"
    if len(table.rows) > SCENARIOS_SHOWN:
        yield f"  and {len(table.rows) - SCENARIOS_SHOWN} more in the report"


def _figure(name: str, value: float) -> str:
    return f"{value:z,.0f}" if name.endswith("_currency") else shown(name, value)
