"""Evidence put together: its parts against the measures, its gaps told in words."""

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fanfold.errors import ConfigError, DataError
from fanfold.measures import (
    automatic_block_bars,
    deflated_sharpe_ratio,
    effective_trials,
    effective_trials_of_all,
    expected_max_sharpe_ratio,
    kurtosis,
    minimum_track_record_length,
    overfitting,
    probabilistic_sharpe_ratio,
    probability_of_backtest_overfitting,
    sharpe_ratio,
    skewness,
    sums_of_blocks,
    superior_predictive_ability,
)
from fanfold.research.evidence import Evidence, evidence_of

PERIODS = 640


def noise(trial_count: int, seed: int, periods: int = PERIODS) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).normal(size=(periods, trial_count))


def weighed(trials: np.ndarray, **options: Any) -> Evidence:
    """Evidence of the best of the trials, all of them known unless told otherwise."""
    sharpes = np.atleast_1d(sharpe_ratio(trials))
    best = int(np.argmax(np.nan_to_num(sharpes, nan=-np.inf)))
    given: dict[str, Any] = {
        "returns": trials[:, best],
        "trial_returns": trials,
        "trial_count": trials.shape[1],
        "trial_sharpes": sharpes,
        "periods_per_year": 252.0,
        "draws": 50,
    }
    return evidence_of(**(given | options))


def notes_on(found: Evidence, name: str) -> list[str]:
    return [note for note in found.notes if note.startswith(f"{name}: ")]


def test_every_figure_is_that_of_its_measure() -> None:
    trials = noise(12, seed=1)
    market, shares = noise(1, seed=2)[:, 0], np.linspace(0.0, 1.0, 12)
    found = weighed(trials, exposures=shares, buy_and_hold=market, seed=4, snapshot="ledger-7")
    sharpes = np.asarray(sharpe_ratio(trials))
    chosen = trials[:, np.argmax(sharpes)]
    sharpe, skew, fourth = sharpe_ratio(chosen), skewness(chosen), kurtosis(chosen)
    variance = float(np.var(sharpes, ddof=1))
    assert (found.sharpe_per_period, found.skewness, found.kurtosis) == (sharpe, skew, fourth)
    assert found.sharpe == pytest.approx(sharpe_ratio(chosen, periods_per_year=252.0))
    assert found.periods_per_year == 252.0
    assert (found.return_count, found.trial_count, found.sampled_trial_count) == (PERIODS, 12, 12)
    assert found.effective_trial_count == 12.0
    assert found.trial_sharpe_variance == variance
    moments = {"skew": skew, "kurtosis": fourth}
    assert found.probabilistic_sharpe == probabilistic_sharpe_ratio(
        sharpe, bar_count=PERIODS, **moments
    )
    assert found.minimum_track_record == minimum_track_record_length(sharpe, **moments)
    hurdle = {"trial_sharpe_variance": variance, "trial_count": 12.0}
    assert found.expected_max_sharpe == expected_max_sharpe_ratio(**hurdle)
    assert found.deflated_sharpe == deflated_sharpe_ratio(
        sharpe, bar_count=PERIODS, **hurdle, **moments
    )
    assert found.overfitting_probability == probability_of_backtest_overfitting(trials)
    assert (found.overfitting_split_count, found.overfitting_block_count) == (12_870, 16)
    leads = trials - market[:, np.newaxis] * shares
    asked = {"draws": 50, "seed": 4}
    assert found.superiority_matched == superior_predictive_ability(leads, **asked).consistent
    assert found.superiority_zero == superior_predictive_ability(trials, **asked).consistent
    assert found.superiority_model_count == 12
    assert found.snapshot == "ledger-7"
    assert found.variance_floor is None
    assert found.notes == ()


def test_equal_input_gives_equal_evidence() -> None:
    assert weighed(noise(6, seed=3)) == weighed(noise(6, seed=3))


def test_copies_of_a_trial_are_no_more_trials() -> None:
    trials = noise(5, seed=4)
    copied = np.repeat(trials, 20, axis=1) + 0.001 * noise(100, seed=5)
    found = weighed(copied)
    assert found.trial_count == 100
    assert found.effective_trial_count == 5.0
    assert found.superiority_model_count == 5
    alone = effective_trials(copied).count
    assert found.expected_max_sharpe == expected_max_sharpe_ratio(
        trial_sharpe_variance=found.trial_sharpe_variance, trial_count=alone
    )


def test_trials_outside_the_sample_count_as_far_as_the_sample_tells() -> None:
    trials = noise(40, seed=6)
    found = weighed(trials, trial_count=1_000)
    assert found.sampled_trial_count == 40
    assert found.effective_trial_count == effective_trials_of_all(effective_trials(trials), 1_000)
    assert 40 < found.effective_trial_count <= 1_000
    assert found.deflated_sharpe < weighed(trials).deflated_sharpe
    assert notes_on(found, "effective_trial_count") == [
        "effective_trial_count: estimated from 40 of 1,000 trials"
    ]
    doubled = weighed(np.repeat(trials, 2, axis=1), trial_count=1_000)
    assert doubled.effective_trial_count == 40.0


def bunched() -> np.ndarray:
    """A search that went on where it was good: 5 first tries, then 95 near the best of them."""
    first = noise(5, seed=7)
    best = int(np.argmax(sharpe_ratio(first)))
    return np.hstack([first, first[:, [best]] + 0.0005 * noise(95, seed=8)])


def test_trials_of_an_adaptive_search_count_once_a_cluster() -> None:
    trials = bunched()
    plain, adaptive = weighed(trials), weighed(trials, adaptive=True, variance_floor=0.0)
    found = effective_trials(trials)
    assert found.count == 5.0
    middle = np.asarray(sharpe_ratio(trials[:, found.representatives]))
    assert adaptive.trial_sharpe_variance == pytest.approx(float(np.var(middle, ddof=1)))
    assert adaptive.trial_sharpe_variance > 2.0 * plain.trial_sharpe_variance
    assert adaptive.deflated_sharpe < plain.deflated_sharpe
    assert adaptive.notes == plain.notes


def test_the_variance_of_an_adaptive_search_is_held_up_by_a_random_sample() -> None:
    held = weighed(bunched(), adaptive=True, variance_floor=0.02)
    assert (held.trial_sharpe_variance, held.variance_floor) == (0.02, 0.02)
    unheld = weighed(bunched(), adaptive=True)
    assert notes_on(unheld, "variance_floor") == [
        "variance_floor: none, though the trials of such a search bunch"
    ]
    # Where trials do not bunch nothing needs holding up.
    assert weighed(bunched(), variance_floor=0.02).trial_sharpe_variance < 0.02


def test_an_adaptive_search_in_one_cluster_takes_the_variance_of_all() -> None:
    trials = noise(1, seed=9) + 0.0005 * noise(10, seed=10)
    found = weighed(trials, adaptive=True, variance_floor=0.0)
    assert found.trial_sharpe_variance == weighed(trials).trial_sharpe_variance
    assert notes_on(found, "trial_sharpe_variance") == [
        "trial_sharpe_variance: of all trials, only one cluster traded"
    ]


def test_one_trial_is_not_deflated_and_not_overfitted() -> None:
    found = weighed(0.001 + noise(1, seed=11))
    assert found.effective_trial_count == 1.0
    assert found.expected_max_sharpe == 0.0
    assert found.deflated_sharpe == found.probabilistic_sharpe > 0.9
    assert math.isnan(found.overfitting_probability)
    assert (found.overfitting_split_count, found.overfitting_block_count) == (0, 0)
    assert notes_on(found, "overfitting_probability") == [
        "overfitting_probability: needs two trials"
    ]
    assert math.isnan(found.trial_sharpe_variance)
    assert 0.0 <= found.superiority_zero < 0.1


def test_one_known_of_many_trials_has_no_variance_to_deflate_by() -> None:
    found = weighed(noise(1, seed=12), trial_count=50)
    assert found.effective_trial_count == 50.0
    assert math.isnan(found.deflated_sharpe)
    assert math.isnan(found.expected_max_sharpe)
    assert notes_on(found, "trial_sharpe_variance") == [
        "trial_sharpe_variance: needs two trials with a Sharpe ratio"
    ]


def test_a_trial_that_never_traded_has_no_figures_and_says_so() -> None:
    found = weighed(np.zeros((PERIODS, 3)))
    for name in ("sharpe", "probabilistic_sharpe", "deflated_sharpe", "minimum_track_record"):
        assert math.isnan(getattr(found, name))
    assert found.effective_trial_count == 1.0
    assert notes_on(found, "sharpe") == [
        "sharpe: needs two returns that differ, and others need it"
    ]
    assert found.superiority_zero == 1.0


def test_trials_that_never_traded_have_no_part_in_the_variance() -> None:
    trials = noise(6, seed=13)
    idle = np.hstack([trials, np.zeros((PERIODS, 4))])
    found = weighed(idle)
    assert found.trial_sharpe_variance == weighed(trials).trial_sharpe_variance
    assert found.effective_trial_count == 7.0


@pytest.mark.parametrize("periods", [1, 2, 3, 5, 12, 29])
def test_however_short_the_window_nothing_raises(periods: int) -> None:
    found = weighed(noise(3, seed=14, periods=periods))
    assert math.isnan(found.superiority_zero)
    assert notes_on(found, "superiority_zero") == [
        f"superiority_zero: model_returns must have at least 30 bars, had {periods}"
    ]
    assert (found.overfitting_block_count > 0) == (periods >= 4)
    assert math.isnan(found.deflated_sharpe) == math.isnan(found.probabilistic_sharpe)
    assert found.effective_trial_count == 3.0


def test_a_loss_can_never_be_trusted_to_be_a_gain() -> None:
    found = weighed(noise(4, seed=15) - 0.01)
    assert found.minimum_track_record == math.inf
    assert found.probabilistic_sharpe < 0.01


def test_sums_of_blocks_of_all_trials_stand_in_for_their_returns() -> None:
    everything = noise(30, seed=16)
    sums, counts = sums_of_blocks(everything, 8)
    found = weighed(
        everything[:, :10],
        trial_count=30,
        trial_sharpes=sharpe_ratio(everything),
        blocks=(sums, counts),
    )
    assert found.overfitting_probability == probability_of_backtest_overfitting(everything, 8)
    assert (found.overfitting_split_count, found.overfitting_block_count) == (70, 8)
    assert found.trial_sharpe_variance == float(np.var(sharpe_ratio(everything), ddof=1))


def test_blocks_shorter_than_returns_hang_together_are_labelled() -> None:
    slow = np.stack(
        [np.convolve(column, np.ones(31) / 31.0, mode="valid") for column in noise(3, seed=17).T],
        axis=1,
    )[:320]
    found = weighed(slow)
    best = slow[:, int(np.argmax(sharpe_ratio(slow)))]
    wanted = math.ceil(automatic_block_bars(best))
    assert wanted > 20
    assert notes_on(found, "overfitting_probability") == [
        "overfitting_probability: an approximation, the shortest block has 20 returns and they "
        f"hang together over {wanted}"
    ]


def test_fewer_splits_than_there_are_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overfitting, "TRIAL_SPLITS_MAX", 4 * 1_000)
    found = weighed(noise(4, seed=18))
    assert found.overfitting_split_count == 1_000
    assert notes_on(found, "overfitting_probability") == [
        "overfitting_probability: from 1,000 of 12,870 splits, evenly spaced"
    ]


def test_blocks_that_cannot_be_halved_are_no_error() -> None:
    sums, counts = sums_of_blocks(noise(4, seed=19), 8)
    found = weighed(noise(4, seed=19), blocks=(sums[:, :7], counts[:7]))
    assert math.isnan(found.overfitting_probability)
    assert notes_on(found, "overfitting_probability") == [
        "overfitting_probability: blocks must be even and 2 to 20, was 7"
    ]


def test_holding_as_much_of_a_rising_market_is_the_benchmark() -> None:
    market = noise(1, seed=20)[:, 0]
    market += 0.0015 - market.mean()
    shares, extra = np.array([0.3, 0.6, 0.9]), 0.1 * noise(3, seed=21)
    trials = market[:, np.newaxis] * shares + extra - extra.mean(axis=0)
    found = weighed(trials, exposures=shares, buy_and_hold=market, draws=400)
    assert found.superiority_zero < 0.05
    assert found.superiority_matched > 0.05


def test_without_exposures_there_is_no_matched_benchmark() -> None:
    found = weighed(noise(3, seed=22), buy_and_hold=noise(1, seed=23)[:, 0])
    assert math.isnan(found.superiority_matched)
    assert notes_on(found, "superiority_matched") == [
        "superiority_matched: needs the trials' exposures and buy-and-hold"
    ]
    assert not math.isnan(found.superiority_zero)


def test_more_clusters_than_models_are_cut_and_said() -> None:
    trials = noise(8, seed=24)
    found = weighed(trials, superiority_models_max=3)
    best = np.argsort(-np.asarray(sharpe_ratio(trials)))[:3]
    assert found.superiority_model_count == 3
    assert (
        found.superiority_zero
        == superior_predictive_ability(trials[:, best], draws=50, seed=0).consistent
    )
    assert notes_on(found, "superiority_zero") == [
        "superiority_zero: the best 3 of 8 clusters only, which makes it too small"
    ]


def test_other_libraries_deflate_alike_where_every_trial_counts() -> None:
    """They take every trial as independent; ffn corrects the moments for the sample."""
    trials = noise(20, seed=25)
    found = weighed(trials)
    chosen = trials[:, int(np.argmax(sharpe_ratio(trials)))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ffn
        from skfolio import measures as skfolio

        sharpes = np.asarray(sharpe_ratio(trials))
        days = pd.date_range("2000-01-03", periods=PERIODS, freq="B")
        of_ffn = ffn.calc_deflated_sharpe_ratio(
            pd.Series(chosen, index=days), sharpes, nperiods=252, annualized_trials=False
        )
        of_skfolio = skfolio.deflated_sharpe_ratio(chosen, sharpes)
        undeflated = skfolio.probabilistic_sharpe_ratio(chosen)
    assert found.effective_trial_count == 20.0
    assert found.deflated_sharpe == pytest.approx(of_skfolio, rel=1e-9)
    assert found.probabilistic_sharpe == pytest.approx(undeflated, rel=1e-9)
    # The corrections are of the order of one in 640 returns.
    assert found.deflated_sharpe == pytest.approx(of_ffn, abs=1e-3)
    assert found.deflated_sharpe != pytest.approx(of_ffn, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"trial_count": 2}, ConfigError, "trial_count must be a whole number >= 3, was 2"),
        ({"trial_sharpes": np.zeros(4)}, DataError, "at most 3 trials"),
        ({"trial_sharpes": [0.1, np.inf]}, DataError, "not infinite"),
        ({"trial_returns": np.zeros((9, 3))}, DataError, "of the 640 periods of returns"),
        ({"trial_returns": np.zeros(PERIODS)}, DataError, "of the 640 periods of returns"),
        ({"trial_returns": np.zeros((PERIODS, 2_001))}, DataError, "at most 2000 trials"),
        ({"returns": np.full(PERIODS, np.nan)}, DataError, "returns must be finite"),
        ({"variance_floor": -0.1}, ConfigError, "variance_floor must be >= 0, was -0.1"),
        ({"variance_floor": np.nan}, ConfigError, "variance_floor must be a finite number"),
        ({"periods_per_year": 0.0}, ConfigError, "periods_per_year must be > 0"),
        ({"superiority_models_max": 0}, ConfigError, "superiority_models_max must be"),
        ({"draws": 0}, ConfigError, "draws must be"),
        ({"seed": -1}, ConfigError, "seed must be"),
        (
            {"exposures": np.zeros(2), "buy_and_hold": np.zeros(PERIODS)},
            DataError,
            r"must fit trial_returns, \(640, 3\), were 640 and 2",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        weighed(noise(3, seed=26), **options)
