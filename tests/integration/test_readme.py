"""What the README shows must run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.scripts import printed_here
from tests.fakes.venue_process import running

from fanfold.venue.faults.reading import KINDS

README = Path(__file__).resolve().parents[2] / "README.md"
VENUE = "http://127.0.0.1:8765"
"""Where examples find the venue that the README starts above them."""

EXAMPLES = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


def test_the_readme_shows_python() -> None:
    assert len(EXAMPLES) >= 2


def ran(example: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "example.py"
    script.write_text(example)
    return subprocess.run(
        [sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=False
    )


HERE = [pytest.param(one, id=str(n)) for n, one in enumerate(EXAMPLES) if VENUE not in one]


def test_the_readme_s_first_example_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    answer = ran(EXAMPLES[0], tmp_path)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("example", HERE[1:])
def test_the_readme_s_example_runs(example: str, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(example)
    printed_here(script, tmp_path)


def test_the_readme_s_venue_fills_the_order_of_its_example(tmp_path: Path) -> None:
    (example,) = (one for one in EXAMPLES if VENUE in one)
    (command,) = re.findall(r"(?m)^fanfold venue (--replay sample --begin .*)$", README.read_text())
    keys = re.findall(r'keys = \("(\w+)", "([\w-]+)"\)', example)[0]
    own = ("--port", "0", "--journal", str(tmp_path / "venue.db"))
    with running(tmp_path, *command.split(), *own, "--key", keys[0], "--secret", keys[1]) as venue:
        answer = ran(example.replace(VENUE, venue.rest_url), tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("OrderStatus.FILLED 9")


def test_the_readme_counts_the_venue_s_faults() -> None:
    assert f"| {len(KINDS)} faults, seeded" in README.read_text()
