"""Look up every locked package among known vulnerabilities; what is found fails the check.

A source of advisories is asked first for a package that is known to have one, so that one
which knows nothing is not taken for good news. Where none answers, as on a machine without
the internet, this says so and passes: a release is audited where one does. What is accepted
for a while stands in infra/audit.toml, with a reason and the day on which it ends.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

REPO: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = ("requirements.lock", "infra/bootstrap.lock")
SOURCES: Final = ("osv", "pypi", "esms")
"""Services that pip-audit can ask, the most complete first."""

KNOWN_BAD: Final = "jinja2==2.4.1"
"""A version with advisories that every source has had for years."""

ANSWER_S: Final = 15
"""How long a service may take to answer one question [s]."""

AUDIT_S: Final = 300.0
"""How long all questions may take [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A vulnerability that is lived with for a while.

    Attributes:
        package, id: Which; an alias of it will do.
        reason: Why it cannot be reached, or cannot be mended yet.
        until: The last day on which it is accepted.
    """

    package: str
    id: str
    reason: str
    until: dt.date


def main() -> int:
    """Audit the locks; the exit code."""
    accepted = read_accepted((REPO / "infra" / "audit.toml").read_text(encoding="utf-8"))
    with ThreadPoolExecutor() as asking:
        known = zip(SOURCES, asking.map(answers, SOURCES), strict=True)
        source = next((source for source, knows in known if knows), None)
    if source is None:
        _say(f"no source of advisories answers ({', '.join(SOURCES)}): nothing was audited")
        return 0
    answered = [one for lock in LOCKS for one in dependencies_of(asked(REPO / lock, source))]
    problems = list(findings(answered, accepted, dt.datetime.now(dt.UTC).date()))
    skipped = sum("skip_reason" in one for one in answered)
    _say(f"{len(answered) - skipped} packages asked for at {source}, {skipped} unknown there")
    for problem in problems:
        _say(problem)
    return int(bool(problems))


def read_accepted(text: str) -> list[Accepted]:
    """What infra/audit.toml accepts.

    Raises:
        ValueError: An entry has no reason, or another field than it must have.
    """
    rows: Sequence[Mapping[str, Any]] = tomllib.loads(text).get("accepted", [])
    found: list[Accepted] = []
    for row in rows:
        fields = set(Accepted.__dataclass_fields__)
        if set(row) != fields or not str(row["reason"]).strip():
            raise ValueError(f"an accepted vulnerability must have {sorted(fields)}, was {row}")
        found.append(Accepted(**row))
    return found


def answers(source: str) -> bool:
    """Whether a source knows what is known to be bad."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder, "probe.txt")
        probe.write_text(f"{KNOWN_BAD}\n", encoding="ascii")
        return any(one.get("vulns") for one in dependencies_of(asked(probe, source)))


def asked(requirements: Path, source: str) -> str:
    """What pip-audit says of a file of exact versions, as JSON; "" where it fails."""
    command = [
        *(sys.executable, "-m", "pip_audit", "--vulnerability-service", source),
        *("--requirement", str(requirements), "--no-deps", "--disable-pip"),
        *("--format", "json", "--progress-spinner", "off", "--timeout", str(ANSWER_S)),
    ]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=AUDIT_S, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return ran.stdout


def dependencies_of(answer: str) -> list[dict[str, Any]]:
    """The packages of an answer of pip-audit; none where it is no answer."""
    try:
        found: dict[str, Any] = json.loads(answer)
    except ValueError:
        return []
    return list(found["dependencies"])


def findings(
    dependencies: Sequence[Mapping[str, Any]], accepted: Sequence[Accepted], today: dt.date
) -> Iterator[str]:
    """Say in a sentence each what must be mended.

    Args:
        dependencies: As pip-audit tells them.
        accepted: What is lived with.
        today: The day.
    """
    used: set[Accepted] = set()
    for one in dependencies:
        for vulnerability in one.get("vulns", []):
            names = {vulnerability["id"], *vulnerability.get("aliases", [])}
            match = next((a for a in accepted if a.package == one["name"] and a.id in names), None)
            if match is not None:
                used.add(match)
            if match is None or match.until < today:
                yield _sentence(one, vulnerability, match)
    for unused in accepted:
        if unused not in used:
            yield f"{unused.id} of {unused.package} is accepted but not there: remove it"


def _sentence(
    one: Mapping[str, Any], vulnerability: Mapping[str, Any], match: Accepted | None
) -> str:
    fixed = ", ".join(vulnerability.get("fix_versions", [])) or "none yet"
    ended = "" if match is None else f"; it was accepted until {match.until}"
    return f"{one['name']} {one['version']} has {vulnerability['id']}, mended in {fixed}{ended}"


def _say(text: str) -> None:
    sys.stderr.write(f"audit: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
