"""A deployment holds while everything about it goes wrong: half an hour of one session."""

import json
import os
import subprocess
import sys
from pathlib import Path

SEED, MINUTES, FAULTS = 2, 40, 12
LIMIT_S = 300.0
"""For machines that do much else; it takes seconds."""


def test_a_short_run_holds(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    command = [
        sys.executable, "-m", "fanfold.cli", "chaos", "run", "--seed", str(SEED), "--days", "1",
        "--faults", str(FAULTS), "--minutes", str(MINUTES), "--json",
    ]  # fmt: skip
    home, kept = tmp_path / "home", Path(os.environ["FANFOLD_HOME"])
    home.mkdir()
    # What the sample is converted to, and what was compiled, is kept: making it takes long.
    for each in kept.iterdir() if kept.is_dir() else ():
        if each.name != "live":
            (home / each.name).symlink_to(each)
    with told.open("wb") as output:
        done = subprocess.run(
            command, stdout=output, stderr=subprocess.PIPE, timeout=LIMIT_S, check=False,
            env={**os.environ, "FANFOLD_HOME": str(home)},
        )  # fmt: skip
    assert done.returncode == 0, (told.read_text(), done.stderr.decode())
    found = json.loads(told.read_text().splitlines()[-1])
    assert (found["status"], found["complaints"]) == ("ok", [])
    assert (found["faults"], found["checks"]) == (FAULTS, 2)
    assert found["metrics"]["orders"] > 0
    assert [leg["verdict"] for leg in found["parity"]["legs"][:2]] == ["equal", "equal"]
    assert {one.name for one in (home / "live").iterdir()} == {"accounts"}
