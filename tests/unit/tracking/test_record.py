"""Records are values: nothing here starts MLflow."""

import subprocess
import sys
from pathlib import Path

import pytest

from fanfold.errors import ConfigError
from fanfold.tracking import ChildRecord, JobRecord, environment, tracking_uri
from fanfold.tracking.record import flattened


def job(**values: object) -> JobRecord:
    return JobRecord(job="sweep", experiment="sma", name="a sweep", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "APCA-API-SECRET-KEY",
        "apiKey",
        "signingKey",
        "apikey",
        "auth_token",
        "accesstoken",
        "client secret",
        "db.password",
        "PASSWORD",
        "private_key",
    ],
)
def test_a_name_that_looks_like_a_secret_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="look like a secret") as params_error:
        job(params={name: "PK123"})
    with pytest.raises(ConfigError, match="look like a secret"):
        job(tags={name: "PK123"})
    with pytest.raises(ConfigError, match="look like a secret"):
        ChildRecord(name="best", params={name: "PK123"})
    assert "PK123" not in str(params_error.value)


def test_a_secret_is_seen_inside_nested_settings() -> None:
    with pytest.raises(ConfigError, match=r"broker\.0\.api_key"):
        job(params={"broker": [{"api_key": "PK123"}]})


@pytest.mark.parametrize("name", ["fast", "monkey", "keyboard", "tokenised", "market", "hockey"])
def test_an_ordinary_name_is_taken(name: str) -> None:
    assert job(params={name: 1}).params == {name: 1}


def test_nested_settings_become_dotted_names() -> None:
    nested = {"data": {"symbols": ["AAPL", "MSFT"]}, "steps": [{"size": 1}, {"size": 2}], "seed": 7}
    assert flattened(nested) == {
        "data.symbols": ["AAPL", "MSFT"],
        "steps.0.size": 1,
        "steps.1.size": 2,
        "seed": 7,
    }


def test_an_address_of_the_users_wins_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking_uri() == "http://127.0.0.1:5000"
    assert tracking_uri(tmp_path / "own") == f"sqlite:///{tmp_path}/own/mlflow.db"


def test_a_relative_database_becomes_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlruns/mlflow.db")
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlruns/mlflow.db"


def test_the_environment_names_versions_and_machine_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", "hidden-value")
    facts = environment(tmp_path)
    assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert int(facts["cpu_count"]) >= 1
    assert {"numpy_version", "numba_version", "platform"} <= facts.keys()
    assert "hidden-value" not in str(facts)
    assert "git_commit" not in facts
    assert job(tags=facts).tags == facts


def test_the_environment_names_the_commit_and_whether_files_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    facts = environment(tmp_path)
    assert facts["git_commit"] == git("rev-parse", "HEAD")
    assert facts["git_changed"] == "False"
    (tmp_path / "file").write_text("two")
    assert environment(tmp_path)["git_changed"] == "True"
