"""What is tried next depends on what was tried before, and on nothing else."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import ConfigError, JobError
from fanfold.research.plan import Params
from fanfold.research.search import (
    NOTHING,
    SAMPLERS,
    Batch,
    Past,
    Sampler,
    Search,
    Store,
    checked_storage,
    front_of,
    importance_of,
)
from fanfold.research.space import Dimension, Space

SPACE: Space = (
    Dimension(name="fast", kind="int", low=2, high=60, step=1),
    Dimension(name="even", kind="int", low=4, high=40, step=4),
    Dimension(name="width", kind="float", low=0.5, high=4.0),
    Dimension(name="side", kind="choice", choices=("long", "short", "both")),
)
SIZE = 4


def search(sampler: Sampler = "tpe", **changed: Any) -> Search:
    stated: dict[str, Any] = {
        "space": SPACE,
        "directions": ("maximize",),
        "sampler": sampler,
        "pruner": None,
        "generation_size": SIZE,
        "seed": 11,
    }
    return Search(**(stated | changed))


def value_of(params: Params) -> float:
    """A landscape with one peak and no two equal values."""
    side = {"long": 0.0, "short": -0.3, "both": 0.1}[params["side"]]
    return (
        side - (params["fast"] - 20) ** 2 / 500 - (params["width"] - 2.0) ** 2 + params["even"] / 90
    )


def told(batch: Batch, objectives: int = 1) -> Past:
    """A generation that has been told; now and then a trial has no result."""
    for place, params in enumerate(batch.params):
        value = value_of(params)
        if params["fast"] % 7 == 3:
            batch.tell(place, None)
        elif objectives == 1:
            batch.tell(place, [value])
        else:
            batch.tell(place, [value, params["width"], params["fast"]][:objectives])
    return batch.past()


def proposed(
    asked: Search, total: int, store: Store | None = None, name: str = "study"
) -> list[Params]:
    """Parameters of so many trials; what a store holds is not asked for again."""
    known = NOTHING if store is None else store.read(name, asked)
    past, found = NOTHING, list[Params]()
    for start in range(0, total, SIZE):
        stop = min(start + SIZE, total)
        if stop in known.notes and len(known.history) >= stop:
            past = known.upto(stop)
            found += [dict(trial.params) for trial in past.history[start:]]
            continue
        batch = Batch(asked, past, stop - start)
        found += batch.params
        past = told(batch, asked.objective_count)
        if store is not None:
            store.write(name, asked, past)
    return found


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of its own for this module; each study in it has its name."""
    return f"sqlite:///{tmp_path_factory.mktemp('studies')}/optuna.db"


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_equal_searches_propose_equal_trials_and_other_seeds_others(sampler: Sampler) -> None:
    first, again, other = (proposed(search(sampler, seed=seed), 4 * SIZE) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert len({repr(params) for params in first}) > 8


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_generation_hangs_on_the_past_alone(sampler: Sampler) -> None:
    asked = search(sampler)
    past = NOTHING
    for _ in range(3):
        batch = Batch(asked, past, SIZE)
        # Asked again, or for less, the same comes: nothing is kept in the process.
        assert Batch(asked, past, SIZE).params == batch.params
        assert Batch(asked, past, 2).params == batch.params[:2]
        past = told(batch)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(
    sampler: Sampler, tmp_path: Path
) -> None:
    whole = proposed(search(sampler), 4 * SIZE)
    file = tmp_path / "deep" / "optuna.log"
    assert proposed(search(sampler), 2 * SIZE, Store(file)) == whole[: 2 * SIZE]
    assert proposed(search(sampler), 4 * SIZE, Store(file)) == whole
    assert proposed(search(sampler), 4 * SIZE, Store(file)) == whole  # all of it is read


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_in_a_database_goes_on_as_if_it_had_not_been_stopped(
    sampler: Sampler, database: str
) -> None:
    whole = proposed(search(sampler), 3 * SIZE)
    assert proposed(search(sampler), SIZE, Store(database), sampler) == whole[:SIZE]
    assert proposed(search(sampler), 3 * SIZE, Store(database), sampler) == whole
    again = Store(database).read(sampler, search(sampler))
    assert [dict(trial.params) for trial in again.history] == whole


@pytest.mark.parametrize("sampler", ["nsga2", "nsga3", "tpe", "random"])
def test_a_search_of_several_objectives_goes_on_too(sampler: Sampler, tmp_path: Path) -> None:
    asked = search(sampler, directions=("maximize", "minimize", "minimize"))
    whole = proposed(asked, 5 * SIZE)
    file = tmp_path / "optuna.log"
    proposed(asked, 2 * SIZE, Store(file))
    assert proposed(asked, 5 * SIZE, Store(file)) == whole


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_more_trials_appended_after_half_a_generation_change_none(
    sampler: Sampler, tmp_path: Path
) -> None:
    whole = proposed(search(sampler), 5 * SIZE)
    file, few = tmp_path / "optuna.log", 2 * SIZE + 2
    assert proposed(search(sampler), few, Store(file)) == whole[:few]
    assert proposed(search(sampler), 5 * SIZE, Store(file)) == whole


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_generation_that_was_written_by_half_is_written_to_its_end(
    sampler: Sampler, tmp_path: Path
) -> None:
    whole = proposed(search(sampler), 4 * SIZE)
    file, asked = tmp_path / "optuna.log", search(sampler)
    proposed(asked, 2 * SIZE, Store(file))
    before = Store(file).read("study", asked)
    third = told(Batch(asked, before, SIZE))
    # Killed while trials are added, which comes before what the sampler notes beside them.
    half = Past(history=third.history[: 2 * SIZE + 1], attributes=before.attributes)
    Store(file).write("study", asked, half)
    assert proposed(asked, 4 * SIZE, Store(file)) == whole


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_generation_without_what_is_noted_beside_it_is_asked_for_again(
    sampler: Sampler, tmp_path: Path
) -> None:
    whole = proposed(search(sampler), 4 * SIZE)
    file, asked = tmp_path / "optuna.log", search(sampler)
    proposed(asked, 2 * SIZE, Store(file))
    before = Store(file).read("study", asked)
    third = told(Batch(asked, before, SIZE))
    # Killed after the trials were added and before the rest was.
    Store(file)._open("study", asked).add_trials(third.history[2 * SIZE :])
    assert proposed(asked, 4 * SIZE, Store(file)) == whole


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_what_adapts_gathers_where_values_are_high(sampler: Sampler) -> None:
    drawn = proposed(search("random"), 16 * SIZE)
    found = proposed(search(sampler), 16 * SIZE)
    late, chance = ([value_of(one) for one in trials[-6 * SIZE :]] for trials in (found, drawn))
    assert np.median(late) > np.median(chance) + 0.2


def test_a_sequence_fills_the_space_more_evenly_than_chance() -> None:
    from scipy.stats import qmc

    space = SPACE[:1] + SPACE[2:3]
    plain = {"fast": (2, 60), "width": (0.5, 4.0)}

    def discrepancy(sampler: Sampler) -> float:
        asked = search(sampler, space=space)
        batch = Batch(asked, NOTHING, 64)
        points = [
            [(params[name] - low) / (high - low) for name, (low, high) in plain.items()]
            for params in batch.params
        ]
        return float(qmc.discrepancy(np.clip(points, 0.0, 1.0)))

    assert discrepancy("qmc") < 0.3 * discrepancy("random")


def test_proposed_values_are_in_the_space() -> None:
    for sampler in SAMPLERS:
        for params in proposed(search(sampler), 4 * SIZE):
            assert list(params) == [one.name for one in SPACE] or set(params) == {
                one.name for one in SPACE
            }
            assert type(params["fast"]) is int
            assert 2 <= params["fast"] <= 60
            assert params["even"] % 4 == 0
            assert 0.5 <= params["width"] <= 4.0
            assert params["side"] in ("long", "short", "both")


def beats(one: tuple[float, ...], other: tuple[float, ...], signs: tuple[float, ...]) -> bool:
    """Whether one is nowhere worse than the other and somewhere better."""
    pairs = [(sign * a, sign * b) for a, b, sign in zip(one, other, signs, strict=True)]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


@given(
    values=st.lists(
        st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, 3.0])] * 3), min_size=1, max_size=12
    ),
    broken=st.lists(st.sampled_from([-1.0, 0.0, 0.5]), min_size=12, max_size=12),
    lost=st.sets(st.integers(0, 11), max_size=4),
)
@settings(max_examples=12)
def test_the_front_is_that_of_brute_force(
    values: list[tuple[float, float, float]], broken: list[float], lost: set[int]
) -> None:
    asked = search("random", directions=("maximize", "minimize", "maximize"))
    signs = (1.0, -1.0, 1.0)
    batch = Batch(asked, NOTHING, len(values))
    for place, value in enumerate(values):
        told_values = None if place in lost else value
        batch.tell(place, told_values, constraints={"limit": broken[place]})
    kept = [k for k in range(len(values)) if k not in lost and broken[k] <= 0.0]
    expected = [
        k for k in kept if not any(beats(values[other], values[k], signs) for other in kept)
    ]
    assert front_of(asked, batch.past()) == expected


@pytest.mark.parametrize(("direction", "best"), [("maximize", 1), ("minimize", 2)])
def test_with_one_objective_the_front_is_the_best_of_equals_the_first(
    direction: Any, best: int
) -> None:
    asked = search("random", directions=(direction,))
    batch = Batch(asked, NOTHING, 6)
    for place, value in enumerate([1.0, 3.0, -1.0, 3.0, -1.0, 9.0]):
        batch.tell(place, [value] if place < 5 else None)
    assert front_of(asked, batch.past()) == [best]


def test_a_search_without_a_result_has_no_front() -> None:
    asked = search("tpe")
    batch = Batch(asked, NOTHING, 3)
    batch.tell(0, None)
    batch.tell(1, None, pruned=True)
    batch.tell(2, [5.0], constraints={"limit": 0.1})
    past = batch.past()
    assert front_of(asked, past) == []
    assert [trial.state.name for trial in past.history] == ["FAIL", "PRUNED", "COMPLETE"]
    assert len(Batch(asked, past, SIZE).params) == SIZE


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "nsga3"])
def test_what_breaks_a_constraint_is_proposed_less(sampler: Sampler) -> None:
    asked, past = search(sampler), NOTHING
    for _ in range(16):
        batch = Batch(asked, past, SIZE)
        for place, params in enumerate(batch.params):
            # The highest values are where the constraint is broken.
            too_wide = params["width"] - 1.5
            batch.tell(place, [params["width"]], constraints={"width": too_wide})
        past = batch.past()
    (best,) = front_of(asked, past)
    chosen = past.history[best].params
    assert chosen["width"] <= 1.5
    late = past.history[-8 * SIZE :]
    # By chance it would be kept by two of seven.
    assert sum(trial.params["width"] <= 1.5 for trial in late) / len(late) > 0.4


def test_what_matters_is_said_to_matter() -> None:
    asked, past = search("random", space=SPACE[:1] + SPACE[2:3]), NOTHING
    for _ in range(8):
        batch = Batch(asked, past, SIZE)
        for place, params in enumerate(batch.params):
            batch.tell(place, [params["width"] + 1e-6 * params["fast"]])
        past = batch.past()
    shares = importance_of(asked, past)
    assert shares == importance_of(asked, past)
    assert shares["width"] > 0.6
    assert math.isclose(sum(shares.values()), 1.0)


@pytest.mark.parametrize(
    ("sampler", "changed", "text"),
    [
        ("cmaes", {"directions": ("maximize", "minimize")}, "sampler cmaes takes one objective"),
        (
            "tpe",
            {"directions": ("maximize", "minimize"), "pruner": "median"},
            "pruner median takes one objective, was asked for several",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(
    sampler: Sampler, changed: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        search(sampler, **changed)


@pytest.mark.parametrize("changed", [{"sampler": "tep"}, {"pruner": "medain"}])
def test_an_unknown_sampler_or_pruner_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be one of"):
        search(**changed)


def test_two_studies_of_a_journal_do_not_meet(tmp_path: Path) -> None:
    store, asked = Store(tmp_path / "optuna.log"), search("tpe")
    one = proposed(asked, SIZE, store, "one")
    other = search("tpe", seed=12)
    assert proposed(other, SIZE, store, "other") != one
    assert [dict(t.params) for t in store.read("one", asked).history] == one
    assert store.read("third", asked).history == []


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://me:secret@host/name",
        "postgresql://me:p@ss@host/name",
        "mysql://:secret@host/name",
    ],
)
def test_a_storage_with_a_password_is_refused_and_the_password_not_told(address: str) -> None:
    with pytest.raises(ConfigError, match="storage must carry no password") as caught:
        checked_storage(address)
    assert "secret" not in str(caught.value)
    assert "p@ss" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["postgresql+psycopg://me@host:5432/name", "sqlite:////tmp/a:b/c.db", "postgresql://host/n"],
)
def test_a_storage_without_a_password_is_taken(address: str) -> None:
    assert checked_storage(address) == address


def test_a_password_among_the_options_of_an_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="storage must carry no password"):
        checked_storage("postgresql://me@host/name?sslmode=require&password=secret")


@pytest.mark.parametrize("place", ["nonsense", "sqlite:////nowhere/at/all.db"])
def test_a_storage_that_does_not_work_is_one_error(place: str) -> None:
    with pytest.raises(JobError, match=f"the study's storage at {place} must work") as caught:
        Store(place)
    assert "\n" not in str(caught.value)


def test_trials_keep_how_they_ended(tmp_path: Path) -> None:
    asked = search("random", pruner="median")
    batch = Batch(asked, NOTHING, 3)
    batch.report(0, 0, 1.5)
    batch.report(0, 1, 2.5)
    batch.report(1, 0, -1.0)
    batch.tell(0, [2.0], constraints={"limit": -1.0, "other": 2.0})
    batch.tell(1, None, pruned=True)
    batch.tell(2, None)
    Store(tmp_path / "optuna.log").write("study", asked, batch.past())
    for past in (batch.past(), Store(tmp_path / "optuna.log").read("study", asked)):
        kept, pruned, failed = past.history
        assert (kept.value, kept.intermediate_values) == (2.0, {0: 1.5, 1: 2.5})
        assert dict(kept.constraints) == {"limit": -1.0, "other": 2.0}
        assert (pruned.state.name, pruned.intermediate_values) == ("PRUNED", {0: -1.0})
        assert failed.state.name == "FAIL"
        assert [trial.number for trial in past.history] == [0, 1, 2]


def test_the_samplers_are_all_different() -> None:
    asked = [one for one in SAMPLERS if one != "nsga3"]  # with one objective it is nsga2
    late = {one: repr(proposed(search(one), 3 * SIZE)[-SIZE:]) for one in asked}
    assert len(set(late.values())) == len(asked)
