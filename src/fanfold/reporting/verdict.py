"""What speaks for a result and what for luck: every test with its threshold.

Kept apart from the page, so that a verdict can be checked without reading one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fanfold.reporting.numbers import ABSENT, count, percent, signed

if TYPE_CHECKING:
    from fanfold.research.evidence import Evidence

PROBABILITY_MIN = 0.95
"""A Sharpe ratio above zero must be so probable, before and after it is deflated [1]."""
OVERFITTING_MAX = 0.5
"""Above this, choosing the best was worse than choosing blindly [1]."""
P_VALUE_MAX = 0.05
"""So rarely may luck alone give as good a best [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One test with a threshold.

    Attributes:
        name: What is measured.
        failing: What a failure means, as the end of "but …".
        value: As it is shown.
        share: Length of its bar, 0 to 1; NaN where it is not known.
        bound: Where the threshold stands on the bar.
        wanted: The threshold in words.
        passed: Whether it is met; None where the value is not known.
        meaning: What the number is.
    """

    name: str
    failing: str
    value: str
    share: float
    bound: float
    wanted: str
    passed: bool | None
    meaning: str


def checks_of(found: "Evidence") -> list[Check]:
    """The tests, from the plainest to the one of length; the second decides."""
    trials = count(found.trial_count)
    return [
        _at_least(
            "Above zero at all (probabilistic Sharpe ratio)",
            "the record is too short or too wild to tell its Sharpe ratio from zero",
            found.probabilistic_sharpe,
            "Probability that the true Sharpe ratio is above zero, had nothing else been tried.",
        ),
        _at_least(
            "Above luck (deflated Sharpe ratio)",
            "it does not stand out from what trying so often gives by luck",
            found.deflated_sharpe,
            f"The same against the luckiest of {trials} trials that know nothing.",
        ),
        _at_most(
            "Overfitting (PBO)",
            "what was best in one half of the time was mostly poor in the other",
            found.overfitting_probability,
            OVERFITTING_MAX,
            "How often the best trial of one half of the time fell into the lower half in the"
            f" other, over {count(known(found.overfitting_split_count))} splits.",
        ),
        _at_most(
            "No better than holding (Hansen's SPA p-value)",
            "it is not shown to beat holding the same assets as much of the time",
            found.superiority_matched,
            P_VALUE_MAX,
            "How often luck alone would give so good a best, if no trial were better than buying"
            " and holding at the same exposure.",
        ),
        _at_most(
            "No better than nothing (Hansen's SPA p-value)",
            "it is not shown to beat earning nothing",
            found.superiority_zero,
            P_VALUE_MAX,
            "The same against earning nothing.",
        ),
        _record(found),
    ]


def _at_least(name: str, failing: str, value: float | None, meaning: str) -> Check:
    number = known(value)
    return Check(
        name=name,
        failing=failing,
        value=likely(number),
        share=number,
        bound=PROBABILITY_MIN,
        wanted=f"good from {percent(PROBABILITY_MIN)} on",
        passed=None if math.isnan(number) else number >= PROBABILITY_MIN,
        meaning=meaning,
    )


def _at_most(name: str, failing: str, value: float | None, bound: float, meaning: str) -> Check:
    number = known(value)
    return Check(
        name=name,
        failing=failing,
        value=likely(number),
        share=number,
        bound=bound,
        wanted=f"good up to {percent(bound)}",
        passed=None if math.isnan(number) else number <= bound,
        meaning=meaning,
    )


def _record(found: "Evidence") -> Check:
    needed, held = known(found.minimum_track_record), float(found.return_count)
    years = found.periods_per_year
    text = f"{_years(held / years)} years ({_years(needed / years)} needed)"
    share = held / needed if needed > 0 else 1.0
    meaning = (
        f"The {count(held)} returns at hand, beside the {count(needed)} that such a Sharpe ratio"
        f" needs to be above zero with {percent(PROBABILITY_MIN)} probability."
    )
    if math.isnan(needed):
        text, share = ABSENT, math.nan
        meaning = f"There are {count(held)} returns; how many are needed is not known."
    elif math.isinf(needed):
        meaning = f"There are {count(held)} returns; for such a Sharpe ratio none are enough."
    return Check(
        name="Long enough (minimum track record length)",
        failing="the record is shorter than what such a Sharpe ratio needs to be believed",
        value=text,
        share=min(share, 1.0),
        bound=1.0,
        wanted="good where the bar is full",
        passed=None if math.isnan(needed) else held >= needed,
        meaning=meaning,
    )


def word_of(checks: Sequence[Check]) -> str:
    """The verdict in two words: the deflated Sharpe ratio decides, the others may doubt it."""
    if checks[1].passed is None:
        return "not known"
    if not checks[1].passed:
        return "may be luck"
    return "doubtful" if any(check.passed is False for check in checks) else "no sign of luck"


def lucky_sharpe(found: "Evidence") -> float:
    """The expected maximum as a ratio a year."""
    return known(found.expected_max_sharpe) * math.sqrt(found.periods_per_year)


def likely(value: float) -> str:
    """A probability that is neither 0 nor 1 is not shown as one."""
    if 0.0 < value < 0.001:  # noqa: PLR2004  (a thousandth is the last digit shown)
        return "under 0.1%"
    return "over 99.9%" if 0.999 < value < 1.0 else percent(value)  # noqa: PLR2004


def _years(value: float) -> str:
    return signed(f"{value:.1f}") if math.isfinite(value) else "∞"


def known(value: float | None) -> float:
    """NaN for what is not known."""
    return math.nan if value is None else float(value)
