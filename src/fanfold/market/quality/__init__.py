"""What is wrong, or may be, with market data: checks that report and never raise.

Rows that cannot be bars are set aside with their reason; everything else is told and
stays. `KINDS` says what each kind of finding means.
"""

from fanfold.market.quality.about import FINDINGS_MAX, About, Verdict
from fanfold.market.quality.examine import examine_bars, examine_ticks
from fanfold.market.quality.finding import SEVERITIES, Finding, Severity, instant_text
from fanfold.market.quality.kinds import KINDS, QUARANTINED, SEVERITY_OF

__all__ = [
    "FINDINGS_MAX",
    "KINDS",
    "QUARANTINED",
    "SEVERITIES",
    "SEVERITY_OF",
    "About",
    "Finding",
    "Severity",
    "Verdict",
    "examine_bars",
    "examine_ticks",
    "instant_text",
]
