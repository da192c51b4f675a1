"""What a version is, and what makes another one of it."""

from pathlib import Path

import pytest
from tests.fakes.promotion import deployed, live_job, sample_days

from fanfold.live.plan import read_plan
from fanfold.workflows.versions.version import line_of, version_of


def test_equal_jobs_are_one_version_whatever_they_are_called_and_where_they_run() -> None:
    one, other = live_job("one"), live_job("other", live__host__hosts="processes")
    assert version_of(one) == version_of(other)
    assert version_of(one).id == version_of(other).id
    assert version_of(live_job(account__cash=5_000)).id == version_of(one).id


@pytest.mark.parametrize(
    "changed",
    [
        {"strategy__params": {"fast": 3, "slow": 5}},
        {"costs": {"commission_bps": 3}},
        {"options": {"fractional": True}},
        {"limits": {"max_drawdown": 0.2}},
        {"account__leverage": 2.0},
        {"data__symbols": ["MSFT", "AAPL"]},
        {"live__market": {"bar_seconds": 60}},
    ],
)
def test_whatever_decides_makes_another_version(changed: dict[str, object]) -> None:
    assert version_of(live_job(**changed)).line != version_of(live_job()).line


def test_data_and_seed_make_another_version_of_the_same_line() -> None:
    made = [
        version_of(live_job(), data=data, seed=seed)
        for data, seed in (("a", 1), ("b", 1), ("a", 2))
    ]
    assert len({one.id for one in made}) == 3
    assert len({one.line for one in made}) == 1


def test_parameters_that_are_left_out_count_as_they_are() -> None:
    stated = live_job(strategy__params={"fast": 20, "slow": 50})
    assert version_of(stated).params["fast"] == 20
    assert set(version_of(stated).params) >= {"fast", "slow"}


def test_a_plan_is_of_the_line_of_its_job(tmp_path: Path) -> None:
    job = live_job()
    folder = deployed(tmp_path, job, sample_days(end="2012-03-30"))
    plan = read_plan(folder)
    assert line_of(plan) == version_of(job).line
    other_code = plan.model_copy(update={"code_hash": "0" * 64})
    assert line_of(other_code) not in {"", version_of(job).line}
    assert line_of(plan.model_copy(update={"job": {}})) == ""
