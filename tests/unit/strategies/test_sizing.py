"""What each sizing makes of a target, in plain Python and in machine code."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from tests.fakes.both_ways import both_ways

from fanfold.domain.panel import CLOSE, FIELDS
from fanfold.strategies.indicators import RealisedVolatility
from fanfold.strategies.indicators.indicator import batch
from fanfold.strategies.indicators.stream import stream
from fanfold.strategies.sizing import (
    EXPOSURE,
    LOTS_MAX,
    Exposure,
    FixedNotional,
    FixedUnits,
    Kelly,
    RiskFraction,
    Sizing,
    VolatilityTarget,
    scale_indicator,
    scale_of,
    sized_lots,
    sized_lots_at,
    warm_up,
)

NONE = math.nan
RULES = [
    Exposure(),
    FixedUnits(7),
    FixedNotional(10_000),
    RiskFraction(0.02),
    Kelly(0.5),
    VolatilityTarget(0.1),
]
ANY: Any = TypeAdapter(Sizing)
LOOKING_BACK = [Kelly(0.5, window=5), VolatilityTarget(0.15, window=5)]


def lots(
    sizing: Any,
    target: float,
    *,
    equity: float = 100_000.0,
    price: float = 50.0,
    parts: int = 1,
    distance: float = NONE,
    scale: float = NONE,
) -> int:
    kind, value = sizing.rule
    return both_ways(sized_lots_at, kind, value, target, equity, price, parts, distance, scale)


def walk(bars: int, assets: int = 2, seed: int = 1) -> NDArray[np.float64]:
    steps = np.random.default_rng(seed).normal(0.0005, 0.02, (bars, assets))
    return 50 * np.cumprod(1 + steps, axis=0)


def test_exposure_is_a_share_of_equity_in_whole_lots() -> None:
    assert lots(Exposure(), 0.5) == 1_000
    assert lots(Exposure(), -0.5, price=49.99) == -1_000
    assert lots(Exposure(), 0.5, price=49.99, parts=10**9) == 1_000_200_040_008


def test_fixed_units_are_the_same_for_any_target() -> None:
    assert lots(FixedUnits(7), 0.01) == lots(FixedUnits(7), 3.0) == 7
    assert lots(FixedUnits(7), -0.01, equity=-5.0) == -7


def test_a_fixed_notional_is_the_same_money_for_any_target() -> None:
    assert lots(FixedNotional(10_000), 0.01) == lots(FixedNotional(10_000), 3.0) == 200
    assert lots(FixedNotional(10_000), -1.0, price=30.0) == -333
    assert lots(FixedNotional(10_000), 1.0, equity=-5.0) == 200


def test_a_risk_fraction_loses_its_share_of_equity_at_the_stop() -> None:
    # 2 % of 100,000 over a stop 4 away
    assert lots(RiskFraction(0.02), 1.0, distance=4.0) == 500
    assert lots(RiskFraction(0.02), -0.5, distance=4.0) == -250
    assert lots(RiskFraction(0.02), 1.0, distance=4.0, parts=1_000) == 500_000


@pytest.mark.parametrize("distance", [NONE, 0.0, -1.0])
def test_a_risk_fraction_without_a_stop_has_no_size(distance: float) -> None:
    assert lots(RiskFraction(0.02), 1.0, distance=distance) == 0


def test_kelly_multiplies_the_target_and_never_bets_against_the_edge() -> None:
    assert lots(Kelly(), 1.0, scale=0.3) == 600
    assert lots(Kelly(), 0.5, scale=0.3) == 300
    assert lots(Kelly(), -1.0, scale=0.3) == 0
    assert lots(Kelly(), 1.0, scale=-0.3) == 0
    assert lots(Kelly(), -1.0, scale=-0.3) == -600


def test_a_volatility_target_multiplies_the_target_either_way() -> None:
    assert lots(VolatilityTarget(), 1.0, scale=0.3) == 600
    assert lots(VolatilityTarget(), -1.0, scale=0.3) == -600


@pytest.mark.parametrize("sizing", LOOKING_BACK)
def test_a_scale_that_is_not_known_gives_no_lots(sizing: Any) -> None:
    assert lots(sizing, 1.0) == lots(sizing, -1.0) == 0


@pytest.mark.parametrize("sizing", RULES)
def test_a_target_of_zero_is_no_lots(sizing: Any) -> None:
    assert lots(sizing, 0.0, distance=1.0, scale=1.0) == 0


@pytest.mark.parametrize("sizing", RULES[3:])
def test_a_rule_that_needs_more_gives_no_lots_without_it(sizing: Any) -> None:
    kind, value = sizing.rule
    assert both_ways(sized_lots, kind, value, 1.0, 1e5, 50.0, 1) == 0


@given(
    target=st.floats(-10, 10),
    equity=st.floats(-1e6, 1e12),
    price=st.floats(1e-4, 1e6),
    parts=st.sampled_from([1, 10**9]),
)
def test_the_short_form_is_the_long_one_without_stop_and_scale(
    target: float, equity: float, price: float, parts: int
) -> None:
    for sizing in RULES[:3]:
        kind, value = sizing.rule
        short = both_ways(sized_lots, kind, value, target, equity, price, parts)
        assert short == lots(sizing, target, equity=equity, price=price, parts=parts)


@given(
    sizing=st.sampled_from(RULES),
    target=st.floats(-10, 10),
    equity=st.floats(-1e6, 1e12),
    price=st.floats(1e-4, 1e6),
    distance=st.one_of(st.floats(1e-300, 1e6), st.just(NONE)),
    scale=st.one_of(st.floats(-100, 100), st.just(NONE)),
)
def test_lots_go_the_targets_way_and_are_alike_on_both_sides(
    *, sizing: Any, target: float, equity: float, price: float, distance: float, scale: float
) -> None:
    found = lots(sizing, target, equity=equity, price=price, distance=distance, scale=scale)
    assert found * target >= 0
    assert abs(found) <= LOTS_MAX
    flipped = -scale if isinstance(sizing, Kelly) else scale
    other = lots(sizing, -target, equity=equity, price=price, distance=distance, scale=flipped)
    assert other == -found


@given(target=st.floats(0.01, 10), distance=st.floats(0.01, 100), scale=st.floats(0.01, 100))
def test_more_equity_never_means_fewer_lots(target: float, distance: float, scale: float) -> None:
    for sizing in RULES:
        few = lots(sizing, target, equity=1e5, distance=distance, scale=scale)
        many = lots(sizing, target, equity=2e5, distance=distance, scale=scale)
        assert many >= few >= 0


def test_exposure_rounds_towards_zero_except_a_last_bit() -> None:
    assert lots(Exposure(), 0.29, equity=100.0, price=1.0) == 29  # 28.999999999999996
    assert lots(Exposure(), 0.999, equity=100.0, price=1.0) == 99


@pytest.mark.parametrize("sizing", LOOKING_BACK)
def test_scales_begin_after_the_warm_up(sizing: Any) -> None:
    found = scale_of(sizing, walk(20), 252.0)
    assert found is not None
    first = warm_up(sizing) - 1
    assert first == 5
    assert np.isnan(found[:first]).all()
    assert np.isfinite(found[first:]).all()


@pytest.mark.parametrize("sizing", RULES[:4])
def test_rules_that_do_not_look_back_have_no_scale(sizing: Any) -> None:
    assert scale_of(sizing, walk(20), 252.0) is None
    assert scale_indicator(sizing, 252.0) is None
    assert warm_up(sizing) == 1


def test_kellys_scale_is_mean_over_variance() -> None:
    close = walk(300)
    found = scale_of(Kelly(0.5, window=60, cap=100.0), close, 252.0)
    assert found is not None
    window = close[-61:, 0][1:] / close[-61:, 0][:-1] - 1
    # Sums of 60 returns about their newest: a part in 10^9 of their mean at most.
    assert found[-1, 0] == pytest.approx(0.5 * window.mean() / window.var(ddof=1), rel=1e-9)


def test_kellys_fraction_is_the_share_that_grows_fastest() -> None:
    """By its definition: of all shares of equity, it maximises mean - variance / 2."""
    close = walk(253, assets=1, seed=4)
    full = scale_of(Kelly(1.0, window=252, cap=100.0), close, 252.0)
    assert full is not None
    returns = close[1:, 0] / close[:-1, 0] - 1
    shares = np.linspace(-5, 5, 10_001)
    growth = shares * returns.mean() - shares * shares * returns.var(ddof=1) / 2
    assert shares[growth.argmax()] == pytest.approx(full[-1, 0], abs=0.001)  # the grid's step


def test_the_volatility_scale_is_the_wanted_over_the_realised() -> None:
    close = walk(300)
    found = scale_of(VolatilityTarget(0.15, window=20, cap=100.0), close, 252.0)
    panel = np.ones((len(FIELDS), *close.shape))
    panel[CLOSE] = close
    realised = batch(RealisedVolatility(20), panel)[0]
    # Both take a root of 252, at different places.
    np.testing.assert_allclose(found, 0.15 / realised, rtol=1e-14)


@pytest.mark.parametrize("sizing", LOOKING_BACK)
def test_scales_are_capped(sizing: Any) -> None:
    capped = scale_of(sizing.model_copy(update={"cap": 0.25}), walk(300), 252.0)
    assert capped is not None
    assert np.nanmax(np.abs(capped)) == 0.25


def test_prices_that_do_not_move_have_no_edge_and_no_volatility() -> None:
    flat = np.full((20, 1), 50.0)
    kelly, volatility = (scale_of(sizing, flat, 252.0) for sizing in LOOKING_BACK)
    assert kelly is not None
    assert volatility is not None
    assert kelly[-1, 0] == 0.0
    assert volatility[-1, 0] == 1.0  # the cap


def test_a_sure_gain_is_held_up_to_the_cap_and_a_sure_loss_shorted() -> None:
    doubling = 2.0 ** np.arange(20)[:, None]
    for close, expected in ((doubling, 1.0), (doubling[::-1], -1.0)):
        found = scale_of(Kelly(0.5, window=5), close, 252.0)
        assert found is not None
        assert found[-1, 0] == expected


@pytest.mark.parametrize("sizing", LOOKING_BACK)
def test_later_bars_never_change_a_scale(sizing: Any) -> None:
    close = walk(120)
    whole = scale_of(sizing, close, 252.0)
    assert whole is not None
    for bars in (6, 7, 50, 119):
        early = scale_of(sizing, close[:bars], 252.0)
        assert early is not None
        assert early.tobytes() == whole[:bars].tobytes()


@pytest.mark.parametrize("sizing", LOOKING_BACK)
def test_scales_are_the_same_bits_plain_compiled_and_streamed(sizing: Any) -> None:
    close = walk(120)
    close[30:33, 0] = NONE
    close[60, 1] = 0.0  # no return in or out of it
    compiled = scale_of(sizing, close, 252.0)
    plain = scale_of(sizing, close, 252.0, plain=True)
    assert compiled is not None
    assert plain is not None
    assert compiled.tobytes() == plain.tobytes()
    for asset in range(2):
        indicator = scale_indicator(sizing, 252.0)
        assert indicator is not None
        one = stream(indicator)
        pushed = [one.push(c, c, c, c, 1.0)[0] for c in close[:, asset]]
        assert np.array(pushed).tobytes() == compiled[:, asset].tobytes()


@pytest.mark.parametrize("sizing", LOOKING_BACK)
def test_a_scale_counts_the_assets_own_bars(sizing: Any) -> None:
    close = walk(60, assets=1)
    gappy = np.insert(close, [3, 20, 20], NONE, axis=0)
    own = scale_of(sizing, close, 252.0)
    found = scale_of(sizing, gappy, 252.0)
    assert own is not None
    assert found is not None
    has_bar = ~np.isnan(gappy[:, 0])
    assert found[has_bar].tobytes() == own.tobytes()
    missing = np.flatnonzero(~has_bar)
    np.testing.assert_array_equal(found[missing], found[missing - 1])  # the last stands


@pytest.mark.parametrize("sizing", RULES)
def test_sizings_are_read_back_from_plain_values(sizing: Any) -> None:
    assert ANY.validate_python(sizing.model_dump()) == sizing


def test_defaults_are_what_the_documents_say() -> None:
    assert RiskFraction().risk == 0.01
    assert (Kelly().fraction, Kelly().window, Kelly().cap) == (0.5, 252, 1.0)
    target = VolatilityTarget()
    assert (target.volatility, target.window, target.cap) == (0.15, 20, 1.0)
    assert Exposure().rule[0] == EXPOSURE


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("fixed_units", "units", 0),
        ("fixed_notional", "notional", 0),
        ("fixed_notional", "notional", math.inf),
        ("risk_fraction", "risk", 0),
        ("risk_fraction", "risk", 1.5),
        ("kelly", "fraction", 0),
        ("kelly", "fraction", 2),
        ("kelly", "window", 1),
        ("kelly", "window", 2.5),
        ("kelly", "cap", 0),
        ("volatility_target", "volatility", -0.1),
        ("volatility_target", "volatility", math.nan),
        ("volatility_target", "window", 10**6),
        ("volatility_target", "cap", math.inf),
        ("volatility_target", "speed", 1),
    ],
)
def test_a_sizing_that_cannot_be_is_refused(kind: str, field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        ANY.validate_python({"kind": kind, field: value})


def test_an_unknown_sizing_is_refused() -> None:
    with pytest.raises(ValidationError, match="martingale"):
        ANY.validate_python({"kind": "martingale"})
