"""A report for a friend: one HTML file that opens anywhere, and a PDF where Chromium is there.

    python examples/report_for_a_friend.py FOLDER

The file holds everything that it shows, so it can be sent by mail and read without a network.
For a run that a job has stored, `fanfold report RUN --pdf` does the same.
"""

import sys
from pathlib import Path

import fanfold as ff
from fanfold.errors import JobError
from fanfold.strategies import DonchianBreakout

if len(sys.argv) != 2:
    sys.exit("say where the report should go: python report_for_a_friend.py FOLDER")
page = Path(sys.argv[1]) / "report.html"

bars = ff.load_bars("sample")
costs = ff.Costs(commission_bps=1, slippage_bps=5)
result = ff.backtest(DonchianBreakout(entry_period=40, exit_period=20), bars, costs=costs)

# A report tells what it was made from, and what its reader must not forget. For that the same
# strategy is run again on worse terms: at twice the cost, one bar later, up to its break-even.
title = "New highs, with a stop"
notes = ["Made for a friend as an example; nobody trades this."]
try:
    ff.report(result, page, title=title, notes=notes, pdf=True)
    print(f"PDF:    {page.with_suffix('.pdf')}")
except JobError as error:  # most machines have no Chromium; the page itself needs none
    ff.report(result, page, title=title, notes=notes)
    print(f"No PDF: {error}")
print(f"Report: {page} ({page.stat().st_size / 1e6:.1f} MB, opens without a network)")

metrics = result.metrics
print(
    f"\nIn short: {metrics['cagr']:.1%} a year, Sharpe {metrics['sharpe']:.2f}, once down by "
    f"{metrics['max_drawdown']:.0%}, in {metrics['round_trip_count']:.0f} round trips."
)
