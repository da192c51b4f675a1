"""Each defect is found where it is, and nothing where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from fanfold.domain.sessions import (
    DAY_NS,
    MINUTE_NS,
    session_closes,
    session_opens,
    sessions_between,
)
from fanfold.market.quality import (
    FINDINGS_MAX,
    KINDS,
    QUARANTINED,
    SEVERITY_OF,
    About,
    Verdict,
    examine_bars,
    examine_ticks,
)

DAILY = About(symbol="X")
MINUTES = About(symbol="X", timeframe="1min")
PRICES = ("open", "high", "low", "close")
DAYS = sessions_between(17_900, 18_900, "XNYS")
SEEDS = range(4)


def walk(ts: np.ndarray, step: float, seed: int) -> dict[str, np.ndarray]:
    """Bars of a random walk with a range and a volume; no two are alike."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, step, len(ts))))
    opens = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0, step / 4, len(ts)))
    wick = np.abs(rng.normal(0, step / 2, (2, len(ts))))
    return {
        "ts": ts.copy(),
        "open": opens,
        "high": np.maximum(opens, close) * np.exp(wick[0]),
        "low": np.minimum(opens, close) * np.exp(-wick[1]),
        "close": close,
        "volume": rng.integers(1_000, 9_000, len(ts)).astype(float),
    }


def daily(seed: int = 0) -> dict[str, np.ndarray]:
    return walk(session_closes(DAYS, "XNYS"), 0.01, seed)


def minutes(seed: int = 0, sessions: int = 12) -> dict[str, np.ndarray]:
    days = DAYS[-sessions:]
    hours = zip(session_opens(days, "XNYS"), session_closes(days, "XNYS"), strict=True)
    ts = [np.arange(begin, end, MINUTE_NS) + MINUTE_NS for begin, end in hours]
    return walk(np.concatenate(ts), 0.0005, seed)


def found(verdict: Verdict) -> list[tuple[str, int | None]]:
    return [(one.kind, one.ts) for one in verdict.findings]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_in_a_sound_series(seed: int) -> None:
    for rows, about in ((daily(seed), DAILY), (minutes(seed), MINUTES)):
        verdict = examine_bars(rows, about)
        assert verdict.findings == ()
        assert verdict.bad == ()
        assert verdict.keep.all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("nonpositive_price", "low", 0.0),
        ("nonpositive_price", "open", -5.0),
        ("nonpositive_price", "high", np.inf),
        ("missing_value", "close", np.nan),
        ("ohlc", "high", 1.0),
        ("ohlc", "close", 9_999.0),
        ("negative_volume", "volume", -1.0),
        ("negative_volume", "volume", np.inf),
    ],
)
def test_a_row_that_cannot_be_is_set_aside_and_nothing_else_told(
    kind: str, field: str, value: float, seed: int
) -> None:
    at = int(np.random.default_rng(seed).integers(1, len(DAYS) - 1))
    rows = daily(seed)
    rows[field][at] = value
    verdict = examine_bars(rows, DAILY, row_numbers=np.arange(len(DAYS)) + 1_000)
    assert found(verdict) == [(kind, int(rows["ts"][at]))]
    assert verdict.findings[0].severity == "error"
    assert f"row {at + 1_000} was set aside" in verdict.findings[0].detail
    assert [(row, one) for row, one, _ in verdict.bad] == [(at, kind)]
    assert np.flatnonzero(~verdict.keep).tolist() == [at]


def test_a_row_without_any_price_is_set_aside_with_a_warning() -> None:
    rows = daily()
    for field in (*PRICES, "volume"):
        rows[field][7] = np.nan
    verdict = examine_bars(rows, DAILY)
    assert [one.severity for one in verdict.findings] == ["warning"]
    assert verdict.bad[0][:2] == (7, "missing_value")


@pytest.mark.parametrize("ts", [np.iinfo(np.int64).min, 1_600_000_000_000, -(2**62)])
def test_a_timestamp_that_cannot_be_is_set_aside(ts: int) -> None:
    rows = daily()
    rows["ts"][5] = ts
    verdict = examine_bars(rows, DAILY)
    assert verdict.bad[0][:2] == (5, "bad_timestamp")
    # Its session is missing now; which one it was nobody can tell.
    assert {one.kind for one in verdict.findings} == {"bad_timestamp", "gap"}


def test_the_first_of_rows_that_differ_is_kept_and_equal_ones_are_dropped() -> None:
    rows = {name: np.insert(column, [4, 9], column[[3, 8]]) for name, column in daily().items()}
    rows["volume"][4] += 1
    verdict = examine_bars(rows, DAILY)
    assert np.flatnonzero(~verdict.keep).tolist() == [4, 10]
    assert [row for row, _, _ in verdict.bad] == [4]
    assert [one.severity for one in verdict.findings] == ["error", "warning"]
    assert "row 3, which was kept" in verdict.findings[0].detail


def test_rows_out_of_order_are_told_and_stay() -> None:
    rows = daily()
    for column in rows.values():
        column[[20, 21]] = column[[21, 20]]
    verdict = examine_bars(rows, DAILY)
    assert found(verdict) == [("out_of_order", int(rows["ts"][21]))]
    assert verdict.keep.all()


def test_a_series_from_the_latest_to_the_earliest_is_one_finding() -> None:
    rows = {name: column[::-1] for name, column in daily().items()}
    assert [one.kind for one in examine_bars(rows, DAILY).findings] == ["out_of_order"]


@pytest.mark.parametrize("seed", SEEDS)
def test_missing_sessions_are_told_together(seed: int) -> None:
    at = int(np.random.default_rng(seed).integers(1, len(DAYS) - 4))
    gone = np.r_[0:at, at + 3 : len(DAYS)]
    rows = daily(seed)
    verdict = examine_bars({name: column[gone] for name, column in rows.items()}, DAILY)
    assert found(verdict) == [("gap", int(rows["ts"][at]))]
    assert "none in 3 from" in verdict.findings[0].detail


@pytest.mark.parametrize("count", [30, 15])
def test_a_hole_in_a_session_is_found_where_bars_are_usual(count: int) -> None:
    rows = minutes()
    gone = np.r_[0:1_000, 1_000 + count : len(rows["ts"])]
    verdict = examine_bars({name: column[gone] for name, column in rows.items()}, MINUTES)
    assert found(verdict) == [("gap", int(rows["ts"][1_000]))]


def test_an_illiquid_symbol_may_be_silent() -> None:
    rows = minutes(sessions=40)
    traded = np.random.default_rng(1).random(len(rows["ts"])) < 0.15
    sparse = {name: column[traded] for name, column in rows.items()}
    assert np.diff(sparse["ts"]).max() > 15 * MINUTE_NS
    assert examine_bars(sparse, MINUTES).findings == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_that_rest_are_stale(seed: int) -> None:
    for rows, about, length in ((daily(seed), DAILY, 5), (minutes(seed), MINUTES, 10)):
        at = int(np.random.default_rng(seed).integers(1, len(rows["ts"]) - length))
        for field in PRICES:
            rows[field][at : at + length] = rows["close"][at]
        findings = examine_bars(rows, about).findings
        assert ("stale", int(rows["ts"][at + 1])) in [(one.kind, one.ts) for one in findings]
        for field in PRICES:  # one bar fewer is not told
            rows[field][at] *= 1.0001
        assert "stale" not in [one.kind for one in examine_bars(rows, about).findings]


def test_volumes_of_zero_are_counted_by_runs() -> None:
    rows = daily()
    rows["volume"][[10, 11, 12, 40]] = 0
    verdict = examine_bars(rows, DAILY)
    assert found(verdict) == [("zero_volume", int(rows["ts"][place])) for place in (10, 40)]
    assert {one.severity for one in verdict.findings} == {"info"}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [-0.12, 0.12, -0.6, 1.5])
def test_a_spike_that_reverts_is_an_outlier(size: float, seed: int) -> None:
    rows = daily(seed)
    at = int(np.random.default_rng(seed).integers(1, len(DAYS) - 1))
    for field in PRICES:
        rows[field][at] *= 1 + size
    verdict = examine_bars(rows, DAILY)
    assert ("outlier", int(rows["ts"][at])) in found(verdict)
    assert {one.kind for one in verdict.findings} == {"outlier"}
    assert verdict.keep.all()


def test_a_low_that_nothing_around_it_shares_is_an_outlier() -> None:
    rows = daily()
    rows["low"][50] *= 0.8
    assert found(examine_bars(rows, DAILY)) == [("outlier", int(rows["ts"][50]))]


def test_a_jump_that_stays_is_no_more_than_worth_knowing() -> None:
    rows = daily()
    for field in PRICES:
        rows[field][300:] *= 0.78
    rows["volume"][300] *= 8
    findings = examine_bars(rows, DAILY).findings
    assert [(one.kind, one.severity) for one in findings] == [("outlier", "info")]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ratio", [2.0, 3.0, 7.0, 1 / 8, 1.5])
def test_a_split_that_nobody_booked_is_one_finding(ratio: float, seed: int) -> None:
    rows = daily(seed)
    at = int(np.random.default_rng(seed).integers(1, len(DAYS)))
    for field in PRICES:
        rows[field][at:] /= ratio
    rows["volume"][at:] *= ratio
    verdict = examine_bars(rows, DAILY)
    assert found(verdict) == [("unadjusted_split", int(rows["ts"][at]))]
    actions = (DAYS[[at]], np.array([ratio]), np.array([0.0]))
    assert examine_bars(rows, replace(DAILY, actions=actions)).findings == ()


def test_a_booked_split_that_prices_do_not_show_is_found() -> None:
    actions = (DAYS[[200]], np.array([2.0]), np.array([0.0]))
    verdict = examine_bars(daily(), replace(DAILY, actions=actions))
    assert found(verdict) == [("unadjusted_split", int(daily()["ts"][200]))]


def test_a_crash_to_half_is_no_split() -> None:
    rows = daily()
    for field in PRICES:
        rows[field][400:] *= 0.5
    rows["high"][400] *= 1.3
    rows["volume"][400] *= 30
    findings = examine_bars(rows, DAILY).findings
    assert [(one.kind, one.severity) for one in findings] == [("outlier", "warning")]


@pytest.mark.parametrize("shift", [-1, 1])
@pytest.mark.parametrize("part", [slice(None), slice(100, 120)])
def test_dates_a_day_off_are_a_time_zone_and_no_gaps(shift: int, part: slice) -> None:
    day = DAYS.copy()
    if part.start is not None:  # four whole weeks without a holiday
        monday = next(one for one in DAYS[100:] if (one + 3) % 7 == 0)
        begin = int(np.searchsorted(DAYS, monday))
        part = slice(begin, begin + 20)
    day[part] += shift
    verdict = examine_bars(walk(session_closes(day, "XNYS"), 0.01, 0), DAILY)
    assert [one.kind for one in verdict.findings] == ["time_zone"]


@pytest.mark.parametrize("hours", [-1, 1, 5])
@pytest.mark.parametrize("sessions", [1, 4, 12])
def test_bars_shifted_by_hours_are_a_time_zone(hours: int, sessions: int) -> None:
    rows = minutes()
    moved = slice(0, None) if sessions == 12 else slice(390, 390 * (1 + sessions))
    rows["ts"][moved] += hours * 60 * MINUTE_NS
    verdict = examine_bars(rows, MINUTES)
    assert found(verdict) == [("time_zone", int(rows["ts"][moved][0]))]
    assert f"{abs(hours)} hour" in verdict.findings[0].detail


def test_a_bar_on_a_weekend_or_at_night_is_off_session() -> None:
    rows = {name: np.append(column, column[-1]) for name, column in daily().items()}
    friday = DAYS[-1] - (DAYS[-1] + 3) % 7 - 3
    rows["ts"][-1] = session_closes(np.array([friday + 1]), "XNYS")[0]
    kinds = [one.kind for one in examine_bars(rows, DAILY).findings]
    assert kinds == ["out_of_order", "off_session"]
    night = {name: np.append(column, column[-1]) for name, column in minutes().items()}
    night["ts"][-1] += 5 * 60 * MINUTE_NS
    assert found(examine_bars(night, MINUTES)) == [("off_session", int(night["ts"][-1]))]


def test_half_days_and_holidays_are_no_gaps() -> None:
    days = sessions_between(18_580, 18_630, "XNYS")  # Thanksgiving and Christmas of 2020
    hours = zip(session_opens(days, "XNYS"), session_closes(days, "XNYS"), strict=True)
    ts = np.concatenate([np.arange(begin, end, MINUTE_NS) + MINUTE_NS for begin, end in hours])
    assert examine_bars(walk(ts, 0.0005, 0), MINUTES).findings == ()


@pytest.mark.parametrize("count", [0, 1, 2, 10])
@pytest.mark.parametrize("about", [DAILY, MINUTES, replace(DAILY, timeframe="1W")])
def test_series_of_any_length_and_any_numbers_are_read(count: int, about: About) -> None:
    rows = {name: column[:count] for name, column in daily().items()}
    for value in (0.0, np.nan, np.inf, 1e300, 100.0):
        for fields in (PRICES, (*PRICES, "volume"), ("volume",)):
            odd = rows | {field: np.full(count, value) for field in fields}
            assert len(examine_bars(odd, about).keep) == count


def test_a_calendar_that_does_not_reach_so_far_is_said() -> None:
    rows = walk(session_closes(DAYS, "XNYS") - 9_000 * DAY_NS, 0.01, 0)
    verdict = examine_bars(rows, replace(DAILY, calendar="XTKS"))
    assert [(one.kind, one.severity) for one in verdict.findings] == [("off_session", "info")]


def test_endless_findings_are_counted() -> None:
    rows = {name: np.repeat(column, 4) for name, column in daily().items()}
    rows["volume"] = np.arange(len(rows["ts"]), dtype=float)
    findings = examine_bars(rows, DAILY).findings
    assert len([one for one in findings if one.kind == "duplicate"]) == FINDINGS_MAX
    assert "more are not listed" in findings[-1].detail or any(
        "more are not listed" in one.detail for one in findings
    )


def test_trades_and_quotes_are_examined() -> None:
    ts = session_closes(DAYS[:1], "XNYS")[0] + np.arange(300) * 1_000_000
    ticks = replace(DAILY, timeframe="")
    trades = {"ts": ts.copy(), "price": np.full(300, 50.0), "size": np.full(300, 100.0)}
    assert examine_ticks(trades, ticks).findings == ()
    trades["price"][[3, 9, 50]] = [0.0, np.nan, 70.0]
    trades["size"][20] = -1
    verdict = examine_ticks(trades, ticks)
    assert [one.kind for one in verdict.findings] == [
        "nonpositive_price", "missing_value", "negative_volume", "outlier",
    ]  # fmt: skip
    assert [row for row, _, _ in verdict.bad] == [3, 9, 20]
    named = {"ts": ts[:4], "price": np.ones(4), "size": np.ones(4), "id": list("abca")}
    assert np.flatnonzero(~examine_ticks(named, ticks).keep).tolist() == [3]


def test_one_sided_quotes_are_sound_and_crossed_ones_are_told() -> None:
    quotes = {
        "ts": session_closes(DAYS[:6], "XNYS"),
        "bid": np.array([10.0, np.nan, 10.2, 10.3, 0.0, np.nan]),
        "ask": np.array([10.1, 10.1, 10.1, 10.1, 10.1, np.nan]),
        "bid_size": np.array([1.0, np.nan, 1, 1, 0, 0]),
        "ask_size": np.ones(6),
    }
    verdict = examine_ticks(quotes, replace(DAILY, timeframe=""))
    assert found(verdict) == [
        ("missing_value", int(quotes["ts"][5])),
        ("crossed_quote", int(quotes["ts"][2])),
    ]
    assert verdict.keep.tolist() == [True] * 5 + [False]


def test_every_kind_has_a_severity_and_those_set_aside_are_kinds() -> None:
    assert set(KINDS) == set(SEVERITY_OF)
    assert set(QUARANTINED) < set(KINDS)


def moved(rows: dict[str, np.ndarray], order: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[order] for name, values in rows.items()}


def misplaced(rows: dict[str, np.ndarray], order: np.ndarray) -> set[int | None]:
    verdict = examine_bars(moved(rows, order), DAILY)
    assert {kind for kind, _ in found(verdict)} == {"out_of_order"}
    return {ts for _, ts in found(verdict)}


@pytest.mark.parametrize(("row", "place"), [(300, 500), (500, 300)])
def test_of_a_row_that_was_moved_it_is_that_row_that_is_told(row: int, place: int) -> None:
    rows = daily()
    order = np.delete(np.arange(len(DAYS)), row)
    assert misplaced(rows, np.insert(order, place, row)) == {int(rows["ts"][row])}


def test_of_two_rows_that_changed_places_both_are_told() -> None:
    rows, order = daily(), np.arange(len(DAYS))
    order[[100, 400]] = 400, 100
    assert misplaced(rows, order) == {int(rows["ts"][100]), int(rows["ts"][400])}


def test_a_few_repeats_in_a_row_are_told_each_at_its_own_time() -> None:
    rows = daily()
    verdict = examine_bars(moved(rows, np.r_[0:200, 197:200, 200 : len(DAYS)]), DAILY)
    told = [ts for kind, ts in found(verdict) if kind == "duplicate"]
    assert told == rows["ts"][197:200].tolist()


def test_a_row_set_aside_before_leaves_no_gap() -> None:
    rows = daily()
    others = moved(rows, np.delete(np.arange(len(DAYS)), 400))
    assert found(examine_bars(others, DAILY)) == [("gap", int(rows["ts"][400]))]
    assert found(examine_bars(others, DAILY, aside=rows["ts"][[400]])) == []


def test_an_open_that_no_close_beside_it_shares_is_an_outlier() -> None:
    rows = daily()
    rows["open"][400] = rows["high"][400] = 1.3 * rows["high"][400]
    verdict = examine_bars(rows, DAILY)
    assert found(verdict) == [("outlier", int(rows["ts"][400]))]
    assert "open must agree with the closes around it" in verdict.findings[0].detail


def test_a_bar_off_all_that_was_traded_beside_it_is_an_outlier_however_wild_times_are() -> None:
    rows = walk(session_closes(DAYS, "XNYS"), 0.05, 0)
    for name in PRICES:
        rows[name][400] *= 1.35
    assert found(examine_bars(rows, DAILY)) == [("outlier", int(rows["ts"][400]))]


def test_prices_of_a_currency_are_measured_by_their_own_small_steps() -> None:
    rows = minutes()
    for name in PRICES:
        rows[name] = rows[name] / 100  # about 1, where a cent is a big step
        rows[name][2_000] *= 1.08
    assert ("outlier", int(rows["ts"][2_000])) in found(examine_bars(rows, MINUTES))


def test_a_run_that_rests_begins_with_the_first_bar_that_does_not_move() -> None:
    rows = daily()
    for name in PRICES:
        rows[name][401:411] = rows["close"][400]
    verdict = examine_bars(rows, DAILY)
    assert found(verdict) == [("stale", int(rows["ts"][401]))]


@pytest.mark.parametrize("side", ["begin", "end"])
def test_a_day_that_is_cut_off_is_no_time_zone(side: str) -> None:
    day = DAYS[-6:]
    start, length = 13 * 60 - 450, 720  # from before the open until after the close [min]
    midnights = session_opens(day, "XNYS") - 450 * MINUTE_NS
    rows = walk(
        np.concatenate([one + (np.arange(length) + start) * MINUTE_NS for one in midnights]),
        0.0005,
        0,
    )
    part = slice(length - 250, None) if side == "begin" else slice(None, len(rows["ts"]) - 470)
    kinds = {
        kind
        for kind, _ in found(examine_bars(moved(rows, np.arange(len(rows["ts"]))[part]), MINUTES))
    }
    assert "time_zone" not in kinds
