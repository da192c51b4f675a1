"""The audit of what is locked: what it finds, what it lets pass, and when it cannot tell."""

import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from infra import audit
from tests.fakes.manifests import REPO

TODAY = dt.date(2026, 11, 29)
BAD: dict[str, Any] = {
    "name": "loud",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}],
}
GOOD: dict[str, Any] = {"name": "quiet", "version": "2.0", "vulns": []}
UNKNOWN: dict[str, Any] = {"name": "new", "skip_reason": "not found"}
SENTENCE = "loud 1.0 has PYSEC-1, mended in 1.1"


def accepted(until: dt.date = TODAY, package: str = "loud") -> audit.Accepted:
    return audit.Accepted(package=package, id="CVE-1", reason="not reached", until=until)


def found(dependencies: list[dict[str, Any]], *living_with: audit.Accepted) -> list[str]:
    return list(audit.findings(dependencies, living_with, TODAY))


def test_a_known_vulnerability_is_found_and_nothing_else_is() -> None:
    assert found([GOOD, BAD, UNKNOWN]) == [SENTENCE]
    assert found([GOOD, UNKNOWN]) == []


def test_one_that_is_accepted_passes_until_its_day_is_over() -> None:
    assert found([BAD], accepted()) == []
    yesterday = TODAY - dt.timedelta(days=1)
    assert found([BAD], accepted(yesterday)) == [f"{SENTENCE}; it was accepted until {yesterday}"]


def test_what_is_accepted_and_is_not_there_is_told() -> None:
    assert found([GOOD], accepted(package="quiet")) == [
        "CVE-1 of quiet is accepted but not there: remove it"
    ]


def test_nothing_is_accepted_without_a_reason() -> None:
    row = '[[accepted]]\npackage = "a"\nid = "CVE-1"\nuntil = 2027-01-01\nreason = '
    (one,) = audit.read_accepted(f'{row}"not reached"')
    assert one.until == dt.date(2027, 1, 1)
    for text in (f'{row}" "', row.replace("reason = ", ""), f'{row}"so"\nmore = 1'):
        with pytest.raises(ValueError, match="an accepted vulnerability must have"):
            audit.read_accepted(text)


def test_what_is_accepted_now_can_be_read() -> None:
    text = (REPO / "infra" / "audit.toml").read_text(encoding="utf-8")
    assert len(audit.read_accepted(text)) == len(tomllib.loads(text).get("accepted", []))


def told(monkeypatch: pytest.MonkeyPatch, answer: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Let sources answer with these packages; the questions that were asked of them."""
    asked: list[str] = []

    def ask(requirements: Path, source: str) -> str:
        asked.append(f"{requirements.name} {source}")
        packages = answer.get(source)
        return "" if packages is None else json.dumps({"dependencies": packages})

    monkeypatch.setattr(audit, "asked", ask)
    return asked


def test_a_source_that_does_not_know_what_is_bad_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(monkeypatch, {"pypi": [UNKNOWN], "esms": [GOOD]})
    assert audit.main() == 0
    assert capsys.readouterr().err == (
        "audit: no source of advisories answers (osv, pypi, esms): nothing was audited\n"
    )


def test_all_locks_are_asked_for_where_one_is_to_be_believed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = told(monkeypatch, {"pypi": [BAD, UNKNOWN]})
    assert audit.main() == 1
    assert asked[-2:] == ["requirements.lock pypi", "bootstrap.lock pypi"]
    said = capsys.readouterr().err
    assert "2 packages asked for at pypi, 2 unknown there" in said
    assert f"audit: {SENTENCE}\n" in said
