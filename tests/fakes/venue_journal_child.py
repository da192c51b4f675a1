"""A process that does nothing but commit what a book at random does, until it is killed.

It prints the number of each commit once that is made.
"""

import sys
from pathlib import Path

from tests.fakes.venue_journal import NOW, commits_of

from fanfold.venue.journal import Journal


def main(path: str, seed: str) -> None:
    """Begin a journal and commit without end."""
    journal = Journal.open(Path(path), terms="child")
    for number, changes in commits_of(int(seed), journal):
        journal.commit(changes, NOW + number)
        print(number, flush=True)  # noqa: T201  (this is how it is heard)


if __name__ == "__main__":
    main(*sys.argv[1:])
