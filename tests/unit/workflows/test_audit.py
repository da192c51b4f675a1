"""The audit as a job: what it takes, how it imports, and what it says."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import ConfigError
from fanfold.settings import DataSettings
from fanfold.workflows.audit import AuditClosed, audit_job, imported_anew
from fanfold.workflows.strategies import find_strategy

PEEKING = """
from typing import ClassVar
import fanfold as ff
from fanfold.strategies import Strategy

bars = ff.load_bars("sample", start="2012-07-01")
place_of = {int(ts): t for t, ts in enumerate(bars.ts)}

class Peeking(Strategy):
    share: float = 0.2
    def decide(self, assets, portfolio, memory):
        t = place_of[portfolio.ts]
        later = min(t + 1, bars.bar_count - 1)
        for k, asset in enumerate(assets):
            asset.target = self.share if bars.close[later, k] > bars.close[t, k] else 0.0

class Crashing(Peeking):
    def decide(self, assets, portfolio, memory):
        t = place_of[portfolio.ts]
        if t + 1 < 185:
            assets[0].target = 0.1 if bars.close[t + 1, 0] > bars.close[t, 0] else 0.0

class Honest(Peeking):
    def decide(self, assets, portfolio, memory):
        t = place_of[portfolio.ts]
        for k, asset in enumerate(assets):
            asset.target = self.share if asset.close > bars.close[max(t - 5, 0), k] else 0.0
"""

BESIDE = """
from typing import ClassVar
from prices_beside_it import bars, place_of
from fanfold.strategies import Strategy

class Peeking(Strategy):
    def decide(self, assets, portfolio, memory):
        t = place_of[portfolio.ts]
        assets[0].target = 0.1 if bars.close[-1, 0] > bars.close[t, 0] else 0.0
"""

CONFIG = """
job: sweep
data: {source: sample, symbols: [IBM, MSFT], start: 2012-01-01}
strategy:
  name: SmaCross
  params: {fast: {range: [3, 9]}, slow: {values: [20, 30]}}
account: {cash: 50000}
"""

DATA = DataSettings(start="2012-07-01")


def audited(target: str, **how: Any) -> AuditClosed:
    return audit_job(target, **({"data": DATA, "cuts": 2} | how))


@pytest.fixture
def peeking(tmp_path: Path) -> Path:
    file = tmp_path / "peeking.py"
    file.write_text(PEEKING, encoding="utf-8")
    return file


def test_a_shipped_strategy_passes_and_says_how_much_was_compared() -> None:
    closed = audited("SmaCross", params={"slow": 20})
    assert closed.status == "ok"
    assert closed.lines[0] == "SmaCross(fast=10, slow=20): no look-ahead found"
    assert closed.content["findings"] == closed.content["warnings"] == []
    assert closed.content["params"] == {"fast": 10, "slow": 20}
    assert closed.content["cuts"] in (3, 4)
    assert f"{closed.content['decisions']:,} decisions compared" in closed.lines[1]


def test_bars_that_a_file_loads_for_itself_are_cut_too(peeking: Path) -> None:
    closed = audited(f"{peeking}:Peeking")
    (finding,) = closed.content["findings"]
    assert closed.status == "leak"
    assert (finding["test"], finding["kind"]) == ("prefix", "looks 1 bar ahead")
    assert {finding["with_future"], finding["without_future"]} == {0.2, 0.0}
    assert finding["ts"] == finding["cut"]
    assert closed.lines[2].startswith("prefix: looks 1 bar ahead; target of ")
    assert closed.content["warnings"][0].startswith("decisions do not depend on the prices given")


def test_a_decision_that_raises_without_the_future_is_a_leak(peeking: Path) -> None:
    closed = audited(f"{peeking}:Crashing")
    (finding,) = closed.content["findings"]
    assert (finding["wish"], finding["kind"]) == ("raised", "looks 1 bar ahead")
    assert "IndexError" in finding["without_future"]
    assert "; decision at 2012-07-03T17:00Z was made, without later bars raised" in closed.lines[2]


def test_a_file_that_looks_back_in_its_own_bars_passes(peeking: Path) -> None:
    closed = audited(f"{peeking}:Honest", params={"share": 0.1})
    assert closed.status == "ok"
    assert closed.content["warnings"] == []


def test_modules_beside_the_file_are_imported_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "prices_beside_it.py").write_text(PEEKING, encoding="utf-8")
    file = tmp_path / "beside.py"
    file.write_text(BESIDE, encoding="utf-8")
    closed = audited(f"{file}:Peeking")
    assert closed.status == "leak"
    assert "prices_beside_it" not in sys.modules


def test_a_module_of_a_package_is_imported_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "peeking_package"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "inside.py").write_text(PEEKING, encoding="utf-8")
    assert audited("peeking_package.inside:Peeking").status == "leak"
    assert not [name for name in sys.modules if name.startswith("peeking_package")]


def test_what_was_imported_before_is_there_again(peeking: Path) -> None:
    name = f"{peeking}:Peeking"
    before = find_strategy(name)
    with imported_anew(str(peeking)):
        assert find_strategy(name) is not before
    assert find_strategy(name) is before
    with imported_anew("fanfold.strategies"):
        assert "fanfold.strategies" in sys.modules


def test_the_modules_of_an_audit_are_gone_afterwards(peeking: Path) -> None:
    before = set(sys.modules)
    audited(f"{peeking}:Honest", cuts=0)
    assert not [name for name in set(sys.modules) - before if name.startswith("peeking")]


def test_a_configuration_gives_data_terms_and_the_first_of_swept_values(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    closed = audit_job(str(file), cuts=1)
    assert closed.content["params"] == {"fast": 3, "slow": 20}
    changed = audit_job(str(file), overrides=["data.start=2012-09-01"], params={"slow": 25}, cuts=1)
    assert changed.content["params"] == {"fast": 3, "slow": 25}
    assert changed.content["decisions"] < closed.content["decisions"]


def test_findings_go_into_json(tmp_path: Path) -> None:
    file = tmp_path / "leaks.py"
    file.write_text(
        "from tests.fakes.leaks import ShiftedBack as Back\nclass Mine(Back): pass\n",
        encoding="utf-8",
    )
    closed = audited(f"{file}:Mine")
    content = json.loads(json.dumps(closed.content, allow_nan=False))
    column = content["findings"][0]
    assert (column["wish"], column["without_future"]) == ("column own", None)
    assert {"test", "ts", "symbol", "kind", "cut", "count"} <= set(column)


def test_targets_that_cannot_be_audited_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'SmaCross'"):
        audited("SmaCros")
    with pytest.raises(ConfigError, match=r"nowhere\.py is not"):
        audited("nowhere.py:Mine")
    with pytest.raises(ConfigError, match="of a YAML file only, was SmaCross"):
        audited("SmaCross", overrides=["data.start=2012-09-01"])
    demo = tmp_path / "demo.yaml"
    demo.write_text("job: demo\nstrategies: [{name: SmaCross}, {name: BuyAndHold}]\n", "utf-8")
    with pytest.raises(ConfigError, match=r"takes one strategy, .* has SmaCross, BuyAndHold"):
        audit_job(str(demo))
