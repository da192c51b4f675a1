"""What is kept back is read by no job, until it is opened: once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fanfold as ff
from fanfold.domain.bars import Bars
from fanfold.engine.options import FillOptions
from fanfold.errors import ConfigError
from fanfold.settings import Settings, check_settings, read_settings
from fanfold.strategies import SmaCross
from fanfold.workflows.close import start_job
from fanfold.workflows.folders import job_folder
from fanfold.workflows.holdout import keep_back, open_bars, study_name
from fanfold.workflows.inputs import bars_for, checked_bars
from fanfold.workflows.unseal import unseal_job

HOLDOUT = 100


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "ledger"
    monkeypatch.setenv("FANFOLD_LEDGER", str(folder))
    return folder


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    """Settings of a job, with some of them changed."""

    def settings(**changed: Any) -> Settings:
        content: dict[str, Any] = {
            "job": "walk_forward",
            "data": {"source": "sample", "symbols": ["AAPL"], "start": "2010-06-01"},
            "strategy": {
                "name": "SmaCross",
                "params": {"fast": {"between": [2, 8]}, "slow": {"between": [6, 20]}},
            },
            "search": {"sampler": "random", "trials": 6, "generation": 3},
            "walk_forward": {"train": 200, "test": 150, "holdout": HOLDOUT},
            "run": {"workers": 0, "seed": 3},
            "folder": str(tmp_path / "runs"),
        }
        return check_settings(content | changed, "a test")

    return settings


def finished(settings: Settings) -> Any:
    folder = job_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    return start_job(settings, folder)


def days(bars: Bars) -> list[str]:
    return np.datetime_as_string(bars.session_day.astype("M8[D]")).tolist()


def test_a_holdout_is_cut_off_before_anything_runs(asked: Any) -> None:
    settings = asked()
    whole = bars_for(settings)
    kept, seal = open_bars(settings)
    assert kept.bar_count == whole.bar_count - HOLDOUT
    assert days(kept) == days(whole)[:-HOLDOUT]
    assert kept.panel.tobytes() == whole.panel[:, :-HOLDOUT].tobytes()
    assert seal is not None
    assert (seal.first_day, seal.last_day) == (
        int(whole.session_day[-HOLDOUT]),
        int(whole.session_day[-1]),
    )


@pytest.mark.parametrize(
    ("stated", "left_out"),
    [(50, 50), (0.25, 0.25), ("2012-03-01", "2012-03-01"), (1, 1)],
)
def test_a_holdout_may_be_bars_a_share_or_a_date(asked: Any, stated: Any, left_out: Any) -> None:
    settings = asked(walk_forward={"train": 200, "test": 150, "holdout": stated})
    whole = bars_for(settings)
    kept = keep_back(whole, settings.walk_forward.holdout)
    first = np.datetime_as_string(np.datetime64(kept.first_day, "D"))
    if isinstance(left_out, str):
        assert first == left_out
        assert days(kept.bars)[-1] < left_out
    else:
        count = left_out if left_out >= 1 else round(left_out * whole.bar_count)
        assert whole.bar_count - kept.bars.bar_count == count
        assert first == days(whole)[-count]


@pytest.mark.parametrize(
    "stated", [0, -1, 0.0, 1.0, 2.5, 100_000, 1e-9, "1999-01-01", "2099-01-01"]
)
def test_a_holdout_that_leaves_nothing_is_refused(asked: Any, stated: Any) -> None:
    settings = asked(walk_forward={"train": 200, "test": 150, "holdout": stated})
    with pytest.raises(ConfigError, match=r"holdout must .* bars"):
        open_bars(settings)


def test_other_jobs_are_refused_while_it_is_sealed(asked: Any) -> None:
    settings = asked()
    name = study_name(settings)
    open_bars(settings)
    params = {"fast": 3, "slow": 9}
    for other in (
        asked(job="tune"),
        asked(job="cross_validate"),
        asked(job="walk_forward", walk_forward={"train": 200, "test": 150}),
        asked(job="sweep"),
        asked(job="backtest", strategy={"name": "SmaCross", "params": params}),
        asked(job="tune", data={"source": "sample", "symbols": ["MSFT", "AAPL"]}),
    ):
        with pytest.raises(ConfigError, match=f"AAPL must not be read from .* {name} has sealed"):
            finished(other)
    elsewhere = asked(job="tune", data={"source": "sample", "symbols": ["MSFT"]})
    assert open_bars(elsewhere)[1] is None
    end = days(bars_for(settings))[-HOLDOUT - 1]
    before = asked(job="tune", data={"source": "sample", "symbols": ["AAPL"], "end": end})
    assert days(checked_bars(before))[-1] == end


def test_the_same_job_may_run_again(asked: Any) -> None:
    first = finished(asked())
    again = finished(asked())
    assert again.result_hash == first.result_hash
    assert study_name(asked()) in "\n".join(again.lines)


def test_it_is_opened_once_with_what_was_chosen_before(asked: Any) -> None:
    settings = asked()
    finished(settings)
    name = study_name(settings)
    lines, content = unseal_job(name[:-2])
    (look,) = content["results"].values()
    assert content["study"] == name
    assert name in lines[0]
    whole = bars_for(settings)
    first = whole.bar_count - HOLDOUT - 1
    alone = ff.backtest(
        SmaCross(**look["params"]),
        whole,
        start_bar=first,
        options=FillOptions(close_at_end=True),
    )
    assert look["metrics"]["sharpe"] == alone.metrics["sharpe"]
    assert look["metrics"]["return_count"] == HOLDOUT
    json.dumps(content, allow_nan=False)


def test_the_choice_is_made_on_bars_before_it(asked: Any) -> None:
    settings = asked()
    finished(settings)
    kept, _ = open_bars(settings)
    walk = ff.walk_forward(
        SmaCross,
        kept,
        train=200,
        test=150,
        trials=6,
        generation=3,
        sampler="random",
        seed=3,
        space={"fast": (2, 8), "slow": (6, 20)},
        workers=0,
    )
    _, content = unseal_job(study_name(settings))
    assert content["results"]["SmaCross"]["params"] == walk.next_params


def test_a_second_look_is_refused_and_other_jobs_are_let_in(asked: Any) -> None:
    settings = asked()
    finished(settings)
    unseal_job(study_name(settings))
    with pytest.raises(ConfigError, match="a holdout must be opened once, AAPL from"):
        unseal_job(study_name(settings))
    after = checked_bars(asked(job="tune"))
    assert after.bar_count == bars_for(settings).bar_count
    assert open_bars(asked(job="tune"))[0].bar_count == after.bar_count


def test_a_study_that_has_sealed_nothing_cannot_be_opened(asked: Any) -> None:
    with pytest.raises(ConfigError, match=r"must name one sealed holdout, was 'nothing'; .* none"):
        unseal_job("nothing")
    open_bars(asked())
    with pytest.raises(ConfigError, match=f"known are {study_name(asked())}"):
        unseal_job("nothing")


def test_two_studies_must_be_named_clearly(asked: Any) -> None:
    open_bars(asked())
    other = asked(data={"source": "sample", "symbols": ["MSFT"], "start": "2010-06-01"})
    open_bars(other)
    with pytest.raises(ConfigError, match="must name one sealed holdout, was 'walk_forward'"):
        unseal_job("walk_forward")


def test_a_shorter_holdout_of_another_study_reads_nothing_sealed(asked: Any) -> None:
    open_bars(asked())
    for other in (
        asked(walk_forward={"train": 200, "test": 150, "holdout": 2}),
        asked(job="walk_forward", walk_forward={"train": 100, "test": 150, "holdout": 50}),
    ):
        with pytest.raises(ConfigError, match="AAPL must not be read from"):
            open_bars(other)


def test_one_holdout_is_not_opened_twice_under_two_names(asked: Any) -> None:
    first, renamed = asked(), asked(track={"experiment": "renamed"})
    finished(first)
    finished(renamed)
    unseal_job(study_name(first))
    with pytest.raises(ConfigError, match="opened"):
        unseal_job(study_name(renamed))


def test_an_empty_name_opens_nothing(asked: Any) -> None:
    finished(asked())
    with pytest.raises(ConfigError, match="must name one sealed holdout"):
        unseal_job("")


@pytest.mark.parametrize("gap", [5, "10d", "12h", "90min"])
def test_gaps_of_time_survive_being_stored(asked: Any, gap: Any) -> None:
    walk = {"train": 200, "test": 150, "holdout": HOLDOUT, "purge": gap}
    settings = asked(walk_forward=walk)
    stored = json.loads(json.dumps(settings.model_dump(mode="json")))
    assert check_settings(stored, "a seal") == settings
    assert study_name(check_settings(stored, "a seal")) == study_name(settings)


def test_a_study_with_a_gap_of_time_can_be_opened(asked: Any) -> None:
    walk = {"train": 200, "test": 150, "holdout": HOLDOUT, "purge": "10d"}
    settings = asked(walk_forward=walk)
    finished(settings)
    _, content = unseal_job(study_name(settings))
    assert content["status"] == "ok"


YAML = """
job: walk_forward
data: {source: sample, symbols: [AAPL]}
strategy: {name: SmaCross, params: {}}
"""


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ("walk_forward: {trains: 5}", "walk_forward.trains is not a setting, did you mean 'train'"),
        ("searches: {trials: 5}", "searches is not a setting, did you mean 'search'"),
        ("search: {sampler: tep}", "search.sampler .*'tpe'.*was 'tep'"),
        ("search: {pruner: medain}", "search.pruner .*was 'medain'"),
        ("search: {trials: 0}", "search.trials .*greater than or equal to 1, was 0"),
        ("search: {objectives: []}", "search.objectives"),
        (
            "search: {storage: 'postgresql://me:secret@host/n'}",
            "search.storage storage must carry no password",
        ),
        ("walk_forward: {train: 1}", "walk_forward.train .*greater than or equal to 2, was 1"),
        ("walk_forward: {purge: 10 days}", "walk_forward.purge must be bars, or a time such as 5d"),
        ("walk_forward: {purge: 1.5}", "walk_forward.purge"),
        ("cross_validation: {embargo: 5x}", "cross_validation.embargo must be bars, or a time"),
        ("cross_validation: {groups: 1}", "cross_validation.groups .*was 1"),
        ("cross_validation: {group: 5}", "not a setting, did you mean 'groups'"),
        ("walk_forward: {holdout: soon}", "walk_forward.holdout"),
    ],
)
def test_settings_that_cannot_be_are_named_with_what_they_were(
    more: str, text: str, tmp_path: Path
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(YAML + more)
    with pytest.raises(ConfigError, match=text) as caught:
        read_settings(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_password_is_not_told_when_it_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(YAML + "search: {storage: 'postgresql://me:secret@host/n'}")
    with pytest.raises(ConfigError) as caught:
        read_settings(file)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["tune", "walk_forward", "cross_validation", "study"])
def test_the_shipped_configurations_are_read(name: str) -> None:
    repo = Path(__file__).parents[3]
    settings = read_settings(repo / "configs" / f"{name}.yaml")
    assert check_settings(json.loads(settings.model_dump_json()), name) == settings
