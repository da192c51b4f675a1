"""Settings are read from YAML and explained by file, field and value."""

import re
from pathlib import Path

import pytest

from fanfold.errors import ConfigError
from fanfold.settings import read_settings

CONFIGS = Path(__file__).parents[2] / "configs"
SWEEP = """
job: sweep
strategy: {name: SmaCross, params: {fast: {range: [2, 5]}, slow: 20}}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "job.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_configuration_is_valid(file: Path) -> None:
    others = {
        "execution": "backtest",
        "cross_validation": "cross_validate",
        "learning": "walk_forward",
    }
    job = others.get(file.stem, file.stem)
    assert read_settings(file).job == job


def test_an_override_changes_one_setting(tmp_path: Path) -> None:
    file = written(tmp_path, SWEEP)
    settings = read_settings(file, ["data.symbols=[IBM]", "run.workers=0", "costs.slippage_bps=3"])
    assert settings.data.symbols == ["IBM"]
    assert settings.run.workers == 0
    assert settings.costs.slippage_bps == 3.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SWEEP + "dta: {source: sample}", r"job.yaml: dta is not a setting, did you mean 'data'\?"),
        (SWEEP + "data: {symbls: [IBM]}", r"data.symbls is not a setting, did you mean 'symbols'"),
        (SWEEP + "costs: {xyz: 1}", "costs.xyz is not a setting; known are commission_bps"),
        (SWEEP + "account: {cash: 0}", "account.cash should be greater than 0, was 0"),
        (SWEEP + "costs: {commission_bps: 90000}", "costs.commission_bps .*was 90000"),
        (SWEEP + "run: {workers: -1}", "run.workers .*was -1"),
        ("job: sweep", "a sweep needs `strategy`"),
        ("job: demo\nstrategy: {name: SmaCross}", "a demo needs `strategies`"),
        ("job: dance", "job .*was 'dance'"),
        ("- a\n- b", "must hold settings by name, held list"),
        ("job: [", "must be YAML"),
        ("", "must hold settings by name"),
    ],
)
def test_a_wrong_file_is_explained_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(written(tmp_path, text))
    assert re.search(message, str(raised.value))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("override", ["data.symbols", "=3", "a..b=1", "job.x=1"])
def test_a_wrong_override_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        read_settings(written(tmp_path, SWEEP), [override])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml is not there"):
        read_settings(tmp_path / "nowhere.yaml")
