"""HTML that cannot be broken by what it shows.

Text is escaped by default; only what `tag` made is taken as it is. So a strategy
called `<script>` is shown, not run, without anybody having to remember it.
"""

import html
from collections.abc import Iterable


class Markup(str):
    """HTML that is already escaped."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Markup:
    """One element.

    Args:
        name: Its name.
        children: Markup, or text to escape.
        attributes: By name; a trailing `_` is dropped (`class_`), others become `-`.
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{shown}>{together(children)}</{name}>")


def together(children: Iterable[str]) -> Markup:
    """Markup and escaped text, one after the other."""
    return Markup(
        "".join(child if isinstance(child, Markup) else html.escape(child) for child in children)
    )


def table(head: list[str], rows: list[list[str]], *, text_columns: int = 1) -> Markup:
    """A table whose numbers stand under each other, in a box that scrolls.

    Args:
        head: A title a column.
        rows: A cell a column.
        text_columns: How many of the first columns are text and read from the left.
    """

    def cells(kind: str, row: list[str]) -> Markup:
        return tag(
            "tr",
            *(
                tag(kind, cell, class_="text" if place < text_columns else "number")
                for place, cell in enumerate(row)
            ),
        )

    return tag(
        "div",
        tag(
            "table",
            tag("thead", cells("th", head)),
            tag("tbody", *(cells("td", row) for row in rows)),
        ),
        class_="scroll",
        tabindex="0",
    )
