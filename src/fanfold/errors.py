"""Everything fanfold raises on purpose.

    FanfoldError
    ├── InputError            the caller can mend it: exit code 2
    │   ├── ConfigError       a setting, a parameter or an argument
    │   ├── DataError         bars, frames, stores, files
    │   └── LanguageError     code outside the compiled subset
    └── RunError              it was well asked and still failed: exit code 1
        ├── StrategyError     a decision raised, or wrote what cannot be a target
        ├── WarmUpError       a study was begun before its largest warm-up was known
        ├── SourceError       a source of market data could not be reached, or failed
        ├── LiveError         a deployment, its broker or its record failed
        └── JobError          a cluster, a tracking store or a report failed

Each takes one message, so that its type survives the way through Ray. The text
says what must hold, then what it was.
"""


class FanfoldError(Exception):
    """Root of every error that fanfold raises on purpose."""


class InputError(FanfoldError):
    """The input is at fault and the caller can mend it."""


class ConfigError(InputError):
    """A setting, a parameter or an argument is not what it must be."""


class DataError(InputError):
    """Bars, a frame, a store or a file are not what they must be."""


class LanguageError(InputError):
    """A compiled function uses what compiled and plain Python do differently."""


class RunError(FanfoldError):
    """The input was in order and the run failed all the same."""


class StrategyError(RunError):
    """A strategy's decision raised, or wrote a target that cannot be traded."""


class WarmUpError(RunError):
    """A combination needs more bars to warm up than its study was begun with."""


class SourceError(RunError):
    """A source of market data could not be reached, or failed in spite of retries."""


class JobError(RunError):
    """A cluster, a tracking store or a report could not do its part."""


class LiveError(RunError):
    """A deployment could not be brought up, watched or stopped, or its record is damaged."""
