"""The report command: a tear sheet of one run, a comparison of several, both on paper."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fanfold.cli import main
from fanfold.reporting.pdf import BROWSERS

REPO = Path(__file__).parents[2]
BACKTEST = REPO / "configs" / "backtest.yaml"
SWEEP = REPO / "configs" / "sweep.yaml"
has_browser = any(shutil.which(name) for name in BROWSERS)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def last_object(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout.strip().splitlines()[-1])


def tracked(*words: object) -> str:
    """Id of a run that was made with these settings."""
    result = invoked("run", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return last_object(result)["mlflow_run_id"]


@pytest.mark.usefixtures("with_a_store")
def test_one_run_is_a_tear_sheet_and_several_are_a_comparison(tmp_path: Path) -> None:
    first = tracked(BACKTEST)
    second = tracked(BACKTEST, "--set", "strategy.params.fast=5")
    alone = invoked("report", first, "--json")
    assert alone.exit_code == 0, alone.stderr
    (sheet,) = last_object(alone)["artifacts"]
    assert 'id="run-1-robustness"' in Path(sheet).read_text(encoding="utf-8")
    both = invoked("report", first, second, "--folder", tmp_path / "both", "--json")
    assert both.exit_code == 0, both.stderr
    (page,) = last_object(both)["artifacts"]
    assert Path(page).parent == tmp_path / "both"
    source = Path(page).read_text(encoding="utf-8")
    assert "2 runs compared" in source
    assert "SmaCross (fast 20, slow 100)" in source
    assert "SmaCross (fast 5, slow 100)" in source
    assert f"run {second[:8]}" in source
    again = invoked("report", first, second, "--json")
    (elsewhere,) = last_object(again)["artifacts"]
    assert Path(elsewhere).parent.name.startswith("comparison-")
    assert Path(elsewhere).read_text(encoding="utf-8") == source


@pytest.mark.usefixtures("with_a_store")
@pytest.mark.skipif(not has_browser, reason="no Chromium on the PATH to print with")
def test_a_report_is_printed_beside_itself() -> None:
    result = invoked("report", tracked(BACKTEST), "--pdf", "--json")
    assert result.exit_code == 0, result.stderr
    page, printed = (Path(path) for path in last_object(result)["artifacts"])
    assert printed == page.with_suffix(".pdf")
    assert printed.read_bytes().startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", str(printed), "-"], capture_output=True, text=True, check=True
        ).stdout
        for words in ("Drawdowns", "Break-even cost", "How it is counted"):
            assert words in text


def test_without_a_browser_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = invoked("report", "whatever", "--pdf", "--json")
    assert result.exit_code == 1
    (line,) = result.stderr.strip().splitlines()
    assert "a PDF needs Chromium on the PATH" in line
    assert last_object(result)["status"] == "failed"


@pytest.mark.usefixtures("with_a_store")
def test_the_best_of_a_sweep_is_compared_with_a_backtest() -> None:
    small = ["--set", "strategy.params.fast={range: [5, 7]}", "--set", "strategy.params.slow=30"]
    sweep = tracked(SWEEP, "--workers", 0, *small)
    result = invoked("report", tracked(BACKTEST), sweep, "--json")
    assert result.exit_code == 0, result.stderr
    (page,) = last_object(result)["artifacts"]
    assert "SmaCross, best of 2" in Path(page).read_text(encoding="utf-8")
