"""Results as pages that people read."""

from fanfold.reporting.page import write_comparison, write_report
from fanfold.reporting.pdf import write_pdf
from fanfold.reporting.views import RunView, SweepView

__all__ = ["RunView", "SweepView", "write_comparison", "write_pdf", "write_report"]
