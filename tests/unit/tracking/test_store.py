"""How the store is written, seen by a stand-in for MLflow's client."""

from types import SimpleNamespace
from typing import Any

import pytest

from fanfold.tracking.store import _experiment_id

URI = "sqlite:////runs/mlflow.db"


class Experiments:
    """Experiments of a store to which another process may write between two calls."""

    def __init__(self, theirs: str | None) -> None:
        self.theirs = theirs
        self.known: dict[str, str] = {}
        self.asked: dict[str, Any] = {}

    def get_experiment_by_name(self, name: str) -> Any:
        found = self.known.get(name)
        return None if found is None else SimpleNamespace(experiment_id=found)

    def create_experiment(self, name: str, **asked: Any) -> str:
        self.asked = asked
        if self.theirs is not None:
            self.known[name] = self.theirs
            raise ValueError("experiment exists")
        return "ours"


def test_an_experiment_that_another_process_made_meanwhile_is_taken() -> None:
    assert _experiment_id(Experiments(theirs="theirs"), "sma", URI) == "theirs"


def test_an_experiment_that_cannot_be_made_is_an_error() -> None:
    client = Experiments(theirs="theirs")
    client.get_experiment_by_name = lambda _name: None
    with pytest.raises(ValueError, match="experiment exists"):
        _experiment_id(client, "sma", URI)


def test_artifacts_lie_beside_a_local_database_and_where_a_server_puts_them() -> None:
    local, remote = Experiments(theirs=None), Experiments(theirs=None)
    assert _experiment_id(local, "sma", URI) == "ours"
    assert local.asked == {"artifact_location": "file:///runs/artifacts"}
    _experiment_id(remote, "sma", "http://127.0.0.1:5000")
    assert remote.asked == {}
