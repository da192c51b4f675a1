"""`fanfold live rollback` on a deployment that runs and holds something, at the local venue."""

import json
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fanfold.cli import main
from fanfold.live.folder import Folder
from fanfold.live.plan import Plan, read_plan
from fanfold.workflows.live.status import status_of
from fanfold.workflows.live.stop import down

CONFIG = Path(__file__).parents[2] / "configs" / "live_paper.yaml"
SEEN_S = 120.0
FORMER = {"fast": 4, "slow": 12}
# What outlives the command outlives this process' interest in it too.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Folder]:
    kept = Path(os.environ["FANFOLD_HOME"])
    for each in kept.iterdir() if kept.is_dir() else ():
        if each.name not in ("live", "versions"):
            (tmp_path / each.name).symlink_to(each)
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    made = Folder(tmp_path / "live" / "demo")
    yield made
    if made.plan.is_file():
        down(made, "a test", lambda _line: None)


def run(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["live", *words, "--json"])
    assert done.exit_code == 0, (done.exit_code, done.output)
    return json.loads(done.stdout.splitlines()[-1])


def until(folder: Folder, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    limit = time.monotonic() + SEEN_S
    while not holds(found := status_of(folder)):
        assert time.monotonic() < limit, found
        time.sleep(0.2)
    return found


def put_former(folder: Folder, plan: Plan) -> None:
    """A version that the deployment ran before, as it would lie in its folder."""
    job = {**plan.job, "strategy": {"name": plan.strategy, "params": FORMER}}
    former = plan.model_copy(update={"params": FORMER, "job": job})
    place = folder.path / "former" / "1700000000000000000"
    place.mkdir(parents=True)
    (place / "plan.json").write_text(former.model_dump_json())


def test_a_running_deployment_goes_back_and_keeps_its_positions_and_its_numbers(
    folder: Folder,
) -> None:
    fast = ("--set", "strategy.params.fast=3", "--set", "strategy.params.slow=8")
    run("up", str(CONFIG), "--set", "live.host.hosts=processes",
        "--set", "live.page.enabled=false", *fast)  # fmt: skip
    held = until(folder, lambda found: any(found["positions"].values()))
    intents = held["statistics"]["signal"]["gauges"]["intent"]
    put_former(folder, read_plan(folder))

    back = run("rollback", "--by", "me")
    assert (back["status"], back["params"], back["runs"]) == ("rolled back", FORMER, True)
    assert back["up"]["status"] == "up"
    plan = read_plan(folder)
    assert plan.params == FORMER
    assert plan.numbered_from >= intents > 0
    assert Path(back["aside"]).is_dir()

    # Every intent of the former version is a new one to whoever heard the old ones.
    after = until(
        folder,
        lambda found: found["statistics"]["signal"]["gauges"]["intent"] > plan.numbered_from,
    )
    refused = after["statistics"]["risk"]["counts"]
    assert refused.get("approved", 0) > 0
    assert after["latches"] == []
