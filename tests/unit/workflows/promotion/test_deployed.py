"""Another version in a deployment's place: which may take it, and what is exchanged for it."""

from pathlib import Path

import pytest
from tests.fakes.promotion import deployed, live_job, noted, sample_days

from fanfold.errors import ConfigError
from fanfold.live.folder import Folder
from fanfold.live.plan import read_plan
from fanfold.workflows.promotion import deployed as exchange
from fanfold.workflows.promotion.deployed import chosen

NOW, OTHER = {"fast": 5, "slow": 50}, {"fast": 3, "slow": 20}


def running(home: Path) -> Folder:
    bars = sample_days(end="2012-03-30")
    return deployed(home / "live", live_job(strategy__params=NOW), bars)


def test_a_measured_version_of_the_same_symbols_may_take_the_place(home: Path) -> None:
    folder = running(home)
    name = noted(live_job("elsewhere", strategy__params=OTHER))
    found, job = chosen(folder, read_plan(folder), name[:6])
    assert found == name
    assert (job.deployment, job.strategy.params) == ("trial", OTHER)
    assert job.live.execution.start == "adopt_backtest_target"


@pytest.mark.parametrize(
    ("job", "why"),
    [
        (live_job(strategy__params=NOW), "must be another than trial runs"),
        (live_job(data__symbols=["AAPL", "IBM"]), "must trade the symbols of trial, AAPL, MSFT"),
    ],
)
def test_others_are_refused_by_name(home: Path, job: object, why: str) -> None:
    folder = running(home)
    name = noted(job)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=why):
        chosen(folder, read_plan(folder), name)


def test_an_unknown_version_is_told(home: Path) -> None:
    folder = running(home)
    with pytest.raises(ConfigError, match="0123456789ab"):
        chosen(folder, read_plan(folder), "0123456789ab")


def test_one_that_is_down_stays_down_without_its_plan(home: Path) -> None:
    folder, said = running(home), list[str]()
    plan = folder.plan.read_bytes()
    name = noted(live_job(strategy__params=OTHER))
    done = exchange(folder, name, "me", said.append)
    assert (done["status"], done["version"], done["runs"]) == ("deployed", name, False)
    assert done["params"] == OTHER
    assert not folder.plan.exists()
    assert (Path(done["aside"]) / "plan.json").read_bytes() == plan
    assert any("stays down" in line for line in said)
