"""What can be wrong with market data, in one sentence each, and how bad that is."""

from typing import Final

from fanfold.market.quality.finding import Severity

KINDS: Final[dict[str, str]] = {
    "ohlc": "A bar's high is below, or its low above, another of its prices.",
    "nonpositive_price": "A price is zero, negative, infinite or larger than money can count.",
    "missing_value": "A bar lacks some or all of its prices, or a trade its price.",
    "negative_volume": "A volume or a size is negative or infinite.",
    "duplicate": "A bar is there more than once; with different values only the first is kept.",
    "out_of_order": "A row comes after a later one in its source; rows are sorted.",
    "gap": "Sessions have no bars, or a session has a hole where the symbol is hardly ever silent.",
    "stale": "Bars repeat the one before for longer than the symbol is used to.",
    "outlier": "A price is far from the ones around it, measured by how much they move.",
    "unadjusted_split": "Prices jump by the ratio of a split that is not booked, or do not jump "
    "by the one that is.",
    "time_zone": "Bars are shifted by whole hours or days against the exchange's sessions.",
    "off_session": "A bar ends when the exchange is closed.",
    "zero_volume": "Nothing was traded in a bar, so nothing can be filled in it.",
    "bad_timestamp": "A timestamp cannot be read, or cannot be when the market traded.",
    "crossed_quote": "The bid is above the ask.",
    "revised": "A row came again with other values, which replaced the stored ones.",
}
"""Every kind of finding, and what it means."""

SEVERITY_OF: Final[dict[str, Severity]] = {
    "ohlc": "error",
    "nonpositive_price": "error",
    "missing_value": "error",
    "negative_volume": "error",
    "duplicate": "error",
    "out_of_order": "warning",
    "gap": "warning",
    "stale": "warning",
    "outlier": "warning",
    "unadjusted_split": "error",
    "time_zone": "error",
    "off_session": "warning",
    "zero_volume": "info",
    "bad_timestamp": "error",
    "crossed_quote": "warning",
    "revised": "info",
}
"""How bad a finding of a kind is, unless its check knows better."""

PASSING: Final = ("duplicate", "out_of_order")
"""Kinds of which rows that were kept, sorted and each once, show nothing any more."""

QUARANTINED: Final = (
    "bad_timestamp",
    "missing_value",
    "nonpositive_price",
    "ohlc",
    "negative_volume",
    "duplicate",
)
"""Kinds that set a row aside; rows with any other finding stay."""


def severity_aside(reason: str) -> Severity:
    """How bad it is that a row was set aside.

    One without any price is a vendor's placeholder for a bar in which nothing traded.
    """
    return "warning" if reason.endswith("had none") else "error"
