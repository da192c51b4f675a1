"""Is it luck? The question that stands beside every good result, and what speaks for either."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fanfold.reporting.html.markup import Markup, table, tag
from fanfold.reporting.numbers import ABSENT, count, percent, plain, ratio
from fanfold.reporting.study_views import EvidenceView
from fanfold.reporting.verdict import (
    PROBABILITY_MIN,
    Check,
    checks_of,
    known,
    likely,
    lucky_sharpe,
    word_of,
)

if TYPE_CHECKING:
    from fanfold.research.evidence import Evidence

FIGURES = {
    "sharpe": "Sharpe ratio",
    "probabilistic_sharpe": "Probabilistic Sharpe ratio",
    "deflated_sharpe": "Deflated Sharpe ratio",
    "minimum_track_record": "Minimum track record",
    "effective_trial_count": "Independent trials",
    "trial_sharpe_variance": "Variance of the trials' Sharpe ratios",
    "variance_floor": "Floor of that variance",
    "overfitting_probability": "Overfitting (PBO)",
    "superiority_matched": "SPA p-value against holding",
    "superiority_zero": "SPA p-value against nothing",
}
"""Words for the figures that a note may begin with."""
OPEN_MAX = 3
"""Results whose evidence is unfolded."""


def evidence_blocks(views: Sequence[EvidenceView]) -> list[Markup]:
    """All results beside each other where there are several, then one by one."""
    blocks: list[Markup] = []
    if len(views) > 1:
        blocks.append(_overview(views))
    for place, view in enumerate(views):
        shown = _one(view)
        if len(views) == 1:
            blocks += shown
        elif place < OPEN_MAX:
            blocks.append(tag("div", tag("h3", view.name), *shown, class_="judged"))
        else:
            blocks.append(tag("details", tag("summary", view.name), *shown))
    return blocks


def _overview(views: Sequence[EvidenceView]) -> Markup:
    rows = [
        [
            view.name,
            word_of(checks_of(view.evidence)),
            ratio(known(view.evidence.sharpe)),
            ratio(lucky_sharpe(view.evidence)),
            count(view.evidence.trial_count),
            *(check.value if check.passed is not None else ABSENT
              for check in checks_of(view.evidence)[1:4]),
        ]
        for view in views
    ]  # fmt: skip
    heads = ["Result", "Verdict", "Sharpe ratio", "Luckiest idle", "Trials"]
    heads += ["Deflated", "Overfitting", "p, buy and hold"]
    return table(heads, rows, caption="Evidence of all results", text_columns=2)


def _one(view: EvidenceView) -> list[Markup]:
    found = view.evidence
    checks = checks_of(found)
    notes = [tag("li", _worded(note)) for note in found.notes]
    good = all(check.passed is not False for check in checks) and checks[1].passed is True
    return [
        tag("p", *_verdict(found, checks), class_="verdict good" if good else "warning"),
        _sharpes(found),
        tag("dl", *(_gauge(check) for check in checks), class_="gauges"),
        tag("ul", *notes, class_="notes") if notes else Markup(),
        tag("dl", *_terms(found), class_="facts terms"),
    ]


def _verdict(found: "Evidence", checks: Sequence[Check]) -> list[Markup | str]:
    word = word_of(checks)
    failed = [check.failing for check in checks if check.passed is False]
    missing = [check.name for check in checks if check.passed is None]
    texts = {
        "not known": ("Not known.", " Too little is known to tell skill from luck here."),
        "may be luck": ("This may be luck.", _lucky_text(found)),
        "doubtful": (
            "Doubtful.",
            f" The Sharpe ratio stands out from {_tried(found)}, but {'; and '.join(failed)}.",
        ),
        "no sign of luck": (
            "No sign of luck.",
            f" All {len(checks) - len(missing)} tests that could be made are passed. That is"
            " evidence and no proof: none of them knows of markets that change, of faults in the"
            " data, or of trials that were made elsewhere.",
        ),
    }
    head, text = texts[word]
    if missing:
        text += f" Not known: {'; '.join(missing)}."
    return [tag("b", head), text]


def _lucky_text(found: "Evidence") -> str:
    return (
        f" After {_tried(found)}, a Sharpe ratio of {ratio(lucky_sharpe(found))} is what the"
        f" luckiest of as many idle ones would show; this one is {ratio(known(found.sharpe))}."
        f" The probability that something is left is {likely(known(found.deflated_sharpe))},"
        f" and {percent(PROBABILITY_MIN)} would be convincing."
    )


def _tried(found: "Evidence") -> str:
    return "1 trial" if found.trial_count == 1 else f"{count(found.trial_count)} trials"


def _sharpes(found: "Evidence") -> Markup:
    """The raw Sharpe ratio and that of luck on one scale."""
    raw, lucky = known(found.sharpe), lucky_sharpe(found)
    top = max((abs(value) for value in (raw, lucky) if math.isfinite(value)), default=0.0) or 1.0
    rows = [
        ("Raw Sharpe ratio a year", raw, "raw", "What the equity curve shows: nothing taken off."),
        (
            "The luckiest idle trial",
            lucky,
            "luck",
            f"Expected of {_tried(found)} without any edge, which as they resemble each other are"
            f" worth {_effective(found)} independent ones. Good is a raw ratio far above it.",
        ),
    ]
    shown = [
        tag(
            "div",
            tag("dt", label),
            tag("dd", ratio(value), class_="value"),
            tag("dd", _bar(max(value, 0.0) / top), class_=f"meter {class_}", aria_hidden="true"),
            tag("dd", meaning, class_="beside"),
        )
        for label, value, class_, meaning in rows
    ]
    return tag("dl", *shown, class_="gauges")


def _gauge(check: Check) -> Markup:
    word = {True: "passed", False: "not passed", None: "not known"}[check.passed]
    mark = tag("b", style=f"left: {_percentage(check.bound)}")
    class_ = {True: "good", False: "bad", None: ""}[check.passed]
    return tag(
        "div",
        tag("dt", check.name),
        tag("dd", check.value, class_="value"),
        tag("dd", _bar(check.share), mark, class_=f"meter {class_}".strip(), aria_hidden="true"),
        tag("dd", tag("b", f"{word}, {check.wanted}."), f" {check.meaning}", class_="beside"),
    )


def _bar(share: float) -> Markup:
    return tag("i", style=f"width: {_percentage(0.0 if math.isnan(share) else share)}")


def _percentage(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.1f}%"


def _terms(found: "Evidence") -> list[Markup]:
    floor = known(found.variance_floor)
    variance = plain(known(found.trial_sharpe_variance))
    facts = {
        "Trials counted": count(found.trial_count),
        "Independent trials they are worth": _effective(found),
        "Trials looked at for that": count(known(found.sampled_trial_count)),
        "Variance of their Sharpe ratios": variance
        if math.isnan(floor)
        else f"{variance}, not below {plain(floor)}",
        "Skewness, kurtosis": f"{ratio(known(found.skewness))}, {ratio(known(found.kurtosis))}",
        "Blocks of time": count(known(found.overfitting_block_count)),
        "Trials in the SPA test": count(known(found.superiority_model_count)),
        "Ledger snapshot": str(found.snapshot or ABSENT),
    }
    return [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()]


def _effective(found: "Evidence") -> str:
    return f"{known(found.effective_trial_count):,.1f}".removesuffix(".0")


def _worded(note: str) -> str:
    """A note that begins with the name of a figure, with the words for it."""
    name, colon, text = note.partition(": ")
    return f"{FIGURES[name]}: {text}" if colon and name in FIGURES else note
