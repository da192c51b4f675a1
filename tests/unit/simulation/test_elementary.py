"""Logarithm and exponential of lanes, against the C library's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.both_ways import few

from fanfold.simulation.elementary import WORK_ROWS, exp_lanes, lane_masks, log_lanes

POSITIVE = st.floats(1e-300, 1e300)


def scratch(lanes: int) -> tuple[np.ndarray, np.ndarray]:
    work = np.zeros((WORK_ROWS, lanes))
    return work, work.view(np.uint64)


def logs_of(values: np.ndarray) -> np.ndarray:
    logs = np.zeros(len(values))
    with np.errstate(over="ignore"):
        log_lanes(values, *scratch(len(values)), lane_masks(), logs)
    return logs


def powers_of(values: np.ndarray) -> np.ndarray:
    powers = np.zeros(len(values))
    with np.errstate(over="ignore"):
        exp_lanes(values, *scratch(len(values)), powers)
    return powers


@given(st.lists(POSITIVE, min_size=1, max_size=8))
def test_logarithms_are_those_of_the_library(values: list[float]) -> None:
    found = logs_of(np.array(values))
    expected = np.log(values)
    assert np.all(np.abs(found - expected) <= 6e-15 + 4e-16 * np.abs(expected))


@given(st.lists(st.floats(-600, 600), min_size=1, max_size=8))
def test_powers_are_those_of_the_library(values: list[float]) -> None:
    assert np.allclose(powers_of(np.array(values)), np.exp(values), rtol=2e-15, atol=0.0)


def test_exact_values_are_met() -> None:
    assert logs_of(np.array([1.0])).tolist() == [0.0]
    assert powers_of(np.array([0.0])).tolist() == [1.0]


def test_arguments_beyond_the_range_are_held_at_its_end() -> None:
    assert (powers_of(np.array([1e6, -1e6])) == powers_of(np.array([700.0, -700.0]))).all()


@few
@given(st.lists(POSITIVE, min_size=3, max_size=3))
def test_machine_code_gives_the_same_bits(values: list[float]) -> None:
    given_values = np.array(values)
    logs, powers = np.zeros(3), np.zeros(3)
    log_lanes.machine(given_values, *scratch(3), lane_masks(), logs)
    exp_lanes.machine(logs, *scratch(3), powers)
    assert (logs == logs_of(given_values)).all()
    assert (powers == powers_of(logs)).all()
