"""Small tables of text for a terminal."""

from collections.abc import Collection, Sequence
from typing import Final

LINES_MAX: Final = 40
"""Rows of a table that a terminal shows."""


def table_lines(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    texts: Collection[int] = (0,),
    lines_max: int = LINES_MAX,
) -> list[str]:
    """A table as lines, numbers under each other; what is too much is counted.

    Args:
        head: A title a column.
        rows: A cell a column.
        texts: Places of the columns that read from the left.
        lines_max: Rows that are shown.
    """
    if not rows:
        return []
    shown = [head, *rows[:lines_max]]
    widths = [max(len(row[place]) for row in shown) for place in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if place in texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown
    ]
    if len(rows) > lines_max:
        lines.append(f"and {len(rows) - lines_max:,} more")
    return lines
