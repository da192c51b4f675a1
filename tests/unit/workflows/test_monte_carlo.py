"""The job that asks what may come: every part is told, and one that fails costs no other."""

import json
from pathlib import Path
from typing import Any

import pytest

import fanfold as ff
from fanfold.errors import ConfigError
from fanfold.research.retuned import Retune
from fanfold.research.space import space_of
from fanfold.settings import Settings, check_settings
from fanfold.strategies import SmaCross
from fanfold.workflows import close as close_module
from fanfold.workflows import monte_carlo as monte_carlo_module
from fanfold.workflows.close import run_job
from fanfold.workflows.inputs import bars_for
from fanfold.workflows.job import Closed, Finished
from fanfold.workflows.monte_carlo import monte_carlo_job

DATA = {
    "source": "sample",
    "symbols": ["AAPL", "IBM"],
    "start": "2008-01-02",
    "end": "2008-12-31",
    "basis": "total_return",
}
CROSS = SmaCross(fast=5, slow=20)
SMALL = {"models": ["gbm"], "paths": 300, "bars": 20, "histories": 6}
SHORT = {"window": 60, "levels": [0.95], "methods": ["historical"]}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FANFOLD_LEDGER", raising=False)


def settings_of(own: dict[str, Any] | None = None, **changed: Any) -> Settings:
    content: dict[str, Any] = {
        "job": "monte_carlo",
        "data": DATA,
        "strategy": {"name": "SmaCross", "params": CROSS.model_dump()},
        "value_at_risk": SHORT,
        "run": {"workers": 0},
        "track": {"enabled": False},
        "report": {"html": False},
    }
    return check_settings({**content, "monte_carlo": SMALL | (own or {}), **changed}, "job")


def finished(own: dict[str, Any] | None = None, **changed: Any) -> Finished:
    return monte_carlo_job(settings_of(own, **changed), Path())


def closed(own: dict[str, Any] | None = None, **changed: Any) -> tuple[Closed, list[str]]:
    """The job through to its end, and what was said beside the result."""
    said: list[str] = []
    settings = settings_of(own, **changed)
    return run_job(settings, lambda _: None, said.append), said


def figures(job: Finished) -> dict[str, Any]:
    return json.loads(job.artifacts[0].read_text(encoding="utf-8"))


def test_a_job_tells_all_parts_and_keeps_them_in_files() -> None:
    job = finished()
    assert job.status == "ok"
    assert job.problems == ()
    assert [file.name for file in job.artifacts] == ["risk.json", "histories.parquet"]
    assert figures(job).keys() == {
        "strategy",
        "models",
        "histories",
        "sizing",
        "value_at_risk",
        "round_trips",
        "stress",
    }
    text = "\n".join(job.lines)
    for words in ("the next 20 sessions", "6 histories of", "shuffle test", "the strategy in"):
        assert words in text
    assert {"sharpe", "gbm_value_at_risk_95", "simulated_sharpe_p_value"} <= job.metrics.keys()


def test_equal_jobs_have_equal_hashes_and_another_seed_another() -> None:
    here = finished().result_hash
    assert finished().result_hash == here
    assert finished(run={"workers": 0, "seed": 1}).result_hash != here


def test_the_hash_covers_what_was_found_and_what_was_run() -> None:
    hashes = {
        finished(own).result_hash
        for own in (None, {"paths": 301}, {"histories": 5}, {"fractions": [0.3]})
    }
    assert len(hashes) == 4
    assert finished(account={"cash": 50_000}).result_hash not in hashes


def test_histories_of_a_job_are_those_of_the_call() -> None:
    settings = settings_of({"retune": 3, "space": {"fast": {"range": [4, 9]}}, "prices": "gbm"})
    told = figures(monte_carlo_job(settings, Path()))["histories"]
    search = Retune(
        trial_count=3, space=space_of(SmaCross, {"fast": range(4, 9)}, {"slow": CROSS.slow})
    )
    bars = bars_for(settings)
    alone = ff.monte_carlo(CROSS, bars, histories=6, prices="gbm", retune=search, workers=0)
    assert told["hash"] == alone.hash
    assert told["params"] == alone.real_params
    assert told["selection"] == "re-tuned on every path, 3 trials by sharpe"


def test_without_histories_none_are_run() -> None:
    job = finished({"histories": 0})
    assert "histories" not in figures(job)
    assert [file.name for file in job.artifacts] == ["risk.json"]
    assert not Path("histories").exists()


def test_a_part_that_fails_is_a_line_and_exit_code_1_with_everything_else_there() -> None:
    whole, nothing = closed()
    job, said = closed(value_at_risk=SHORT | {"window": 5_000})
    assert (whole.status, nothing) == ("ok", [])
    assert job.status == "incomplete"
    (line,) = said
    assert line.startswith("forecasts: ")
    assert "5000" in line.replace(",", "")
    assert job.metrics == whole.metrics
    told = json.loads(Path(job.artifacts[0]).read_text(encoding="utf-8"))
    assert "value_at_risk" not in told
    assert {"models", "histories", "sizing", "round_trips", "stress"} <= told.keys()


def test_parts_that_fail_together_are_told_one_by_one() -> None:
    _, said = closed(
        {"prices": "regimes", "fractions": [1_000.0]},
        data=DATA | {"end": "2008-05-01"},
        value_at_risk=SHORT | {"window": 5_000},
        stress={"positions": {"XXX": 1.0}},
    )
    assert [line.partition(":")[0] for line in said] == [
        "simulated prices",
        "forecasts",
        "stress",
        "sizing",
    ]


def test_models_that_cannot_be_fitted_are_no_problem_of_the_job() -> None:
    job = finished({"models": ["heston", "gbm"]})
    assert job.problems == ()
    told = figures(job)
    assert list(told["models"]) == ["gbm"]
    assert "heston" in told["not_fitted"]
    assert any(line.startswith("  heston: not fitted, ") for line in job.lines)


def test_without_any_model_there_is_no_size_to_tell() -> None:
    job = finished({"models": ["heston"]})
    assert job.problems == ()
    assert {"models", "sizing"}.isdisjoint(figures(job))


def test_holding_looks_at_the_assets_themselves() -> None:
    job = finished({"of": "holding", "models": ["gbm"]})
    parameters = figures(job)["models"]["gbm"]["parameters"]
    assert len(parameters["volatility"]) == 2
    assert len(figures(job)["sizing"][0]["weights"]) == 2
    # The strategy's own sessions are forecast all the same.
    assert figures(job)["value_at_risk"] == figures(finished())["value_at_risk"]


def test_the_run_is_one_trial_and_its_histories_are_none() -> None:
    from fanfold.tracking import counted_trials

    settings = settings_of()
    monte_carlo_job(settings, Path())
    bars = bars_for(settings)
    days = bars.session_day
    code = ff.backtest(CROSS, bars).code_hash
    counted = counted_trials(
        codes=[code],
        families=[],
        symbols=bars.symbols,
        first_day=int(days[0]),
        last_day=int(days[-1]),
    )
    assert counted.count == 1


@pytest.mark.parametrize(
    ("own", "changed", "message"),
    [
        ({"space": {"fast": {"range": [4, 9]}}}, {}, "is what `retune` searches"),
        ({"retune": 3, "space": {"fsat": {"range": [4, 9]}}}, {}, "did you mean 'fast'"),
        ({}, {"stress": {"windows": ["Lehmann"]}}, "window must be one of"),
        ({}, {"objective": "luck"}, "objective must be one of"),
        ({}, {"strategy": {"name": "SmaCros"}}, "did you mean 'SmaCross'"),
        ({}, {"strategy": {"name": "SmaCross", "params": {"fats": 3}}}, "fats"),
    ],
)
def test_what_is_stated_wrongly_is_said_before_the_work(
    own: dict[str, Any], changed: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(monte_carlo_module, "run_backtest", never)
    with pytest.raises(ConfigError, match=message):
        finished(own, **changed)


def test_both_jobs_are_found_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for job in ("monte_carlo", "stress"):
        monkeypatch.setattr(f"fanfold.workflows.{job}.{job}_job", lambda settings, _: settings.job)
        assert close_module.start_job(settings_of(job=job), Path()) == job
