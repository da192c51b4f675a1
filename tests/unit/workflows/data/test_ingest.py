"""What is stored stays, whatever fails beside it; and what became of it is told."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fanfold.errors import ConfigError, DataError, SourceError
from fanfold.market.sources.source import Delivery, Request
from fanfold.market.store import Series, Store, numbers
from fanfold.settings import check_settings
from fanfold.workflows.data import ingest as module
from fanfold.workflows.data.ingest import FAILURES_IN_A_ROW_MAX, ingest
from fanfold.workflows.data.ingest_lines import asked_by, exit_code, ingest_lines
from fanfold.workflows.data.ingest_plan import Asked

DAY = 86_400_000_000_000
HEAD = "date,symbol,open,high,low,close,volume\n"
# The third row of BAD is no bar: its high is below its close.
ROWS = {
    "GOOD": [(2, 10.0, 11.0), (3, 11.0, 12.0), (4, 12.0, 13.0)],
    "BAD": [(2, 10.0, 11.0), (3, 11.0, 12.0), (4, 12.0, 9.0)],
}


def written(folder: Path, name: str, rows: dict[str, list[tuple[int, float, float]]]) -> str:
    lines = [
        f"2024-01-0{day},{symbol},{close},{high},{close - 1},{close},5\n"
        for symbol, bars in rows.items()
        for day, close, high in bars
    ]
    file = folder / name
    file.write_text(HEAD + "".join(lines), encoding="utf-8")
    return str(file)


def asked(folder: Path, *source: str, **given: Any) -> Asked:
    common = {"store": str(folder / "store"), "calendar": "24/7", "workers": 0}
    return Asked(source=source, **(common | given))


def closes(folder: Path, symbol: str) -> list[float]:
    series = Series(kind="bars", symbol=symbol, timeframe="1D")
    return numbers(Store.at(folder / "store").read(series), "close").tolist()


def test_a_file_is_stored_and_what_cannot_be_a_bar_is_set_aside(tmp_path: Path) -> None:
    file = written(tmp_path, "bars.csv", ROWS)
    done = ingest(asked(tmp_path, file), shown=False)
    plain = done.plain()
    assert plain["status"] == "ok"
    assert [(one["symbol"], one["added"], one["quarantined"]) for one in plain["symbols"]] == [
        ("GOOD", 3, 0),
        ("BAD", 2, 1),
    ]
    assert plain["added"] == 5
    assert plain["findings"]["error"] == 1
    assert closes(tmp_path, "BAD") == [10.0, 11.0]
    assert exit_code(done) == 0
    again = ingest(asked(tmp_path, file), shown=False).plain()
    assert (again["added"], again["revised"], again["unchanged"]) == (0, 0, 5)


def test_strict_refuses_one_symbol_and_stores_the_other(tmp_path: Path) -> None:
    file = written(tmp_path, "bars.csv", ROWS)
    done = ingest(asked(tmp_path, file, strict=True), shown=False)
    assert closes(tmp_path, "GOOD") == [10.0, 11.0, 12.0]
    assert not Store.at(tmp_path / "store").has(Series(kind="bars", symbol="BAD", timeframe="1D"))
    (failed,) = done.plain()["failed"]
    assert failed["symbol"] == "BAD"
    assert "ohlc" in failed["reason"]
    assert exit_code(done) == 2
    assert any(line.startswith("failed  BAD: ") for line in ingest_lines(done))


def test_of_two_files_that_disagree_the_later_stands(tmp_path: Path) -> None:
    first = written(tmp_path, "a.csv", {"A": [(2, 10.0, 11.0), (3, 11.0, 12.0)]})
    second = written(tmp_path, "b.csv", {"A": [(3, 11.5, 12.0), (4, 12.0, 13.0)]})
    done = ingest(asked(tmp_path, first, second), shown=False).plain()
    assert closes(tmp_path, "A") == [10.0, 11.5, 12.0]
    (one,) = done["symbols"]
    assert (one["added"], one["revised"]) == (3, 1)


def test_units_may_be_worked_on_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        written(tmp_path, "a.csv", {"A": [(2, 10.0, 11.0)], "B": [(2, 10.0, 11.0)]}),
        written(tmp_path, "b.csv", {"C": [(2, 10.0, 11.0)]}),
        written(tmp_path, "c.csv", {"B": [(2, 12.0, 13.0)]}),
        written(tmp_path, "d.csv", {"C": [(2, 14.0, 15.0)]}),
    ]
    here = ingest(asked(tmp_path, *files), shown=False)
    other = tmp_path / "other"
    whole = module._mapped
    monkeypatch.setattr(
        module, "_mapped", lambda fleet, work, units: whole(fleet, work, reversed(units))
    )
    there = ingest(asked(other, *files), shown=False)
    found = [
        {one.series: one.fingerprint for one in Store.at(at).list()}
        for at in (tmp_path / "store", other / "store")
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 3
    assert there.plain()["revised"] == here.plain()["revised"] == 2


def test_replace_forgets_what_was_stored_and_keeps_what_comes_now(tmp_path: Path) -> None:
    old = written(tmp_path, "old.csv", {"A": [(1, 9.0, 10.0), (2, 10.0, 11.0)]})
    ingest(asked(tmp_path, old), shown=False)
    first = written(tmp_path, "a.csv", {"A": [(2, 20.0, 21.0)]})
    second = written(tmp_path, "b.csv", {"A": [(3, 30.0, 31.0)]})
    ingest(asked(tmp_path, first, second, replace=True), shown=False)
    assert closes(tmp_path, "A") == [20.0, 30.0]


def test_a_file_that_cannot_be_read_keeps_no_other_out(tmp_path: Path) -> None:
    good = written(tmp_path, "a.csv", {"A": [(2, 10.0, 11.0)]})
    torn = tmp_path / "b.parquet"
    torn.write_bytes(b"PAR1 and nothing more")
    done = ingest(asked(tmp_path, str(torn), good), shown=False)
    assert closes(tmp_path, "A") == [10.0]
    assert [one["symbol"] for one in done.plain()["failed"]] == ["b.parquet"]
    assert exit_code(done) == 2


def test_a_symbol_that_no_file_has_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "bars.csv", ROWS)
    done = ingest(asked(tmp_path, file, symbols=("GOOD", "GOD")), shown=False)
    assert done.plain()["failed"] == [{"symbol": "GOD", "reason": "no file has rows of it"}]
    assert closes(tmp_path, "GOOD") == [10.0, 11.0, 12.0]


@dataclass
class Service:
    """A bar a day for each symbol; one is unknown, others fail."""

    down: set[str] = field(default_factory=set)
    refused: bool = False
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    name: str = "service"
    feed: str = ""

    def check(self, request: Request) -> None:
        del request

    def fetch(self, request: Request) -> Iterator[Delivery]:
        assert request.start is not None
        assert request.end is not None
        for symbol in request.symbols or ():
            self.asked.append((symbol, request.start // DAY, request.end // DAY))
            if self.refused:
                raise ConfigError("keys were refused")
            if symbol in self.down:
                raise SourceError(f"{symbol}: server was down")
            if symbol == "UNKNOWN":
                raise DataError("UNKNOWN is unknown")
            if symbol != "EMPTY":
                yield self._bars(symbol, np.arange(request.start, request.end, DAY))

    def _bars(self, symbol: str, ts: Any) -> Delivery:
        price = pa.array(10.0 + np.arange(len(ts)) % 3)
        columns = {"ts": pa.array(ts).cast(pa.timestamp("ns", "UTC"))}
        columns |= dict.fromkeys(("open", "high", "low", "close", "volume"), price)
        return Delivery(
            symbol=symbol, kind="bars", table=pa.table(columns), stamp="start", calendar="24/7"
        )


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    found = Service()
    monkeypatch.setattr(module, "opened", lambda *_: found)
    return found


def of_service(folder: Path, *symbols: str, **given: Any) -> Asked:
    period = {"start": "2009-12-30", "end": "2010-01-02", "symbols": symbols, "calendar": None}
    return asked(folder, "polygon", **(period | given))


def test_a_service_is_asked_by_symbol_and_range_and_not_again(
    tmp_path: Path, service: Service
) -> None:
    done = ingest(of_service(tmp_path, "A", "B"), shown=False).plain()
    assert [(one["symbol"], one["added"]) for one in done["symbols"]] == [("A", 4), ("B", 4)]
    decade = 14_610  # 2010-01-01, where daily ranges are cut
    spans = [(14_608, decade), (decade, decade + 2)]
    assert service.asked == [(symbol, *span) for symbol in ("A", "B") for span in spans]
    service.asked.clear()
    again = ingest(of_service(tmp_path, "A", "B"), shown=False)
    assert service.asked == []
    assert again.plain()["status"] == "ok"
    ingest(of_service(tmp_path, "A", refresh=True), shown=False)
    assert service.asked == [("A", *span) for span in spans]


def test_replace_asks_for_all_ranges_and_forgets_once(tmp_path: Path, service: Service) -> None:
    ingest(of_service(tmp_path, "A", start="2009-12-01", end="2009-12-05"), shown=False)
    service.asked.clear()
    ingest(of_service(tmp_path, "A", replace=True), shown=False)
    assert len(service.asked) == 2
    assert len(closes(tmp_path, "A")) == 4


def test_one_symbol_that_fails_stops_no_other(tmp_path: Path, service: Service) -> None:
    service.down = {"DOWN"}
    done = ingest(of_service(tmp_path, "UNKNOWN", "DOWN", "EMPTY", "A"), shown=False)
    assert len(closes(tmp_path, "A")) == 4
    reasons = {one["symbol"]: one["reason"] for one in done.plain()["failed"]}
    assert reasons == {
        "UNKNOWN": "UNKNOWN is unknown",
        "DOWN": "DOWN: server was down",
        "EMPTY": "polygon has no rows of it in the period",
    }
    assert exit_code(done) == 2
    only_down = ingest(of_service(tmp_path, "DOWN"), shown=False)
    assert exit_code(only_down) == 1


def test_a_source_that_is_down_is_not_asked_for_ever(tmp_path: Path, service: Service) -> None:
    names = tuple(f"S{number}" for number in range(20))
    service.down = set(names)
    done = ingest(of_service(tmp_path, *names, start="2010-01-01"), shown=False)
    assert len(service.asked) == FAILURES_IN_A_ROW_MAX
    failed = done.plain()["failed"]
    assert [one["symbol"] for one in failed] == list(names)
    assert "not asked for" in failed[-1]["reason"]


def test_refused_keys_end_it_at_once(tmp_path: Path, service: Service) -> None:
    service.refused = True
    with pytest.raises(ConfigError, match="keys were refused"):
        ingest(of_service(tmp_path, "A", "B"), shown=False)
    assert len(service.asked) == 1


def test_a_stop_keeps_what_was_stored(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = service.fetch

    def stopped(request: Request) -> Iterator[Delivery]:
        if request.symbols == ("B",):
            raise KeyboardInterrupt
        yield from whole(request)

    monkeypatch.setattr(service, "fetch", stopped, raising=False)
    with pytest.raises(KeyboardInterrupt):
        ingest(of_service(tmp_path, "A", "B"), shown=False)
    assert len(closes(tmp_path, "A")) == 4


def test_many_symbols_are_cut_short_on_a_terminal_and_whole_in_json(tmp_path: Path) -> None:
    rows = {f"S{number:03}": [(2, 10.0, 11.0)] for number in range(50)}
    done = ingest(asked(tmp_path, written(tmp_path, "many.csv", rows)), shown=False)
    lines = ingest_lines(done)
    assert "and 10 more" in lines
    assert len(lines) == 1 + 40 + 1 + 1
    assert len(done.plain()["symbols"]) == 50


def test_a_configuration_asks_for_the_same_as_the_options() -> None:
    content = {
        "job": "ingest",
        "ingest": {"source": "yahoo", "symbols": ["A"], "start": "2020-01-01", "strict": True},
        "run": {"workers": 0},
    }
    found = asked_by(check_settings(content, "job"))
    assert found.source == ("yahoo",)
    assert found.symbols == ("A",)
    assert str(found.start) == "2020-01-01"
    assert found.strict
    assert found.workers == 0
    with pytest.raises(ConfigError, match="an ingest needs no `strategy`"):
        check_settings(content | {"strategy": {"name": "SmaCross"}}, "job")
