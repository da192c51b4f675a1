"""Print the part of a lock that running needs: no test, no linter, in the same versions.

The image installs this part, with its hashes, so it has the environment that was tested and
nothing else. Who asks for a package stands in the lock itself, in its `via` comments.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROJECT: Final = "fanfold (pyproject.toml)"
"""How the lock calls the project; its groups have another name behind a colon."""

_ENTRY: Final = re.compile(r"^(?=[A-Za-z0-9])", re.MULTILINE)
_VIA: Final = re.compile(r"^ +# +(?:via )?(?P<asker>[A-Za-z0-9._-]+(?: \(.*\))?)$", re.MULTILINE)


def main() -> int:
    """Print the part of the lock that is named, or say what it must be; the exit code."""
    if len(sys.argv) != 2:  # noqa: PLR2004  (the program and a lock)
        sys.stderr.write("fanfold: runtime.py must be given one lock, such as requirements.lock\n")
        return 2
    sys.stdout.write("".join(needed_entries(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    return 0


def needed_entries(lock: str) -> Iterator[str]:
    """Each entry that the project asks for, or that something needed asks for.

    Args:
        lock: Text of a lock with `via` comments.
    """
    entries = [entry for entry in _ENTRY.split(lock) if "==" in entry]
    needed, before = {PROJECT}, 0
    while len(needed) > before:  # each round adds what the last one's packages ask for
        before = len(needed)
        needed |= {name_of(entry) for entry in entries if needed & askers_of(entry)}
    yield from (entry for entry in entries if name_of(entry) in needed)


def name_of(entry: str) -> str:
    """Name of the package that an entry is about."""
    return entry.partition("==")[0].strip()


def askers_of(entry: str) -> set[str]:
    """Who asks for an entry: packages, and the project or one of its groups."""
    return {found["asker"] for found in _VIA.finditer(entry)}


if __name__ == "__main__":
    sys.exit(main())
