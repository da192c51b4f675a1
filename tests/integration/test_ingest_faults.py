"""A download that is killed, crowded or has no room left ends in the same store as any other."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.fakes.alpaca_server import KEY_ID, AlpacaServer, alpaca_server
from tests.fakes.cluster import until, worker_pids
from tests.fakes.minutes import MONTHS, minutes

from fanfold.alpaca.credentials import KEY_ID_VARIABLES, SECRET_VARIABLES
from fanfold.cli import main
from fanfold.market.sources.alpaca import AlpacaSource
from fanfold.market.sources.pacing import Patience, TokenBucket
from fanfold.market.store import Store
from fanfold.workflows.data import ingest_sources

SECRET = "hush-hush-and-hush"  # noqa: S105
SYMBOLS = ("AAA", "BBB", "CCC")
PAGES = 2
"""Of a symbol's month."""

REQUESTS = len(SYMBOLS) * MONTHS * PAGES
FULL_BYTES = 160_000
"""Room for some of the months, not for all [bytes]."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AlpacaServer]:
    frames = {symbol: minutes(seed) for seed, symbol in enumerate(SYMBOLS)}
    serving = AlpacaServer(frames=frames, daily=False, secret=SECRET, page_rows=200)
    with alpaca_server(serving) as found:
        monkeypatch.setenv("APCA_API_DATA_URL", found.url)
        monkeypatch.setenv("ALPACA_REQUESTS_PER_MINUTE", "1000000")
        monkeypatch.setenv(KEY_ID_VARIABLES[0], KEY_ID)
        monkeypatch.setenv(SECRET_VARIABLES[0], SECRET)
        ingest_sources._service.cache_clear()
        yield found
    ingest_sources._service.cache_clear()


def words(store: Path, *symbols: str) -> list[str]:
    names = ",".join(symbols or SYMBOLS)
    period = ["--start", "2024-01-01", "--end", f"2024-0{MONTHS}-28", "--timeframe", "1Min"]
    given = ["--from", "alpaca", "--symbols", names, "--workers", "0", "--json"]
    return ["data", "ingest", *given, *period, "--store", str(store)]


def here(store: Path, *symbols: str) -> Result:
    return CliRunner().invoke(main, words(store, *symbols))


def there(store: Path, *symbols: str) -> Any:
    return subprocess.Popen(
        [sys.executable, "-m", "fanfold.cli", *words(store, *symbols)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(stdout: str) -> dict[str, Any]:
    return json.loads(stdout.strip().splitlines()[-1])


def prints(store: Path) -> dict[str, str]:
    """The fingerprint of each series, coverage among them."""
    return {str(one.series): one.fingerprint for one in Store.at(store).list()}


def rows_of(server: AlpacaServer) -> Counter[tuple[str, ...]]:
    """How often each page was asked for."""
    keys = ("symbols", "start", "page_token")
    return Counter(tuple(query.get(key, "") for key in keys) for _, query in server.asked)


@pytest.fixture
def undisturbed(server: AlpacaServer, tmp_path: Path) -> dict[str, str]:
    done = here(tmp_path / "undisturbed")
    assert done.exit_code == 0, done.output
    assert server.count() == REQUESTS
    server.asked.clear()
    return prints(tmp_path / "undisturbed")


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.soak),
        pytest.param(signal.SIGINT, marks=pytest.mark.soak),
    ],
)
def test_a_download_that_was_stopped_asks_for_the_rest_only(
    number: int, server: AlpacaServer, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    server.pause_s = 0.05
    stopped = there(tmp_path / "store")
    until(lambda: server.count() >= REQUESTS // 2 or stopped.poll() is not None, what="half")
    stopped.send_signal(number)
    stdout, stderr = stopped.communicate(timeout=60)
    assert stopped.returncode == (-number if number == signal.SIGKILL else 130), stderr
    if number != signal.SIGKILL:
        assert told(stdout) == {"status": "stopped"}
    server.pause_s = 0.0
    again = here(tmp_path / "store")
    assert again.exit_code == 0, again.output
    # The month that was under way is asked for again, from its first page.
    assert sum(count - 1 for count in rows_of(server).values()) <= PAGES
    assert prints(tmp_path / "store") == undisturbed
    server.asked.clear()
    assert here(tmp_path / "store").exit_code == 0
    assert server.count() == 0


def test_downloads_side_by_side_are_as_one_after_the_other(
    server: AlpacaServer, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    server.pause_s = 0.02
    other = there(tmp_path / "store", "CCC", "AAA", "BBB")
    until(lambda: server.count() or other.poll() is not None, what="a request")
    assert here(tmp_path / "store").exit_code == 0
    stdout, stderr = other.communicate(timeout=120)
    assert other.returncode == 0, stderr
    assert told(stdout)["failed"] == []
    assert server.count() >= REQUESTS  # none is left out, whoever asks for it
    assert prints(tmp_path / "store") == undisturbed


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A folder without room for more than `FULL_BYTES`."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={FULL_BYTES}", "tmpfs", str(folder)]
    try:
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("needs to mount a small disk")
    except FileNotFoundError:
        pytest.skip("needs to mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_line_and_more_room_completes_it(
    server: AlpacaServer, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        full = here(disk / "store")
        assert full.exit_code == 2
        assert "no space left on the device" in told(full.stdout)["error"]
        (line,) = full.stderr.strip().splitlines()
        assert "must be writable: no space left on the device" in line
        # Nobody downloads what cannot be stored.
        assert server.count() < REQUESTS
        assert not list(disk.rglob(".part*"))
        checked = CliRunner().invoke(main, ["data", "check", "--store", str(disk / "store")])
        assert checked.exit_code == 0, checked.output
        subprocess.run(["mount", "-o", "remount,size=9m", disk], check=True)
        assert here(disk / "store").exit_code == 0
        assert prints(disk / "store") == undisturbed


@pytest.fixture
def unhurried(server: AlpacaServer, monkeypatch: pytest.MonkeyPatch) -> AlpacaServer:
    """The server, before a source whose waits take no time."""

    def opened(_feed: str | None, _workers: int) -> AlpacaSource:
        patience = Patience(attempts_max=3, sleep=lambda _seconds: None)
        return AlpacaSource(
            bucket=TokenBucket(1e6, burst=1e6), patience=patience, timeout_s=0.3, feed="sip"
        )

    monkeypatch.setitem(ingest_sources._OPENERS, "alpaca", opened)  # type: ignore[arg-type]
    server.trouble_at = MONTHS * PAGES // 2
    return server


_SOUND: dict[str, str] = {}


@pytest.fixture
def sound(unhurried: AlpacaServer, tmp_path: Path) -> dict[str, str]:
    """The fingerprints of the first symbol after a download without trouble."""
    if not _SOUND:
        assert here(tmp_path / "sound", "AAA").exit_code == 0
        _SOUND.update(prints(tmp_path / "sound"))
        unhurried.asked.clear()
    return _SOUND


@pytest.mark.parametrize(
    "trouble", ["rate_limited", "server_error", "html_error", "dropped", "stalled", "torn"]
)
def test_what_passes_in_the_middle_of_many_pages_is_waited_out(
    trouble: str, unhurried: AlpacaServer, sound: dict[str, str], tmp_path: Path
) -> None:
    unhurried.trouble = trouble
    done = here(tmp_path / "store", "AAA")
    assert done.exit_code == 0, done.output
    assert unhurried.count() == MONTHS * PAGES + 1
    assert told(done.stdout)["failed"] == []
    assert prints(tmp_path / "store") == sound


@pytest.mark.parametrize(
    ("trouble", "code", "text"),
    [
        ("garbage", 2, "must answer in JSON"),
        ("down", 1, "status 503"),
        ("redirected", 1, "it redirects"),
        ("plan", 2, "the plan must include feed sip"),
        ("unauthorized", 2, "alpaca must accept the keys"),
    ],
)
def test_what_does_not_pass_keeps_what_came_before(
    trouble: str,
    code: int,
    text: str,
    *,
    unhurried: AlpacaServer,
    sound: dict[str, str],
    tmp_path: Path,
) -> None:
    unhurried.trouble = trouble
    done = here(tmp_path / "store", "AAA")
    assert done.exit_code == code, done.output
    assert text in done.output
    assert SECRET not in done.output
    assert "Traceback" not in done.output
    assert "bars 1min AAA" in prints(tmp_path / "store")
    unhurried.trouble = ""
    assert here(tmp_path / "store", "AAA").exit_code == 0
    assert prints(tmp_path / "store") == sound
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


@pytest.mark.soak
def test_a_worker_that_is_killed_changes_no_bit(
    server: AlpacaServer, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    from tests.fakes.cluster import two_nodes

    from fanfold.workflows.data.ingest import ingest
    from fanfold.workflows.data.ingest_plan import Asked

    server.pause_s = 0.3
    with two_nodes() as nodes, ThreadPoolExecutor(1) as pool:
        asked = Asked(
            source=("alpaca",),
            symbols=SYMBOLS,
            start="2024-01-01",
            end=f"2024-0{MONTHS}-28",
            timeframe="1Min",
            store=str(tmp_path / "store"),
            workers=2,
            address=nodes.address,
        )

        def kill_one() -> int:
            until(lambda: server.count() >= PAGES, what="a page")
            (pid, *_) = until(worker_pids, what="a busy worker")
            os.kill(pid, signal.SIGKILL)
            return pid

        killed = pool.submit(kill_one)
        done = ingest(asked, shown=False)
        assert killed.result() not in worker_pids()
    assert not done.failures
    assert prints(tmp_path / "store") == undisturbed
