import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import ConfigError, LiveError
from fanfold.live.execution.holder import is_dead, started, where
from fanfold.live.execution.lease import Lease, Waiting, _Row, account_folder, monotonic_ns

SECOND = 1_000_000_000

HOLDER = """
import sys, time
from pathlib import Path
from fanfold.live.execution.lease import Lease, monotonic_ns
name, seconds = sys.argv[2], float(sys.argv[3])
lease = Lease.taken(Path(sys.argv[1]), name, ttl_s=seconds, request_timeout_s=float(sys.argv[4]))
assert isinstance(lease, Lease), lease
print(lease.epoch, flush=True)
sys.stdin.readline()
lease.release(has_business=len(sys.argv) > 5)
"""

RACER = """
import sys, time, random
from pathlib import Path
from fanfold.errors import LiveError
from fanfold.live.execution.lease import Lease, monotonic_ns
folder, until = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2])
lease = None
with open(folder / "writes.txt", "a", buffering=1) as writes:
    while time.monotonic() < until:
        try:
            if lease is None:
                found = Lease.taken(folder, "one", ttl_s=0.05, request_timeout_s=0.02)
                lease = found if isinstance(found, Lease) else None
            elif lease.holds(now := monotonic_ns()):
                writes.write(f"{now} {lease.epoch}\\n")
                if random.random() < 0.1:
                    time.sleep(0.07)
                if random.random() < 0.05:
                    lease.release(has_business=True)
                    lease = None
                elif random.random() < 0.3 and not lease.renew(has_business=True):
                    lease = None
            else:
                lease = None
        except LiveError:
            pass
        time.sleep(0.001)
"""


def taken(folder: Path, name: str = "one", ttl: float = 5.0, timeout: float = 1.0) -> object:
    return Lease.taken(folder, name, ttl_s=ttl, request_timeout_s=timeout)


def held(folder: Path, name: str = "one", ttl: float = 5.0, timeout: float = 1.0) -> Lease:
    lease = taken(folder, name, ttl, timeout)
    assert isinstance(lease, Lease)
    return lease


def holder(
    folder: Path, name: str, ttl: float, timeout: float, *more: str
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), name, str(ttl), str(timeout), *more],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def ended(process: subprocess.Popen[str]) -> None:
    process.communicate("\n")
    assert process.returncode == 0


def test_a_lease_holds_until_its_deadline_and_is_renewed_in_time(tmp_path: Path) -> None:
    lease = held(tmp_path)
    now = monotonic_ns()
    assert lease.holds(now)
    assert not lease.is_due(now)
    assert lease.is_due(now + 2 * SECOND)
    assert not lease.holds(now + 6 * SECOND)
    assert lease.renew(has_business=False)
    assert lease.holds(now + 5 * SECOND)
    lease.release(has_business=False)
    assert not lease.holds(now)


def test_the_epoch_rises_with_each_holder(tmp_path: Path) -> None:
    epochs = []
    for _ in range(3):
        lease = held(tmp_path)
        epochs.append(lease.epoch)
        lease.release(has_business=True)
    assert epochs == [1, 2, 3]


def test_another_deployment_is_refused_by_name(tmp_path: Path) -> None:
    lease = held(tmp_path, "first")
    with pytest.raises(ConfigError, match=r"deployment first .* --deployment first`"):
        taken(tmp_path, "second")
    lease.release(has_business=True)
    with pytest.raises(ConfigError, match=r"first .* with orders or positions"):
        taken(tmp_path, "second")
    lease = held(tmp_path, "first")
    lease.release(has_business=False)
    held(tmp_path, "second").release(has_business=False)


def test_a_holder_that_died_before_it_could_say_has_business(tmp_path: Path) -> None:
    process = holder(tmp_path, "first", 0.01, 0.0)
    process.kill()
    process.communicate()
    time.sleep(0.02)
    with pytest.raises(ConfigError, match="with orders or positions"):
        taken(tmp_path, "second")


def test_a_living_process_of_the_same_deployment_is_waited_for(tmp_path: Path) -> None:
    process = holder(tmp_path, "one", 60.0, 1.0)
    waiting = taken(tmp_path)
    assert isinstance(waiting, Waiting)
    assert waiting.seconds == 1.0  # asked again soon, in case it dies
    assert f"process {process.pid}" in waiting.reason
    ended(process)
    held(tmp_path).release(has_business=False)


def test_a_dead_process_is_waited_for_as_long_as_a_request_takes(tmp_path: Path) -> None:
    process = holder(tmp_path, "one", 60.0, 0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    began = time.monotonic()
    waiting = taken(tmp_path)
    assert isinstance(waiting, Waiting)
    assert 0 < waiting.seconds <= 0.2
    while isinstance(found := taken(tmp_path), Waiting):
        time.sleep(0.01)
    assert time.monotonic() - began >= 0.2
    assert isinstance(found, Lease)
    assert found.epoch == 2
    found.release(has_business=False)
    process.communicate()


def test_a_stopped_process_finds_that_its_lease_is_gone(tmp_path: Path) -> None:
    old = held(tmp_path, ttl=0.05, timeout=0.05)
    time.sleep(0.11)
    assert not old.holds(monotonic_ns())
    new = held(tmp_path)
    assert not old.renew(has_business=True)
    assert not old.holds(0)
    assert new.holds(monotonic_ns())
    old.release(has_business=False)  # changes nothing of the new one
    assert isinstance(taken(tmp_path), Waiting)
    new.release(has_business=False)


def test_a_late_holder_keeps_what_nobody_took(tmp_path: Path) -> None:
    lease = held(tmp_path, ttl=0.01)
    time.sleep(0.02)
    assert not lease.holds(monotonic_ns())
    assert lease.renew(has_business=True)
    lease.release(has_business=False)


@settings(max_examples=50)
@given(
    wall=st.integers(0, 100 * SECOND),
    monotonic=st.integers(0, 100 * SECOND),
    dead=st.integers(0, 100 * SECOND),
    place=st.sampled_from(["here", "elsewhere"]),
)
def test_the_wait_is_never_shorter_than_deadline_and_request(
    wall: int, monotonic: int, dead: int, place: str
) -> None:
    row = _Row(
        1, "one", 1, "1", "h", where() if place == "here" else place, 50 * SECOND, 40 * SECOND,
        10 * SECOND, dead, 0, 1,
    )  # fmt: skip
    wait = row.wait_ns(wall, monotonic)
    if place == "here":  # setting the time changes nothing
        over = min(40 * SECOND, dead) if dead else 40 * SECOND
        assert wait == max(over + 10 * SECOND - monotonic, 0)
    else:
        assert wait == max(65 * SECOND - wall, 0)


def test_who_is_dead_is_known_of_this_machine_only() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = started(process.pid)
    assert not is_dead(process.pid, start, where())
    process.kill()
    process.wait()
    assert is_dead(process.pid, start, where())
    assert not is_dead(process.pid, start, "elsewhere")
    assert not is_dead(process.pid, "", where())
    assert is_dead(os.getpid(), "another start", where())
    process.communicate()


def test_a_lease_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lease.db").write_bytes(b"no database, but long enough to be looked at" * 99)
    with pytest.raises(LiveError, match="must be readable"):
        taken(tmp_path)


def test_an_account_has_one_folder(tmp_path: Path) -> None:
    one, two = account_folder("PA1", tmp_path), account_folder("PA2", tmp_path)
    assert one == account_folder("PA1", tmp_path)
    assert one != two
    assert "PA1" not in str(one)


def test_who_else_has_an_account_is_told_without_taking_it(tmp_path: Path) -> None:
    assert Lease.held_by_other(tmp_path / "none", "one") == ""
    lease = held(tmp_path)
    assert Lease.held_by_other(tmp_path, "one") == ""
    assert "live down --deployment one`" in Lease.held_by_other(tmp_path, "another")
    lease.release(has_business=True)
    assert "with orders or positions" in Lease.held_by_other(tmp_path, "another")
    held(tmp_path).release(has_business=False)
    assert Lease.held_by_other(tmp_path, "another") == ""


def test_processes_that_race_never_hold_at_once(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, str(tmp_path), "0.8"]) for _ in range(3)
    ]
    for racer in racers:
        assert racer.wait() == 0
    lines = (tmp_path / "writes.txt").read_text().splitlines()
    writes = sorted((int(at), int(epoch)) for at, epoch in map(str.split, lines))
    assert len({epoch for _, epoch in writes}) > 1
    assert [epoch for _, epoch in writes] == sorted(epoch for _, epoch in writes)
