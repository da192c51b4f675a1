"""A version from its gates to real money and back: measured, rehearsed, promoted, demoted."""

import json
import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.fakes.promotion import live_job, rehearsed

from fanfold.cli import main
from fanfold.errors import ConfigError
from fanfold.live.folder import Folder
from fanfold.live.halts import Latch, latches, set_latch
from fanfold.live.plan import read_plan
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.expectation import check_expectation, write_expected
from fanfold.workflows.live.expected import expected_of
from fanfold.workflows.promotion import check_promoted, promote, versions
from fanfold.workflows.promotion.gates import PASSED, REFUSED, gates_job
from fanfold.workflows.versions.standing import standing_versions
from fanfold.workflows.versions.store import record_named

EASY: dict[str, Any] = {
    "gates__walk_forward__sharpe_min": -10.0,
    "gates__walk_forward__return_min": -1.0,
    "gates__overfitting": {
        "deflated_sharpe_min": 0.0, "overfitting_max": 1.0, "superiority_max": 1.0,
    },
    "gates__monte_carlo__drawdown_max": 1.0,
    "gates__monte_carlo__shortfall_max": 1.0,
    "gates__monte_carlo__shock_drawdown_max": 1.0,
}  # fmt: skip
"""Bounds that a rule with nothing to it passes: what is measured is another matter."""


def easy(name: str = "trial", **more: Any) -> LiveJob:
    return live_job(name, **{**EASY, **more})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A home of these tests, with what was compiled and converted before."""
    kept, root = Path(os.environ["FANFOLD_HOME"]), tmp_path_factory.mktemp("promotion")
    made = root / "home"
    made.mkdir()
    for each in kept.iterdir() if kept.is_dir() else ():
        if each.name not in ("live", "versions"):
            (made / each.name).symlink_to(each)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FANFOLD_HOME", str(made))
        patch.setenv("FANFOLD_LEDGER", str(root / "ledger"))
        patch.chdir(root)
        yield made


@pytest.fixture(scope="module")
def measured(home: Path) -> tuple[dict[str, Any], Folder]:
    """The version measured before anybody rehearsed it, and a rehearsal that came after."""
    said: list[str] = []
    closed = gates_job(easy(), said.append, track=False)
    assert any(line.startswith("walk_forward: 4 trials") for line in said)
    return closed.content, rehearsed(home / "live", easy())


def gate(content: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in content["gates"] if one["name"] == name)


def command(*words: str, code: int) -> dict[str, Any]:
    done = CliRunner().invoke(main, [*words, "--json"])
    assert done.exit_code == code, (done.output, done.exception)
    return json.loads(done.stdout.splitlines()[-1])


def written(place: Path, job: LiveJob) -> str:
    file = place / "job.yaml"
    file.write_text(job.model_dump_json(exclude={"venue": {"accounts"}}))
    return str(file)


def test_before_a_rehearsal_only_the_paper_gate_refuses(
    measured: tuple[dict[str, Any], Folder],
) -> None:
    content, _ = measured
    assert content["status"] == REFUSED
    assert [one["name"] for one in content["gates"] if not one["passed"]] == ["paper"]
    sessions = gate(content, "paper")["checks"][0]
    assert (sessions["value"], sessions["least"], sessions["distance"]) == (0.0, 5.0, 5.0)
    assert gate(content, "lookahead")["checks"][1]["value"] > 1_000
    assert content["measured"] == ["data", "lookahead", "walk_forward", "overfitting",
                                   "monte_carlo"]  # fmt: skip


def test_after_it_the_version_passes_and_nothing_is_measured_twice(
    measured: tuple[dict[str, Any], Folder],
) -> None:
    closed = gates_job(easy(), lambda _line: None, track=False)
    assert closed.status == PASSED
    assert closed.content["version"] == measured[0]["version"]
    assert closed.content["measured"] == []
    paper = gate(closed.content, "paper")["checks"]
    assert paper[0]["value"] > 60  # sessions of half a year, without the warm-up
    assert paper[1]["value"] >= 20
    assert paper[2]["value"] == 0.0


def test_a_stricter_bound_refuses_what_was_measured_and_says_by_how_much(
    measured: tuple[dict[str, Any], Folder],
) -> None:
    closed = gates_job(easy(gates__walk_forward__sharpe_min=50.0), lambda _line: None, track=False)
    assert closed.content["measured"] == []
    sharpe = gate(closed.content, "walk_forward")["checks"][0]
    assert sharpe["distance"] == pytest.approx(50.0 - sharpe["value"])
    assert "off by" in sharpe["text"]


def test_real_money_takes_a_promoted_version(
    measured: tuple[dict[str, Any], Folder], tmp_path: Path
) -> None:
    version = measured[0]["version"]
    with pytest.raises(ConfigError, match="must be promoted for real money, is not yet"):
        check_promoted(easy())
    with pytest.raises(ConfigError, match="was never measured"):
        check_promoted(easy(strategy__params={"fast": 3, "slow": 20}))
    strict = easy(gates__paper__fills_min=100_000)
    refused = command("live", "promote", written(tmp_path, strict), code=1)
    assert refused["status"] == REFUSED
    assert "fills must be at least 100,000 fills" in refused["reason"]
    with pytest.raises(ConfigError, match="paper: fills must be at least 100,000"):
        check_promoted(strict)
    done = command("live", "promote", written(tmp_path, easy("real")), code=0)
    assert (done["status"], done["version"], done["deployment"]) == ("promoted", version, "real")
    assert check_promoted(easy("real")) == version
    # A promoted version is what was measured: another parameter is another version.
    with pytest.raises(ConfigError, match="real money"):
        check_promoted(easy("real", limits={"max_drawdown": 0.5}))


def test_a_latch_on_a_rehearsal_refuses(measured: tuple[dict[str, Any], Folder]) -> None:
    folder = measured[1]
    set_latch(folder, Latch(name="parity", reason="a test", by="me", at=1))
    try:
        found = promote("real", measured[0]["version"], "me")
        assert found["status"] == REFUSED
        assert "latches must be at most 0, is 1: off by 1" in found["reason"]
    finally:
        for file in folder.halts.glob("parity.*"):
            file.unlink()


def test_leaving_the_band_out_of_sample_demotes_the_version(
    measured: tuple[dict[str, Any], Folder],
) -> None:
    version, folder = measured[0]["version"], measured[1]
    promote("trial", version, "me")
    assert version in standing_versions()
    expected = expected_of(folder)
    assert (expected.version, expected.demotes) == (version, True)
    assert "out of sample" in expected.source
    write_expected(folder, expected)
    sessions = read_plan(folder).sessions["XNYS"]
    check_expectation(folder, sessions[10].close_ts, 100_000.0)
    found = check_expectation(folder, sessions[15].close_ts, 40_000.0)
    assert found is not None
    assert [latch.name for latch in latches(folder)] == ["demoted"]
    assert version not in standing_versions()
    with pytest.raises(ConfigError, match="is not any more"):
        check_promoted(easy())
    (shown,) = [one for one in versions(folder) if one["id"] == version]
    assert (shown["promoted"], shown["current"]) == (False, True)
    assert "40,000.00 is below the band" in shown["demoted"]


def test_a_record_that_somebody_typed_is_no_evidence(
    measured: tuple[dict[str, Any], Folder], home: Path
) -> None:
    version = measured[0]["version"]
    file = home / "versions" / version / "record.json"
    before = file.read_text()
    content = json.loads(before)
    content["evidence"]["walk_forward"]["figures"]["sharpe"] = 99.0
    file.write_text(json.dumps(content))
    try:
        failed = command("live", "promote", version, code=2)
        assert "was changed since" in failed["error"]
    finally:
        file.write_text(before)
    assert record_named(version[:6]).evidence == replace(record_named(version)).evidence
