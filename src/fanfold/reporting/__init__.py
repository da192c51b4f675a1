"""Results as pages that people read."""

from fanfold.reporting.page import write_report
from fanfold.reporting.views import RunView, SweepView

__all__ = ["RunView", "SweepView", "write_report"]
