"""The engine against a second one, written apart from it from the rules alone."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.fakes.decisions import WISHES, Wish, with_wishes
from tests.fakes.panels import bars_of
from tests.fakes.reference import ReferenceEngine, Row, Wishes
from tests.fakes.runs import run, tape_of

from fanfold.domain.bars import Bars
from fanfold.domain.orders import BUYING_POWER, MARGIN_CALL, ROLES
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.spec import Terms
from fanfold.execution.costs import Costs
from fanfold.strategies.sizing import Exposure, FixedUnits

PRICES = WISHES[1:]


def choice(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


OPTIONS = st.builds(
    FillOptions,
    time_in_force=choice(None, "gtc", "day", "ioc", "fok", "opg", "cls"),
    limit_fill=choice("touch", "through"),
    intrabar=choice("worst", "ohlc", "best"),
    exit_arming=choice("entry_bar", "next_bar"),
    exit_reference=choice("fill", "signal_close"),
    rearm=choice("on_change", "next_bar", "never"),
    delay_bars=choice(1, 1, 2, 3),
)
TERMS = st.builds(
    terms_of,
    venue=st.just("ideal"),
    options=OPTIONS,
    sizing=choice(Exposure(), FixedUnits(100.0)),
    costs=st.builds(Costs, slippage_bps=choice(0.0, 10.0), commission_bps=choice(0.0, 5.0)),
)


def rough_bars(rng: np.random.Generator) -> Bars:
    """One asset near 100 in cents, so that levels are met exactly now and then."""
    count = int(rng.integers(6, 30))
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.012, count)))
    open_ = close * np.exp(rng.normal(0.0, 0.008, count))
    high = np.maximum(open_, close) * (1.0 + rng.uniform(0.0, 0.015, count))
    low = np.minimum(open_, close) * (1.0 - rng.uniform(0.0, 0.015, count))
    prices = np.round([open_, high, low, close], 2)
    volume = rng.integers(1, 400, count).astype(float)
    panel = np.concatenate([prices, volume[None, :]])[:, :, None]
    return bars_of(panel, session_bars=int(rng.choice([1, 3])))


def rough_wishes(rng: np.random.Generator, close: NDArray[np.float64]) -> dict[str, Any]:
    """Targets that change now and then, with prices near the close; exits on their own side."""
    rows: list[dict[str, float]] = []
    used = {name for name in PRICES if rng.random() < 0.5}
    now = dict.fromkeys(WISHES, np.nan) | {"target": 0.0}
    for price in close:
        drawn = _drawn_prices(rng, float(price), now["target"])
        if rng.random() < 0.35:
            target = float(rng.choice([0, 1, -1, 1]) * rng.choice([0.3, 0.5]))
            drawn = _drawn_prices(rng, float(price), target)
            kept = {name: drawn[name] for name in PRICES if name in used and rng.random() < 0.8}
            now = dict.fromkeys(WISHES, np.nan) | {"target": target} | kept
        elif rng.random() < 0.1 and used:
            name = str(rng.choice(sorted(used)))
            now = now | {name: drawn[name]}
        rows.append(now)
    return {name: [row[name] for row in rows] for name in WISHES}


def _drawn_prices(rng: np.random.Generator, close: float, target: float) -> dict[str, float]:
    side = -1.0 if target < 0.0 else 1.0
    shares = {
        "limit": 1.0 + rng.uniform(-0.015, 0.015),
        "stop": 1.0 + rng.uniform(-0.015, 0.015),
        "stop_loss": 1.0 - side * rng.uniform(0.018, 0.04),
        "take_profit": 1.0 + side * rng.uniform(0.018, 0.04),
        "trailing_stop": rng.uniform(0.01, 0.04),
    }
    return {name: round(close * share, 2) for name, share in shares.items()}


def reference_fills(bars: Bars, terms: Terms) -> list[Any]:
    prices = bars.panel[:, :, 0].T.tolist()
    rows = [
        Row(*(_exact(price) or Fraction(0) for price in row[:4]), int(row[4]), bool(ends))
        for row, ends in zip(prices, bars.closes_session, strict=True)
    ]
    columns = [bars.extra[name][:, 0].tolist() for name in WISHES]
    wishes = [Wishes(row[0], *map(_exact, row[1:])) for row in zip(*columns, strict=True)]
    sizing = terms.sizing
    engine = ReferenceEngine(
        rows,
        wishes,
        terms.options,
        terms.cash,
        Fraction(str(terms.costs.slippage_bps)) / 10_000,
        Fraction(str(terms.costs.commission_bps)) / 10_000,
        int(sizing.units) if isinstance(sizing, FixedUnits) else None,
    )
    return engine.run()


def _exact(price: float) -> Fraction | None:
    return None if np.isnan(price) else Fraction(str(price))


def assert_alike(bars: Bars, terms: Terms) -> int:
    """Equal bars, quantities and roles; prices within two millionths. How many fills."""
    tape = tape_of(run(Wish(), bars, terms))
    if any(order.reason in {BUYING_POWER, MARGIN_CALL} for order in tape["orders"]):
        return 0  # the reference knows no limits
    expected = reference_fills(bars, terms)
    found = [(fill.bar, fill.lots, ROLES[fill.role]) for fill in tape["fills"]]
    assert found == [(fill.bar, fill.units, fill.role) for fill in expected]
    # Fractions and floats may round a slipped price to neighbours.
    for fill, other in zip(tape["fills"], expected, strict=True):
        assert abs(fill.price - other.price) <= 2
    return len(found)


@given(seed=st.integers(0, 2**32 - 1), terms=TERMS)
@settings(max_examples=40)
def test_orders_and_exits_fill_as_the_reference_says(seed: int, terms: Terms) -> None:
    rng = np.random.default_rng(seed)
    bars = rough_bars(rng)
    assert_alike(with_wishes(bars, **rough_wishes(rng, bars.close[:, 0])), terms)


@given(seed=st.integers(0, 2**32 - 1), terms=TERMS, part=choice(0.1, 0.5, 0.9))
def test_partial_fills_are_those_of_the_reference(seed: int, terms: Terms, part: float) -> None:
    options = terms.options.model_copy(update={"participation": part})
    terms = terms_of(venue="ideal", options=options, sizing=terms.sizing, costs=terms.costs)
    rng = np.random.default_rng(seed)
    bars = rough_bars(rng)
    wishes = rough_wishes(rng, bars.close[:, 0])
    assert_alike(with_wishes(bars, **wishes), terms)


@pytest.mark.parametrize("time_in_force", ["gtc", "day", "ioc", "fok", "opg", "cls"])
def test_the_comparison_sees_many_fills_of_every_time_in_force(time_in_force: Any) -> None:
    options = FillOptions(time_in_force=time_in_force)
    terms = terms_of(venue="ideal", options=options, sizing=FixedUnits(100.0))
    fills = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        bars = rough_bars(rng)
        fills += assert_alike(with_wishes(bars, **rough_wishes(rng, bars.close[:, 0])), terms)
    assert fills > 20
