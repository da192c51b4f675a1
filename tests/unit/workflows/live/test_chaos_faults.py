import pytest

from fanfold.venue.faults.reading import fault_of
from fanfold.workflows.live.chaos_faults import (
    PROCESS_KINDS,
    TARGETS,
    VENUE,
    VENUE_KINDS,
    draw_faults,
)

KINDS = {*VENUE_KINDS, *(f"{kind}.{target}" for kind in PROCESS_KINDS for target in TARGETS)}


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_comes_and_the_venue_knows_all_of_them(seed: int) -> None:
    faults = draw_faults(seed, 300, 2_000, ("AAPL", "MSFT"))
    assert len(faults) == 300
    assert {fault.name for fault in faults} == KINDS
    assert [fault.minute for fault in faults] == sorted(fault.minute for fault in faults)
    for fault in faults:
        if fault.where == VENUE:
            fault_of({"kind": fault.kind, **fault.parameters})


def test_equal_seeds_draw_equal_faults() -> None:
    assert draw_faults(7, 50, 400, ("A",)) == draw_faults(7, 50, 400, ("A",))
    assert draw_faults(7, 50, 400, ("A",)) != draw_faults(8, 50, 400, ("A",))


def test_the_venue_has_no_kind_that_is_never_drawn() -> None:
    from fanfold.venue.faults.reading import KINDS as KNOWN

    assert set(KNOWN) == set(VENUE_KINDS)
