"""The examples and notebooks that users copy from run as they are, and find what they say."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from tests.fakes.scripts import printed_here

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
CELL_SECONDS_MAX = 300
"""Longest that a cell may take: a first run compiles [s]."""

LADDER = ("nothing", "+ half a spread", "+ impact", "+ half a cent", "+ 1 %", "+ one bar")
"""How the rows of the first table begin, from the cheapest to the dearest."""


def printed(name: str, folder: Path) -> str:
    """What an example prints when it runs in an empty folder, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def number(text: str, pattern: str) -> float:
    """The number that a pattern with one group finds, in percent or not."""
    found = re.search(pattern, text)
    assert found is not None, text
    return float(found.group(1).replace(",", ""))


def test_there_are_eight_examples_and_two_notebooks() -> None:
    assert len(list(EXAMPLES.glob("*.py"))) == 8
    assert len(NOTEBOOKS) == 2


def test_the_first_steps_end_with_books_that_agree(tmp_path: Path) -> None:
    said = printed("first_steps.py", tmp_path)
    assert "The books agree: True" in said
    assert number(said, r"(\d+) round trips") > 0


def test_half_of_kelly_keeps_most_of_the_growth(tmp_path: Path) -> None:
    said = printed_here(EXAMPLES / "how_much_to_stake.py", tmp_path)
    rows = {
        float(size): tuple(map(float, cells))
        for size, *cells in re.findall(r"× (\S+) +(\S+)% +(\S+)% +(\S+)%", said)
    }
    growth, fall, ruined = zip(*(rows[size] for size in (0.25, 0.5, 1.0, 2.0)), strict=True)
    assert max(growth) == growth[2]  # nothing grows faster than Kelly's stake
    assert list(fall) == sorted(fall)
    assert list(ruined) == sorted(ruined)
    assert 60 < number(said, r"keeps (\d+)% of the growth") < 95


def test_an_own_strategy_is_the_same_compiled_and_plain(tmp_path: Path) -> None:
    said = printed_here(EXAMPLES / "own_strategy.py", tmp_path)
    assert "Equal fills and equal metrics, to the last bit: True" in said
    assert number(said, r"stop +(\d+)") > 0
    assert number(said, r"target +(\d+)") > 0


def test_costs_turn_a_wonderful_result_into_a_loss(tmp_path: Path) -> None:
    said = printed_here(EXAMPLES / "costs_kill_an_edge.py", tmp_path)
    ladder = [number(said, rf"(?m)^{re.escape(head)}.*? (-?\d+)%") for head in LADDER]
    assert ladder == sorted(ladder, reverse=True)
    assert ladder[0] > 100.0
    assert ladder[-1] < 0.0
    # The table must change its sign where the search says that nothing is left.
    even = number(said, r"Break-even: ([\d.]+) bps")
    rows = re.findall(r"(?m)^(\d+) bps of every amount traded +(-?\d+)%", said)
    assert all((float(total) > 0.0) == (float(bps) < even) for bps, total in rows)


def test_the_best_of_a_sweep_is_not_shown_to_be_more_than_luck(tmp_path: Path) -> None:
    said = printed_here(EXAMPLES / "sweep_read_properly.py", tmp_path)
    before, after = re.findall(r"the best: (-?[\d.]+) before, (-?[\d.]+) after", said)[0]
    assert float(after) < float(before)
    assert number(said, r"probability of more than luck +(\d+)%") < 95.0
    assert "do not trade it" in said


def test_a_friend_s_report_is_one_file_and_needs_no_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # printing has its own tests, and takes long
    said = printed_here(EXAMPLES / "report_for_a_friend.py", tmp_path, "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h1>New highs, with a stop</h1>" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"https?:", page)
    assert "No PDF: a PDF needs Chromium" in said


def test_a_friend_s_report_asks_for_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="FOLDER"):
        printed_here(EXAMPLES / "report_for_a_friend.py", tmp_path)


def test_a_rehearsed_day_buys_nothing_twice_though_an_answer_is_lost(tmp_path: Path) -> None:
    said = printed("rehearse.py", tmp_path)
    sides = re.findall(r"(?m)^\d\d:\d\d  (buy|sell) +100 at ", said)
    assert len(sides) >= 4
    assert sides == ["buy", "sell"] * (len(sides) // 2)
    assert said.count("no answer; sent again: client_order_id must be unique") == 1
    assert f"{len(sides)} orders, 0 positions left" in said
    assert "none of them twice: True" in said


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_its_first_cell_to_its_last(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernel draws into the notebook, and keeps its files out of the user's folders.
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    page = nbformat.read(path, as_version=4)
    nbformat.validate(page)
    NotebookClient(
        page,
        timeout=CELL_SECONDS_MAX,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    shown = [output for cell in page.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in shown) >= 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_what_it_printed(path: Path) -> None:
    page: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert (page["nbformat"], page["nbformat_minor"]) == (4, 5)
    assert page["metadata"]["kernelspec"]["name"] == "python3"
    code = [cell for cell in page["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    ids = [cell["id"] for cell in page["cells"]]
    assert len(set(ids)) == len(ids)
