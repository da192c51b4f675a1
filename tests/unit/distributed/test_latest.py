"""A process keeps what it shares with other chunks until it is given something else."""

import pytest

from fanfold.distributed import tasks
from fanfold.distributed.tasks import latest


def test_the_first_arrival_under_a_key_is_kept_and_only_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "_latest", [])
    first, again, other = ["bars"], ["bars"], ["more"]
    assert latest("a", first) is first
    assert latest("a", again) is first
    assert latest("b", other) is other
    assert latest("a", again) is again
