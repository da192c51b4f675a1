"""Is it luck: the verdict, its thresholds, and where it stands on a page."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.reporting import write_comparison
from fanfold.reporting.verdict import checks_of, likely, word_of

Make = Callable[..., Any]
NAN = float("nan")


def verdict(evidence: Any) -> str:
    return word_of(checks_of(evidence))


def test_the_verdict_follows_the_stated_thresholds(evidence: Make) -> None:
    assert verdict(evidence()) == "no sign of luck"
    assert verdict(evidence(deflated_sharpe=0.95)) == "no sign of luck"
    assert verdict(evidence(deflated_sharpe=0.9499)) == "may be luck"
    assert verdict(evidence(overfitting_probability=0.5)) == "no sign of luck"
    assert verdict(evidence(overfitting_probability=0.51)) == "doubtful"
    assert verdict(evidence(superiority_matched=0.06)) == "doubtful"
    assert verdict(evidence(minimum_track_record=2561.0)) == "doubtful"
    assert verdict(evidence(minimum_track_record=math.inf)) == "doubtful"
    assert verdict(evidence(deflated_sharpe=NAN)) == "not known"


@given(
    deflated=st.floats(0, 1) | st.just(NAN),
    overfitting=st.floats(0, 1) | st.just(NAN),
    matched=st.floats(0, 1) | st.just(NAN),
)
def test_nothing_is_called_free_of_luck_that_fails_a_test(
    evidence: Make, deflated: float, overfitting: float, matched: float
) -> None:
    found = evidence(
        deflated_sharpe=deflated,
        overfitting_probability=overfitting,
        superiority_matched=matched,
    )
    if verdict(found) == "no sign of luck":
        assert deflated >= 0.95
        assert not overfitting > 0.5
        assert not matched > 0.05


def test_the_luckiest_idle_trial_is_shown_as_a_ratio_a_year(
    drawn: Make, run_view: Make, evidence: Make
) -> None:
    text = drawn(runs=[run_view(evidence=evidence())]).text()
    assert "Raw Sharpe ratio a year 1.60" in text
    assert "The luckiest idle trial 0.80" in text  # 0.05 a period, 256 periods a year
    assert "1,200 trials" in text
    assert "37.5 independent ones" in text


def test_years_at_hand_stand_beside_the_years_needed(
    drawn: Make, run_view: Make, evidence: Make
) -> None:
    assert "10.0 years (2.5 needed)" in drawn(runs=[run_view(evidence=evidence())]).text()
    endless = evidence(minimum_track_record=math.inf)
    text = drawn(runs=[run_view(evidence=endless)]).text()
    assert "10.0 years (∞ needed)" in text
    assert "for such a Sharpe ratio none are enough" in text


def test_a_passed_verdict_claims_no_proof_and_a_failed_one_says_what_failed(
    drawn: Make, run_view: Make, evidence: Make
) -> None:
    def said(**values: Any) -> str:
        return drawn(runs=[run_view(evidence=evidence(**values))]).text()

    assert "All 6 tests that could be made are passed. That is evidence and no proof" in said()
    assert "All 5 tests" in said(overfitting_probability=NAN)
    assert "Not known: Overfitting (PBO)." in said(overfitting_probability=NAN)
    luck = said(deflated_sharpe=0.6)
    assert "This may be luck. After 1,200 trials, a Sharpe ratio of 0.80" in luck
    assert "The probability that something is left is 60.0%" in luck
    held = said(superiority_matched=0.3)
    assert "Doubtful. The Sharpe ratio stands out from 1,200 trials, but it is not shown" in held


def test_notes_use_words_and_the_ledger_is_named(
    drawn: Make, run_view: Make, evidence: Make
) -> None:
    notes = ("superiority_matched: needs buy-and-hold", "Said: freely")
    text = drawn(runs=[run_view(evidence=evidence(notes=notes))]).text()
    assert "SPA p-value against holding: needs buy-and-hold" in text
    assert "Said: freely" in text
    assert "Ledger snapshot 3fa9c1" in text


def test_evidence_of_any_view_has_a_section_after_the_glance(
    drawn: Make, views: dict[str, Make], evidence: Make
) -> None:
    found = evidence()
    run_view, sweep_view = views["run"], views["sweep"]
    study_view, folds_view = views["study"], views["folds"]
    page = drawn(
        runs=[run_view(name="One"), run_view(name="Two", evidence=found)],
        sweeps=[sweep_view(evidence=found)],
        studies=[study_view(evidence=found)],
        folds=[folds_view(evidence=found)],
    )
    ids = [one.attributes["id"] for one in page.all("section")]
    assert ids[:2] == ["glance", "luck"]
    order = [name for name in ids if name in {"run-2", "folds-1", "study-1", "sweep-1"}]
    assert order == ["run-2", "folds-1", "study-1", "sweep-1"]
    text = page.text()
    for name in ("Two", "SmaCross: walk-forward rolling", "SmaCross: tuning", "Sweep of SmaCross"):
        assert f"{name} no sign of luck 1.60 0.80 1,200 97.0% 25.0% 3.0%" in text
    assert text.count("How much of it is luck is asked under") == 2


def test_a_page_without_evidence_does_not_ask(drawn: Make, run_view: Make) -> None:
    assert "luck?" not in drawn(runs=[run_view()]).text()


def test_a_comparison_asks_too(tmp_path: Any, run_view: Make, evidence: Make) -> None:
    file = write_comparison(tmp_path / "c.html", "Two", [run_view(evidence=evidence())], {})
    assert 'id="luck"' in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.0%"), (0.0004, "under 0.1%"), (0.9996, "over 99.9%"), (1.0, "100.0%")],
)
def test_a_probability_is_never_rounded_to_certainty(value: float, shown: str) -> None:
    assert likely(value) == shown
