"""Plain Python's own objects and functions say what records and compiled ones say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.compiled import Compiled, compiled
from fanfold.domain.money import share, to_micro
from fanfold.engine import light
from fanfold.engine.step.state import Account, Desk
from fanfold.engine.step.wish import close_bar

INTS = st.integers(-(2**62), 2**62)


@given(units=INTS, mark=INTS, limit=st.floats())
def test_objects_are_what_records_are(units: int, mark: int, limit: float) -> None:
    records = Desk.zeros(2)
    _, there = Desk.views(records)
    there.units, there.mark, there.limit = units, mark, limit
    _, one = light.light(Desk, records)
    assert (one.units, one.mark, repr(one.limit)) == (units, mark, repr(limit))
    kept = Desk.zeros(2)
    light.keep(Desk, light.light(Desk, records), kept)
    assert kept.tobytes() == records.tobytes()
    copy = light.copied(Desk, one)
    copy.units += 1
    assert (copy.mark, one.units) == (mark, units)


def test_what_is_written_into_the_records_is_taken_over() -> None:
    records = Account.zeros(1)
    (account,) = light.light(Account, records)
    account.cash = 5
    records["cash"] = 7
    light.take_over(Account, records, [account])
    assert account.cash == 7


@given(lots=st.integers(-(10**12), 10**12), price=st.floats(0.01, 1e5))
def test_linked_functions_compute_the_same(lots: int, price: float) -> None:
    plain = light.linked(share)
    assert plain(lots, to_micro(price), 10**9) == share(lots, to_micro(price), 10**9)


def test_linked_functions_make_no_detour() -> None:
    waiting, seen = [light.linked(close_bar)], set[str]()
    while waiting:
        function = waiting.pop()
        if function.__qualname__ in seen:
            continue
        seen.add(function.__qualname__)
        reached = function.__globals__.values()
        assert not any(isinstance(one, Compiled) for one in reached)
        waiting += [one for one in reached if type(one) is type(function)]
    assert {"close_bar", "approve", "share"} <= seen
    assert light.linked(close_bar) is light.linked(close_bar)


@compiled
def _halved(value: float) -> float:
    return _half(value)


@compiled
def _half(value: float) -> float:
    return value / 2.0


def test_names_and_errors_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    function = light.linked(_halved)
    assert function(5.0) == _halved(5.0) == 2.5
    assert function.__name__ == "_halved"
    monkeypatch.setitem(globals(), "_half", None)
    assert function(np.float64(5.0)) == 2.5  # as it stood when it was linked
    with pytest.raises(TypeError):
        function("five")
