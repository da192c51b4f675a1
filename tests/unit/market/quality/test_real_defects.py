"""The defects that the real files are known to have are found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benchmarks.quality_data import read_group

from fanfold.market.quality import examine_bars

FOUND = [
    ("daily raw", "GOOG", "outlier", "2008-09-30"),  # low of 0.01, close of 294.57
    ("daily raw", "GOOG", "unadjusted_split", "2014-04-03"),  # shares given as a dividend
    ("daily raw", "EEM", "gap", "2003-08-15"),
    ("daily raw", "BNO", "zero_volume", "2010-08-03"),
    ("daily split", "SPLP", "zero_volume", "2012-10-10"),
    ("daily crypto", "BTCUSD.COINBASE", "gap", "2014-12-20"),  # 20 days from the 19th, UTC
    ("daily crypto", "BTCUSD.COINBASE", "outlier", "2015-01-15"),
    ("minutes", "AAPL", "unadjusted_split", "2014-06-09"),
]


@pytest.mark.parametrize("group", sorted({one[0] for one in FOUND}))
def test_known_defects_are_found(group: str, reference_data: Path) -> None:
    symbols = tuple(one[1] for one in FOUND if one[0] == group)
    findings = {
        (finding.symbol, finding.kind, str(np.datetime64(finding.ts, "ns"))[:10])
        for one in read_group(reference_data, group, symbols)
        for finding in examine_bars(one.rows, one.about).findings
    }
    assert {one[1:] for one in FOUND if one[0] == group} <= findings


def test_a_real_split_is_found_if_it_is_not_booked_and_only_then(reference_data: Path) -> None:
    (one,) = read_group(reference_data, "daily raw", ("USO",))
    booked = examine_bars(one.rows, one.about)
    assert "unadjusted_split" not in {finding.kind for finding in booked.findings}
    bare = examine_bars(one.rows, replace(one.about, actions=None))
    splits = [one for one in bare.findings if one.kind == "unadjusted_split"]
    assert [str(np.datetime64(one.ts, "ns"))[:10] for one in splits] == ["2020-04-29"]
    assert "1:8" in splits[0].detail
