"""The way back: which version it leads to, what is exchanged for it, and what goes on."""

from pathlib import Path

import pytest
from tests.fakes.promotion import deployed, live_job, noted, rehearsed, sample_days

from fanfold.errors import ConfigError, DataError
from fanfold.live.execution.journal import Journal
from fanfold.live.folder import Folder
from fanfold.live.messages import ApprovedOrder
from fanfold.live.plan import read_plan, write_plan
from fanfold.live.risk.keeper import Keeper, Kept
from fanfold.live.signal.restart import warmed
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.numbers import last_number
from fanfold.workflows.promotion.rollback import job_before, put_aside, take_back
from fanfold.workflows.versions.store import ROLL_BACK
from fanfold.workflows.versions.version import version_of

A, B, C = {"fast": 2, "slow": 5}, {"fast": 3, "slow": 20}, {"fast": 5, "slow": 50}


def job_with(params: dict[str, int]) -> LiveJob:
    return live_job(strategy__params=params)


def running(home: Path, params: dict[str, int] = C) -> Folder:
    job = live_job(strategy__params=params, live__execution={"start": "flat_until_target_changes"})
    return deployed(home / "live", job, sample_days(end="2012-03-30"))


def before(folder: Folder) -> dict[str, int]:
    found = job_before(folder, read_plan(folder))
    assert found.deployment == "trial"
    return {name: found.strategy.params[name] for name in ("fast", "slow")}


def test_it_leads_to_the_version_that_was_promoted_before(home: Path) -> None:
    folder = running(home)
    for at, params in enumerate((A, B, C)):
        noted(job_with(params), at=at)
    assert before(folder) == B
    noted(job_with(B), at=4, what=ROLL_BACK)
    assert before(folder) == A


def test_promotions_of_other_deployments_do_not_count(home: Path) -> None:
    folder = running(home)
    noted(job_with(A))
    noted(job_with(B), at=2, deployment="another")
    assert before(folder) == A


def test_without_promotions_it_leads_to_what_ran_before(home: Path) -> None:
    folder = running(home, A)
    put_aside(folder)
    write_plan(folder, read_plan(running(home, B)))
    assert before(folder) == A


def test_a_deployment_that_was_begun_anew_has_its_past_beside_it(home: Path) -> None:
    folder = running(home, A)
    aside = home / "live" / "aside" / "trial-1700000000000000000"
    aside.parent.mkdir()
    folder.path.rename(aside)
    assert before(running(home, B)) == A


def test_without_any_it_says_so(home: Path) -> None:
    with pytest.raises(ConfigError, match="there must be a version of trial before this one"):
        job_before(running(home), read_plan(Folder(home / "live" / "trial")))


def test_the_former_version_takes_over_account_and_hosts_and_what_is_held(home: Path) -> None:
    folder = running(home)
    plan = read_plan(folder)
    cheap = {**plan.job, "account": {**plan.job["account"], "cash": 5_000.0}}
    write_plan(folder, plan.model_copy(update={"job": cheap}))
    noted(job_with(A))
    found = job_before(folder, read_plan(folder))
    assert found.account.cash == 5_000.0
    assert found.live.execution.start == "adopt_backtest_target"
    assert version_of(found).line == version_of(live_job(strategy__params=A)).line


def test_what_is_of_the_version_is_put_aside_and_can_be_taken_back(home: Path) -> None:
    folder = rehearsed(home / "live", live_job())
    Keeper(folder).load()
    (folder.snapshots / "risk.json").write_bytes(b"{}")
    (folder.halts / "kill").touch()
    plan, tapes = folder.plan.read_bytes(), sorted(one.name for one in folder.tapes.iterdir())
    aside = put_aside(folder)
    assert not folder.plan.exists()
    assert (folder.snapshots / "risk.json").exists()  # losses are measured on
    assert (folder.halts / "kill").exists()
    assert not list(folder.snapshots.glob("signal-*"))
    assert (aside / "plan.json").read_bytes() == plan
    folder.make()
    folder.plan.write_text("of the version that did not come up")
    take_back(folder, aside)
    assert folder.plan.read_bytes() == plan
    assert sorted(one.name for one in folder.tapes.iterdir()) == tapes


def test_numbers_go_on_from_the_highest_that_execution_or_risk_knows(home: Path) -> None:
    folder = running(home)
    assert last_number(folder) == 0
    keeper = Keeper(folder)
    keeper.keep(Kept(last_number=7), 0)
    keeper.close()
    assert last_number(folder) == 7
    journal = Journal.opened(folder.journal, account="PA1", deployment="trial", tag="abc")
    journal.approved(_approval(12))
    journal.close()
    assert last_number(folder) == 12
    plan = read_plan(folder).model_copy(update={"numbered_from": 12})
    assert warmed(plan, folder).gauges["intent"] == 12


def test_numbers_that_cannot_be_read_are_not_begun_anew(home: Path) -> None:
    folder = running(home)
    (folder.snapshots / "risk.json").write_bytes(b"not JSON")
    with pytest.raises(DataError, match="must be readable for its numbers"):
        last_number(folder)


def _approval(number: int) -> ApprovedOrder:
    nan = float("nan")
    return ApprovedOrder(number, 1, 0, 1, 1, nan, nan, nan, nan, 10.0, False, 1, 1)  # noqa: FBT003
