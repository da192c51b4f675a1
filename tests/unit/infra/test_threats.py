"""The page of threats names tests, and each of them is there."""

import re

from tests.fakes.manifests import REPO

PAGE = (REPO / "THREATS.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]


def test_every_threat_is_answered_by_a_test_that_exists() -> None:
    assert len(ROWS) >= 15
    missing: list[str] = []
    for row in ROWS:
        file = ""
        cited = re.findall(r"`([^`]*?\.py|…)(?:::(\w+))?`", row.rsplit("|", 2)[1])
        assert cited, row
        for path, name in cited:
            file = file if path == "…" else path
            source = REPO / file
            text = source.read_text(encoding="utf-8") if source.is_file() else ""
            if not text or (name and f"def {name}(" not in text):
                missing.append(f"{file}::{name}")
    assert missing == []
