"""What all tests share: where they write, how long properties are hunted, real data."""

import json
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

REPO = Path(__file__).resolve().parents[1]

# Compiled code is kept between test runs: its cache goes by content, so it is never stale.
os.environ.setdefault("FANFOLD_HOME", str(REPO / ".fanfold"))
# What tests write is gone with them, so they need not wait until a disk has it: that alone takes
# seconds for each new database of MLflow. A container may have no such memory, or little.
MEMORY = Path("/dev/shm")  # noqa: S108  (pytest makes a folder there that is its user's alone)
MEMORY_BYTES_MIN = 2 * 2**30
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
# One local Ray without a login, and no calls home.
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# An example may wait for the compiler, so none has a deadline.
SLOW_START = (HealthCheck.too_slow,)
settings.register_profile("quick", deadline=None, max_examples=25, suppress_health_check=SLOW_START)
# Every merge waits for these: the same examples each time, and somewhat fewer.
settings.register_profile(
    "ci", parent=settings.get_profile("quick"), derandomize=True, max_examples=15
)
settings.register_profile("long", parent=settings.get_profile("quick"), max_examples=2_000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "quick")
)


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of market data and independent reference values; skips where there is none."""
    default = REPO.parent / "shared" / "data"
    folder = Path(os.environ.get("FANFOLD_REFERENCE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder}; FANFOLD_REFERENCE_DATA names the folder")
    return folder


@pytest.fixture(scope="session")
def oracle(reference_data: Path) -> Callable[[str], Any]:
    """Give what another program computed, by the name of the reference."""
    entries = json.loads((reference_data / "oracles.json").read_text())
    expected = {entry["id"]: entry["expected"] for entry in entries}
    return expected.__getitem__


@pytest.fixture(autouse=True, scope="module")
def _keys_stay_where_they_were() -> Generator[None]:
    """Work on a deployment takes its local venue's keys over; other tests must not see them."""
    from fanfold.alpaca.credentials import KEY_ID_VARIABLES, SECRET_VARIABLES

    names = (*KEY_ID_VARIABLES, *SECRET_VARIABLES)
    before = {name: os.environ.get(name) for name in names}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
