"""The cluster and the in-process twin give the same rows; one local Ray for all tests here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.alpaca_server import KEY_ID, AlpacaServer, alpaca_server
from tests.fakes.minutes import minutes
from tests.fakes.panels import wild_bars
from tests.integration.test_faults import parts_in
from tests.integration.test_risk_jobs import (
    AHEAD,
    CHUNK_SECONDS,
    CONFIGS,
    NO_PAGE,
    SMALL,
    closed,
)

import fanfold as ff
from fanfold.distributed import connected, ray_map
from fanfold.engine.backtest import terms_of
from fanfold.errors import ConfigError, DataError
from fanfold.market.store import Store
from fanfold.research import chunks
from fanfold.research.chunks import cut, map_here
from fanfold.research.plan import Grid, axes_of
from fanfold.research.sweep import Sweep, run_sweep_chunk
from fanfold.settings import MonteCarloSettings
from fanfold.simulation.path_risk import PathRisk, path_risk
from fanfold.strategies import SmaCross
from fanfold.workflows import horizons as horizons_module
from fanfold.workflows.data.ingest import ingest
from fanfold.workflows.data.ingest_plan import Asked
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.horizons import horizons_of
from fanfold.workflows.sweep import run_sweep

BARS = wild_bars(3, 60, 2)
SPACE = {"fast": [2, 3, 8], "slow": [5, 8, 13, 21]}
COUNT = 12
FEW = ("--set", "strategy.params.fast={range: [5, 8]}", "--set", "strategy.params.slow=30")


@pytest.fixture(scope="module")
def service() -> Iterator[AlpacaServer]:
    """A service of two symbols, which workers find in their environment."""
    frames = {symbol: minutes(seed) for seed, symbol in enumerate(("AAA", "BBB"))}
    serving = AlpacaServer(frames=frames, daily=False, secret="hush", page_rows=200)  # noqa: S106
    with alpaca_server(serving) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("APCA_API_DATA_URL", server.url)
        patch.setenv("ALPACA_REQUESTS_PER_MINUTE", "1000000")
        patch.setenv("APCA_API_KEY_ID", KEY_ID)
        patch.setenv("APCA_API_SECRET_KEY", "hush")
        yield server


@pytest.fixture(scope="module")
def processors(service: AlpacaServer) -> Iterator[int]:
    assert service.url
    with connected(2) as count:
        yield count


def inputs() -> Sweep:
    plan = Grid(axes_of(SmaCross, SPACE))
    return Sweep(strategy=SmaCross, fixed={}, plan=plan, bars=BARS, terms=terms_of(), first=20)


def rows(batches: Any) -> list[str]:
    return [repr(row) for batch in batches for row in batch.to_pylist()]


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("size", [1, 5, 12])
@pytest.mark.parametrize("inflight", [1, 4])
def test_ray_map_gives_what_its_twin_gives_for_any_chunking(size: int, inflight: int) -> None:
    sweep = inputs()
    here = map_here(run_sweep_chunk, cut(0, COUNT, size), shared=sweep, inflight_max=1)
    there = ray_map(run_sweep_chunk, cut(0, COUNT, size), shared=sweep, inflight_max=inflight)
    assert rows(there) == rows(here)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_has_the_same_rows_on_any_number_of_workers(
    workers: int, processors: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert processors == 2
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 1e-4)
    plan = Grid(axes_of(SmaCross, SPACE))

    def swept(folder: str, workers: int) -> Any:
        with Fleet(workers, None) as fleet:
            return run_sweep(
                SmaCross,
                {},
                plan,
                BARS,
                terms_of(),
                fleet=fleet,
                folder=tmp_path / folder,
                progress=False,
            )

    there, here = swept("there", workers), swept("here", 0)
    assert there.workers == workers
    assert there.hash == here.hash


@pytest.mark.usefixtures("processors")
def test_an_ingest_stores_the_same_on_any_number_of_workers(
    service: AlpacaServer, tmp_path: Path
) -> None:
    def stored(workers: int) -> dict[str, str]:
        service.asked.clear()
        asked = Asked(
            source=("alpaca",),
            symbols=("AAA", "NOPE", "BBB"),
            start="2024-01-01",
            end="2024-02-28",
            timeframe="1Min",
            workers=workers,
            store=str(tmp_path / str(workers)),
        )
        done = ingest(asked, shown=False).plain()
        assert [one["symbol"] for one in done["symbols"]] == ["AAA", "BBB"]
        assert [one["symbol"] for one in done["failed"]] == ["NOPE"]
        assert service.count("/bars") == 2 * 2 * 2 + 2
        return {str(one.series): one.fingerprint for one in Store.at(asked.store or "").list()}

    assert stored(2) == stored(0)


def bits(risk: PathRisk) -> list[Any]:
    counted = (risk.log_growth, risk.max_drawdown, risk.drawdown_bars, risk.bars_under_water)
    return [risk, *((one.points.tolist(), one.counts.tolist()) for one in counted)]


@pytest.mark.usefixtures("processors")
def test_chunks_of_paths_on_a_cluster_are_the_paths_of_one_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(horizons_module, "TASK_STEPS", 1)
    monkeypatch.setattr(horizons_module, "CHUNK_PATHS", 400)
    returns = ff.GBM(drift=5e-4, volatility=0.01).draw(bar_count=300, path_count=1, seed=8)[0]
    settings = MonteCarloSettings(models=["bootstrap", "gbm"], paths=3_000, bars=20)
    with Fleet(2, None) as fleet:
        found, refused = horizons_of(
            returns, settings, seed=3, fleet=fleet, strategy=SmaCross, shown=False
        )
        assert fleet.processors == 2
    assert refused == {}
    for one in found:
        alone = path_risk(
            one.model, bar_count=20, path_count=3_000, seed=3, ruin=settings.ruin,
            goal=settings.goal,
        )  # fmt: skip
        assert bits(one.risk) == bits(alone)


@pytest.mark.usefixtures("processors")
def test_a_job_on_two_workers_has_the_hash_of_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = (
        *("--set", "monte_carlo.retune=3", "--set", "monte_carlo.prices=gbm"),
        *("--set", "monte_carlo.space={fast: {range: [5, 40]}}"),
    )
    words = ("run", AHEAD, *SMALL, *searched, *NO_PAGE, "--no-track")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", CHUNK_SECONDS)
    here = closed(*words, "--workers", 0)
    there = closed(*words, "--workers", 2, "--set", f"folder={tmp_path / 'there'}")
    assert there["result_hash"] == here["result_hash"]
    assert there["metrics"] == here["metrics"]
    files = [Path(job["artifacts"][0]).read_bytes() for job in (here, there)]
    assert files[0] == files[1]
    assert len(parts_in(tmp_path / "there")) > 1


@pytest.mark.usefixtures("processors")
def test_the_same_sweep_has_the_same_hash_with_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("run", CONFIGS / "sweep.yaml", *FEW, "--no-track")
    here = closed(*words, "--workers", 0)
    there = closed(*words, "--workers", 1, "--set", "folder=ray")
    assert here["result_hash"] == there["result_hash"]


def refuse(shared: str, chunk: int) -> int:
    if chunk == 2:
        raise DataError(f"{shared} must not hold {chunk}")
    return chunk


@pytest.mark.usefixtures("processors")
def test_an_error_of_ours_keeps_its_type_and_text_on_its_way_home() -> None:
    results = ray_map(refuse, range(4), shared="bars", inflight_max=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(DataError, match=r"^bars must not hold 2$"):
        next(results)


@pytest.mark.usefixtures("processors")
def test_no_more_chunks_are_taken_than_may_be_in_flight() -> None:
    taken: list[int] = []

    def chunks_taken() -> Iterator[int]:
        for chunk in range(10, 20):
            taken.append(chunk)
            yield chunk

    results = ray_map(refuse, chunks_taken(), shared="bars", inflight_max=3)
    assert taken == []
    assert next(results) == 10
    assert taken == [10, 11, 12, 13]
    assert list(results) == list(range(11, 20))


def test_a_cluster_without_processors_is_refused() -> None:
    with (
        pytest.raises(ConfigError, match="workers must be 1 or more on a cluster, was 0"),
        connected(0),
    ):
        pass
