"""Workers count chunks, their units and their time; a chunk that raises is a failure."""

from typing import Any

import pytest
import ray.util.metrics

from fanfold.distributed.throughput import COUNTERS, counted, units_of


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str], float]]:
    """What Ray's own counters record: without a cluster it would go nowhere."""
    heard: list[tuple[str, dict[str, str], float]] = []

    def record(self: Any, value: float, tags: dict[str, str]) -> None:
        heard.append((self.info["name"], tags, value))

    monkeypatch.setattr(ray.util.metrics.Metric, "_record", record)
    return heard


def test_a_chunk_is_counted_with_its_units(
    told: list[tuple[str, dict[str, str], float]],
) -> None:
    with counted("run_sweep_chunk", (40, 100)):
        pass
    values = {name: value for name, _, value in told}
    assert values["fanfold_chunks"] == 1
    assert values["fanfold_chunk_units"] == 60
    assert values["fanfold_chunk_busy_seconds"] > 0
    assert {tags["run"] for _, tags, _ in told} == {"run_sweep_chunk"}
    assert set(values) <= set(COUNTERS)


def test_a_chunk_that_raises_is_a_failure_alone(
    told: list[tuple[str, dict[str, str], float]],
) -> None:
    with pytest.raises(ValueError, match="of its own"), counted("run", (0, 5)):
        raise ValueError("of its own")
    assert [(name, value) for name, _, value in told] == [("fanfold_chunk_failures", 1)]


@pytest.mark.parametrize(
    ("chunk", "units"), [((3, 10), 7), ((3, 3), 1), ("a unit", 1), ((1, 2, 3), 1), (("a", "b"), 1)]
)
def test_a_stretch_has_as_many_units_as_it_is_long(chunk: object, units: int) -> None:
    assert units_of(chunk) == units
