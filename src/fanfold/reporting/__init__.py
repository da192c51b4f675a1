"""Results as pages that people read."""

from fanfold.reporting.page import write_comparison, write_explorer, write_report
from fanfold.reporting.pdf import write_pdf
from fanfold.reporting.risk_views import ForecastView, HorizonView, RiskView
from fanfold.reporting.study_views import EvidenceView, FoldsView, StudyView
from fanfold.reporting.views import RunView, SweepView

__all__ = [
    "EvidenceView",
    "FoldsView",
    "ForecastView",
    "HorizonView",
    "RiskView",
    "RunView",
    "StudyView",
    "SweepView",
    "write_comparison",
    "write_explorer",
    "write_pdf",
    "write_report",
]
