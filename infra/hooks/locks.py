"""Check, without network, that the locks still answer what asks for them.

A lock is fresh when it holds every direct requirement in a version that satisfies
it, holds none that nobody asks for any more, names no address, and has a hash for
every package. Renewing one is `make lock`.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def main() -> int:
    """Print what is stale and return the exit code."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text())
    stale = list(findings("requirements.lock", direct_requirements(project), "fanfold"))
    for name in ("bootstrap", "peers", "tools"):
        wanted = [Requirement(line) for line in _requirement_lines(f"infra/{name}.in")]
        stale += findings(f"infra/{name}.lock", wanted, f"-r {name}.in")
    for finding in stale:
        sys.stderr.write(f"{finding}; `make lock` renews the locks\n")
    return int(bool(stale))


def direct_requirements(project: dict[str, Any]) -> list[Requirement]:
    """Requirements of the project and of its `dev` group, with the groups it includes."""
    lines = [*project["project"]["dependencies"], *_group(project["dependency-groups"], "dev")]
    return [Requirement(line) for line in lines]


def findings(lock_name: str, wanted: Iterable[Requirement], asker: str) -> Iterator[str]:
    """Say in a sentence each what keeps a lock from answering what is wanted.

    Args:
        lock_name: The lock's path from the root of the repository.
        wanted: Direct requirements.
        asker: How the lock calls who asks for them in its `via` comments.
    """
    text = (REPO / lock_name).read_text()
    if "://" in text:
        yield f"{lock_name} must not hold an address"
    pins: dict[str, list[str]] = {}
    for name, version in PIN.findall(text):
        pins.setdefault(canonicalize_name(name), []).append(version)
    direct = {canonicalize_name(requirement.name): requirement for requirement in wanted}
    for name, requirement in direct.items():
        versions = pins.get(name, [])
        allowed = list(requirement.specifier.filter(versions, prereleases=True))
        if not versions or allowed != versions:
            yield f"{lock_name} must hold {requirement}, was {', '.join(versions) or 'nothing'}"
    for entry in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        name = canonicalize_name(entry.split("==")[0])
        if entry.strip() and "--hash=sha256:" not in entry:
            yield f"{lock_name} must hold a hash for {name}"
        if name not in direct and re.search(rf"^ +# +(?:via )?{asker}\b", entry, re.MULTILINE):
            yield f"{lock_name} holds {name}, which is not asked for any more"


def _group(groups: dict[str, list[Any]], name: str) -> Iterator[str]:
    for entry in groups[name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _group(groups, entry["include-group"])


def _requirement_lines(name: str) -> list[str]:
    lines = (REPO / name).read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


if __name__ == "__main__":
    sys.exit(main())
