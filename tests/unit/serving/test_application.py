"""What a replica does with its keeper, whatever that keeps."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakes.venue_process import eventually

from fanfold.errors import LiveError
from fanfold.serving import application
from fanfold.serving.application import Keeper, Replica


class Rounds:
    """A keeper whose rounds fail as told, and which counts them."""

    def __init__(self, *fails: Exception) -> None:
        self.count = 0
        self._fails = list(fails)
        self.may_end = threading.Event()
        self.may_end.set()

    def app(self) -> Any:
        return "the app"

    def round(self) -> None:
        self.may_end.wait()
        self.count += 1
        if self._fails:
            raise self._fails.pop(0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(get_replica_context=lambda: SimpleNamespace(app_name="live"))
    monkeypatch.setattr(application, "_serve", lambda: context)
    monkeypatch.setattr(application, "ROUND_S", 0.001)


def replica_of(keeper: Keeper) -> Replica:
    asked: list[tuple[dict[str, Any], str]] = []

    def opens(arguments: dict[str, Any], name: str) -> Keeper:
        asked.append((arguments, name))
        return keeper

    made = Replica(opens, {"deployment": "demo"})
    assert asked == [({"deployment": "demo"}, "live")]
    return made


def test_rounds_go_on_whatever_fails_in_one() -> None:
    keeper = Rounds(LiveError("not yet"), LiveError("not yet"), RuntimeError("Ray's own"))
    replica = replica_of(keeper)
    assert replica.__serve_build_asgi_app__() == "the app"
    eventually(lambda: keeper.count > 5)
    replica.check_health()
    replica.__del__()
    eventually(lambda: not replica._thread.is_alive())
    with pytest.raises(LiveError, match="the keeper must finish a round"):
        replica.check_health()


def test_a_replica_whose_keeper_stands_still_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Rounds()
    keeper.may_end.clear()
    replica = replica_of(keeper)
    replica.check_health()
    monkeypatch.setattr(application, "SILENT_S", -1.0)
    with pytest.raises(LiveError, match="must finish a round"):
        replica.check_health()
    keeper.may_end.set()
    replica.__del__()
