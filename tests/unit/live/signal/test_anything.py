"""Nothing that can be said breaks signal, and what it made of it is found again."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.live_signal import Sender, told
from tests.unit.live.signal.test_signal import ADOPT, HOUR, PRICES, armed, following

from fanfold.live.messages import (
    AccountState,
    Arming,
    Feed,
    Fill,
    Gate,
    Late,
    OrderChange,
    Prior,
    Quote,
    Refusal,
    Row,
    Split,
    Step,
    Trade,
    Trading,
)
from fanfold.live.signal.restart import recorded, replay
from fanfold.live.signal.signal import Signal
from fanfold.live.signal.state import as_bytes

ASSETS = st.integers(-2, 3)
INSTANTS = st.integers(-1, 2**40) | st.integers(0, 30).map(lambda n: int(PRICES.ts[3]) + n * HOUR)
FLOATS = st.floats(allow_nan=True, allow_infinity=True) | st.floats(90, 110)
LOTS = st.integers(-(10**6), 10**6)
NAMES = st.sampled_from(["a", "b", "c"])
RATIOS = st.sampled_from([0.5, 2.0, 3.0, 0.0, -1.0, 1e9, math.nan, math.inf])
ROLES = st.sampled_from(["entry", "exit", "stop", "target", "flatten", "", "other"])
ROWS = st.builds(Row, ASSETS, FLOATS, FLOATS, FLOATS, FLOATS, FLOATS)
VALUES = st.one_of(
    st.builds(Quote, ASSETS, INSTANTS, FLOATS, FLOATS, FLOATS, FLOATS),
    st.builds(Trade, ASSETS, INSTANTS, FLOATS, FLOATS),
    st.builds(Step, INSTANTS, st.lists(ROWS, max_size=4).map(tuple)),
    st.builds(Late, INSTANTS, ROWS),
    st.builds(Trading, ASSETS, INSTANTS, st.booleans(), NAMES),
    st.builds(Feed, INSTANTS, st.booleans(), st.lists(ASSETS, max_size=3).map(tuple), NAMES),
    st.builds(Prior, ASSETS, FLOATS, FLOATS, INSTANTS),
    st.builds(Fill, NAMES, NAMES, ASSETS, ROLES, INSTANTS, LOTS, LOTS, LOTS, LOTS),
    st.builds(
        OrderChange, NAMES, LOTS, ASSETS, ROLES, NAMES, LOTS, FLOATS, FLOATS, INSTANTS, NAMES
    ),
    st.builds(Refusal, LOTS, ASSETS, NAMES, LOTS, FLOATS, FLOATS, INSTANTS),
    st.builds(
        AccountState,
        INSTANTS,
        st.lists(LOTS, min_size=1, max_size=3).map(tuple),
        st.just((0, 0)),
        LOTS,
        LOTS,
        LOTS,
    ),
    st.builds(
        Split,
        ASSETS,
        INSTANTS,
        st.sampled_from([0.5, 2.0, 3.0, 0.0, -1.0, 1e9, math.nan, math.inf]),
        LOTS,
    ),
    st.builds(Gate, INSTANTS, st.booleans(), NAMES),
    st.builds(Arming, st.booleans(), LOTS, INSTANTS, NAMES),
)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A new folder for each example."""
    return lambda: tmp_path_factory.mktemp("signal")


@settings(max_examples=25)
@given(
    values=st.lists(VALUES, max_size=25),
    clock=st.sampled_from(["bars", "quotes"]),
    start=st.sampled_from(["armed", "halted"]),
)
def test_nothing_that_can_be_said_breaks_it(
    folders: Callable[[], Path], values: list[Any], clock: str, start: str
) -> None:
    folder = following(folders(), stop_pct=3.0, market={"clock": clock}, execution=ADOPT)
    signal = armed(folder) if start == "armed" else Signal.opened(folder, 1, 0)
    sender = Sender()
    told(signal, [sender.envelope(value) for value in values])
    digest = signal.digest()
    signal.close()
    again = Signal.opened(folder, 2, 0)
    was_armed = signal.inspect()["armed"]
    assert was_armed or again.digest() == digest
    assert again.inspect() == signal.inspect() | {"armed": False}
    again.close()
    assert [as_bytes(one) for one in replay(folder)] == [as_bytes(one) for one in recorded(folder)]
