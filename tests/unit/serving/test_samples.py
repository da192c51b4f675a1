"""The equity's samples: what is kept, what is thinned, and what a restart finds."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.served import written

from fanfold.serving import samples as module
from fanfold.serving.samples import FILE, POINTS_MAX, Point, Samples, thinned
from fanfold.serving.state import Money, State
from fanfold.workflows.live.desk import DeploymentDesk

drawdowns = st.lists(st.floats(0, 0.9), min_size=1, max_size=60)


def points_of(depths: list[float]) -> list[Point]:
    return [Point(place, 100.0 * (1 - depth), depth) for place, depth in enumerate(depths)]


@given(depths=drawdowns, count=st.integers(2, 80))
def test_thinning_keeps_ends_order_and_the_worst(depths: list[float], count: int) -> None:
    points = points_of(depths)
    left = thinned(points, count)
    assert len(left) <= count
    assert (left[0], left[-1]) == (points[0], points[-1])
    assert left == sorted(left, key=lambda one: one.ts)
    if count > 2:
        assert max(one.drawdown for one in left) == max(depths)
    if len(points) <= count:
        assert left == points


def state_at(desk: DeploymentDesk, clock: int, equity: float | None) -> State:
    money = Money(equity=equity, drawdown=None if equity is None else 0.0)
    return desk.state().model_copy(update={"clock": clock, "money": money})


def test_a_restarted_app_shows_the_whole_session(tmp_path: Path) -> None:
    desk = DeploymentDesk(written(tmp_path))
    samples = Samples(desk.place)
    for clock, equity in ((10, 100.0), (20, 101.0), (30, 99.0)):
        samples.note(state_at(desk, clock, equity))
    with (desk.place / FILE).open("ab") as opened:
        opened.write(b"[40,1")  # a line that a crash has cut
    again = Samples(desk.place)
    assert again.curve(10).ts == [10, 20, 30]
    assert again.curve(10).equity == [100.0, 101.0, 99.0]
    again.note(state_at(desk, 50, 98.0))
    assert Samples(desk.place).curve(10).ts == [10, 20, 30]
    assert again.curve(10).ts == [10, 20, 30, 50]


def test_nothing_is_taken_of_an_unknown_equity_or_a_clock_that_stands(tmp_path: Path) -> None:
    desk = DeploymentDesk(written(tmp_path))
    samples = Samples(desk.place)
    for clock, equity in ((0, 100.0), (10, None), (10, 100.0), (10, 101.0), (9, 102.0)):
        samples.note(state_at(desk, clock, equity))
    assert samples.curve(10).equity == [100.0]


def test_the_file_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POINTS_MAX", 64)
    desk = DeploymentDesk(written(tmp_path))
    samples, state = Samples(desk.place), state_at(desk, 1, 100.0)
    for clock in range(1, 500):
        samples.note(state.model_copy(update={"clock": clock}))
    assert len((desk.place / FILE).read_bytes().splitlines()) <= 64
    kept = Samples(desk.place).curve(POINTS_MAX).ts
    assert (kept[0], kept[-1]) == (1, 499)
    assert samples.first is not None
