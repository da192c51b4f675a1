"""The app shows metrics to those who may look, and tells of what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes.served import halted, serving, token_of
from tests.fakes.shown_states import AT, state

from fanfold.errors import DataError
from fanfold.live.folder import Folder
from fanfold.serving.access import Access
from fanfold.serving.state import Expectation
from fanfold.serving.telemetry import Telemetry, band_at, measured_app
from fanfold.workflows.live.desk import DeploymentDesk

EXPECTED = Expectation(
    source="walk-forward", bar_seconds=60, start_ts=AT, start_equity=100.0,
    ts=[AT, AT + 60, AT + 120], median=[100.0, 101.0, 102.0], lower=[100.0, 90.0, 80.0],
    upper=[100.0, 110.0, 120.0], level=0.95, inside=False, bars=3,
)  # fmt: skip


class Now:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_metrics_take_a_token_and_are_those_of_the_deployment(folder: Folder) -> None:
    headers = token_of(folder, "prometheus", "view")
    app = measured_app(DeploymentDesk(folder), Access.of(folder.path, {}))
    with serving(app) as client:
        assert client.get("/metrics").status_code == 401
        client.get("/api/v1/state", headers=headers).raise_for_status()
        answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'fanfold_status{deployment="demo",status="down"} 1.0' in answer.text
    assert 'fanfold_disk_free_bytes{deployment="demo"}' in answer.text


def test_a_latch_is_told(folder: Folder) -> None:
    halted(folder)
    told: list[dict[str, Any]] = []
    telemetry = Telemetry(DeploymentDesk(folder), tell=told.append)
    telemetry.look(DeploymentDesk(folder).state())
    telemetry.close()
    assert [(one["alert"], one["subject"]) for one in told] == [("Halted", "max_drawdown")]


def shown(telemetry: Telemetry, clock: Now, until: Callable[[str], bool]) -> str:
    """The text once it holds: limits and band are asked for on another thread."""
    for _ in range(4):
        clock.seconds += 100.0
        telemetry.look(state())
        if telemetry._asked is not None:
            telemetry._asked.exception(30.0)
    text = telemetry.text().decode()
    assert until(text), text
    return text


def test_limits_and_the_band_stand_beside_the_results(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeploymentDesk, "expectation", lambda _: EXPECTED)
    clock = Now()
    telemetry = Telemetry(DeploymentDesk(folder), tell=print, clock=clock)
    text = shown(telemetry, clock, lambda text: "fanfold_expected" in text)
    telemetry.close()
    assert 'fanfold_limit_ratio{deployment="demo",limit="max_drawdown"} 0.3' in text
    assert 'fanfold_expected_equity_currency{bound="lower",deployment="demo"} 100.0' in text
    assert 'fanfold_inside_expectation{deployment="demo"} 0.0' in text


def test_without_an_expectation_limits_are_shown_all_the_same(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: DeploymentDesk) -> Expectation | None:
        raise DataError("there is none")

    monkeypatch.setattr(DeploymentDesk, "expectation", nothing)
    clock = Now()
    telemetry = Telemetry(DeploymentDesk(folder), tell=print, clock=clock)
    text = shown(telemetry, clock, lambda text: "fanfold_limit_ratio{" in text)
    telemetry.close()
    assert "fanfold_expected_equity_currency{" not in text


@pytest.mark.parametrize(
    ("clock", "lower"), [(AT - 1, None), (AT, 100.0), (AT + 61, 90.0), (AT + 999, 80.0)]
)
def test_the_band_is_that_of_the_last_bar(clock: int, lower: float | None) -> None:
    assert band_at(EXPECTED, clock).get("lower") == lower
