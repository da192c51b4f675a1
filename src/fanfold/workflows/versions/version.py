"""What a strategy version is: all that decides, as one short name."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from fanfold.errors import FanfoldError

if TYPE_CHECKING:
    from fanfold.live.plan import Plan
    from fanfold.settings.live import LiveJob
    from fanfold.strategies.strategy import Strategy

NAME_LENGTH: Final = 12
"""Letters of a version's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A strategy as it was tested.

    Two versions of one `line` trade alike; they differ in what they were tested on only.

    Attributes:
        code: Hash of the decision.
        strategy: Its name.
        params: All of its parameters.
        setup: Hash of what else decides: symbols, clock, limits, sizing, leverage, model.
        costs: Hash of costs and fill options.
        data: Fingerprint of the bars that it was tested on.
        seed: Of all that was drawn.
    """

    code: str
    strategy: str
    params: Mapping[str, Any]
    setup: str
    costs: str
    data: str = ""
    seed: int = 0

    @property
    def line(self) -> str:
        """Name of what trades, whatever it was tested on."""
        return short_hash([self.code, self.strategy, dict(self.params), self.setup, self.costs])

    @property
    def id(self) -> str:
        """Its name."""
        return short_hash([self.line, self.data, self.seed])

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"params": dict(self.params)}


def version_of(job: "LiveJob", *, data: str = "", seed: int = 0) -> Version:
    """The version that a live job is, by the code that is installed.

    Args:
        job: It.
        data: Fingerprint of the bars that it is tested on.
        seed: Of all that is drawn.

    Raises:
        ConfigError: The strategy is unknown, or a parameter is not what it must be.
        LanguageError: Its decision cannot be compiled.
    """
    from fanfold.engine.spec import code_hash

    strategy = strategy_of(job)
    return Version(
        code=code_hash(strategy),
        strategy=job.strategy.name,
        params=strategy.model_dump(mode="json"),
        setup=_setup_of(job),
        costs=short_hash([job.costs.model_dump(mode="json"), job.options.model_dump(mode="json")]),
        data=data,
        seed=seed,
    )


def strategy_of(job: "LiveJob") -> "Strategy":
    """What a job's strategy is, before it has learned anything.

    Raises:
        ConfigError: It is unknown, or a parameter is not what it must be.
    """
    from fanfold.workflows.strategies import find_strategy, made

    return made(find_strategy(job.strategy.name), job.strategy.params)


def line_of(plan: "Plan") -> str:
    """The line of what a deployment runs; "" where that is not installed any more.

    It goes by the code that the plan was made with, whatever is installed now.
    """
    from dataclasses import replace

    try:
        return replace(version_of(job_of(plan)), code=plan.code_hash).line
    except FanfoldError:
        return ""


def job_of(plan: "Plan") -> "LiveJob":
    """The job that a plan was made from, with the settings that it has now.

    Raises:
        ConfigError: It is none of this fanfold.
    """
    from fanfold.settings import check_settings
    from fanfold.settings.live import LiveJob

    content = {**plan.job, "live": plan.settings.model_dump(mode="json")}
    return check_settings(content, f"the plan of {plan.deployment}", LiveJob)


def short_hash(content: Any) -> str:
    """A name for plain values."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:NAME_LENGTH]


def _setup_of(job: "LiveJob") -> str:
    market = job.live.market
    return short_hash(
        {
            "symbols": job.data.symbols,
            "clock": [market.clock, market.bar_seconds],
            "account": [job.account.leverage, job.account.venue],
            "limits": job.limits.as_dict(),
            "sizing": job.sizing.model_dump(mode="json"),
            "model": job.model,
        }
    )
