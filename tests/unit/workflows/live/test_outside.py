"""What cannot be run on bars from outside is refused by `live up --check`, in one line."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner
from tests.fakes.panels import wild_bars

from fanfold.cli import main
from fanfold.domain.decision import decision
from fanfold.engine.backtest import terms_of
from fanfold.errors import ConfigError
from fanfold.risk.limits import Limits
from fanfold.strategies import Strategy
from fanfold.strategies.indicators import Column, Indicator
from fanfold.workflows.live.outside import check_reach

CONFIG = Path(__file__).parents[4] / "configs" / "live_paper.yaml"
HERE = "tests.unit.workflows.live.test_outside"


@decision
def hold(assets: Any, portfolio: Any, memory: Any) -> None:
    """Want nothing."""
    for asset in assets:
        asset.target = 0.0


class Computes(Strategy):
    """Brings columns of its own."""

    decide: ClassVar[Any] = hold

    def columns(self, bars: Any) -> Any:
        return {"mean": bars.close}


class Reads(Strategy):
    """Reads a further column."""

    decide: ClassVar[Any] = hold

    def features(self) -> tuple[Indicator, ...]:
        return (Column("mean"),)


@pytest.mark.parametrize(
    ("limits", "least"), [({"max_daily_volume_share": 0.1}, 2), ({"max_var": 0.02}, 4)]
)
def test_a_past_must_hold_the_sessions_that_limits_ask(limits: dict[str, Any], least: int) -> None:
    terms = terms_of(limits=Limits(**limits))
    check_reach(terms, wild_bars(1, 3 * least, 1, session_bars=3))
    check_reach(terms_of(), wild_bars(1, 3, 1, session_bars=3))
    with pytest.raises(ConfigError, match=f"whole sessions for limits.{next(iter(limits))}"):
        check_reach(terms, wild_bars(1, 3 * least - 3, 1, session_bars=3))


def check(*changes: str) -> Any:
    given = [part for change in changes for part in ("--set", change)]
    return CliRunner().invoke(main, ["live", "up", str(CONFIG), "--check", *given])


def test_the_shipped_file_passes() -> None:
    assert check().exit_code == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["options.size_at=fill"], "options.size_at must be 'decision'"),
        ([f"strategy={{name: {HERE}:Computes}}"], "Computes computes columns"),
        ([f"strategy={{name: {HERE}:Reads}}"], "reads a further column"),
        (["limits={max_sector: 0.5, sectors: {AAPL: tech}}"], "missing: MSFT"),
        (["options.time_in_force=gtc", "options.fractional=true"], "options.time_in_force must"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(changes: list[str], said: str) -> None:
    found = check(*changes)
    assert found.exit_code == 2
    assert said in found.output
    assert len(found.output.strip().splitlines()) == 1
