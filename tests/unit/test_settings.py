"""Settings are read from YAML and explained by file, field and value."""

import re
from pathlib import Path

import pytest
import yaml

from fanfold.errors import ConfigError
from fanfold.research.shocks import Gap, SpreadTimes
from fanfold.settings import check_settings, read_settings
from fanfold.settings.live import LiveJob
from fanfold.venue.faults.reading import fault_of
from fanfold.venue.settings import VenueSettings

CONFIGS = Path(__file__).parents[2] / "configs"
VENUE = CONFIGS / "venue.yaml"
JOBS = sorted(set(CONFIGS.glob("*.yaml")) - {VENUE})
SWEEP = """
job: sweep
strategy: {name: SmaCross, params: {fast: {range: [2, 5]}, slow: 20}}
"""
STRESS = """
job: stress
strategy: {name: SmaCross}
stress: {shocks: [{kind: spread_times, factor: 2}, SHOCK]}
"""
AHEAD = """
job: monte_carlo
strategy: {name: SmaCross}
monte_carlo: """


def written(folder: Path, text: str) -> Path:
    file = folder / "job.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("file", JOBS, ids=lambda file: file.stem)
def test_every_shipped_configuration_is_valid(file: Path) -> None:
    others = {
        "execution": "backtest",
        "cross_validation": "cross_validate",
        "learning": "walk_forward",
    }
    if file.stem == "live_paper":
        assert read_settings(file, (), LiveJob).job == "live"
        return
    job = others.get(file.stem, file.stem)
    assert read_settings(file).job == job


def test_the_shipped_venue_names_every_setting_with_its_usual_value() -> None:
    usual = VenueSettings()
    assert read_settings(VENUE, (), VenueSettings) == usual
    written = yaml.safe_load(VENUE.read_text(encoding="utf-8"))
    assert list(written) == list(usual.model_dump())
    assert list(written["replay"]) == list(usual.replay.model_dump())
    assert [list(one) for one in written["accounts"]] == [list(usual.accounts[0].model_dump())]


def test_the_faults_that_the_shipped_venue_shows_can_be_switched_on() -> None:
    shown = re.findall(r"(?m)^#  - (.+)", VENUE.read_text(encoding="utf-8"))
    assert len(shown) > 3
    for one in shown:
        fault_of(yaml.safe_load(one))


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


@pytest.mark.parametrize(
    ("shock", "message"),
    [
        ("{kind: gapp, size: -0.2}", r"stress.shocks.1 tag 'gapp' .*'gap', 'volatility_times'"),
        ("{size: -0.2}", "stress.shocks.1 .*'kind', was {'size': -0.2}"),
        ("{kind: gap}", "Gap must state 'size', did not"),
        (
            "{kind: gap, size: -0.2, symbls: [IBM]}",
            r"stress.shocks.1.gap.symbls is not a setting, did you mean 'symbols'\?",
        ),
        (
            "{kind: liquidity_gone, bars: 5, factor: 2}",
            "stress.shocks.1.liquidity_gone.factor is not a setting; known are kind, bars, symb",
        ),
        ("{kind: gap, size: -1}", "stress.shocks.1.gap.size should be greater than -1, was -1"),
        ("{kind: gap, size: .nan}", "stress.shocks.1.gap.size should be a finite number"),
        ("{kind: gap, size: -0.1, at: soon}", "stress.shocks.1.gap.at .*was 'soon'"),
        ("{kind: gap, size: -0.1, symbols: []}", "stress.shocks.1.gap.symbols .* at least 1 item"),
        ("{kind: volatility_times, factor: 0}", "volatility_times.factor .*greater than 0, was 0"),
        ("gap", "stress.shocks.1 .*was 'gap'"),
    ],
)
def test_a_wrong_shock_is_explained_in_one_line(tmp_path: Path, shock: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(written(tmp_path, STRESS.replace("SHOCK", shock)))
    assert re.search(message, str(raised.value))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("{levels: [0.9, 1.0]}", "monte_carlo.levels.1 should be less than 1, was 1.0"),
        ("{levels: [0.0]}", "monte_carlo.levels.0 should be greater than 0, was 0.0"),
        ("{levels: []}", "monte_carlo.levels .*at least 1 item"),
        ("{levels: [.nan]}", "monte_carlo.levels.0 should be a finite number"),
        (f"{{levels: {[0.5] * 21}}}", "monte_carlo.levels .*at most 20 items"),
        ("{models: [gbn]}", "monte_carlo.models.0 should be 'bootstrap', 'gbm', .*was 'gbn'"),
        ("{models: []}", "monte_carlo.models .*at least 1 item"),
        ("{prices: block}", "monte_carlo.prices should be 'blocks', 'gbm', .*was 'block'"),
        ("{fractions: [0.5, 0]}", "monte_carlo.fractions.1 should be greater than 0, was 0"),
        ("{ruin: 1}", "monte_carlo.ruin should be less than 1, was 1"),
        ("{goal: 1}", "monte_carlo.goal should be greater than 1, was 1"),
        ("{paths: 0}", "monte_carlo.paths should be greater than or equal to 1, was 0"),
        ("{paths: 2000000000}", "monte_carlo.paths should be less than or equal to 1000000000"),
        ("{bars: 2000000}", "monte_carlo.bars should be less than or equal to 1000000"),
        ("{histories: -1}", "monte_carlo.histories .*was -1"),
        ("{retune: 10001}", "monte_carlo.retune .*was 10001"),
        ("{of: all}", "monte_carlo.of should be 'strategy' or 'holding', was 'all'"),
        ("{path: 5}", r"monte_carlo.path is not a setting, did you mean 'paths'\?"),
        ("{}\nvalue_at_risk: {window: 29}", "value_at_risk.window .*equal to 30, was 29"),
        ("{}\nvalue_at_risk: {levels: [95]}", "value_at_risk.levels.0 .*less than 1, was 95"),
        ("{}\nvalue_at_risk: {methods: [guess]}", "value_at_risk.methods.0 .*was 'guess'"),
        ("{}\nstress: {worst: [5, 0]}", "stress.worst.1 should be greater than or equal to 1"),
        ("{}\nstress: {positions: {IBM: many}}", "stress.positions.IBM .*was 'many'"),
    ],
)
def test_wrong_settings_of_risk_are_explained_in_one_line(
    tmp_path: Path, stated: str, message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(written(tmp_path, AHEAD + stated))
    assert re.search(message, str(raised.value))
    assert "\n" not in str(raised.value)


def test_shocks_are_read_as_what_they_are_in_python(tmp_path: Path) -> None:
    file = written(tmp_path, STRESS.replace("SHOCK", "{kind: gap, size: -0.2, symbols: [IBM]}"))
    assert read_settings(file).stress.shocks == [SpreadTimes(2.0), Gap(-0.2, symbols=("IBM",))]


def test_settings_of_risk_come_back_from_json_as_they_were(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, STRESS.replace("SHOCK", "{kind: gap, size: 1}")))
    assert check_settings(settings.model_dump(mode="json"), "again") == settings


def test_a_sizing_without_its_size_is_explained_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="FixedUnits must state 'units', did not"):
        read_settings(written(tmp_path, SWEEP + "sizing: {kind: fixed_units}"))


def test_a_fault_of_the_code_itself_is_no_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise TypeError("unsupported operand")

    monkeypatch.setattr("fanfold.settings.read.Settings.model_validate", broken)
    with pytest.raises(TypeError, match="unsupported operand"):
        check_settings({}, "any")


def test_errors_repeat_no_secret_and_nothing_endless(tmp_path: Path) -> None:
    for content in (
        "venue: {accounts: [{secret: planted}]}\n",
        "job: live\ndeployment: a\nvenue: {accounts: [{secret: planted, cash: -1}], speed: bad}\n",
        f"deployment: {'x' * 10_000}\n",
    ):
        file = tmp_path / "live.yaml"
        file.write_text(content)
        with pytest.raises(ConfigError) as refused:
            read_settings(file, (), LiveJob)
        assert "planted" not in str(refused.value)
        assert len(str(refused.value)) < 600 + len(str(file))
