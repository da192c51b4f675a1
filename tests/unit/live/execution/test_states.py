from collections.abc import Iterable
from itertools import product

import pytest

from fanfold.live.execution.states import (
    TRANSITIONS,
    WORDS,
    Event,
    State,
    event_of,
    is_cancellable,
    is_in_flight,
    is_known,
    is_open,
    is_replaceable,
    is_terminal,
    next_state,
    rank_of,
)
from fanfold.venue.trading import states as venue

S, E = State, Event

# The other engine's table of fourteen states in our words, without emulation by the client.
NAUTILUS = {
    S.INTENDED: {S.DENIED, S.SENDING, S.REJECTED, S.ACCEPTED, S.CANCELED, S.EXPIRED},
    S.SENDING: {S.CANCELLING, S.REPLACING, S.REJECTED, S.CANCELED, S.ACCEPTED, S.PARTIAL, S.FILLED},
    S.ACCEPTED: {
        S.REJECTED, S.REPLACING, S.CANCELLING, S.CANCELED, S.EXPIRED, S.PARTIAL, S.FILLED,
    },
    S.CANCELED: {S.PARTIAL, S.FILLED},
    S.REPLACING: {
        S.REJECTED, S.ACCEPTED, S.CANCELED, S.EXPIRED, S.REPLACING, S.CANCELLING, S.PARTIAL,
        S.FILLED,
    },
    S.CANCELLING: {
        S.REJECTED, S.CANCELLING, S.CANCELED, S.EXPIRED, S.ACCEPTED, S.PARTIAL, S.FILLED,
    },
    S.PARTIAL: {
        S.REPLACING, S.CANCELLING, S.CANCELED, S.EXPIRED, S.PARTIAL, S.FILLED,
    },
}  # fmt: skip


def reachable(start: State, over: Iterable[tuple[State, Event]]) -> set[State]:
    found = {start}
    while True:
        more = {TRANSITIONS[pair] for pair in over if pair[0] in found} - found
        if not more:
            return found
        found |= more


def test_a_pair_leads_somewhere_or_is_refused_and_nothing_raises() -> None:
    for state, event in product(State, Event):
        found = next_state(state, event)
        assert found is None or isinstance(found, State)
        assert (found is None) == ((state, event) not in TRANSITIONS)


def test_every_state_is_reached_from_the_first() -> None:
    assert reachable(S.INTENDED, TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", list(NAUTILUS))
def test_what_the_other_engine_allows_is_allowed(state: State) -> None:
    ways = {new for (old, _), new in TRANSITIONS.items() if old is state}
    assert NAUTILUS[state] <= ways


@pytest.mark.parametrize("state", [S.CANCELED, S.EXPIRED, S.REJECTED, S.LOST, S.REPLACED])
def test_what_is_over_may_still_fill(state: State) -> None:
    assert next_state(state, E.FILL) is S.FILLED
    assert next_state(state, E.PARTIAL_FILL) is S.PARTIAL


@pytest.mark.parametrize("state", [state for state in State if is_terminal(state)])
def test_only_fills_lead_out_of_what_is_over(state: State) -> None:
    ways = {event for event in Event if next_state(state, event) not in {None, state}}
    if state is S.LOST:  # it was found after all, or proven never to have come
        return
    assert ways <= {E.FILL, E.PARTIAL_FILL}


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (S.FILLED, E.NEW),
        (S.FILLED, E.PARTIAL_FILL),
        (S.FILLED, E.CANCELED),
        (S.CANCELED, E.NEW),
        (S.CANCELED, E.EXPIRED),
        (S.DENIED, E.SENT),
        (S.DENIED, E.FILL),
        (S.UNKNOWN, E.SENT),  # never posted again blindly
        (S.LOST, E.SENT),
        (S.ACCEPTED, E.SENT),
        (S.ACCEPTED, E.REFUSED),
        (S.ACCEPTED, E.NOT_FOUND),
        (S.ACCEPTED, E.PENDING_NEW),
        (S.PENDING, E.REPLACE_SENT),
        (S.HELD, E.REPLACE_SENT),
        (S.INTENDED, E.CANCEL_SENT),
        (S.UNKNOWN, E.CANCEL_SENT),
        (S.SENDING, E.WITHHELD),
    ],
)
def test_what_cannot_be_is_refused(state: State, event: Event) -> None:
    assert next_state(state, event) is None


@pytest.mark.parametrize("old", sorted(old for old in venue.TRANSITIONS if old))
def test_all_that_the_venue_does_is_legal(old: str) -> None:
    state = next_state(S.SENDING, event_of(old))
    assert state is not None
    ways = venue.TRANSITIONS[old] - {venue.PREVIOUS}
    refused = {new for new in ways if next_state(state, event_of(new)) is None}
    # Two of the venue's statuses are one state here, so nothing is between them.
    assert not refused, (state, refused)


def test_every_word_of_the_venue_is_known() -> None:
    words = set(venue.EVENT_STATUSES) | set(venue.TRANSITIONS) - {venue.SUBMIT}
    assert {word for word in words if not is_known(word)} == set()


def test_an_unknown_word_says_nothing() -> None:
    assert event_of("levitated") is E.UNCHANGED
    assert not is_known("levitated")
    assert rank_of("levitated") == 0
    assert all(next_state(state, E.UNCHANGED) is state for state in State)


def test_states_are_open_or_over_or_only_intended() -> None:
    for state in State:
        assert is_open(state) + is_terminal(state) == (state is not S.INTENDED)
        assert is_open(state) or not (is_in_flight(state) or is_cancellable(state))
        assert is_cancellable(state) or not is_replaceable(state)


def test_later_statuses_rank_higher() -> None:
    assert rank_of("pending_new") < rank_of("new") < rank_of("partially_filled")
    assert rank_of("partially_filled") < rank_of("pending_cancel") < rank_of("canceled")
    assert rank_of("canceled") < rank_of("filled")
    assert all(rank_of(word) >= 0 for word in WORDS)
