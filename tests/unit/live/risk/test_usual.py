"""The short look at most intents: it passes nothing that the checks would not pass whole."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.live_risk import World
from tests.unit.live.risk.test_risk import ACTIONS, LIMITS, QUIET_RATE, exposures

from fanfold.domain.money import share as engine_share
from fanfold.live.risk import desk
from fanfold.live.risk.book import share


@given(
    quantity=st.integers(-(10**18), 10**18),
    price=st.integers(0, 10**9),
    parts=st.sampled_from([1, 2, 3, 10**4, 10**9]),
)
def test_a_share_is_the_engines(quantity: int, price: int, parts: int) -> None:
    assert share(quantity, price, parts) == engine_share.function(quantity, price, parts)


def _judged(world: World, asset: int, lots: int, mark: float, *, short: bool) -> object:
    """What becomes of an intent, with the short look or without."""
    first = desk.usual
    try:
        if not short:
            desk.usual = lambda *_: None
        return world.ask(asset, lots, mark=mark)
    finally:
        desk.usual = first


def _moved(world: World, what: str, asset: int, lots: int, price: float) -> None:
    """Let something happen that both are told of."""
    if what == "quote":
        world.quote(asset, price)
    elif what == "fill":
        held = exposures(world)[0][asset]
        world.fill(asset, lots % 50, held + lots % 50, price)
    elif what == "end":
        world.order(asset, 0, state="canceled")
    elif what == "account":
        world.account(held=tuple(exposures(world)[0]))


@pytest.mark.parametrize("clock", ["bars", "quotes"])
@settings(max_examples=40)
@given(actions=ACTIONS, seed=st.integers(0, 2**32 - 1))
def test_a_short_look_never_passes_what_a_long_one_refuses(
    clock: str, actions: list[tuple[str, int, int]], seed: int
) -> None:
    """`usual` leaves out only checks that find nothing, whatever quotes have moved since."""
    chance = np.random.default_rng(seed)
    prices = [100.0] * 3
    with tempfile.TemporaryDirectory() as path:
        rest: dict[str, Any] = {
            "limits": LIMITS | {"max_orders": 20, "max_volume_share": 4e-4},
            "market": {"clock": clock},
        }
        worlds = World(Path(path) / "short", **rest), World(Path(path) / "long", **rest)
        worlds[0].risk._desk.prepare()
        for what, asset, lots in actions:
            for moved in range(3 if what == "ask" else 0):  # the market does not stand still
                prices[moved] *= 1.0 + float(chance.uniform(-4e-3, 4e-3))
                for world in worlds:
                    world.quote(moved, prices[moved])
            for world in worlds:
                _moved(world, what, asset, lots, prices[asset])
            if what == "ask":
                found = [
                    _judged(world, asset, lots, prices[asset], short=world is worlds[0])
                    for world in worlds
                ]
                assert repr(found[0]) == repr(found[1])
        mirrors = [world.risk._mirror for world in worlds]
        for mirror in mirrors:
            mirror.mark_all()
        sums = [mirror.sums for mirror in mirrors]
        for name in ("cash", "held", "gross", "net", "reserved", "sectors", "unmarked"):
            assert getattr(sums[0], name) == getattr(sums[1], name)
        assert mirrors[0].spent == mirrors[1].spent


@pytest.mark.parametrize("clock", ["bars", "quotes"])
def test_a_usual_order_is_judged_by_the_short_look(
    clock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, limits=LIMITS, market={"clock": clock})
    world.risk._desk.prepare()

    def none(*_: object) -> None:
        raise AssertionError("it must not be asked")

    monkeypatch.setattr(desk, "judge", none)
    approved, refused = world.ask(0, 100)
    assert (approved.goal if approved else None, refused) == (100, None)
    world.fill(0, 100, 100)
    world.quote(0, 100.1)
    assert world.ask(0, 40)[1] is None
    with pytest.raises(AssertionError, match="must not be asked"):
        world.ask(1, 10_000)  # more than any limit has room for


def test_quotes_say_how_far_the_sums_may_be_off(tmp_path: Path) -> None:
    """The bound that the short look leaves free is one, from each marking to the next."""
    world = World(tmp_path, limits=LIMITS, market={"clock": "quotes"}, risk=QUIET_RATE)
    chance = np.random.default_rng(7)
    mirror = world.risk._mirror
    for turn in range(200):
        for asset in range(3):
            world.quote(asset, 100.0 + (turn % 5) * float(chance.uniform(-0.08, 0.08)))
        if turn % 3 == 0:
            world.ask(turn % 2, 50 + turn)
        if turn % 7 == 0:
            world.fill(turn % 2, 5, exposures(world)[0][turn % 2] + 5)
        sums, swayed = mirror.sums, mirror.swayed
        before = sums.held, sums.gross, sums.net, sums.reserved, *sums.sectors
        mirror.mark_all()
        after = sums.held, sums.gross, sums.net, sums.reserved, *sums.sectors
        assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= swayed
        assert mirror.swayed < 1e3
