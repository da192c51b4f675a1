"""Rows per second into a store, and time and memory to open a panel, beside pandas and polars.

    python tests/benchmarks/data.py

Ingest: pandas and polars read the same file and write it as Parquet, a folder for each
symbol; no session, no check, no merge with what is stored, no fingerprint, and nothing
flushed to the disk. So their figures are what the formats cost, and ours what they and
all of that cost. Opening: all read the same files, those of fanfold's stores, into one array
of fields, bars and symbols; only fanfold checks what it reads. Each work has a process of
its own; its best time of some counts, and the memory of the first beyond its imports.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from data_files import daily_file, minute_store, minutes_file

HERE: Final = Path(__file__).resolve().parent
PEERS: Final = HERE.parents[1] / ".venv-peers" / "bin" / "python"
LIBRARIES: Final = ("fanfold", "pandas", "polars")
TIMES: Final = 2
MEGA: Final = 1e6


def main() -> None:
    """Make the data, measure, and print a line for each work."""
    print(f"{'work':34}{'library':10}{'wall s':>8}{'cpu s':>8}{'M rows/s':>10}{'MB more':>9}")
    with tempfile.TemporaryDirectory(prefix="fanfold-data-") as name:
        root = Path(name)
        daily, minutes = daily_file(root), minutes_file(root)
        for what, file in (("ingest daily Parquet", daily), ("ingest minute CSV", minutes)):
            for library in LIBRARIES:
                line(what, library, "ingest", str(file), str(root / f"{library}-{file.stem}"))
        again = str(daily), str(root / "fanfold-daily")
        line("ingest daily Parquet again", "fanfold", "ingest", *again, times=1)
        stores = {
            "open 500 symbols, 20 years of days": root / "fanfold-daily",
            "open 10 symbols, 5 years of minutes": minute_store(root),
        }
        for what, store in stores.items():
            seen = {library: line(what, library, "open", str(store)) for library in LIBRARIES}
            told = {json.dumps(one) for one in seen.values() if one is not None}
            if len(told) > 1:
                raise SystemExit(f"all must read the same, they read {seen}")


def line(what: str, library: str, work: str, *arguments: str, times: int = TIMES) -> Any:
    """Measure a work, print its line, and return what it gave; None if it is not there."""
    python = sys.executable
    if library == "polars":
        python = os.environ.get("FANFOLD_PEERS_PYTHON", str(PEERS))
        if not Path(python).exists():
            print(f"{what:34}{library:10} there is no {python}; `make bench-data` makes it")
            return None
    command = [python, "-W", "ignore", str(HERE / "data_works.py"), f"{library} {work}", str(times)]
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    given, seconds = found["given"], found["seconds"]
    rows = given if work == "ingest" else given[1] * given[2]
    print(
        f"{what:36}{library:8}{seconds:8.2f}{found['busy']:8.2f}{rows / seconds / MEGA:10.2f}"
        f"{found['megabytes']:9.0f}",
        flush=True,
    )
    return given


if __name__ == "__main__":
    main()
