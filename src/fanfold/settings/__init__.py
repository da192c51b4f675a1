"""Every setting of a job, as one tree; YAML files mirror it.

Configuration lives beside what it configures; here it is only put together, read
and, where it is wrong, explained by file, field and value.
"""

from fanfold.settings.ingest import IngestSettings
from fanfold.settings.read import CONFIG_BYTES_MAX, check_settings, read_settings
from fanfold.settings.risk import MonteCarloSettings, StressSettings, ValueAtRiskSettings
from fanfold.settings.searching import (
    CrossValidationSettings,
    SearchSettings,
    WalkForwardSettings,
)
from fanfold.settings.sections import (
    AccountSettings,
    DataSettings,
    ReportSettings,
    RunSettings,
    StrategySettings,
    TrackSettings,
)
from fanfold.settings.tree import INGEST, MANY, Settings

__all__ = [
    "CONFIG_BYTES_MAX",
    "INGEST",
    "MANY",
    "AccountSettings",
    "CrossValidationSettings",
    "DataSettings",
    "IngestSettings",
    "MonteCarloSettings",
    "ReportSettings",
    "RunSettings",
    "SearchSettings",
    "Settings",
    "StrategySettings",
    "StressSettings",
    "TrackSettings",
    "ValueAtRiskSettings",
    "WalkForwardSettings",
    "check_settings",
    "read_settings",
]
